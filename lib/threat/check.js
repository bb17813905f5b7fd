'use strict'
// A threat on its way in: checked, every property read once.

const { IpcError, invalid, show } = require('../base/errors.js')
const { ownOf } = require('../base/own.js')
const { nowMicros } = require('../base/wall-clock.js')
const { encodeContext } = require('./context.js')
const { deflate } = require('./deflate.js')
const { MAX_EVENT_BYTES } = require('./limits.js')
const {
  Severity,
  severityNumberOf,
  ThreatType,
  typeNumberOf
} = require('./names.js')

// Node 18 has no String.prototype.isWellFormed.
const HAS_WELL_FORMED = typeof String.prototype.isWellFormed === 'function'
const SURROGATE = /\p{Surrogate}/u

/** The error for a value that is of the wrong type, or out of its range. */
function refuse(isType, field, expected, value) {
  return invalid(
    isType ? RangeError : TypeError,
    'ERR_INVALID_THREAT',
    `threat.${field}: expected ${expected}, got ${show(value)}`
  )
}

const isCode = (value, limit) =>
  Number.isInteger(value) && value >= 0 && value <= limit

/** A type or a severity that is given by its number. */
function number(field, value, names, limit) {
  if (!isCode(value, limit)) {
    const isType = typeof value === 'string' || typeof value === 'number'
    const known = Object.keys(names).join(', ')
    const expected = `${known} or a whole number up to ${limit}`
    throw refuse(isType, field, expected, value)
  }
  return value
}

function text(field, value) {
  const isText = typeof value === 'string'
  if (!isText) {
    throw refuse(isText, field, 'a string', value)
  }
  if (HAS_WELL_FORMED ? !value.isWellFormed() : SURROGATE.test(value)) {
    const expected = 'text without lone surrogates, which UTF-8 cannot carry'
    throw refuse(isText, field, expected, value)
  }
}

function timestamp(value) {
  const isNumber = typeof value === 'number'
  if (!Number.isSafeInteger(value) || value < 1) {
    const range = 'whole microseconds since 1970, from 1 to 2^53-1'
    throw refuse(isNumber, 'timestampUs', isNumber ? range : 'a number', value)
  }
}

function flag(value) {
  if (typeof value !== 'boolean') {
    throw refuse(false, 'blocked', 'true or false', value)
  }
}

function ownId(value) {
  text('id', value)
  if (value === '') {
    throw refuse(true, 'id', 'a string that is not empty', value)
  }
}

const MAX_TYPE = 2 ** 32 - 1
const MAX_SEVERITY = 255

// Shorter texts are neither deflated nor too large for any maxEventBytes.
const LONG = 512

// The name of a number that has none.
const UNKNOWN = 'Unknown'

/**
 * What a writer's options say of its threats.
 * @param {{ maxEventBytes?: number, strictContext?: boolean }} [options]
 */
const limitsOf = ({
  maxEventBytes = MAX_EVENT_BYTES,
  strictContext = false
} = {}) => ({ maxEventBytes, strictContext })

const DEFAULT_LIMITS = limitsOf()

// What every object has, and nothing else.
const NOTHING = {}

/** Whether every object seems to have a field of a threat's. Spelled out, since
 * that is the fastest that there is. */
const isPolluted = () =>
  'threatType' in NOTHING ||
  'severity' in NOTHING ||
  'blocked' in NOTHING ||
  'timestampUs' in NOTHING ||
  'source' in NOTHING ||
  'details' in NOTHING ||
  'id' in NOTHING ||
  'context' in NOTHING

/** The fields that a threat has itself, or by its class. */
const ownFields = (threat) => ({
  __proto__: null,
  threatType: ownOf(threat, 'threatType'),
  severity: ownOf(threat, 'severity'),
  blocked: ownOf(threat, 'blocked'),
  timestampUs: ownOf(threat, 'timestampUs'),
  source: ownOf(threat, 'source'),
  details: ownOf(threat, 'details'),
  id: ownOf(threat, 'id'),
  context: ownOf(threat, 'context')
})

/** The error for a threat of which a getter or a proxy of the caller's threw. */
const unreadable = (cause) =>
  invalid(
    TypeError,
    'ERR_INVALID_THREAT',
    'threat: expected an object whose fields can be read, but reading threw',
    cause
  )

/** The number of a type or a severity that is named Unknown, as a received
 * threat has it; undefined where there is none. */
