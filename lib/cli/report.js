'use strict'
// What the commands write to stderr, beside their output.

const { spellOutPaths } = require('../base/display-text.js')

// How much of a message is shown: it may quote a line of 16 MiB.
const SHOWN = 500

/** A command line that cannot be understood: exit code 2. */
class UsageError extends Error {}

/**
 * Writes one line to stderr. The text may quote input, so it is escaped.
 * @param {string} message
 */
function report(message) {
  const cut = message.length > SHOWN ? `${message.slice(0, SHOWN)}...` : message
  process.stderr.write(`${spellOutPaths(cut)}\n`)
}

/**
 * A failure as one line.
 * @param {Error & { code?: string }} error
 * @returns {string}
 */
function describe(error) {
  const message = String(error?.message ?? error)
  return error?.code ? `${message} [${error.code}]` : message
}

module.exports = { describe, report, UsageError }
