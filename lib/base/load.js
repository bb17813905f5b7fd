'use strict'
// What is loaded when it is first needed. The `require` is the caller's, with its
// path as a literal, so that bundlers find it.

const { IpcError, isIpcError } = require('./errors.js')

function failure(what, error) {
  const { deniedBy } = require('./permission.js')
  const [why] = String(error?.message ?? error).split('\n', 1)
  const detail =
    `${what} cannot be loaded: ${deniedBy(error) ?? why}; install ` +
    'kindly-guard-ipc again, or have your bundler put all of it in'
  return new IpcError('ERR_SYSTEM', detail, { cause: error })
}

/**
 * Loads once, and gives the same from then on, also where a test runner has
 * emptied `require.cache` meanwhile.
 * @param {() => T} load tried anew after a failure
 * @param {string} [what] is loaded, for people
 * @returns {() => T} throws an IpcError with ERR_SYSTEM when it is not there, or
 *   cannot be read
 * @template T
 */
function lazy(load, what = 'a part of kindly-guard-ipc') {
  let loaded
  return () => {
    try {
      return (loaded ??= load())
    } catch (error) {
      throw isIpcError(error) ? error : failure(what, error)
    }
  }
}

module.exports = { lazy }
