'use strict'

/** Turns SIGINT and SIGTERM into an AbortSignal, so that a command can end. */

const NUMBERS = { SIGINT: 2, SIGTERM: 15 }

/**
 * @typedef {object} Caught
 * @property {AbortSignal} signal aborted by the first signal that comes
 * @property {string | null} name which one it was
 * @property {number} exitCode what a shell expects of a process it ended
 */

/**
 * Catches the first SIGINT or SIGTERM. A second one ends the process the hard
 * way: whoever sends it has waited long enough.
 * @returns {Caught}
 */
function catchSignals() {
  const controller = new AbortController()
  const caught = { signal: controller.signal, name: null, exitCode: 0 }
  const handler = (name) => {
    for (const each of Object.keys(NUMBERS)) {
      process.removeListener(each, handler)
    }
    caught.name = name
    caught.exitCode = 128 + NUMBERS[name]
    controller.abort()
  }
  for (const name of Object.keys(NUMBERS)) process.on(name, handler)
  return caught
}

module.exports = { catchSignals }
