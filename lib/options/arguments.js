'use strict'
// Checks the arguments of a client's calls.

const path = require('node:path')
const { invalid, show } = require('../base/errors.js')
const { isPlain } = require('../base/own.js')

function checkMax(max) {
  if (!Number.isSafeInteger(max) || max < 1) {
    throw invalid(
      typeof max === 'number' ? RangeError : TypeError,
      'ERR_INVALID_ARGUMENT',
      `max: expected a whole number from 1, got ${show(max)}`
    )
  }
}

/** @param {unknown} file @returns {string} absolute */
function checkFile(file) {
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw invalid(
      TypeError,
      'ERR_INVALID_ARGUMENT',
      `file: expected the path of a file, got ${show(file)}`
    )
  }
  return path.resolve(file)
}

/** Whether this does what an AbortSignal does: it may be another realm's. The
 * getter of `aborted` throws for an object that only inherits from
 * AbortSignal.prototype. */
const isSignal = (value) =>
  typeof value === 'object' &&
  value !== null &&
  typeof value.aborted === 'boolean' &&
  typeof value.addEventListener === 'function' &&
  typeof value.removeEventListener === 'function'

/** @param {unknown} options of pollThreats @returns {AbortSignal | undefined} */
function checkSignal(options) {
  let cause
  try {
    if (isPlain(options)) {
      const { signal, ...others } = { __proto__: null, ...options }
      const isKnown = Object.keys(others).length === 0
      if (isKnown && (signal === undefined || isSignal(signal))) {
        return signal
      }
    }
  } catch (error) {
    cause = error
  }
  throw invalid(
    TypeError,
    'ERR_INVALID_ARGUMENT',
    `signal: expected { signal: AbortSignal }, got ${show(options)}`,
    cause
  )
}

module.exports = { checkFile, checkMax, checkSignal }
