'use strict'
// Opens a writer or a reader over the transport that the command line chose.

const { setTimeout: sleep } = require('node:timers/promises')
const { loadConfig } = require('../options/file.js')
const {
  checkEach,
  FACTORY_CHECKS,
  pick,
  READER_CHECKS,
  WRITER_CHECKS
} = require('../options/check.js')
const { UsageError } = require('./report.js')

const TRANSPORTS = ['shm', 'websocket', 'auto']

// How often it is checked whether a client is connected.
const CONNECT_MS = 10

const flagOf = (key) =>
  `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/**
 * @param {Record<string, string>} values of the command line
 * @param {object} [more] other options of the command line, as the library
 *   names them
 * @returns {{ transport: string, options: import('../index').IpcOptions }} the
 *   options leave the other transport out
 * @throws {UsageError} for a wrong option of the command line
 * @throws {Error} what loadConfig() throws
 */
function readOptions(values, more = {}) {
  const { transport = 'auto' } = values
  if (!TRANSPORTS.includes(transport)) {
    throw new UsageError(
      `--transport takes shm, websocket or auto, not '${transport}'`
    )
  }
  let own
  try {
    // With the names of the command line in its errors.
    const { dir, name } = values
    own = checkEach({ dir, name, ...more }, FACTORY_CHECKS, flagOf)
  } catch (error) {
    throw new UsageError(error.message)
  }
  const options = { ...loadConfig(values.config), ...own }
  if (transport === 'websocket') {
    options.preferShm = false
  }
  if (transport === 'shm') {
    Object.assign(options, { preferShm: true, websocket: { enabled: false } })
  }
  return { transport, options }
}

/**
 * Opens a writer that has started.
 * @param {{ transport: string, options: object }} chosen
 */
async function openWriter({ transport, options }) {
  if (transport === 'shm') {
    // Either end, and either transport, loads when it is used.
    const { SharedMemoryIpc } = require('../shm/writer.js')
    return new SharedMemoryIpc(pick(options, WRITER_CHECKS))
  }
  const { IpcFactory } = require('../factory.js')
  const shield = IpcFactory.createTransport(options)
  try {
    await shield.ready()
  } catch (error) {
    await shield.close()
    throw error
  }
  return shield
}

/** Opens a reader of the ring. @param {object} options */
function openRing(options) {
  const { ShmClient } = require('../shm/client.js')
  return new ShmClient(pick(options, READER_CHECKS))
}

/**
 * Opens a reader of both transports and waits until it is connected by one.
 * @param {import('../index').IpcOptions} options
 * @param {(reason: Error) => void} onNone called again and again while there is
 *   no Shield; throws to give up
 * @param {AbortSignal} [signal] ends the waiting by an AbortError
 * @returns {Promise<import('../index').IpcClient>}
 */
async function openConnected(options, onNone, signal) {
  const { createClient } = require('../client-entry.js')
  const client = await createClient(options)
  try {
    while (client.stats().transport === 'connecting') {
      const reason = whyNeither(client, options)
      if (reason !== null) {
        onNone(reason)
      }
      await sleep(CONNECT_MS, undefined, { signal })
    }
    return client
  } catch (error) {
    await client.close()
    throw error
  }
}

/** Why a client that connects has neither transport, or null while it may have
 * one soon. */
function whyNeither(client, { websocket: { enabled = true } = {} }) {
  const { shm, websocket } = client.stats().errors
  if (!enabled) {
    return shm
  }
  if (websocket === null) {
    return null
  }
  const isOff = shm === null || shm.code === 'ERR_SHM_UNAVAILABLE'
  return isOff ? websocket : shm
}

/**
 * Whether nothing more comes from the Shield that there was. Not when only its
 * connection broke, for then the Shield may still run.
 * @param {import('../index').ThreatReader} client
 */
function isOver(client) {
  const { writer, transport, errors } = client.stats()
  if (writer !== 'gone') {
    return false
  }
  const { websocket = null } = errors ?? {}
  return (
    transport === 'shm' || websocket === null || websocket.isAbsent === true
  )
}

module.exports = { isOver, openConnected, openRing, openWriter, readOptions }
