'use strict'
// A stream cursor message by message: where it begins, what it makes of losses,
// what it refuses, and how priority events are counted.

const assert = require('node:assert/strict')
const { Progress } = require('../../../lib/stream/positions.js')
const {
  StreamCursor
} = require('../../../lib/websocket/client/stream-cursor.js')
const { ProtocolError } = require('../../../lib/websocket/protocol.js')
const { numbers, sequences } = require('../../helpers/sequences.js')

const ONE = '1'.repeat(16)
const TWO = '2'.repeat(16)

const status = (next, more = {}) => ({
  ...{ type: 'status', generation: ONE, sequence: 9, next, priority: null },
  ...more
})
const lost = (from, to, more = {}) => ({
  ...{ type: 'lost', generation: ONE, reason: 'overwritten' },
  ...{ from, to, priority: null, ...more }
})
const threats = (from, to, { priorities = [], ...more } = {}) => ({
  ...{ type: 'threat', generation: ONE, rescued: false },
  threats: numbers(from, to).map((sequence, i) => ({
    ...{ sequence, priority: priorities[i] ?? null }
  })),
  ...more
})

/** A cursor that has subscribed. */
function open(options = {}) {
  const cursor = new StreamCursor({ progress: new Progress(), ...options })
  return { cursor, asked: cursor.subscribe() }
}

/** Everything that is there, as [sequences] and losses. */
function takeAll(cursor, max = 100) {
  const all = []
  for (;;) {
    const list = []
    const loss = cursor.take(max, list)
    if (loss !== null) all.push(loss)
    else if (list.length > 0) all.push(sequences(list))
    else return all
  }
}

function refused(action, message) {
  assert.throws(action, (error) => {
    assert(error instanceof ProtocolError, error.stack)
    assert.match(error.message, message)
    return true
  })
}

