'use strict'
// Messages of either end that are almost right, or nothing of the kind: read,
// or refused by the one error that both ends catch, and what they are refused
// by stands where it stood.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { Progress } = require('../../lib/stream/positions.js')
const { StreamCursor } = require('../../lib/websocket/client/stream-cursor.js')
const {
  parseMessage,
  ProtocolError
} = require('../../lib/websocket/protocol.js')
const { parseCommand } = require('../../lib/websocket/server/commands.js')
const {
  anything,
  nearly,
  nearlyText,
  useRuns
} = require('../helpers/near-valid.js')
const { threatsOf } = require('../helpers/websocket-peer.js')

const GENERATION = '0123456789abcdef'
const OTHER = 'f0f0f0f0f0f0f0f0'
const MAX = Number.MAX_SAFE_INTEGER

const COMMANDS = [
  { type: 'subscribe', from: 'oldest', generation: GENERATION },
  { type: 'subscribe', from: 17 },
  { type: 'subscribe', from: 17, priority: 3, maxEventBytes: 4096 },
  { type: 'unsubscribe' },
  { type: 'get_status' }
]

const status = (generation, next) => ({
  ...{ type: 'status', generation, sequence: 9, next },
  ...{ shm: true, boot: 'x', heartbeatMs: 100 }
})
const lost = (generation, from, to, reason = 'overwritten') => ({
  ...{ type: 'lost', generation, reason },
  ...{ from, to, count: to - from + 1 }
})
const threats = (generation, from, to) => ({
  ...{ type: 'threat', generation },
  threats: threatsOf(from, to)
})
const MESSAGES = [
  status(GENERATION, 10),
  threats(GENERATION, 3, 5),
  lost(GENERATION, 1, 5),
  { type: 'heartbeat', generation: GENERATION, sequence: 3 },
  { type: 'error', code: 'ERR_EVICTED', message: 'why' }
]

/** A message as it comes from a socket: JSON, near JSON, or any bytes. */
function comes(valid) {
  const values = fc.oneof(
    fc.constantFrom(...valid).chain((one) => nearly(one)),
    anything
  )
  // Text that JSON has for what it cannot carry is no text at all.
  const texts = values.map((value) => JSON.stringify(value) ?? '')
  return fc
    .oneof(
      { weight: 4, arbitrary: texts },
      { weight: 2, arbitrary: nearlyText(texts) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) }
    )
    .map((content) => Buffer.from(content))
}

/** What `parse` gives, or null when it refuses. */
function parsed(parse, data, isBinary = false) {
  try {
    return parse(data, isBinary)
  } catch (error) {
    assert(error instanceof ProtocolError, error.stack)
    assert(error.message !== '')
    return null
  }
}

const isSequence = (value, low = 1) =>
  Number.isSafeInteger(value) && value >= low

