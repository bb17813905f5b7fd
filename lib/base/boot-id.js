'use strict'

const fs = require('node:fs')

// Bun and Deno count process.hrtime() from the start of the process, whose zero
// no other process knows.
const HAS_OWN_CLOCK = ['bun', 'deno'].some((name) => name in process.versions)
const OWN_CLOCK = HAS_OWN_CLOCK ? require('node:crypto').randomUUID() : null

/**
 * Identifies the clock of process.hrtime(): this boot of this machine, or this
 * process where that is all that shares it. Its times can be compared only with
 * those of the same clock.
 * @returns {string | null} null where it cannot be told
 */
function bootId() {
  if (OWN_CLOCK !== null) return OWN_CLOCK
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return null
  }
}

module.exports = { bootId, HAS_OWN_CLOCK }
