'use strict'
// Checks the arguments of calls.

const { IpcError, invalid, show } = require('../base/errors.js')
const { integer } = require('./check.js')

function checkMax(max) {
  try {
    integer('max', max, 1, Number.MAX_SAFE_INTEGER)
  } catch (error) {
    throw invalid(
      error instanceof RangeError ? RangeError : TypeError,
      'ERR_INVALID_ARGUMENT',
      `max: expected a whole number from 1, got ${show(max)}`
    )
  }
}

function checkSignal(options) {
  let cause
  try {
    if (typeof options === 'object') {
      const { signal } = options
      // The getter of `aborted` refuses what only looks like a signal.
      if (
        signal === undefined ||
        (signal instanceof AbortSignal && typeof signal.aborted === 'boolean')
      ) {
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
 * @param {number} most what no batch can exceed
 * @param {(threat: unknown) => T} check
 * @returns {T[]}
 * @throws {Error} what `check` throws, with the index;
 *   ERR_BATCH_TOO_LARGE; ERR_INVALID_ARGUMENT when there is no list
 * @template T
 */
function checkBatch(threats, most, check) {
  const checked = []
  let ours = null
  try {
    for (const threat of threats) {
      if (checked.length === most) {
        ours = new IpcError('ERR_BATCH_TOO_LARGE')
        break
      }
      try {
        checked.push(check(threat))
      } catch (error) {
        error.message = `threats[${checked.length}]: ${error.message}`
        ours = error
        break
      }
    }
  } catch (cause) {
    ours ??= invalid(
      TypeError,
      'ERR_INVALID_ARGUMENT',
      `threats: expected a list of threats, got ${show(threats)}`,
      cause
    )
  }
  if (ours !== null) {
    throw ours
  }
  return checked
}

module.exports = { checkBatch, checkMax, checkSignal }
