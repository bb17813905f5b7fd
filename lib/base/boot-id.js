'use strict'

const fs = require('node:fs')

/**
 * This boot of this machine: times of the monotonic clock of another one say
 * nothing here.
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
