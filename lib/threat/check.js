'use strict'
// A threat on its way in: checked, every property read once.

const { invalid, show } = require('../base/errors.js')
const { deflatedTail } = require('./continuation.js')
const { severityNumbers, typeNumbers } = require('./names.js')

function refuse(Type, field, expected, value) {
  return invalid(
    Type,
    'ERR_INVALID_THREAT',
    `threat.${field}: expected ${expected}, got ${show(value)}`
  )
}

function number(field, value, names, limit) {
  if (typeof value === 'string') {
    const known = names.get(value)
    if (known !== undefined) {
      return known
    }
  } else if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= 0 && value <= limit) {
      return value
    }
  }
  throw refuse(
    typeof value === 'string' || typeof value === 'number'
      ? RangeError
      : TypeError,
    field,
    `${[...names.keys()].join(', ')} or a whole number up to ${limit}`,
    value
  )
}

// Node 18 has no String.prototype.isWellFormed.
const isWellFormed =
  typeof String.prototype.isWellFormed === 'function'
    ? (value) => value.isWellFormed()
    : (value) => !/\p{Surrogate}/u.test(value)

function text(field, value) {
  if (typeof value !== 'string') {
    throw refuse(TypeError, field, 'a string', value)
  }
  if (!isWellFormed(value)) {
    throw refuse(
      RangeError,
      field,
      'text without lone surrogates, which UTF-8 cannot carry',
      value
    )
  }
  return value
}

function timestamp(value) {
  if (value === undefined) {
    return 0
  }
  if (typeof value !== 'number') {
    throw refuse(TypeError, 'timestampUs', 'a number', value)
  }
  if (!Number.isSafeInteger(value) || value < 1) {
    throw refuse(
      RangeError,
      'timestampUs',
      'whole microseconds since 1970, from 1 to 2^53-1',
      value
    )
  }
  return value
}

function flag(value) {
  if (value === undefined) {
    return false
  }
  if (typeof value !== 'boolean') {
    throw refuse(TypeError, 'blocked', 'true or false', value)
  }
  return value
}

function ownId(value) {
  if (value !== undefined && text('id', value) === '') {
    throw refuse(RangeError, 'id', 'a string that is not empty', value)
  }
  return value
}

function json(value) {
  let encoded
  try {
    encoded = JSON.stringify(value)
  } catch (cause) {
    throw invalid(
      TypeError,
      'ERR_INVALID_THREAT',
      'threat.context: expected what JSON carries, but it cannot be encoded',
      cause
    )
  }
  if (encoded === undefined) {
    throw refuse(TypeError, 'context', 'what JSON carries', value)
  }
  return encoded
}

const MAX_TYPE = 2 ** 32 - 1
const MAX_SEVERITY = 255

// Texts shorter than this need no look at whether deflating them helps.
const LONG = 512

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
 */

/**
 * Checks a threat. Code of the caller's (getters, proxies, toJSON) runs here
 * and not while it is published, so it always meets a ring in order.
 * @param {import('../index').ThreatInput} threat
 * @returns {ThreatRecord}
 * @throws {TypeError | RangeError} ERR_INVALID_THREAT
 */
function checkThreat(threat) {
  if (typeof threat !== 'object' || threat === null) {
    throw invalid(
      TypeError,
      'ERR_INVALID_THREAT',
      `threat: expected an object, got ${show(threat)}`
    )
  }
  const record = readFields(threat)
  record.type = number('threatType', record.type, typeNumbers, MAX_TYPE)
  record.severity = number(
    'severity',
    record.severity,
    severityNumbers,
    MAX_SEVERITY
  )
  record.blocked = flag(record.blocked)
  record.timestampUs = timestamp(record.timestampUs)
  const { id, context } = record
  const source = text('source', record.source)
  const details = text('details', record.details)
  const isShort = source.length + details.length < LONG
  if (id === undefined && context === undefined && isShort) {
    return record
  }
  ownId(id)
  if (context !== undefined) {
    record.context = json(context)
  }
  record.deflated = deflatedTail(source, details, id, record.context)
  return record
}

/** Each property is read once. */
function readFields(threat) {
  try {
    return {
      type: threat.threatType,
      severity: threat.severity,
      blocked: threat.blocked,
      timestampUs: threat.timestampUs,
      source: threat.source,
      details: threat.details,
      id: threat.id,
      context: threat.context,
      deflated: undefined
    }
  } catch (cause) {
    // A getter or a proxy of the caller's threw.
    throw invalid(
      TypeError,
      'ERR_INVALID_THREAT',
      'threat: expected an object whose fields can be read, but reading threw',
      cause
    )
  }
}

/** Gives those their time that have none, for who publishes them by other means
 * than the native writer. @param {ThreatRecord[]} records */
function stamp(records) {
  for (const record of records) {
    record.timestampUs ||= Date.now() * 1000
  }
}

module.exports = { checkThreat, stamp }