function codeBeside(threat, field, limit) {
  let code
  try {
    code = ownOf(threat, field)
  } catch (cause) {
    throw unreadable(cause)
  }
  if (code !== undefined && !isCode(code, limit)) {
    const expected = `a whole number up to ${limit}`
    throw refuse(typeof code === 'number', field, expected, code)
  }
  return code
}

/** The number of a type, given by name or number. */
function typeOf(type, threat) {
  const known = typeNumberOf(type)
  return known === 0
    ? (codeBeside(threat, 'threatTypeCode', MAX_TYPE) ?? known)
    : (known ?? number('threatType', type, ThreatType, MAX_TYPE))
}

/** The same of a severity. */
function severityOf(severity, threat) {
  const known = severityNumberOf(severity)
  if (known !== undefined) {
    return known
  }
  const code =
    severity === UNKNOWN
      ? codeBeside(threat, 'severityCode', MAX_SEVERITY)
      : undefined
  return code ?? number('severity', severity, Severity, MAX_SEVERITY)
}

/** Refuses texts of more bytes than an event may have. */
function checkBytes({ source, details, id = '', context = '' }, most) {
  const units = source.length + details.length + id.length + context.length
  // No unit has more than three bytes.
  if (units * 3 <= most) {
    return
  }
  const bytes =
    Buffer.byteLength(source) +
    Buffer.byteLength(details) +
    Buffer.byteLength(id) +
    Buffer.byteLength(context)
  if (bytes > most) {
    const detail = `its texts have ${bytes} bytes, maxEventBytes is ${most}`
    throw new IpcError('ERR_EVENT_TOO_LARGE', detail)
  }
}

/**
 * A threat that was checked: numbers as the ring has them, and text.
 * @typedef {object} ThreatRecord
 * @property {number} type
 * @property {number} severity
 * @property {boolean} blocked
 * @property {number} timestampUs 0: the time at which it is published
 * @property {string} source
 * @property {string} details
 * @property {string} [id]
 * @property {string} [context] JSON
 * @property {Buffer} [deflated] the continuation, where deflating helps
 * @property {boolean} isShort whether id, context and deflated are all absent
 */

/**
 * Checks a threat. Code of the caller's (getters, proxies, toJSON) runs here
 * and not while the threat is published, when the ring is in between states.
 * @param {import('../index').ThreatInput} threat
 * @param {{ maxEventBytes: number, strictContext: boolean }} [limits] of the
 *   writer
 * @returns {ThreatRecord}
 * @throws {TypeError | RangeError} ERR_INVALID_THREAT
 * @throws {IpcError} ERR_EVENT_TOO_LARGE
 */
function checkThreat(threat, limits = DEFAULT_LIMITS) {
  if (typeof threat !== 'object' || threat === null) {
    throw invalid(
      TypeError,
      'ERR_INVALID_THREAT',
      `threat: expected an object, got ${show(threat)}`
    )
  }
  let type, severity, blocked, timestampUs, source, details, id, context
  try {
    const fields = isPolluted() ? ownFields(threat) : threat
    // Each property is read once.
    type = fields.threatType
    severity = fields.severity
    blocked = fields.blocked
    timestampUs = fields.timestampUs
    source = fields.source
    details = fields.details
    id = fields.id
    context = fields.context
  } catch (cause) {
    throw unreadable(cause)
  }
  const record = {
    type: typeOf(type, threat),
    severity: severityOf(severity, threat),
    blocked: blocked === undefined ? false : blocked,
    timestampUs: 0,
    source,
    details,
    id,
    context: undefined,
    deflated: undefined,
    isShort: true
  }
  flag(record.blocked)
  if (timestampUs !== undefined) {
    timestamp(timestampUs)
    record.timestampUs = timestampUs
  }
  text('source', source)
  text('details', details)
  if (
    id !== undefined ||
    context !== undefined ||
    source.length + details.length >= LONG
  ) {
    if (id !== undefined) {
      ownId(id)
    }
    if (context !== undefined) {
      record.context = encodeContext(context, limits.strictContext)
    }
    checkBytes(record, limits.maxEventBytes)
    record.deflated = deflate(record)
    record.isShort = false
  }
  return record
}

/** Gives the records a time that have none; the native writer does it itself.
 * @param {ThreatRecord[]} records */
function stamp(records) {
  for (const record of records) {
    record.timestampUs ||= nowMicros()
  }
}

module.exports = { checkThreat, limitsOf, stamp }