describe('a stream cursor', () => {
  describe('subscribes', () => {
    it('where it is told to begin', () => {
      for (const from of ['latest', 'oldest', 7]) {
        assert.deepEqual(open({ from }).asked, {
          ...{ from, generation: undefined, priority: null }
        })
      }
      assert.equal(open().asked.from, 'latest')
      const position = { generation: ONE, next: 7, priority: 3 }
      assert.deepEqual(open({ position }).asked, {
        ...{ from: 7, generation: ONE, priority: 3 }
      })
    })

    it('from the start, when there was no Shield to begin with', () => {
      const { cursor } = open()
      cursor.noteAbsence()
      assert.equal(cursor.subscribe().from, 'start')
      const oldest = open({ from: 'oldest' }).cursor
      oldest.noteAbsence()
      assert.equal(oldest.subscribe().from, 'oldest')
      const position = { generation: ONE, next: 7 }
      const known = open({ position }).cursor
      known.noteAbsence()
      known.moveTo(null)
      assert.equal(known.subscribe().from, 'latest')
    })

    it('behind all that came, taken or not', () => {
      const { cursor } = open()
      assert.equal(cursor.arrived, 0)
      cursor.accept(status(5))
      cursor.accept(threats(5, 7, { priorities: [1, 2, 2] }))
      assert.equal(cursor.arrived, 7)
      assert.deepEqual(cursor.subscribe(), {
        ...{ from: 8, generation: ONE, priority: 2 }
      })
      assert.deepEqual(takeAll(cursor), [[5, 6, 7]])
      assert.equal(cursor.subscribe().from, 8)
    })
  })

  describe('accepts a status', () => {
    it('that begins a stream, and none that does not', () => {
      const { cursor } = open()
      assert.equal(cursor.accept(status(undefined)), true)
      assert.equal(cursor.generation, null)
      refused(
        () => cursor.accept(threats(1, 1)),
        /^sequence 1 of 1+ came where/
      )
      assert.equal(cursor.accept(status(5, { priority: 3 })), true)
      // Nothing came, and yet it is known where it stands.
      assert.deepEqual(cursor.position, {
        ...{ generation: ONE, next: 5, priority: 3 }
      })
    })

    it('that goes on where it stands, and keeps its own count', () => {
      const position = { generation: ONE, next: 5, priority: 3 }
      const { cursor } = open({ position })
      cursor.accept(status(5, { priority: 8 }))
      assert.equal(cursor.position.priority, 3)
      const unknown = open({ position: { ...position, priority: null } }).cursor
      unknown.accept(status(5, { priority: 8 }))
      assert.equal(unknown.position.priority, 8)
      const zero = open({ position: { ...position, priority: 0 } }).cursor
      zero.accept(status(5, { priority: 8 }))
      assert.equal(zero.position.priority, 0)
      refused(
        () => cursor.accept(status(6)),
        /^sequence 6 of 1+ came where 5 of 1+ belongs$/
      )
    })

    it('of another generation in its turn, behind what came', () => {
      const { cursor } = open()
      cursor.accept(status(5))
      cursor.accept(threats(5, 6))
      cursor.accept(status(1, { generation: TWO, priority: 0 }))
      cursor.accept(threats(1, 2, { generation: TWO }))
      assert.equal(cursor.position.generation, ONE)
      assert.deepEqual(takeAll(cursor), [
        [5, 6],
        [1, 2]
      ])
      assert.equal(cursor.position.generation, TWO)
    })

    it('of one that it knows, elsewhere: asks again from there', () => {
      const progress = new Progress()
      progress.note(TWO, 9)
      const position = { generation: ONE, next: 5 }
      const { cursor } = open({ progress, position })
      assert.equal(cursor.accept(status(9, { generation: TWO })), true)
      assert.equal(cursor.accept(status(3)), false)
      assert.deepEqual(cursor.subscribe(), {
        ...{ from: 5, generation: ONE, priority: null }
      })
    })

    it('nothing that is of no stream', () => {
      const { cursor } = open()
      for (const type of ['heartbeat', 'error', 'future']) {
        assert.equal(cursor.accept({ ...status(5), type }), true)
        assert.equal(cursor.generation, null)
      }
    })
  })

  describe('tells a loss', () => {
    it('as it is, and stands behind it', () => {
      const { cursor } = open()
      cursor.accept(status(5, { priority: 2 }))
      cursor.accept(lost(5, 7, { priority: 1 }))
      const [loss] = takeAll(cursor)
      assert.deepEqual(loss, {
        ...{ count: 3, from: 5, to: 7, priority: 1 },
        ...{ reason: 'overwritten', generation: ONE }
      })
      assert.deepEqual(cursor.position, {
        ...{ generation: ONE, next: 8, priority: 3 }
      })
      cursor.accept(threats(8, 8))
      assert.deepEqual(takeAll(cursor), [[8]])
    })

    it('in its turn between the threats', () => {
      const { cursor } = open()
      cursor.accept(status(1))
      cursor.accept(threats(1, 2))
      cursor.accept(lost(3, 3, { reason: 'corrupt' }))
      cursor.accept(threats(4, 5))
      const [before, { from, to, count }, behind] = takeAll(cursor)
      assert.deepEqual(
        [before, behind],
        [
          [1, 2],
          [4, 5]
        ]
      )
      assert.deepEqual([from, to, count], [3, 3, 1])
    })

    it('of a rest that nobody knows, and waits for a status', () => {
      const { cursor } = open()
      cursor.accept(status(5))
      cursor.accept(lost(null, null, { reason: 'replaced' }))
      assert.deepEqual(takeAll(cursor), [
        {
          ...{ count: null, from: null, to: null, priority: null },
          ...{ reason: 'replaced', generation: ONE }
        }
      ])
      assert.equal(cursor.position.next, 5)
      refused(
        () => cursor.accept(threats(5, 5)),
        /^sequence 5 came before a status$/
      )
      const { cursor: other } = open()
      other.accept(status(5))
      refused(
        () => other.accept(lost(6, 6, { reason: 'replaced' })),
        /^sequence 6 of 1+ came where 5 of 1+ belongs$/
      )
    })

    it('before it joined: first or not at all', () => {
      const beforeJoin = (from, to) => lost(from, to, { reason: 'before-join' })
      const { cursor } = open({ from: 'oldest' })
      cursor.accept(status(1))
      cursor.accept(beforeJoin(1, 3))
      refused(
        () => cursor.accept(beforeJoin(4, 4)),
        /^before-join comes first or not at all$/
      )
      const position = { generation: ONE, next: 5 }
      const known = open({ position }).cursor
      known.accept(status(5))
      refused(() => known.accept(beforeJoin(5, 5)), /^before-join comes first/)
    })
  })

  describe('that asked for the oldest and was cut off before any came', () => {
    /** @param {number} sequence the last one when it joined */
    function rejoined(sequence, from = 'oldest') {
      const { cursor } = open({ from })
      cursor.accept(status(1, { sequence, priority: 0 }))
      cursor.subscribe()
      cursor.accept(status(1, { sequence: 50 }))
      return cursor
    }

    const lossesOf = (cursor) =>
      takeAll(cursor).map(({ count, from, to, priority, reason }) => [
        ...[count, from, to, priority],
        reason
      ])

    it('was not there for what is older than that', () => {
      const cursor = rejoined(9)
      cursor.accept(lost(1, 9, { priority: 4 }))
      assert.deepEqual(lossesOf(cursor), [[9, 1, 9, 4, 'before-join']])
      assert.equal(cursor.position.priority, 4)
    })

    it('lost what came since', () => {
      const cursor = rejoined(9)
      cursor.accept(lost(1, 12, { priority: 4 }))
      // How many of them had priority in which part, nobody says.
      assert.deepEqual(lossesOf(cursor), [
        [9, 1, 9, null, 'before-join'],
        [3, 10, 12, null, 'overwritten']
      ])
      assert.deepEqual(cursor.position, {
        ...{ generation: ONE, next: 13, priority: 4 }
      })
    })

    it('knows of none with priority that neither part has any', () => {
      const cursor = rejoined(9)
      cursor.accept(lost(1, 12, { priority: 0 }))
      const list = []
      const { priority, to } = cursor.take(5, list)
      assert.deepEqual([priority, to, cursor.position.next], [0, 9, 10])
      assert.equal(cursor.position.priority, 0)
      assert.deepEqual(lossesOf(cursor), [[3, 10, 12, 0, 'overwritten']])
    })

    it('in between it does not know how many there were', () => {
      const cursor = rejoined(9)
      cursor.accept(lost(1, 12, { priority: 4 }))
      cursor.take(5, [])
      assert.deepEqual(cursor.position, {
        ...{ generation: ONE, next: 10, priority: null }
      })
    })

    it('up to the first: that one it was not there for', () => {
      const cursor = rejoined(1)
      cursor.accept(lost(1, 2))
      assert.deepEqual(lossesOf(cursor), [
        [1, 1, 1, null, 'before-join'],
        [1, 2, 2, null, 'overwritten']
      ])
    })

    it('of an empty ring: lost all of it', () => {
      const cursor = rejoined(0)
      cursor.accept(lost(1, 12, { priority: 4 }))
      assert.deepEqual(lossesOf(cursor), [[12, 1, 12, 4, 'overwritten']])
    })

    it('for another reason, or from the latest: as it is told', () => {
      const corrupt = rejoined(9)
      corrupt.accept(lost(1, 9, { reason: 'corrupt' }))
      assert.equal(lossesOf(corrupt)[0][4], 'corrupt')
      const latest = rejoined(9, 'latest')
      latest.accept(lost(1, 9))
      assert.equal(lossesOf(latest)[0][4], 'overwritten')
    })

    it('or once anything came: lost what is lost', () => {
      const received = rejoined(9)
      received.accept(threats(1, 1))
      received.accept(lost(2, 9))
      const [, { reason }] = takeAll(received)
      assert.equal(reason, 'overwritten')
      const twice = rejoined(9)
      twice.accept(lost(1, 2, { reason: 'corrupt' }))
      twice.accept(lost(3, 9))
      assert.deepEqual(
        lossesOf(twice).map(([, , , , why]) => why),
        ['corrupt', 'overwritten']
      )
    })
  })

  describe('is taken', () => {
    it('up to so many, and of one generation', () => {
      const { cursor } = open()
      cursor.accept(status(1))
      cursor.accept(threats(1, 5))
      assert.deepEqual(takeAll(cursor, 2), [[1, 2], [3, 4], [5]])
      assert.equal(cursor.rescued, 0)
      cursor.accept(threats(6, 7, { rescued: true }))
      takeAll(cursor)
      assert.equal(cursor.rescued, 2)
    })

    it('by the bytes of its message, a part for each threat', () => {
      const { cursor } = open()
      cursor.accept(status(1))
      cursor.accept(threats(1, 4), 12 * 2 ** 20)
      assert.equal(cursor.queue.isFull, true)
      cursor.take(1, [])
      assert.equal(cursor.queue.isFull, true)
      cursor.take(1, [])
      assert.equal(cursor.queue.isFull, false)
      cursor.take(1, [])
      assert.equal(cursor.queue.hasRoom, false)
      cursor.take(1, [])
      assert.equal(cursor.queue.hasRoom, true)
    })

    it('with the priority events before each, as far as they are known', () => {
      const { cursor } = open()
      cursor.accept(status(5, { priority: 2 }))
      cursor.accept(threats(5, 8, { priorities: [3, 3, null, 4] }))
      const at = (sequence, generation = ONE) =>
        cursor.priorityBehind({ generation, sequence })
      cursor.take(4, [])
      assert.deepEqual(
        [4, 5, 6, 7, 8].map((one) => at(one)),
        [...[2, 3, 3, null, 4]]
      )
      assert.deepEqual([at(3), at(9)], [null, null])
      assert.equal(at(5, TWO), null)
      cursor.accept(threats(9, 9, { priorities: [5] }))
      cursor.take(4, [])
      assert.deepEqual([at(8), at(9), at(5)], [4, 5, null])
    })

    it('behind a loss: nothing is known of what came before', () => {
      const { cursor } = open()
      const at = (sequence) =>
        cursor.priorityBehind({ generation: ONE, sequence })
      assert.equal(at(5), null)
      cursor.accept(status(5, { priority: 2 }))
      assert.equal(at(4), null)
      cursor.accept(threats(5, 5, { priorities: [3] }))
      cursor.accept(lost(6, 7, { priority: 1 }))
      takeAll(cursor)
      cursor.accept(lost(8, 8, { priority: 1 }))
      assert.notEqual(cursor.take(5, []), null)
      assert.deepEqual([5, 6, 7, 8].map(at), [null, null, null, null])
    })

    it('where nothing was known before: null, and then what is said', () => {
      const position = null
      const { cursor } = open({ position })
      cursor.accept(status(5))
      cursor.accept(threats(5, 6, { priorities: [3, 4] }))
      cursor.take(4, [])
      const at = (sequence) =>
        cursor.priorityBehind({ generation: ONE, sequence })
      assert.deepEqual([4, 5, 6].map(at), [null, 3, 4])
    })
  })
})
