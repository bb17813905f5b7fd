'use strict'
// The life of a stream as its users see it: what it tells of itself and of the
// writer, how its listeners come and go, and how it ends.

const assert = require('node:assert/strict')
const { ThreatStream } = require('../../lib/stream/threat-stream.js')
const { sourceOf } = require('../../lib/stream/threat-stream.js')
const { Progress } = require('../../lib/stream/positions.js')
const { openList, turns } = require('../helpers/list-source.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { useUncaught } = require('../helpers/uncaught.js')
const { record } = require('../helpers/wait.js')

describe('what a stream tells', () => {
  it('is what its source says, until something is taken', async () => {
    const { source, stream } = openList(15)
    assert.equal(sourceOf(stream), source)
    assert.deepEqual(stream.stats(), {
      ...{ generation: 'first', sequence: 0, priority: 5, received: 0 },
      ...{ writer: 'live', error: null },
      latency: {
        ...{ count: 0, min: null, mean: null, max: null },
        ...{ p50: null, p90: null, p99: null }
      }
    })
    stream.poll(3)
    const { sequence, priority, received } = stream.stats()
    assert.deepEqual([sequence, priority, received], [3, 103, 3])
    stream.poll(7)
    const all = stream.stats()
    assert.deepEqual([all.sequence, all.priority], [10, 5])
  })

  it('within the look that brings them: what the source says now', () => {
    const { host, source, stream } = openList(25)
    const { take } = source
    let told
    source.take = (max, threats) => {
      const more = take(max, threats)
      source.generation = 'second'
      if (source.takes === 1) host.lost({ count: 1 })
      return more
    }
    stream.on('lost', () => {
      told = stream.stats()
    })
    stream.poll(1)
    assert.deepEqual([told.generation, told.sequence], ['second', 0])
  })

  it('is what ended it, of the source or of the stream', () => {
    const { host, stream } = openList(0)
    const wrong = new Error('the source is broken')
    host.failed(wrong)
    assert.equal(stream.stats().error, wrong)
    const ofSource = new Error('of the source')
    const other = new ThreatStream(
      () => ({ writerState: () => 'live', position: () => null, hold() {} }),
      () => ({ error: ofSource })
    )
    assert.equal(other.stats().error, ofSource)
  })

  it('is healthy while it is open and its writer lives', async () => {
    const { source, stream } = openList(0)
    assert.equal(stream.isHealthy(), true)
    for (const state of ['stalled', 'gone']) {
      source.state = state
      assert.equal(stream.isHealthy(), false)
    }
    source.state = 'live'
    assert.equal(stream.isHealthy(), true)
    assert.equal(stream.closed, false)
    const closed = stream.close()
    assert.equal(stream.closed, true)
    assert.equal(stream.isHealthy(), false)
    await closed
  })

  it('of the writer, when that changes: from a turn of its own', async () => {
    const { host, source, stream } = openList(0)
    const states = record(stream, 'writer')
    host.checked()
    await turns()
    assert.deepEqual(states, [])
    source.state = 'gone'
    assert.equal(stream.stats().writer, 'gone')
    assert.deepEqual(states, [], 'not within stats()')
    await turns()
    assert.deepEqual(states, ['gone'])
    host.checked()
    await turns()
    assert.deepEqual(states, ['gone'])
    source.state = 'live'
    host.checked()
    await turns()
    assert.deepEqual(states, ['gone', 'live'])
  })

  it('asks the source afresh, unless that has just looked', () => {
    const { host, source, stream } = openList(0)
    const asked = []
    source.writerState = (fresh) => {
      asked.push(fresh)
      return 'live'
    }
    stream.stats()
    stream.isHealthy()
    host.checked()
    assert.deepEqual(asked, [true, true, false])
  })

  it('of the writer, as it was when the stream was closed', async () => {
    const { source, stream } = openList(0)
    const states = record(stream, 'writer')
    const asked = []
    source.writerState = (fresh) => {
      asked.push(fresh)
      return 'stalled'
    }
    const closed = stream.close()
    assert.deepEqual(asked, [true])
    source.writerState = () => assert.fail('it is freed')
    assert.equal(stream.stats().writer, 'stalled')
    await closed
    await turns()
    assert.deepEqual(states, [], 'nothing is told of it any more')
  })

  it('looks at the writer at first, and freezes nothing unless it is told', () => {
    const asked = []
    const threat = { sequence: 1 }
    const stream = new ThreatStream(
      () => ({
        hold() {},
        writerState: (fresh) => {
          asked.push(fresh)
          return 'live'
        },
        take: (_max, threats) => void threats.push(threat)
      }),
      () => ({})
    )
    assert.deepEqual(asked, [true])
    assert.deepEqual(stream.poll(1), [threat])
    assert.equal(Object.isFrozen(threat), false)
  })

  it('of what the source says while it is opened: nothing', () => {
    const heard = []
    const stream = new ThreatStream(
      (host) => {
        host.wake()
        host.checked()
        heard.push(host.isConsumed())
        return { writerState: () => 'live', position: () => null, hold() {} }
      },
      () => ({})
    )
    assert.deepEqual(heard, [false])
    assert.equal(stream.stats().received, 0)
    // One that fails at once is told, too.
    const wrong = new Error('at once')
    const failed = new ThreatStream(
      (host) => {
        host.failed(wrong)
        return { writerState: () => 'gone', position: () => null, hold() {} }
      },
      () => ({})
    )
    assert.equal(failed.stats().error, wrong)
  })

  it('has no then, whatever every object has', () => {
    const { stream } = openList(0)
    Object.prototype.then = () => {}
    try {
      assert.equal(stream.then, undefined)
    } finally {
      delete Object.prototype.then
    }
  })
})

describe('listeners of a stream', () => {
  it('hold it to its events as long as one is left', async () => {
    const { source, stream } = openList(30)
    const [first, second] = [[], []]
    const hears = [first, second].map((list) => (threat) => list.push(threat))
    hears.forEach((hear) => stream.on('threat', hear))
    assert.equal(stream.listenerCount('threat'), 2)
    stream.poll(3)
    stream.off('threat', hears[0])
    stream.poll(3)
    stream.off('threat', hears[1])
    await turns()
    assert.deepEqual(sequences(first), [1, 2, 3])
    assert.deepEqual(sequences(second), numbers(1, 6))
    assert.equal(source.taken, 10, 'nobody wants more')
  })

  it('of other events want none', async () => {
    const { source, stream } = openList(30)
    for (const name of ['lost', 'transport', 'writer', 'close', 'toString']) {
      const hear = () => {}
      stream.on(name, hear)
      stream.off(name, hear)
      stream.on(name, hear)
    }
    await turns()
    assert.equal(source.takes, 0)
  })

  it('removeAllListeners: of all events, of one, and it hears of new ones', async () => {
    const { source, stream } = openList(30)
    record(stream, 'threat')
    record(stream, 'lost')
    assert.equal(stream.removeAllListeners('lost'), stream)
    assert.deepEqual(
      [stream.listenerCount('lost'), stream.listenerCount('threat')],
      [0, 1]
    )
    stream.removeAllListeners()
    assert.equal(stream.listenerCount('threat'), 0)
    await turns()
    assert.equal(source.takes, 0)
    const seen = record(stream, 'threat')
    await turns()
    assert.equal(seen.length, 30)
    stream.removeAllListeners('newListener', 'threat')
    assert.equal(stream.listenerCount('newListener'), 0)
    assert.equal(stream.listenerCount('threat'), 0)
  })

  const uncaught = useUncaught()

  it('of lost, transport, error and close may throw', async () => {
    const { host, stream } = openList(0)
    const values = { lost: {}, transport: {}, error: new Error('the source') }
    const wrong = new Error('of a listener')
    for (const name of [...Object.keys(values), 'close']) {
      stream.on(name, () => {
        throw wrong
      })
    }
    host.lost(values.lost)
    host.transport(values.transport)
    host.failed(values.error)
    await stream.close()
    await turns()
    assert.deepEqual(uncaught, [wrong, wrong, wrong, wrong])
  })

  it('of error: told of what failed, and none is needed', async () => {
    const { host, stream } = openList(0)
    const wrong = new Error('the source is broken')
    host.failed(wrong)
    const errors = record(stream, 'error')
    host.failed(wrong)
    await turns()
    assert.deepEqual(errors, [wrong])
    assert.deepEqual(uncaught, [])
  })
})

describe('the end of a stream', () => {
  it('is the same promise, however often it is asked for', async () => {
    const { source, stream } = openList(5)
    let closes = 0
    const { close } = source
    source.close = () => {
      closes++
      return close()
    }
    const first = stream.close()
    assert.equal(stream.close(), first)
    await first
    assert.equal(closes, 1)
    assert.equal(stream.closed, true)
  })

  it('nothing is delivered behind it, and nobody is added', async () => {
    const { host, source, stream } = openList(30)
    const seen = record(stream, 'threat')
    const closed = stream.close()
    host.wake()
    const late = record(stream, 'threat')
    await closed
    await turns()
    assert.deepEqual([seen, late], [[], []])
    assert.equal(source.takes, 0)
  })

  it('nobody holds a source any more that was freed', async () => {
    const { source, stream } = openList(0)
    const iterator = stream[Symbol.asyncIterator]()
    await stream.close()
    source.hold = () => assert.fail('it is freed')
    assert.deepEqual(await iterator.return(), { value: undefined, done: true })
  })

  it('of a source that failed ends who waits; listeners stay', async () => {
    const { host, source, stream } = openList(2)
    const seen = record(stream, 'threat')
    await turns()
    host.failed(new Error('the source is broken'))
    source.count = 3
    stream.poll()
    assert.deepEqual(sequences(seen), [1, 2, 3])
  })

  it('in the middle of what was taken: that is all', async () => {
    const { source, stream } = openList(30)
    const seen = []
    stream.on('threat', (threat) => {
      seen.push(threat)
      if (threat.sequence === 4) stream.close()
    })
    await turns()
    assert.deepEqual(sequences(seen), [1, 2, 3, 4])
    assert.equal(source.isClosed, true)
    assert.equal(source.taken, 10)
  })
})

describe('how far a reader came', () => {
  it('is known of the last sixteen generations', () => {
    const progress = new Progress()
    assert.equal(progress.next('none'), undefined)
    for (let i = 1; i <= 16; i++) progress.note(`g${i}`, i)
    // One that it comes back to is the latest again.
    progress.note('g1', 100)
    progress.note('g17', 17)
    assert.equal(progress.next('g2'), undefined)
    assert.equal(progress.next('g1'), 100)
    for (let i = 3; i <= 17; i++) assert.equal(progress.next(`g${i}`), i)
  })
})
