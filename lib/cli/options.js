'use strict'
// The options that the commands share, and the reading of options and values.

const PLACE_HELP = `\
  --dir DIRECTORY     where the ring is (default: this system's directory for
                      rings of this user)
  --name NAME         the ring's name (default: kindly-guard)`

const REST_HELP = `\
  --config FILE       options as TOML; KINDLY_GUARD_IPC_... in the environment
                      override it, and the options here override both
  -h, --help          show this
  --version           show the version`

/** Of a command that has one transport. */
const OWN_TRANSPORT_HELP = `${PLACE_HELP}\n${REST_HELP}`

const COMMON_HELP = `\
${PLACE_HELP}
  --transport NAME    shm, websocket, or auto (default): shared memory where it
                      is available, else WebSocket
${REST_HELP}`

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
 * The value of an option that may be a number.
 * @param {string | undefined} text
 * @returns {number | string | undefined} what is no number stays as it is
 */
function numberIn(text) {
  return /^[0-9]+$/.test(text) ? Number(text) : text
}

module.exports = { COMMON_HELP, numberIn, optionsIn, OWN_TRANSPORT_HELP }
