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

// Texts shorter than this need no look at whether deflating them helps.
const LONG = 512

/** What a getter or a proxy of the caller's throws, as an error of ours. */
function unreadable(cause) {
  return invalid(
    TypeError,
    'ERR_INVALID_THREAT',
    'threat: expected an object whose fields can be read, but reading threw',
    cause
  )
}

/**
 * Checks a threat and hands its fields to `writer.write`, in the order in
 * which the native writer takes them. Code of the caller's (getters, proxies,
 * toJSON) runs only before that, so whatever it does meets a ring in order.
 * @param {import('../index').ThreatInput} threat
 * @param {{ write(...fields: unknown[]): T }} writer
 * @returns {T}
 * @template T
 */
function encodeThreat(threat, writer) {
  if (typeof threat !== 'object' || threat === null) {
    throw invalid(
      TypeError,
      'ERR_INVALID_THREAT',
      `threat: expected an object, got ${show(threat)}`
    )
  }
  let type, severity, blocked, timestampUs, source, details, id, context
  try {
    type = threat.threatType
    severity = threat.severity
    source = threat.source
    details = threat.details
    blocked = threat.blocked
    timestampUs = threat.timestampUs
    id = threat.id
    context = threat.context
  } catch (error) {
    throw unreadable(error)
  }
  type = number('threatType', type, typeNumbers, 2 ** 32 - 1)
  severity = number('severity', severity, severityNumbers, 255)
  blocked = flag(blocked)
  timestampUs = timestamp(timestampUs)
  text('source', source)
  text('details', details)
  const isShort = source.length + details.length < LONG
  if (id === undefined && context === undefined && isShort) {
    return writer.write(type, severity, blocked, timestampUs, source, details)
  }
  ownId(id)
  context = context === undefined ? undefined : json(context)
  return writer.write(
    type,
    severity,
    blocked,
    timestampUs,
    source,
    details,
    id,
    context,
    deflatedTail(source, details, id, context)
  )
}

/** In the place of a native writer: gives the fields of a checked threat by
 * name. */
const nameFields = {
  write: (
    type,
    severity,
    blocked,
    timestampUs,
    source,
    details,
    id,
    context,
    deflated
  ) => ({
    type,
    severity,
    blocked,
    timestampUs,
    source,
    details,
    id,
    context,
    deflated
  })
}

/** Gives those their time that have none, for who publishes them by other means
 * than the native writer. @param {object[]} batch as nameFields gives them */
function stamp(batch) {
  for (const fields of batch) {
    fields.timestampUs ||= Date.now() * 1000
  }
}

module.exports = { encodeThreat, nameFields, stamp }
