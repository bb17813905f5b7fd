'use strict'
// Whether a server may listen, asked before it does.

const { DENIED, DENIED_BY_DENO, FLAGS } = require('../../base/permission.js')

// Denies nothing, and says that it does.
const AUDIT = '--permission-audit'

/** Whether a server may listen, as far as that can be known before. */
function mayListen(host, port) {
  const { Deno: deno } = globalThis
  if (deno !== undefined) {
    const net = { name: 'net', host: `${host}:${port}` }
    // At a terminal it asks.
    return deno.permissions.requestSync(net).state === 'granted'
  }
  const { allowedNodeEnvironmentFlags: flags, env, execArgv } = process
  // Before there was the flag, all was allowed, and `has` said no.
  if (!process.permission || !flags.has(FLAGS.Net)) return true
  const isAudit = `${execArgv.join(' ')} ${env.NODE_OPTIONS}`.includes(AUDIT)
  return isAudit || process.permission.has('net')
}

/**
 * To be called before a server is told to listen at an address: Node 26 and
 * Deno find out later, and throw where nobody can catch it.
 * @param {string} host
 * @param {number} port
 * @throws {Error} as Node throws it elsewhere
 */
function checkListening(host, port) {
  if (mayListen(host, port)) return
  const error = new Error(`listening is denied, see ${FLAGS.Net}`)
  if (globalThis.Deno !== undefined) error.name = DENIED_BY_DENO
  throw Object.assign(error, { code: DENIED, permission: 'Net' })
}

module.exports = { checkListening }
