'use strict'
// How events are delivered: how many in one turn, what poll() may take, and what
// a listener's mistake costs.

const assert = require('node:assert/strict')
const { replaceNow } = require('../helpers/clock.js')
const { openList, turns } = require('../helpers/list-source.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { useUncaught } = require('../helpers/uncaught.js')
const { record, turn } = require('../helpers/wait.js')

// What one turn delivers at most, in events and in milliseconds.
const EVENTS = 1024
const MILLISECONDS = 8

describe('a turn of the event loop', () => {
  let time
  let restore

  beforeEach(() => {
    time = 1000
    restore = replaceNow(() => time)
  })

  afterEach(() => {
    restore()
  })

  /** How many events came in each turn, until all came. */
  async function perTurn(count, seen) {
    const counts = []
    for (let i = 0; seen.length < count; i++) {
      assert(i < 1000, `only ${seen.length} came`)
      const before = seen.length
      await turn()
      if (seen.length > before) counts.push(seen.length - before)
    }
    return counts
  }

  it(`brings ${EVENTS} events, and the rest comes in the next`, async () => {
    const { stream } = openList(2500)
    const seen = record(stream, 'threat')
    assert.deepEqual(await perTurn(2500, seen), [EVENTS, EVENTS, 452])
    assert.deepEqual(sequences(seen), numbers(1, 2500))
  })

  it('brings as many in lists, each what was taken at once', async () => {
    const { stream } = openList(2500)
    const lists = []
    const seen = []
    stream.on('threats', (list) => {
      lists.push(list.length)
      seen.push(...list)
      // It is the listener's own.
      list.push(list[0], ...list)
      assert.equal(stream.stats().received, seen.length)
      assert.equal(stream.stats().sequence, seen.length)
    })
    assert.deepEqual(await perTurn(2500, seen), [EVENTS, EVENTS, 452])
    assert.deepEqual(sequences(seen), numbers(1, 2500))
    // One look at this source brings 10; the budget ends in the middle of one.
    assert.deepEqual(lists.slice(100, 106), [10, 10, 4, 6, 10, 10])
  })

  it('brings no more in lists where a look brings many', async () => {
    const { source, stream } = openList(1500)
    source.take = (_max, threats) => {
      while (source.taken < 1500) threats.push({ sequence: ++source.taken })
      return false
    }
    const seen = []
    stream.on('threats', (list) => seen.push(...list))
    assert.deepEqual(await perTurn(1500, seen), [EVENTS, 476])
    assert.deepEqual(sequences(seen), numbers(1, 1500))
  })

  it('brings no more through an iterator, which has a budget, too', async () => {
    const { stream } = openList(2500)
    const seen = []
    const iterator = stream[Symbol.asyncIterator]()
    const done = (async () => {
      for await (const threat of iterator) {
        seen.push(threat)
        if (seen.length === 2500) return
      }
    })()
    const counts = await perTurn(2500, seen)
    await done
    assert(Math.max(...counts) <= EVENTS, `${counts}`)
  })

  it(`is over after ${MILLISECONDS} ms, too, a little later at most`, async () => {
    const { stream } = openList(300)
    const seen = []
    stream.on('threat', (threat) => {
      time += 1
      seen.push(threat)
    })
    const counts = await perTurn(300, seen)
    // The clock is looked at for every eighth event.
    assert(counts.length > 1, `${counts}`)
    for (const count of counts.slice(0, -1)) {
      assert(count > MILLISECONDS && count <= MILLISECONDS + 8, `${counts}`)
    }
  })

  it('does not look at the clock for each event', async () => {
    const { stream } = openList(20)
    const seen = []
    stream.on('threat', (threat) => {
      if (seen.push(threat) === 3) time += 1000
    })
    assert.deepEqual(await perTurn(20, seen), [9, 11])
  })

  it('is not over at once because the clock shows 0', async () => {
    time = 0
    const { stream } = openList(100)
    const seen = record(stream, 'threat')
    assert.deepEqual(await perTurn(100, seen), [100])
  })

  it('ends a source that promises more and brings nothing', async () => {
    const { source, stream } = openList(0)
    source.take = () => {
      source.takes++
      return true
    }
    record(stream, 'threat')
    await turn()
    const first = source.takes
    await turn()
    const second = source.takes
    // Else it would go on for ever.
    await stream.close()
    assert.deepEqual([first, second], [EVENTS, 2 * EVENTS])
  })
})

describe('poll()', () => {
  it('takes up to 256 unless it is told', () => {
    const { stream } = openList(1000)
    assert.deepEqual(sequences(stream.poll()), numbers(1, 256))
    assert.deepEqual(sequences(stream.poll(1)), [257])
    assert.deepEqual(
      sequences(stream.poll(744)),
      numbers(258, 1000).slice(0, 743)
    )
    assert.deepEqual(stream.poll(), [])
  })

  it('more than 256 only as far as the source has at once', () => {
    const { source, stream } = openList(1000)
    source.most = 300
    assert.deepEqual(sequences(stream.poll(256)), numbers(1, 256))
    assert.deepEqual(sequences(stream.poll(257)), numbers(257, 513))
    assert.deepEqual(sequences(stream.poll(1000)), numbers(514, 813))
    // Up to 256 the source is not even asked.
    source.most = 1
    assert.equal(stream.poll(256).length, 187)
  })

  it('ends where the source promises more eight times for nothing', () => {
    const { source, stream } = openList(3)
    const { take } = source
    source.take = (max, threats) => take(max, threats) || true
    assert.deepEqual(sequences(stream.poll()), [1, 2, 3])
    assert.equal(source.takes, 1 + 8)
  })

  it('goes on where a look brought nothing at first', () => {
    const { source, stream } = openList(3)
    const { take } = source
    source.take = (max, threats) =>
      source.takes < 7 ? ++source.takes > 0 : take(max, threats)
    assert.deepEqual(sequences(stream.poll()), [1, 2, 3])
  })

  it('asks the source for 256 at most', () => {
    const { source, stream } = openList(3)
    const { take } = source
    let asked
    source.take = (max, threats) => {
      asked = max
      return take(max, threats)
    }
    stream.poll(2000)
    assert.equal(asked, 256)
  })

  it('gives them to the other consumers of the client as well', async () => {
    const { stream } = openList(5)
    const [seen, lists] = ['threat', 'threats'].map((name) =>
      record(stream, name)
    )
    assert.deepEqual(sequences(stream.poll(3)), [1, 2, 3])
    assert.deepEqual(sequences(seen), [1, 2, 3])
    assert.deepEqual(lists.map(sequences), [[1, 2, 3]])
    await turns()
    assert.deepEqual(sequences(seen), [1, 2, 3, 4, 5])
    assert.equal(stream.stats().received, 5)
  })

  it('has nothing to take within a callback of the same client', async () => {
    const { stream } = openList(25)
    const taken = []
    const poll = () => taken.push(...stream.poll())
    stream.on('threat', poll)
    stream.on('threats', poll)
    stream.pollThreats(poll)
    assert.equal(stream.poll(4).length, 4)
    await turns()
    assert.deepEqual(taken, [])
    assert.equal(stream.stats().received, 25)
  })

  it('has nothing while one is awaited', async () => {
    const { stream } = openList(25)
    let answer
    stream.pollThreats(
      () =>
        new Promise((resolve) => {
          answer = resolve
        })
    )
    await turns()
    assert.equal(stream.stats().received, 1)
    assert.deepEqual(stream.poll(), [])
    answer(false)
    await turns()
    assert.deepEqual(sequences(stream.poll(2)), [2, 3])
  })

  it('in a listener of lost: takes what that look has brought', () => {
    const { host, source, stream } = openList(30)
    const { take } = source
    const inner = []
    source.take = (max, threats) => {
      const more = take(max, threats)
      if (source.takes === 2) host.lost({ count: 1 })
      return more
    }
    stream.on('lost', () => inner.push(...stream.poll(4)))
    const outer = stream.poll()
    assert.deepEqual(sequences(inner), numbers(11, 14))
    assert.deepEqual(sequences(outer), [...numbers(1, 10), ...numbers(15, 30)])
  })

  it('behind which a listener closed the client: no more', () => {
    const { host, source, stream } = openList(30)
    const { take } = source
    source.take = (max, threats) => {
      const more = take(max, threats)
      if (source.takes === 2) host.lost({ count: 1 })
      return more
    }
    stream.on('lost', () => stream.close())
    assert.deepEqual(sequences(stream.poll()), numbers(1, 10))
  })

  it('of a listener of threats that closes: no more looks', () => {
    const { source, stream } = openList(30)
    stream.on('threats', () => stream.close())
    assert.deepEqual(sequences(stream.poll()), numbers(1, 10))
    assert.equal(source.takes, 1)
  })
})

describe('a listener’s mistake', () => {
  const uncaught = useUncaught()
  const wrong = new Error('of a listener')

  it('costs neither the others nor the next event', async () => {
    const { stream } = openList(5)
    stream.on('threat', ({ sequence }) => {
      if (sequence === 2) throw wrong
    })
    const lists = record(stream, 'threats')
    const polled = []
    stream.pollThreats(({ sequence }) => void polled.push(sequence))
    await turns()
    assert.deepEqual(uncaught, [wrong])
    assert.deepEqual(polled, numbers(1, 5))
    assert.deepEqual(
      lists.flat().map(({ sequence }) => sequence),
      numbers(1, 5)
    )
  })

  it('alone with its stream, costs the next event nothing', async () => {
    const { stream } = openList(5)
    const seen = []
    stream.on('threat', ({ sequence }) => {
      seen.push(sequence)
      if (sequence === 2) throw wrong
    })
    await turns()
    assert.deepEqual(uncaught, [wrong])
    assert.deepEqual(seen, numbers(1, 5))
  })

  it('costs poll() nothing of what it took', async () => {
    const { stream } = openList(5)
    stream.on('threat', ({ sequence }) => {
      if (sequence === 2) throw wrong
    })
    assert.deepEqual(sequences(stream.poll()), numbers(1, 5))
    await turns()
    assert.deepEqual(uncaught, [wrong])
  })

  it('of threats costs neither the next list nor the end', async () => {
    const { source, stream } = openList(5)
    const lists = []
    stream.on('threats', (list) => {
      lists.push(sequences(list))
      throw wrong
    })
    await turns()
    source.count = 7
    stream.poll()
    await turns()
    assert.deepEqual(lists, [numbers(1, 5), [6, 7]])
    assert.deepEqual(uncaught, [wrong, wrong])
    source.count = 8
    const more = stream.poll(1)
    assert.equal(more.length, 1)
    await stream.close()
    assert.equal(source.isClosed, true)
  })

  it('at the end of the stream is an uncaught exception, and it ends', async () => {
    const { source, stream } = openList(5)
    const seen = []
    stream.on('threat', ({ sequence }) => {
      if (sequence === 3) stream.close()
    })
    stream.on('threats', (list) => {
      seen.push(...sequences(list))
      throw wrong
    })
    await turns()
    assert.deepEqual(seen, [1, 2])
    assert.deepEqual(uncaught, [wrong])
    assert.equal(source.isClosed, true)
  })
})
