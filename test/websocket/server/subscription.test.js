'use strict'
// What one client is sent of a history, read by read, without a socket.

const assert = require('node:assert/strict')
const { inMessages } = require('../../../lib/websocket/messages.js')
const {
  Subscription
} = require('../../../lib/websocket/server/subscription.js')
const { numbers } = require('../../helpers/sequences.js')
const { threatOf } = require('../../helpers/websocket-peer.js')

const GENERATION = '0123456789abcdef'
const BEFORE = 'f0f0f0f0f0f0f0f0'
const READ_EVENTS = 64
const READS_PER_TURN = 4
const MESSAGE_BYTES = 256 * 1024

describe('a subscription', () => {
  let history
  let sent
  let told
  let later
  let isFull
  let subscription
  let reads // how many events each read asked for

  /** A history of so many events, or what the test gives it. */
  function open(sequence, more = {}) {
    reads = []
    sent = []
    later = []
    told = { caughtUp: 0, failed: [], states: [] }
    isFull = () => false
    history = {
      generation: GENERATION,
      predecessor: null,
      sequence,
      start: 1,
      begins: 1,
      isRing: false,
      priorityBefore: () => 0,
      cursor(from) {
        // Of the history that it was made of, whatever comes in its place.
        const own = this
        let at = from === 'oldest' ? 1 : from
        return {
          read(most) {
            reads.push(most)
            const end = Math.min(at + most - 1, own.sequence)
            const texts = numbers(at, end).map((n) =>
              JSON.stringify(threatOf(n))
            )
            at = end + 1
            return {
              generation: GENERATION,
              losses: [],
              texts,
              before: 0,
              priorities: texts.map(() => 0),
              isRescued: false,
              more: at <= own.sequence
            }
          },
          goBack(next) {
            at = next
          },
          close() {}
        }
      },
      ...more
    }
    subscription = new Subscription(
      {
        isFull: () => isFull(),
        send: (text) => sent.push(JSON.parse(text))
      },
      {
        get history() {
          return history
        },
        boot: null,
        limits: { heartbeatMs: 1000, auth: 'token' },
        threatsBlocked: () => 0,
        stateChanged: ({ state }) => told.states.push(state),
        pumpLater: (one) => later.push(one)
      },
      {
        caughtUp: () => told.caughtUp++,
        failed: (code, why) => told.failed.push([code, why])
      }
    )
  }

  const begin = (more = {}) =>
    subscription.begin({ from: 'oldest', priority: null, ...more })

  const sequences = () =>
    sent
      .filter(({ type }) => type === 'threat')
      .flatMap(({ threats }) => threats.map(({ sequence }) => sequence))

  const losses = () =>
    sent
      .filter(({ type }) => type === 'lost')
      .map(({ from, to, count, generation }) => ({
        from,
        to,
        count,
        generation
      }))

  it('F62 reads 64 events at a time, four times in a turn', () => {
    const total = READ_EVENTS * READS_PER_TURN + 1
    open(total)
    begin()
    assert.deepEqual(reads, Array(READS_PER_TURN).fill(READ_EVENTS))
    assert.deepEqual(sequences(), numbers(1, total - 1))
    assert.deepEqual(later, [subscription])
    assert.equal(subscription.isBehind, true)
    subscription.pump()
    assert.deepEqual(sequences(), numbers(1, total))
    assert.deepEqual([subscription.state, told.caughtUp], ['live', 1])
    assert.equal(subscription.isBehind, false)
  })

  it('what is read in the last turn needs no other', () => {
    open(READ_EVENTS * READS_PER_TURN)
    begin()
    assert.deepEqual([subscription.state, later], ['live', []])
  })

  it('F57 that cannot be taken is read again, from where it stands', () => {
    open(10)
    let space = 1
    isFull = () => space <= 0
    begin()
    assert.deepEqual(sequences(), numbers(1, 10))
    history.sequence = 20
    space = 0
    subscription.catchUp()
    assert.deepEqual(sequences(), numbers(1, 10))
    assert.equal(subscription.isBehind, true)
    space = 1
    subscription.pump()
    assert.deepEqual(sequences(), numbers(1, 20))
    assert.equal(subscription.state, 'live')
  })

  it('of two messages in one read, only the first is taken: goes back', () => {
    const large = (n) =>
      JSON.stringify(threatOf(n, { details: 'x'.repeat(MESSAGE_BYTES) }))
    let back = null
    open(2, {
      cursor: () => ({
        read: () => ({
          generation: GENERATION,
          losses: [],
          texts: back === null ? [large(1), large(2)] : [large(2)],
          before: back === null ? 3 : 4,
          priorities: back === null ? [4, 5] : [5],
          isRescued: false,
          more: false
        }),
        goBack: (...position) => {
          back = position
        },
        close() {}
      })
    })
    isFull = () => sequences().length === 1 && back === null
    begin()
    assert.deepEqual([sequences(), back], [[1], [2, 4]])
    subscription.pump()
    assert.deepEqual(sequences(), [1, 2])
  })

  it('one that comes from a ring which cannot be read is stranded', () => {
    let isGone = true
    open(5)
    const cursor = history.cursor.bind(history)
    history.cursor = (from) => {
      if (isGone) {
        throw Object.assign(new Error('gone'), { code: 'ERR_NO_RING' })
      }
      return cursor(from)
    }
    begin()
    assert.deepEqual([subscription.isStranded, told.failed], [true, []])
    isGone = false
    subscription.goOn()
    assert.deepEqual(
      [subscription.isStranded, sequences()],
      [false, numbers(1, 5)]
    )
  })

  it('a stranded one goes over to a history of another generation', () => {
    open(5, {
      cursor() {
        throw Object.assign(new Error('gone'), { code: 'ERR_NO_RING' })
      }
    })
    begin()
    history = {
      ...history,
      generation: 'a'.repeat(16),
      sequence: 0,
      predecessor: { generation: GENERATION, sequence: 5 },
      cursor: assert.fail
    }
    subscription.goOn()
    assert.deepEqual(losses(), [
      { from: 1, to: 5, count: 5, generation: GENERATION }
    ])
    assert.equal(subscription.state, 'live')
  })

  it('tells losses in front of what follows them, also when it is evicted', () => {
    const loss = {
      count: 3,
      from: 1,
      to: 3,
      priority: 0,
      generation: GENERATION,
      reason: 'overwritten'
    }
    open(9)
    const cursor = history.cursor.bind(history)
    isFull = () => true
    begin()
    history.cursor = (from) => ({
      ...cursor(from),
      read: () => ({ losses: [loss], texts: [] })
    })
    subscription.tellLosses()
    assert.deepEqual(losses(), [
      { from: 1, to: 3, count: 3, generation: GENERATION }
    ])
    // A history that cannot be read says nothing; it is told when it comes back.
    history.cursor = () => {
      throw new Error('gone')
    }
    subscription.tellLosses()
    assert.equal(losses().length, 1)
    subscription.end()
    history.cursor = assert.fail
    subscription.tellLosses()
  })

  it('F60 goes on in the next generation when the one before is read', () => {
    open(5)
    isFull = () => true
    begin()
    const before = history
    const next = 'a'.repeat(16)
    history = {
      ...before,
      generation: next,
      sequence: 0,
      predecessor: { generation: GENERATION, sequence: 5 },
      cursor: assert.fail
    }
    // Its cursor still reads the one before, to its end.
    isFull = () => false
    subscription.pump()
    assert.deepEqual(sequences(), numbers(1, 5))
    const last = sent.at(-1)
    assert.deepEqual([last.generation, last.next], [next, 1])
    assert.deepEqual([losses(), subscription.state], [[], 'live'])
  })

  it('F60 goes on in a history of the same generation that has more', () => {
    open(5)
    isFull = () => true
    begin()
    const before = history
    history = { ...before, sequence: 8 }
    // The cursor that it has ends where the one before does.
    isFull = () => false
    subscription.pump()
    assert.deepEqual(sequences(), numbers(1, 8))
    assert.equal(subscription.state, 'live')
  })

  it('what is told of another generation does not move it', () => {
    open(0, { predecessor: { generation: BEFORE, sequence: 9 }, begins: 1 })
    begin({ from: 8, generation: BEFORE })
    assert.deepEqual(losses(), [
      { from: 8, to: 9, count: 2, generation: BEFORE }
    ])
    assert.deepEqual(sent.at(-1).next, 1)
    assert.equal(subscription.state, 'live')
  })

  describe('the texts of one message', () => {
    const cut = (...lengths) =>
      [...inMessages(lengths.map((length) => 'x'.repeat(length)))].map((part) =>
        part.map(({ length }) => length)
      )

    it('are as many as come to 256 KiB', () => {
      const half = MESSAGE_BYTES / 2
      assert.deepEqual(cut(half, half, 1), [[half, half], [1]])
      assert.deepEqual(cut(half, half - 1, 1), [[half, half - 1, 1]])
      assert.deepEqual(cut(), [])
      assert.deepEqual(cut(1), [[1]])
    })

    it('are one alone, when that is longer', () => {
      const long = MESSAGE_BYTES + 1
      assert.deepEqual(cut(long, long, 1), [[long], [long], [1]])
    })
  })
})
