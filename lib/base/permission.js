'use strict'
// What Node's permission model (`node --permission`) and Deno's deny, told so
// that somebody can allow it.

const { IpcError } = require('./errors.js')

const DENIED = 'ERR_ACCESS_DENIED'
const DENIED_BY_DENO = 'NotCapable'

const FLAGS = {
  FileSystemRead: '--allow-fs-read',
  FileSystemWrite: '--allow-fs-write',
  ChildProcess: '--allow-child-process',
  WorkerThreads: '--allow-worker',
  Net: '--allow-net'
}

// Denies nothing, and says that it does.
const AUDIT = '--permission-audit'

/**
 * @param {unknown} error
 * @returns {string | null} what the permission model has denied, as a clause;
 *   null for other errors
 */
function deniedBy(error) {
  const isDeno = error?.name === DENIED_BY_DENO
  if (!isDeno && error?.code !== DENIED) return null
  const whose = `${isDeno ? 'Deno' : 'Node'}'s permission model`
  const said = /--allow-[a-z-]+/.exec(error.message)?.[0]
  const flag = FLAGS[error.permission] ?? said
  return flag === undefined
    ? `${whose} denies it: ${error.message.replace(/\.$/, '')}`
    : `${whose} denies it; ${flag} would allow it`
}

/**
 * @param {unknown} error
 * @param {string} what was being done, or to which file
 * @returns {IpcError | null} ERR_ACCESS when the permission model has denied it
 */
function deniedError(error, what) {
  const denied = deniedBy(error)
  return denied === null
    ? null
    : new IpcError('ERR_ACCESS', `${what}: ${denied}`, { cause: error })
}

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

module.exports = { checkListening, deniedBy, deniedError }
