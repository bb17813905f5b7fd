'use strict'
// The Shield's messages over WebSocket: JSON text. They are made in messages.js
// and checked here; a client's are in client/commands.js and server/commands.js.
//
//   server   { type: 'status', generation, sequence, next?, priority?, shm,
//              boot, heartbeatMs, protection_enabled?, threats_blocked? }
//            { type: 'threat', generation, rescued?, threats: [...] }
//            { type: 'lost', generation, count, from, to, priority, reason }
//            { type: 'heartbeat', generation, sequence }
//            { type: 'error', code, message }
//   client   { type: 'subscribe', generation?, from?, priority?,
//              maxEventBytes? }
//            { type: 'unsubscribe' }
//            { type: 'get_status' }
//
// `from: 'start'` is the first threat that this Shield published: for a client
// that waited for it. A `status` with `next` begins a stream: the next threat
// has that sequence, and from there on every sequence is in one `threat` or one
// `lost`, in order; `rescued`: these threats are all that a gap has left. Priority
// events are counted: the `priority` of a `status` and of a `subscribe` with a
// sequence is how many there are before that sequence, modulo 2^32, a threat's
// `priority_count` how many up to it, that of a `lost` how many it has; absent or
// null where that is not known. `shm`: whether the same threats are in shared memory. Without
// `from`, a subscription begins with the latest. `maxEventBytes`: a threat with
// more text than that comes cut, as it comes to a reader of the ring; the client
// could not take the message. The last two of a `status` are for old clients, and
// sent with auth 'none' alone.

const { show } = require('../base/errors.js')
const { isEverywhere, put } = require('../base/own.js')

const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER
const MAX_PRIORITY = 2 ** 32 - 1

const REASONS = ['overwritten', 'corrupt', 'evicted', 'replaced', 'before-join']

/** The other end's message is wrong; the text says how. */
class ProtocolError extends Error {}

/** @throws {ProtocolError} unless it is fine */
function mustBe(fine, what) {
  if (!fine) {
    throw new ProtocolError(what)
  }
}

const isText = (value) => typeof value === 'string'
const isGeneration = (value) => isText(value) && /^[0-9a-f]{16}$/.test(value)
const isSequence = (value, low = 1) =>
  Number.isSafeInteger(value) && value >= low
const isPriority = (value) =>
  value === null || (isSequence(value, 0) && value <= MAX_PRIORITY)

/**
 * What every message is, of either end.
 * @param {Buffer} data
 * @param {boolean} isBinary
 * @returns {object} with `type`
 * @throws {ProtocolError}
 */
function parse(data, isBinary) {
  let value
  mustBe(!isBinary, 'the message is binary, text was expected')
  try {
    value = JSON.parse(data)
  } catch {
    throw new ProtocolError('the message is no JSON')
  }
  mustBe(
    typeof value === 'object' && value !== null && !Array.isArray(value),
    'the message is no object'
  )
  // Not what every object has.
  const own = { __proto__: null, ...value }
  mustBe(isText(own.type), 'the message has no type')
  return own
}

// What a threat of a message may have.
const THREAT_FIELDS = [
  ...['sequence', 'id', 'timestamp_us', 'threat_type', 'severity', 'source'],
  ...['details', 'blocked', 'threat_type_code', 'severity_code', 'cut'],
  ...['context', 'published_ns', 'priority_count']
]

/** The threats of a message, none of which seems to have what it has not. */
const ownThreats = (threats) =>
  THREAT_FIELDS.some(isEverywhere)
    ? threats.map((threat) => threat && { __proto__: null, ...threat })
    : threats

