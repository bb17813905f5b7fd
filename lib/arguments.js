'use strict'
// Checks the arguments of calls that consume a stream.

const { invalid, show } = require('./errors.js')
const { integer } = require('./options.js')

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

module.exports = { checkMax, checkSignal }
