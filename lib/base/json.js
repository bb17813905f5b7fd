'use strict'
// JSON text of nothing but what was given.

const { isBooleanObject, isNumberObject, isStringObject } =
  require('node:util').types
const { define, isEverywhere, ownOf } = require('./own.js')

const LIST = []

/**
 * As JSON.stringify, without the toJSON that somebody gave to all objects or
 * to all lists: with it, something else would be sent than what is there.
 * @param {unknown} value
 * @param {number} [indent] spaces
 * @returns {string | undefined}
 * @throws what JSON.stringify throws
 */
function stringify(value, indent) {
  // A list has what every object has.
  const plain = 'toJSON' in LIST ? without(value, '') : value
  return JSON.stringify(plain, null, indent)
}

/** A copy that inherits no toJSON, and of which its own was called. */
function without(given, key) {
  let value = given
  const toJson = toJsonOf(value)
  if (typeof toJson === 'function') {
    value = Reflect.apply(toJson, value, [key])
  }
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function' ? undefined : value
  }
  if (isStringObject(value)) {
    return String(value)
  }
  if (isNumberObject(value)) {
    return Number(value)
  }
  if (isBooleanObject(value)) {
    return Boolean.prototype.valueOf.call(value)
  }
  if (Array.isArray(value)) {
    const list = []
    for (let i = 0; i < value.length; i++) {
      list.push(without(value[i], String(i)))
    }
    return define(list, 'toJSON', undefined, false)
  }
  const object = { __proto__: null }
  for (const name of Object.keys(value)) {
    define(object, name, without(value[name], name))
  }
  return object
}

function toJsonOf(value) {
  if (typeof value === 'bigint') {
    return value.toJSON
  }
  const isObject =
    typeof value === 'function' || (typeof value === 'object' && value !== null)
  if (!isObject || (Array.isArray(value) && !Object.hasOwn(value, 'toJSON'))) {
    return undefined
  }
  return isEverywhere('toJSON') ? ownOf(value, 'toJSON') : value.toJSON
}

module.exports = { stringify }