function parseThreat(value, generation) {
  mustBe(typeof value === 'object' && value !== null, 'a threat is an object')
  const { priority_count: priority = null } = value
  const threat = {
    sequence: value.sequence,
    id: value.id,
    timestampUs: value.timestamp_us,
    threatType: value.threat_type,
    severity: value.severity,
    source: value.source,
    details: value.details,
    blocked: value.blocked,
    generation,
    priority
  }
  mustBe(isSequence(threat.sequence), 'a threat has a sequence')
  const { id, threatType, severity, source, details } = threat
  mustBe(
    [id, threatType, severity, source, details].every(isText),
    'id, threat_type, severity, source and details are text'
  )
  mustBe(isSequence(threat.timestampUs, 0), 'timestamp_us is a whole number')
  mustBe(typeof threat.blocked === 'boolean', 'blocked is true or false')
  mustBe(isPriority(priority), 'priority_count is a whole number')
  for (const [name, code] of [
    ['threatTypeCode', value.threat_type_code],
    ['severityCode', value.severity_code]
  ]) {
    if (code !== undefined) {
      mustBe(isSequence(code, 0), `${name} is a whole number`)
      put(threat, name, code)
    }
  }
  if (value.cut === true) {
    put(threat, 'cut', true)
  }
  if (value.context !== undefined) {
    put(threat, 'context', value.context)
  }
  return threat
}

const parsers = {
  status(value) {
    const { next, boot, sequence, heartbeatMs, shm = true } = value
    const { priority = null } = value
    mustBe(isSequence(sequence, 0), 'status: sequence is a whole number')
    mustBe(
      // Behind the last possible one nothing comes any more.
      next === undefined || next === MAX_SEQUENCE + 1 || isSequence(next),
      'status: next is a sequence'
    )
    mustBe(isSequence(heartbeatMs), 'status: heartbeatMs is a whole number')
    mustBe(typeof shm === 'boolean', 'status: shm is true or false')
    mustBe(isPriority(priority), 'status: priority is a whole number')
    const knownBoot = isText(boot) ? boot : null
    return { sequence, next, priority, heartbeatMs, shm, boot: knownBoot }
  },

  threat({ generation, threats: given, rescued = false }) {
    mustBe(Array.isArray(given), 'threats is a list')
    mustBe(typeof rescued === 'boolean', 'threat: rescued is true or false')
    const threats = ownThreats(given)
    return {
      threats: threats.map((threat) => parseThreat(threat, generation)),
      rescued,
      publishedNs: threats.map(({ published_ns: ns }) =>
        Number.isFinite(ns) ? ns : null
      )
    }
  },

  // A server of an earlier version says nothing of priority.
  lost({ count, from, to, priority = null, reason }) {
    mustBe(REASONS.includes(reason), 'lost: the reason is unknown')
    if (count === null) {
      return { count, from: null, to: null, priority: null, reason }
    }
    mustBe(
      isSequence(from) && isSequence(to, from) && count === to - from + 1,
      'lost: count, from and to do not agree'
    )
    mustBe(
      isPriority(priority) && priority <= count,
      'lost: priority is a part of count'
    )
    return { count, from, to, priority, reason }
  },

  heartbeat({ sequence }) {
    mustBe(isSequence(sequence, 0), 'heartbeat: sequence is a whole number')
    return { sequence }
  }
}

/**
 * A message of a server, checked and copied. An unknown type is a newer
 * server's: only `type` is returned.
 * @param {Buffer} data
 * @param {boolean} isBinary
 * @returns {{ type: string, generation?: string }}
 * @throws {ProtocolError}
 */
function parseMessage(data, isBinary) {
  const value = parse(data, isBinary)
  const { type, generation } = value
  if (type === 'error') {
    const text = (field) => (isText(field) ? field : show(field))
    return { type, code: text(value.code), message: text(value.message) }
  }
  if (!Object.hasOwn(parsers, type)) {
    return { type }
  }
  mustBe(isGeneration(generation), `${type}: generation is 16 hex digits`)
  return { type, generation, ...parsers[type](value) }
}

module.exports = {
  isGeneration,
  isPriority,
  isSequence,
  MAX_SEQUENCE,
  mustBe,
  parse,
  parseMessage,
  ProtocolError
}
