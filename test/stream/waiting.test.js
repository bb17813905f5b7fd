'use strict'
// Who gets the event during which they came or left, and how a stream waits for
// the next one.

const assert = require('node:assert/strict')
const { replaceNow } = require('../helpers/clock.js')
const { openList, turns } = require('../helpers/list-source.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { record } = require('../helpers/wait.js')

describe('who comes or leaves during an event', () => {
  it('comes: gets the next one', async () => {
    const { stream } = openList(5)
    let late
    stream.once('threat', () => {
      late = record(stream, 'threats')
    })
    await turns()
    assert.deepEqual(late.map(sequences), [[2, 3, 4, 5]])
  })

  it('leaves: does not get this one any more', async () => {
    const { stream } = openList(5)
    const lists = []
    const hear = (list) => lists.push(...sequences(list))
    stream.on('threat', () => stream.off('threats', hear))
    stream.on('threats', hear)
    await turns()
    assert.deepEqual(lists, [])
    assert.equal(stream.stats().received, 5)
  })

  it('leaves: is not called with this one any more', async () => {
    const { stream } = openList(5)
    const controller = new AbortController()
    stream.on('threat', ({ sequence }) => {
      if (sequence === 3) controller.abort()
    })
    const seen = []
    await stream.pollThreats(({ sequence }) => void seen.push(sequence), {
      signal: controller.signal
    })
    assert.deepEqual(seen, [1, 2])
  })

  it('comes: keeps it from nobody who was there', async () => {
    const { stream } = openList(3)
    stream.once('threat', () => record(stream, 'threats'))
    const seen = []
    const done = stream.pollThreats(({ sequence }) => {
      seen.push(sequence)
      return sequence < 3
    })
    await done
    assert.deepEqual(seen, [1, 2, 3])
  })

  it('comes and wants nothing: keeps nobody from the rest', async () => {
    const { stream } = openList(25)
    const seen = record(stream, 'threat')
    stream[Symbol.asyncIterator]()
    await turns()
    assert.equal(seen.length, 25)
  })

  it('is called in a turn of its own, never within on()', () => {
    const { host, source, stream } = openList(5)
    const seen = record(stream, 'threat')
    assert.deepEqual(seen, [])
    // What is due in a turn is not taken before it.
    host.wake()
    assert.deepEqual([seen, source.takes], [[], 0])
  })
})

describe('waiting', () => {
  it('asks the source to wake only when nothing is left', async () => {
    const { host, source, stream } = openList(25)
    const seen = record(stream, 'threat')
    await turns()
    assert.equal(source.arms, 1)
    assert.equal(source.takes, 3)
    source.count = 30
    host.wake()
    assert.deepEqual(sequences(seen), numbers(1, 30))
    assert.equal(source.arms, 2)
    host.wake()
    assert.equal(source.arms, 3)
  })

  it('goes on when arming finds that more came', async () => {
    const { source, stream } = openList(5)
    const { arm } = source
    source.arm = () => {
      if (source.count === 5) source.count = 8
      return arm()
    }
    const seen = record(stream, 'threat')
    await turns()
    assert.deepEqual(sequences(seen), numbers(1, 8))
  })

  it('a source that wakes while it is asked: is asked once at a time', async () => {
    const { host, source, stream } = openList(25)
    const { take } = source
    let depth = 0
    source.take = (max, threats) => {
      assert.equal(depth, 0, 'within another take()')
      depth++
      host.wake()
      const more = take(max, threats)
      depth--
      return more
    }
    const seen = record(stream, 'threat')
    await turns()
    assert.deepEqual(sequences(seen), numbers(1, 25))
  })

  it('what was taken at once is one list, in front of what is lost', async () => {
    const { host, source, stream } = openList(25)
    const events = []
    const { take } = source
    source.take = (max, threats) => {
      if (source.takes === 1) host.lost({ count: 2 })
      return take(max, threats)
    }
    stream.on('threats', (list) => events.push(sequences(list)))
    stream.on('lost', ({ count }) => events.push(`lost ${count}`))
    // A turn's time may be over anywhere, and then a list ends.
    const restore = replaceNow(() => 0)
    try {
      await turns()
    } finally {
      restore()
    }
    assert.deepEqual(events, [
      numbers(1, 10),
      'lost 2',
      numbers(11, 20),
      numbers(21, 25)
    ])
  })

  it('holds the process open for who awaits, not for a listener', async () => {
    const { source, stream } = openList(0)
    record(stream, 'threat')
    record(stream, 'threats')
    assert.equal(source.isHeld, false)
    const controller = new AbortController()
    const polled = stream.pollThreats(() => {}, { signal: controller.signal })
    assert.equal(source.isHeld, true)
    controller.abort()
    await polled
    assert.equal(source.isHeld, false)
  })

  it('of a source that cannot be armed: who subscribes is told', () => {
    const { source, stream } = openList(5)
    const wrong = new Error('no thread')
    const { hold } = source
    source.hold = () => {
      throw wrong
    }
    assert.throws(() => stream.on('threat', () => {}), wrong)
    source.hold = hold
    // Nothing is left of that attempt.
    const seen = record(stream, 'threat')
    assert.deepEqual(sequences(stream.poll()), numbers(1, 5))
    assert.equal(seen.length, 5)
  })

  it('isConsumed: somebody wants what comes next', async () => {
    const { host, stream } = openList(1)
    assert.equal(host.isConsumed(), false)
    const iterator = stream[Symbol.asyncIterator]()
    assert.equal(host.isConsumed(), false)
    await iterator.next()
    iterator.next()
    assert.equal(host.isConsumed(), true)
    await iterator.return()
    assert.equal(host.isConsumed(), false)
    stream.on('threat', () => {})
    assert.equal(host.isConsumed(), true)
  })
})
