'use strict'
// Node's permission model (`node --permission`): what it denies, told so that
// somebody can allow it.

const DENIED = 'ERR_ACCESS_DENIED'

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
  if (error?.code !== DENIED) return null
  const said = /--allow-[a-z-]+/.exec(error.message)?.[0]
  const flag = FLAGS[error.permission] ?? said
  return flag === undefined
    ? `Node's permission model denies it: ${error.message.replace(/\.$/, '')}`
    : `Node's permission model denies it; ${flag} would allow it`
}

/**
 * To be asked before a server is told to listen at an address: Node 26 finds
 * out later, and throws where nobody can catch it.
 * @throws {Error} as Node throws it elsewhere
 */
function mayListen() {
  const { allowedNodeEnvironmentFlags: flags, env, execArgv } = process
  // Before there was the flag, all was allowed, and `has` said no.
  if (!process.permission || !flags.has(FLAGS.Net)) return
  const isAudit = `${execArgv.join(' ')} ${env.NODE_OPTIONS}`.includes(AUDIT)
  if (isAudit || process.permission.has('net')) return
  const error = new Error('listening is denied')
  throw Object.assign(error, { code: DENIED, permission: 'Net' })
}

module.exports = { deniedBy, mayListen }
