'use strict'
// What is loaded when it is first needed. The `require` is the caller's, with its
// path as a literal, so that bundlers find it.

const { IpcError } = require('./errors.js')

/**
 * @param {() => T} load
 * @returns {() => T} loads once, and gives the same from then on, also where a
 *   test runner has emptied `require.cache` meanwhile
 * @template T
 */
function lazy(load) {
  let loaded
  return () => (loaded ??= load())
}

/**
 * Loads a package that this one depends on; lazy() by itself.
 * @param {string} name
 * @param {() => T} load tried anew after a failure
 * @returns {() => T}
 * @throws {IpcError} ERR_SYSTEM: it is not there, or cannot be read
 * @template T
 */
function lazyPackage(name, load) {
  return lazy(() => {
    try {
      return load()
    } catch (error) {
      const { deniedBy } = require('./permission.js')
      const [why] = String(error?.message ?? error).split('\n', 1)
      const detail =
        `the package ${name} cannot be loaded: ${deniedBy(error) ?? why}; ` +
        'install kindly-guard-ipc again, or have your bundler put it in'
      throw new IpcError('ERR_SYSTEM', detail, { cause: error })
    }
  })
}

module.exports = { lazy, lazyPackage }
