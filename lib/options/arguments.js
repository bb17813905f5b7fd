'use strict'
// Checks the arguments of calls.

const path = require('node:path')
const { IpcError, invalid, show } = require('../base/errors.js')
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

/**
 * A batch, checked threat by threat.
 * @param {Iterable<unknown>} threats
 * @param {number} most the largest length of any batch
 * @param {(threat: unknown) => T} check
 * @returns {T[]}
 * @throws {Error} what `check` throws, with the index;
 *   ERR_BATCH_TOO_LARGE; ERR_INVALID_ARGUMENT when there is no list
 * @template T
 */
function checkBatch(threats, most, check) {
  const checked = []
  let isChecking = false // or the caller's iterator runs
  try {
    for (const threat of threats) {
      isChecking = true
      if (checked.length === most) {
        throw new IpcError('ERR_BATCH_TOO_LARGE')
      }
      checked.push(check(threat))
      isChecking = false
    }
  } catch (error) {
    if (!isChecking) {
      const message = `threats: expected a list of threats, got ${show(threats)}`
      throw invalid(TypeError, 'ERR_INVALID_ARGUMENT', message, error)
    }
    if (error.code !== 'ERR_BATCH_TOO_LARGE') {
      error.message = `threats[${checked.length}]: ${error.message}`
    }
    throw error
  }
  return checked
}

module.exports = { checkBatch, checkFile, checkMax, checkSignal }
