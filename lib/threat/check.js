'use strict'
// A threat on its way in: checked, every property read once.

const { invalid, show } = require('../base/errors.js')
const { nowMicros } = require('../base/wall-clock.js')
const continuation = require('./continuation.js')
const { severityNumbers, typeNumbers } = require('./names.js')

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

function number(field, value, names, limit) {
  const code = typeof value === 'string' ? names.get(value) : value
  if (!Number.isInteger(code) || code < 0 || code > limit) {
    const isType = typeof value === 'string' || typeof value === 'number'
    const known = [...names.keys()].join(', ')
    const expected = `${known} or a whole number up to ${limit}`
    throw refuse(isType, field, expected, value)
  }
  return code
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
    throw refuse(false, 'context', 'what JSON carries', value)
  }
  return encoded
}

const MAX_TYPE = 2 ** 32 - 1
const MAX_SEVERITY = 255

// Shorter texts are never deflated, so deflate() is not called for them.
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
 * @property {boolean} isShort whether id, context and deflated are all absent
 */

/**
 * Checks a threat. Code of the caller's (getters, proxies, toJSON) runs here
 * and not while the threat is published, when the ring is in between states.
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
  let record
  try {
    // Each property is read once.
    record = {
      type: threat.threatType,
      severity: threat.severity,
      blocked: threat.blocked,
      timestampUs: threat.timestampUs,
      source: threat.source,
      details: threat.details,
      id: threat.id,
      context: threat.context,
      deflated: undefined,
      isShort: true
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
  const { source, details, id, context, blocked = false } = record
  record.type = number('threatType', record.type, typeNumbers, MAX_TYPE)
  record.severity = number(
    'severity',
    record.severity,
    severityNumbers,
    MAX_SEVERITY
  )
  flag(blocked)
  record.blocked = blocked
  if (record.timestampUs === undefined) {
    record.timestampUs = 0
  } else {
    timestamp(record.timestampUs)
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
    record.context = context === undefined ? undefined : json(context)
    record.deflated = continuation.deflate(record)
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

module.exports = { checkThreat, stamp }
