'use strict'
// Loads the native addon. The path is a literal, so that bundlers find it.

/**
 * @typedef {object} Binding
 * @property {object | null} native the addon, or null
 * @property {string | null} reason why there is none, as a clause
 */

/** @returns {Binding} */
function load() {
  if (process.env.KINDLY_GUARD_IPC_NO_NATIVE === '1') {
    return {
      native: null,
      reason: 'KINDLY_GUARD_IPC_NO_NATIVE=1 forbids the native addon'
    }
  }
  try {
    const native = require('../../build/Release/kindly_guard_ipc.node')
    native.setErrorFactory(require('../base/errors.js').fromNative)
    return { native, reason: null }
  } catch (error) {
    const platform = `${process.platform}-${process.arch}`
    return {
      native: null,
      reason:
        error.code === 'MODULE_NOT_FOUND'
          ? `there is no native addon for ${platform} in this installation`
          : `the native addon for ${platform} does not load: ${error.message}`
    }
  }
}

module.exports = load()
