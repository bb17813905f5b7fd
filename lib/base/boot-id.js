'use strict'

const fs = require('node:fs')

/**
 * Identifies this boot of this machine. Times of the monotonic clock can be
 * compared only within one boot.
 * @returns {string | null}
 */
function bootId() {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return null
  }
}

module.exports = { bootId }
