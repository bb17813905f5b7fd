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

module.exports = { DENIED, DENIED_BY_DENO, deniedBy, deniedError, FLAGS }
