#!/usr/bin/env node
'use strict'

const { parseArgs } = require('node:util')
const { print } = require('./output.js')
const { UsageError, report, describe } = require('./report.js')

/** The command line: finds the command, and turns its end into an exit code. */

const COMMANDS = {
  publish: () => require('./publish.js'),
  tail: () => require('./tail.js'),
  stats: () => require('./stats.js')
}

const HELP = `\
Usage: kindly-guard-ipc <command> [options]

Carries security threats from a daemon to editors, through shared memory or
over WebSocket.

Commands:
  publish   read threats from stdin (NDJSON) and publish them
  tail      print threats as they come
  stats     show what a ring is and holds, or where a Shield answers

Options:
  -h, --help   show this; after a command, show the command's options
  --version    show the version

Example:
  printf '{"threatType":"PathTraversal","severity":"High",%s\\n' \\
    '"source":"app.js","details":"../../etc/passwd"}' |
    kindly-guard-ipc publish
  kindly-guard-ipc tail --from oldest
`

const COMMON = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' }
}

/**
 * @param {string[]} args
 * @param {object} options
 * @returns {Record<string, string | boolean>}
 */
function parse(args, options) {
  try {
    return parseArgs({ args, options: { ...COMMON, ...options } }).values
  } catch (error) {
    if (!String(error.code).startsWith('ERR_PARSE_ARGS_')) throw error
    throw new UsageError(error.message.replace(/\s*\n\s*/g, ' '))
  }
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function main([name, ...args]) {
  const named = name !== undefined && !name.startsWith('-')
  if (named && !Object.hasOwn(COMMANDS, name)) {
    throw new UsageError(`'${name}' is not a command`)
  }
  const command = named ? COMMANDS[name]() : { HELP, OPTIONS: {} }
  const values = parse(
    named || name === undefined ? args : [name, ...args],
    command.OPTIONS
  )
  if (values.help || values.version) {
    const { version } = require('../../package.json')
    await print(values.help ? command.HELP : `${version}\n`)
    return 0
  }
  if (!named) throw new UsageError('a command is missing')
  return command.run(values)
}

/**
 * @param {Error & { code?: string }} error
 * @returns {number} the exit code
 */
function fail(error) {
  if (error instanceof UsageError) {
    report(`kindly-guard-ipc: ${error.message}`)
    report('Try: kindly-guard-ipc --help')
    return 2
  }
  // Without a code it is a fault of this program, and its stack is wanted.
  if (error?.code === undefined) throw error
  report(`kindly-guard-ipc: ${describe(error)}`)
  return 1
}

// Whoever closed stderr does not want to hear, and what befalls stdout is told
// to who writes to it: neither is worth a stack trace.
process.stderr.on('error', () => {})
process.stdout.on('error', () => {})

main(process.argv.slice(2))
  .catch(fail)
  .then((code) => {
    process.exitCode = code
  })
