'use strict'
// A severity that somebody chose by its name.

const { UsageError } = require('../report.js')
const { Severity } = require('../../threat/names.js')

/**
 * @param {string} name in any case
 * @param {string} label of the option, for the error
 * @returns {number} 0 for Low: what is unknown counts as well
 * @throws {UsageError}
 */
function leastSeverity(name, label) {
  const found = Object.keys(Severity).find(
    (each) => each.toLowerCase() === name.toLowerCase()
  )
  if (found === undefined) {
    const names = Object.keys(Severity).join(', ')
    throw new UsageError(`${label} takes one of ${names}, not '${name}'`)
  }
  return found === 'Low' ? 0 : Severity[found]
}

module.exports = { leastSeverity }
