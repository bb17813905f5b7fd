'use strict'
// The command lines of the programs that have few options.

const { parseArgs } = require('node:util')

/**
 * Their values; with `--help` or a wrong one, says what there is and ends.
 * @param {string} usage
 * @param {import('node:util').ParseArgsConfig['options']} options
 */
function readOptions(usage, options) {
  try {
    const { values } = parseArgs({
      options: { ...options, help: { type: 'boolean', default: false } }
    })
    if (!values.help) return values
    console.log(usage)
    process.exit(0)
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

module.exports = { readOptions }
