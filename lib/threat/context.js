'use strict'
// The context of a threat as JSON text. JSON leaves out or changes much of what
// JavaScript has; `strictContext` refuses that.

const { invalid, show } = require('../base/errors.js')
const { stringify } = require('../base/json.js')
const { define, isPlain } = require('../base/own.js')

const ROOT = 'threat.context'

/**
 * @param {unknown} value not undefined
 * @param {boolean} isStrict whether all of it must come out as it is
 * @returns {string}
 * @throws {TypeError} ERR_INVALID_THREAT; names the path of what is wrong when
 *   it is strict
 */
function encodeContext(value, isStrict) {
  let encoded
  try {
    encoded = stringify(isStrict ? exact(value, ROOT, new Set()) : value)
  } catch (cause) {
    if (cause?.code === 'ERR_INVALID_THREAT') {
      throw cause
    }
    throw invalid(
      TypeError,
      'ERR_INVALID_THREAT',
      `${ROOT}: expected what JSON carries, but it cannot be encoded`,
      cause
    )
  }
  if (encoded === undefined) {
    throw refuse(ROOT, 'what JSON carries', value)
  }
  return encoded
}

function refuse(path, expected, value) {
  return invalid(
    TypeError,
    'ERR_INVALID_THREAT',
    `${path}: expected ${expected}, got ${show(value)}`
  )
}

const CARRIED =
  'what JSON carries unchanged (strictContext): null, true, false, text, a ' +
  'finite number but -0, a list without holes, a plain object'

/**
 * A copy of what JSON carries unchanged; of each property, so that what was
 * checked is what is encoded.
 * @param {Set<object>} parents those that `value` stands in
 */
function exact(value, path, parents) {
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    (Number.isFinite(value) && !Object.is(value, -0))
  ) {
    return value
  }
  const isList = Array.isArray(value)
  if (!isList && !isPlain(value)) {
    throw refuse(path, CARRIED, value)
  }
  if (parents.has(value)) {
    throw refuse(path, 'no circle', value)
  }
  parents.add(value)
  const copy = isList
    ? exactList(value, path, parents)
    : exactObject(value, path, parents)
  parents.delete(value)
  return copy
}

function exactList(list, path, parents) {
  // Beside its items it has its length.
  if (Reflect.ownKeys(list).length !== list.length + 1) {
    throw refuse(path, 'a list without holes and other properties', list)
  }
  const copy = []
  for (let i = 0; i < list.length; i++) {
    copy.push(exact(list[i], `${path}[${i}]`, parents))
  }
  return copy
}

function exactObject(object, path, parents) {
  const keys = Object.keys(object)
  if (Reflect.ownKeys(object).length !== keys.length) {
    throw refuse(path, 'no symbols and no hidden properties as keys', object)
  }
  const copy = {}
  for (const key of keys) {
    const name = /^[A-Za-z_$][\w$]{0,63}$/.test(key)
      ? `.${key}`
      : `[${show(key)}]`
    define(copy, key, exact(object[key], `${path}${name}`, parents))
  }
  return copy
}

module.exports = { encodeContext }
