'use strict'
// The options that the commands share, and the reading of options and values.

const { UsageError } = require('./report.js')

const COMMON_HELP = `\
  --dir DIRECTORY     where the ring is (default: this system's directory for
                      rings of this user)
  --name NAME         the ring's name (default: kindly-guard)
  --transport NAME    shm, websocket, or auto (default): shared memory where it
                      is available, else WebSocket
  --config FILE       options as TOML; KINDLY_GUARD_IPC_... in the environment
                      override it, and the options here override both
  -h, --help          show this
  --version           show the version`

const OPTION = /^ {2}(?:-([a-z]), )?--([a-z-]+)( [A-Z]+)?/gm

/**
 * The options that a help text lists, for parseArgs(). So none is without help.
 * @param {string} help lines like `  -n, --name VALUE   what it does`
 * @returns {import('node:util').ParseArgsConfig['options']}
 */
function optionsIn(help) {
  const options = {}
  for (const [, short, name, value] of help.matchAll(OPTION)) {
    const type = value === undefined ? 'boolean' : 'string'
    options[name] = short === undefined ? { type } : { type, short }
  }
  return options
}

/**
 * The keys of `values` that were given. The others take the library's default,
 * so that there is no second one here.
 * @param {Record<string, unknown>} values
 * @param {string[]} keys
 * @returns {Record<string, unknown>}
 */
function given(values, keys) {
  const entries = keys.map((key) => [key, values[key] ?? undefined])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/**
 * @param {string} option its name, for the message
 * @param {string} text
 * @param {string} [others] what else is allowed, for the message
 * @returns {number} 1 or more
 * @throws {UsageError}
 */
function positiveInteger(option, text, others = '') {
  const number = /^[0-9]+$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new UsageError(
      `--${option} takes ${others}a whole number from 1, not '${text}'`
    )
  }
  return number
}

module.exports = { COMMON_HELP, given, optionsIn, positiveInteger }
