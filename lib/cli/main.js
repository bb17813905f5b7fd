#!/usr/bin/env node
'use strict'
// The command line: runs the command, and turns its end into an exit code.

const { parseArgs } = require('node:util')
const { optionsIn } = require('./options.js')
const { print } = require('./output.js')
const { describe, report, UsageError } = require('./report.js')

// Each loads when it is called: a status line is drawn anew all the time, and
// needs little of what the others do.
const COMMANDS = {
  bridge: () => require('./bridge.js'),
  build: () => require('./build.js'),
  check: () => require('./check.js'),
  'claude-hook': () => require('./claude-hook.js'),
  doctor: () => require('./doctor.js'),
  publish: () => require('./publish.js'),
  stats: () => require('./stats.js'),
  tail: () => require('./tail.js'),
  top: () => require('./top.js'),
  unread: () => require('./unread.js')
}

const HELP = `\
Usage: kindly-guard-ipc <command> [options]

Carries security threats from a daemon to editors, through shared memory or
over WebSocket.

Commands:
  publish      read threats from stdin (NDJSON) and publish them
  bridge       serve the ring of a Shield in C or Rust over WebSocket
  tail         print threats as they come
  top          show on a live screen what comes, and from where
  stats        show what a ring is and holds, or where a Shield answers
  unread       print one line with what came since it was read last
  doctor       say what keeps threats from being seen here, and what to do
  check        try what works on this machine, and print a report
  build        compile the native addon for this machine
  claude-hook  answer a hook of Claude Code

Options:
  -h, --help   show this; after a command, show the command's options
  --version    show the version

Example:
  printf '{"threatType":"PathTraversal","severity":"High",%s\\n' \\
    '"source":"app.js","details":"../../etc/passwd"}' |
    kindly-guard-ipc publish
  kindly-guard-ipc tail --from oldest
`

/**
 * @param {string[]} args
 * @param {string} help which lists the options
 * @returns {Record<string, string | boolean>}
 * @throws {UsageError}
 */
function parse(args, help) {
  try {
    return parseArgs({ args, options: optionsIn(help) }).values
  } catch (error) {
    if (!String(error.code).startsWith('ERR_PARSE_ARGS_')) {
      throw error
    }
    throw new UsageError(error.message.replace(/\s*\n\s*/g, ' '))
  }
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function main(args) {
  const [name] = args
  const isNamed = name !== undefined && !name.startsWith('-')
  if (isNamed && !Object.hasOwn(COMMANDS, name)) {
    throw new UsageError(`'${name}' is not a command`)
  }
  const command = isNamed ? COMMANDS[name]() : { HELP }
  const values = parse(isNamed ? args.slice(1) : args, command.HELP)
  if (values.help || values.version) {
    const { version } = require('../../package.json')
    await print(values.help ? command.HELP : `${version}\n`)
    return 0
  }
  if (!isNamed) {
    throw new UsageError('a command is missing')
  }
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
  // Without a code it is a bug of this program: show its stack.
  if (error?.code === undefined) {
    throw error
  }
  report(`kindly-guard-ipc: ${describe(error)}`)
  return 1
}

// A closed stderr needs no report, and an error of stdout reaches the code that
// writes to it: neither may end the process with a stack trace.
process.stderr.on('error', () => {})
process.stdout.on('error', () => {})

main(process.argv.slice(2))
  .catch(fail)
  .then((code) => {
    process.exitCode = code
  })
