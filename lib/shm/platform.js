'use strict'
// PlatformShm: what this machine offers.

const path = require('node:path')
const { native, reason } = require('./addon.js')
const { IpcError } = require('../base/errors.js')
const { lazy } = require('../base/load.js')

// Whoever asks what there is has no options.
const check = lazy(() => require('../options/check.js'))

function mustBeAvailable() {
  if (native === null) {
    throw new IpcError('ERR_SHM_UNAVAILABLE', reason)
  }
}

const PlatformShm = Object.freeze({
  /** Whether shared memory works here: the addon loads, and there is a directory
   * for rings or one can be made. */
  isAvailable() {
    return PlatformShm.unavailableReason() === null
  },

  /** @returns {string | null} why not; null when it works */
  unavailableReason() {
    if (native === null) {
      return reason
    }
    try {
      PlatformShm.directory()
      return null
    } catch (error) {
      return error.message
    }
  },

  /**
   * The directory that is used without `dir`; made when missing.
   * @returns {string}
   * @throws {IpcError} ERR_SHM_UNAVAILABLE, ERR_UNSAFE_PATH, ERR_ACCESS
   */
  directory() {
    mustBeAvailable()
    return native.defaultDirectory()
  },

  /**
   * The path of the ring file with these options; it need not exist.
   * @param {import('../index').LocationOptions} [options]
   * @returns {string}
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  path(options) {
    const { dir, name = 'kindly-guard' } = check().checkLocation(options)
    return path.join(dir ?? PlatformShm.directory(), `${name}.shm`)
  },

  /** How checksums are computed: `sse4.2`, `armv8-crc` or `portable`. */
  checksumMethod() {
    mustBeAvailable()
    return native.checksumMethod()
  }
})

module.exports = { PlatformShm }
