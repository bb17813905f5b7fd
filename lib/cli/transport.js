'use strict'

const { UsageError } = require('./report.js')
const { given } = require('./options.js')

/** By which transport a command works, and the options for it. */

const TRANSPORTS = ['shm', 'websocket', 'auto']

const TRANSPORT = {
  transport: { type: 'string' },
  config: { type: 'string' }
}

const TRANSPORT_HELP = `\
  --transport NAME    shm, websocket, or auto (default): shared memory where it
                      is available, else WebSocket
  --config FILE       options as TOML; KINDLY_GUARD_IPC_... in the environment
                      override it, and the options here override both`

const flagOf = (key) =>
  `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/**
 * What is wrong with the command line is told as that, by the names there.
 * @param {object} options of the command line, as the library names them
 */
function checkOwn(options) {
  const { checkEach, FACTORY_CHECKS } = require('../options/check.js')
  try {
    checkEach(options, FACTORY_CHECKS, flagOf)
  } catch (error) {
    throw new UsageError(error.message)
  }
}

/**
 * @param {Record<string, string>} values of the command line
 * @param {object} [more] options of the command line, as the library names
 *   them
 * @returns {{ transport: string, options: import('../index').IpcOptions }}
 */
function readOptions(values, more = {}) {
  const { loadConfig } = require('../index.js')
  const { transport = 'auto' } = values
  if (!TRANSPORTS.includes(transport)) {
    throw new UsageError(
      `--transport takes shm, websocket or auto, not '${transport}'`
    )
  }
  const own = { ...given(values, ['dir', 'name']), ...more }
  checkOwn(own)
  const options = { ...loadConfig(values.config), ...own }
  if (transport === 'websocket') options.preferShm = false
  return { transport, options }
}

/**
 * Opens a writer that has started.
 * @param {{ transport: string, options: object }} chosen
 */
async function openWriter({ transport, options }) {
  const { IpcFactory, SharedMemoryIpc } = require('../index.js')
  const { pick, WRITER_CHECKS } = require('../options/check.js')
  if (transport === 'shm') {
    return new SharedMemoryIpc(pick(options, WRITER_CHECKS))
  }
  const shield = IpcFactory.createTransport(options)
  try {
    await shield.ready()
  } catch (error) {
    await shield.close()
    throw error
  }
  return shield
}

/**
 * Opens a reader. One of both transports may have to wait for either.
 * @param {{ transport: string, options: object }} chosen
 */
async function openReader({ transport, options }) {
  const { IpcFactory, ShmClient } = require('../index.js')
  const { pick, READER_CHECKS } = require('../options/check.js')
  return transport === 'shm'
    ? new ShmClient(pick(options, READER_CHECKS))
    : IpcFactory.createClient(options)
}

/**
 * Why a reader of both transports has neither, or null while it may have one
 * soon.
 * @param {import('../index').IpcClient} client
 * @param {import('../index').IpcOptions} options of that client
 * @returns {Error | null}
 */
function whyNeither(client, { websocket: { enabled = true } = {} }) {
  const { transport, errors } = client.stats()
  if (transport !== 'connecting') return null
  const { shm, websocket } = errors
  if (!enabled) return shm
  if (websocket === null) return null
  const isOff = shm === null || shm.code === 'ERR_SHM_UNAVAILABLE'
  return isOff ? websocket : shm
}

/**
 * Whether nothing more comes from the Shield that there was. One whose line
 * broke may be there yet.
 * @param {import('../index').ThreatReader} client
 */
function isOver(client) {
  const { writer, transport, errors } = client.stats()
  if (writer !== 'gone') return false
  const { websocket = null } = errors ?? {}
  return (
    transport === 'shm' || websocket === null || websocket.isAbsent === true
  )
}

module.exports = {
  isOver,
  openReader,
  openWriter,
  readOptions,
  TRANSPORT,
  TRANSPORT_HELP,
  whyNeither
}