describe('WebSocket messages, property', () => {
  useRuns(3000)

  it('F56 a command: one of those that there are, or refused', () => {
    fc.assert(
      fc.property(comes(COMMANDS), fc.boolean(), (data, isBinary) => {
        const command = parsed(parseCommand, data, isBinary)
        if (command === null) return
        assert.equal(isBinary, false)
        const { type, from, generation, maxEventBytes } = command
        if (type === 'subscribe') {
          const isNamed = ['latest', 'oldest', 'start'].includes(from)
          assert(isNamed || isSequence(from) || from === MAX + 1)
          assert(generation === undefined || /^[0-9a-f]{16}$/.test(generation))
          assert(maxEventBytes === undefined || isSequence(maxEventBytes, 4096))
        } else {
          assert.deepEqual(command, { type })
        }
      })
    )
  })

  /** What is promised of each type of message. */
  const promises = {
    status: ({ sequence, next, heartbeatMs, shm, boot }) =>
      isSequence(sequence, 0) &&
      (next === undefined || next === 2 ** 53 || isSequence(next)) &&
      isSequence(heartbeatMs) &&
      typeof shm === 'boolean' &&
      (boot === null || typeof boot === 'string'),
    threat: (message) =>
      message.threats.length === message.publishedNs.length &&
      message.threats.every(
        ({ sequence, timestampUs, blocked, ...texts }) =>
          isSequence(sequence) &&
          isSequence(timestampUs, 0) &&
          typeof blocked === 'boolean' &&
          ['id', 'threatType', 'severity', 'source', 'details'].every(
            (key) => typeof texts[key] === 'string'
          )
      ),
    lost: ({ count, from, to }) =>
      (count === null && from === null && to === null) ||
      (isSequence(from) && isSequence(to, from) && count === to - from + 1),
    heartbeat: ({ sequence }) => isSequence(sequence, 0),
    error: ({ code, message }) =>
      typeof code === 'string' && typeof message === 'string'
  }

  it('F56 a message: what its type promises, or refused', () => {
    fc.assert(
      fc.property(comes(MESSAGES), (data) => {
        const message = parsed(parseMessage, data)
        if (message === null) return
        const { type, generation } = message
        assert.equal(typeof type, 'string')
        if (!Object.hasOwn(promises, type)) {
          assert.deepEqual(message, { type })
          return
        }
        assert(promises[type](message), JSON.stringify(message))
        assert(type === 'error' || /^[0-9a-f]{16}$/.test(generation))
      })
    )
  })

  // --- Behind the parser -----------------------------------------------------

  /** A server's messages in any order, some of which fit. */
  const script = fc.array(
    fc.oneof(
      fc
        .tuple(
          fc.constantFrom(GENERATION, GENERATION, OTHER),
          fc.constantFrom('status', 'threat', 'lost', 'replaced', 'fits'),
          fc.integer({ min: -2, max: 3 }),
          fc.nat(3)
        )
        .map(([generation, kind, off, more]) => ({
          ...{ generation, kind, off, more }
        })),
      comes(MESSAGES).map((data) => ({ data }))
    ),
    { maxLength: 20 }
  )

  /** The bytes of one of them, for a stream that is due to go on at `next`. */
  function bytesOf({ data, generation, kind, off, more }, next) {
    if (data !== undefined) return data
    const from = Math.max(1, next + (kind === 'fits' ? 0 : off))
    const message = {
      status: () => status(generation, from),
      threat: () => threats(generation, from, from + more),
      fits: () => threats(generation, from, from + more),
      lost: () => lost(generation, from, from + more),
      replaced: () => lost(generation, from, from + more, 'replaced')
    }[kind]()
    return Buffer.from(JSON.stringify(message))
  }

  it('F56 a stream of them: in order, without a gap, whatever is refused', () => {
    fc.assert(
      fc.property(
        script,
        fc.constantFrom('latest', 'oldest', 5),
        (all, from) => {
          const cursor = new StreamCursor({ from, progress: new Progress() })
          const due = new Map() // generation -> the sequence that comes next
          cursor.subscribe()
          for (const one of all) {
            const message = parsed(
              parseMessage,
              bytesOf(one, cursor.arrived + 1)
            )
            if (message === null) continue
            const { arrived, generation } = cursor
            let goesOn = false
            try {
              goesOn = cursor.accept(message, 10)
            } catch (error) {
              assert(error instanceof ProtocolError, error.stack)
              // What was refused whole has moved nothing.
              if (message.type !== 'threat') {
                assert.equal(cursor.arrived, arrived)
                assert.equal(cursor.generation, generation)
              }
            }
            // As the source does: a mistake ends the connection.
            if (!goesOn) cursor.subscribe()
            takeAll(cursor, due)
          }
        }
      )
    )
  })

  /** Everything that waits, each sequence of a generation once and in order. */
  function takeAll(cursor, due) {
    for (let steps = 0; cursor.queue.length > 0; steps++) {
      assert(steps < 100, 'each take takes something')
      const list = []
      const loss = cursor.take(3, list)
      assert(list.length <= 3)
      for (const { sequence } of list) {
        const { generation } = cursor.position
        const next = due.get(generation) ?? sequence
        assert(sequence >= next, `${sequence} came after ${next - 1}`)
        due.set(generation, sequence + 1)
      }
      if (loss !== null && loss.count !== null) {
        const next = due.get(loss.generation) ?? loss.from
        assert(loss.from >= next, `a loss from ${loss.from}, behind ${next}`)
        due.set(loss.generation, loss.to + 1)
      }
    }
  }
})
