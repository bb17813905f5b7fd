'use strict'
// A client and a server that knows the token, and lies: in what is no message,
// and in each field of what is one. The client lives, says what was wrong, and
// goes on where it was when the server behaves.

const fs = require('node:fs')
const { GENERATION, MAX, useLiar } = require('../../helpers/websocket-lies.js')
const {
  LONG_MS,
  threatOf,
  threatsOf
} = require('../../helpers/websocket-peer.js')

const show = (value) => String(JSON.stringify(value)).slice(0, 60)

describe('WebSocket client and a server that lies', () => {
  const { assertIgnored, assertSeen, assertSurvived } = useLiar()

  // --- What is no message ----------------------------------------------------

  const NO_MESSAGES = {
    'is no JSON': ['', '{', '{"type":"heartbeat"', 'status', '\0', '{}{}'],
    'is no object': ['null', 'true', '5', '"status"', '[]', '[{"type":"x"}]'],
    'has no type': ['{}', '{"type":5}', '{"type":null}', '{"type":{}}'],
    'is binary': [Buffer.from('{"type":"x"}'), Buffer.of(), Buffer.of(0xff)]
  }
  for (const [why, messages] of Object.entries(NO_MESSAGES)) {
    it(`a message that ${why}: seen`, () =>
      assertSeen(
        ...messages.map((message) => ({
          what: show(String(message)),
          tell: (connection) => connection.say(message),
          why: new RegExp(why)
        }))
      ))
  }

  const frame = (what, hex, why = /Invalid WebSocket frame/) => ({
    what,
    tell: (connection) =>
      connection.pour(Buffer.from(hex.replaceAll(' ', ''), 'hex')),
    why,
    code: null
  })
  for (const lie of [
    frame('a reserved bit', 'c1 00'),
    frame('an unknown opcode', '83 00'),
    frame('a mask', '81 81 00000000 41'),
    frame('the rest of nothing', '80 00'),
    frame('a control frame in pieces', '09 00'),
    frame('a long control frame', '89 7e 0080'),
    frame('text that is no UTF-8', '81 02 fffe', /UTF-8/i),
    frame('a code that no close has', '88 02 03e7'),
    frame(
      'more than a client takes',
      '81 7f 00000000 10000001',
      /payload size/
    ),
    frame('more than there is', '81 7f ffffffff ffffffff', /payload length/)
  ]) {
    it(`F56 a frame with ${lie.what}: seen, and its fault told`, () =>
      assertSeen(lie))
  }

  it('unknown types and fields are a newer server’s: ignored', () =>
    assertIgnored((connection) => {
      for (const type of [
        '',
        'future',
        '__proto__',
        'constructor',
        'valueOf'
      ]) {
        connection.say({ type }).say({ type, generation: 5, threats: 'x' })
      }
      connection.status({ other: { a: [] } })
      connection.say('{"type":"future","__proto__":{"type":"status"}}')
      connection.say(
        `{"type":"future","deep":${'['.repeat(1e5)}${']'.repeat(1e5)}}`
      )
    }))

  it('5 MB of an unknown type: ignored', () =>
    assertIgnored((connection) =>
      connection.say({ type: 'future', text: 'x'.repeat(5_000_000) })
    ))

  it('5 MB that are no JSON: seen', () =>
    assertSeen({
      what: '5 MB',
      tell: (connection) => connection.say('x'.repeat(5_000_000)),
      why: /is no JSON/
    }))

  it('F63 more than any event takes: closed, and never parsed', () =>
    assertSeen(
      ...[8_000_000, 100_000_000].map((size) => ({
        what: `${size} bytes`,
        tell: (connection) =>
          connection.say({ type: 'future', text: 'x'.repeat(size) }),
        code: 'ERR_WEBSOCKET_CLOSED',
        why: /Max payload size exceeded/
      }))
    ))

  // --- Wrong fields --------------------------------------------------------------

  const notText = [undefined, null, 5, true, {}, ['x']]
  const notCount = [undefined, null, '1', 1.5, -1, MAX + 1, {}, true]
  const notPriority = ['1', 1.5, -1, 2 ** 32, {}, true]
  const notGeneration = [
    ...[undefined, null, 5, '', 'x', '0'.repeat(17), 'A'.repeat(16)]
  ]
  /** The message of a type, right for the sequence that is due but for one
   * field. */
  const message = (type, next) => ({
    type,
    generation: GENERATION,
    ...{
      status: { sequence: 1, shm: false, boot: null, heartbeatMs: LONG_MS },
      threat: { threats: threatsOf(next, next) },
      lost: { count: 1, from: next, to: next, reason: 'overwritten' },
      heartbeat: { sequence: 1 }
    }[type]
  })
  const fields = (type, field, ...values) =>
    values.map((value) => ({
      what: `${type} with ${field} ${show(value)}`,
      tell: (connection, next) =>
        connection.say({ ...message(type, next), [field]: value }),
      why: /is|are|has|lost:/
    }))
  const ofThreats = (field, ...values) =>
    values.map((value) => ({
      what: `a threat with ${field} ${show(value)}`,
      tell: (connection, next) =>
        connection.threats([threatOf(next, { [field]: value })]),
      why: /is|are|has/
    }))
  const FIELDS = {
    threat: [
      ...ofThreats('sequence', ...notCount, 0),
      ...ofThreats('timestamp_us', ...notCount),
      ...ofThreats('blocked', undefined, null, 1, 'true'),
      ...['id', 'threat_type', 'severity', 'source', 'details'].flatMap(
        (name) => ofThreats(name, ...notText)
      ),
      ...['threat_type_code', 'severity_code'].flatMap((name) =>
        ofThreats(name, ...notCount.slice(1))
      ),
      ...ofThreats('priority_count', ...notPriority),
      ...fields('threat', 'rescued', null, 0, 'true'),
      ...fields('threat', 'generation', ...notGeneration),
      ...fields('threat', 'threats', undefined, null, {}, 'x', 5),
      ...fields('threat', 'threats', [null], [5], ['x'], [[]], [{}])
    ],
    status: [
      ...fields('status', 'generation', ...notGeneration),
      ...fields('status', 'sequence', ...notCount),
      ...fields('status', 'next', ...notCount.slice(1), 0),
      ...fields('status', 'heartbeatMs', ...notCount, 0),
      ...fields('status', 'priority', ...notPriority),
      ...fields('status', 'shm', null, 0, 'true')
    ],
    lost: [
      ...fields('lost', 'generation', ...notGeneration),
      ...fields('lost', 'count', ...notCount, 0, 2),
      ...fields('lost', 'from', ...notCount, 0),
      ...fields('lost', 'to', ...notCount, 0, MAX),
      ...fields('lost', 'priority', ...notPriority, 2),
      ...fields('lost', 'reason', undefined, null, '', 'other', 5)
    ],
    heartbeat: [
      ...fields('heartbeat', 'sequence', ...notCount),
      ...fields('heartbeat', 'generation', ...notGeneration)
    ]
  }
  for (const [type, lies] of Object.entries(FIELDS)) {
    it(`a field of ${type} that is wrong, ${lies.length} ways: seen`, () =>
      assertSeen(...lies))
  }

  it('an error whose code and message are no text: survived', () =>
    assertSurvived((connection) => {
      for (const value of [undefined, null, 5, [], {}, [[{}]]]) {
        connection.say({ type: 'error', code: value, message: value })
      }
    }))

  // String() of such an object throws.
  for (const field of ['code', 'message']) {
    it(`an error whose ${field} cannot be made text: survived`, () =>
      assertSurvived((connection) =>
        connection.say({ type: 'error', [field]: { toString: 1, valueOf: 1 } })
      ))
  }

  it('F57 absurd publish times: survived', async () => {
    const file = '/proc/sys/kernel/random/boot_id'
    const boot = fs.existsSync(file) ? fs.readFileSync(file, 'latin1') : ''
    await assertSurvived((connection) => {
      connection.status({ boot: boot.trim() })
      for (const [i, published_ns] of [
        ...[null, 'x', {}, 0, 1, 0.5, -1, 1e300, MAX, -MAX, -(2 ** 60), -1e300]
      ].entries()) {
        connection.threats([threatOf(21 + i, { published_ns })])
      }
    })
  })
})
