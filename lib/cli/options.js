'use strict'

const { UsageError } = require('./report.js')

/** The options that commands share, and the reading of option values. */

const LOCATION = {
  dir: { type: 'string' },
  name: { type: 'string' }
}

const LOCATION_HELP = `\
  --dir DIRECTORY     where the ring is (default: this system's directory for
                      rings of this user)
  --name NAME         the ring's name (default: kindly-guard)`

/**
 * The keys of `values` that were given, so that an absent option takes the
 * library's default and not a second one of our own.
 * @param {Record<string, unknown>} values
 * @param {string[]} keys
 * @returns {Record<string, unknown>}
 */
function given(values, keys) {
  const entries = keys.map((key) => [key, values[key]])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/**
 * @param {string} option its name, for the message
 * @param {string} text
 * @param {string} [others] what else would do, for the message
 * @returns {number} 1 or more
 */
function positiveInteger(option, text, others = '') {
  const number = /^[0-9]+$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new UsageError(
    `--${option} takes ${others}a whole number from 1, not '${text}'`
  )
}

module.exports = { LOCATION, LOCATION_HELP, given, positiveInteger }
