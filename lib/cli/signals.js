'use strict'
// Turns SIGINT and SIGTERM into an AbortSignal, so that a command can end.

const { isWindows } = require('../base/windows.js')

// On Windows, SIGHUP says that the console's window is closed, some seconds
// before the process is ended; SIGBREAK is Ctrl+Break.
const NUMBERS = isWindows
  ? { SIGHUP: 1, SIGINT: 2, SIGTERM: 15, SIGBREAK: 21 }
  : { SIGINT: 2, SIGTERM: 15 }

/**
 * @typedef {object} Caught
 * @property {AbortSignal} signal aborted by the first signal that comes
 * @property {number} exitCode what a shell reports for a process ended by it
 */

/**
 * Catches the first SIGINT or SIGTERM, or what Windows has. A second one ends the process at once, as
 * it does without a handler.
 * @returns {Caught}
 */
function catchSignals() {
  const controller = new AbortController()
  const caught = { signal: controller.signal, exitCode: 0 }
  const names = Object.keys(NUMBERS)
  const handler = (name) => {
    names.forEach((each) => process.removeListener(each, handler))
    caught.exitCode = 128 + NUMBERS[name]
    controller.abort()
  }
  names.forEach((name) => process.on(name, handler))
  return caught
}

module.exports = { catchSignals }
