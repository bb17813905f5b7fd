'use strict'
// What the program that runs this says of native addons: some have not what
// ours needs, and most can be told to load none.

const DISABLED = 'ERR_DLOPEN_DISABLED'

/**
 * To be asked before the addon is loaded.
 * @returns {string | null} why it must not be, as a clause
 */
function wrongWithRuntime() {
  const { bun } = process.versions
  // Bun loads it, and ends the process at uv_cond_init().
  return bun === undefined
    ? null
    : `Bun ${bun} does not have the functions of libuv that the native addon ` +
        'calls; Node and Deno do'
}

/**
 * @param {Error} error of loading an addon
 * @returns {string} the same as a clause, with what would allow it
 */
function whyNotLoaded(error) {
  if (error.code === DISABLED) {
    return process.permission
      ? "Node's permission model denies it; --allow-addons would allow it"
      : '--no-addons forbids it'
  }
  const { deniedBy } = require('../base/permission.js')
  return deniedBy(error) ?? error.message
}

const isDeno = 'deno' in process.versions

/**
 * How an event loop is woken here. Deno's forgets, now and then, a descriptor
 * that became readable, so that an event comes by the next timed look only; and
 * while it spins, nothing else has its turn.
 */
const WAKING = { byThread: isDeno, maySpin: !isDeno }

module.exports = { WAKING, whyNotLoaded, wrongWithRuntime }
