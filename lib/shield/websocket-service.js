'use strict'
// The Shield's WebSocket as a whole: the check that no other Shield serves, the
// server, and the discovery file by which clients find it.

const fs = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')
const { IpcError } = require('../base/errors.js')
const { isPipe } = require('../base/windows.js')
const { createToken } = require('../websocket/auth.js')
const { connect } = require('../websocket/client/connect.js')
const {
  removeDiscovery,
  writeDiscovery
} = require('../websocket/server/discovery-file.js')
const { liveRecords, places, urlOf } = require('../websocket/locate.js')
const { Broadcaster } = require('../websocket/server/broadcaster.js')

// How long another server may take to prove that it lives.
const PROBE_MS = 1000

// Without a lock and without a Unix socket, two that start at the same instant
// do not find each other. So each looks again after this; the one whose file was
// replaced ends.
const SETTLE_MS = 50

// Where there is no socket.
const NO_SOCKET = { path: null, error: null }

const pipeOf = ({ socket }) =>
  socket !== null && isPipe(socket) ? socket : null

/** @returns {Promise<boolean>} whether the Shield of the record answers */
async function answers(record) {
  const url = urlOf(record)
  // The one who holds a Unix socket was asked already: see SingleInstance.
  const pipe = pipeOf(record)
  if (url === null && pipe === null) {
    return false
  }
  try {
    const socket = await connect({
      socket: pipe,
      url,
      token: record.token ?? null,
      port: record.port,
      handshakeTimeoutMs: PROBE_MS
    })
    socket.terminate()
    return true
  } catch (error) {
    // It is full. Without a token there is no proof: what answers like a Shield
    // counts. No answer, or a stranger's: the one that wrote the file is gone.
    return error.isProven || (!record.token && error.status === 503)
  }
}

/**
 * Throws when a discovery file names a server that proves itself.
 * @param {{ dir?: string, name?: string }} location
 * @param {boolean} isAlone whether it is known already that there is no other
 *   Shield: then one without a proof (`auth: 'none'`) does not count
 * @param {(record: object) => boolean} [isOurs] not to be asked
 * @returns {Promise<void>}
 * @throws {IpcError} ERR_RING_LOCKED
 */
async function mustBeAlone(location, isAlone, isOurs = () => false) {
  const others = liveRecords(location).filter(
    (record) => !isOurs(record) && (record.auth === 'token' || !isAlone)
  )
  // All at once, since each may take its time.
  const asked = others.map((record) => ({ record, answered: answers(record) }))
  for (const { record, answered } of asked) {
    if (await answered) {
      throw new IpcError(
        'ERR_RING_LOCKED',
        `a Shield answers at ${urlOf(record) ?? pipeOf(record)}; its ` +
          `discovery file names process ${record.pid}`
      )
    }
  }
}

const noWay = () =>
  new IpcError(
    'ERR_SYSTEM',
    'websocket.port is false, and there is no local socket on this system'
  )

/** Windows has numbers that are no exact Number. */
const inodeOf = (file) =>
  fs.lstatSync(file, { bigint: true, throwIfNoEntry: false })?.ino

class WebSocketService {
  #location
  #options
  #local
  #isBridge
  #token = createToken()
  #place = null // { dir, name } of the discovery file
  #file = null // its path
  #inode = null
  #record = null
  #closed = false

  /**
   * @param {object} history
   * @param {{ dir?: string, name?: string }} location
   * @param {object} options checked `websocket` options
   * @param {{ path: string | null, error: Error | null }} [local] the Unix
   *   socket, whose connections go to `broadcaster.accept()`, or why there is
   *   none
   * @param {() => number} [threatsBlocked] how many the Shield has blocked
   * @param {{ aboutCommands?: string, isBridge?: boolean }} [role] `aboutCommands`
   *   as that of Broadcaster; whether this serves what another program publishes
   */
  constructor(
    history,
    location,
    options,
    local = NO_SOCKET,
    threatsBlocked = undefined,
    { aboutCommands, isBridge = false } = {}
  ) {
    this.#isBridge = isBridge
    this.#location = location
    this.#options = options
    this.#local = local
    /** Sends what is published to the clients that are connected. */
    this.broadcaster = new Broadcaster(
      history,
      options,
      this.#token,
      threatsBlocked,
      aboutCommands
    )
    this.isListening = false
  }

  /** Why the port is not that of the options, as an error, or null. */
  get moved() {
    const { moved } = this.broadcaster
    return (
      moved &&
      new IpcError(
        'ERR_WEBSOCKET_PORT',
        `port ${moved.from} is taken (${moved.code}), ` +
          `${this.#record.port} is used`
      )
    )
  }

  /**
   * @param {boolean} isAlone whether a lock says already that there is no other
   *   Shield
   * @throws {IpcError} ERR_RING_LOCKED when another one answers, ERR_CLOSED,
   *   and what keeps a server or its discovery file from being made; without a
   *   port, what keeps the socket from it
   */
  async start(isAlone) {
    try {
      await this.#start(isAlone)
    } catch (error) {
      // It may have clients already, which came over the Unix socket.
      await this.broadcaster.close()
      throw error
    }
    this.isListening = true
  }

  async #start(isAlone) {
    await this.#mustBeAlone(isAlone)
    const { host, port, auth } = this.#options
    if (port === false && this.#local.path === null) {
      throw this.#local.error ?? noWay()
    }
    this.#record = {
      version: 1,
      state: 'live',
      port: await this.broadcaster.listen(),
      host,
      auth,
      ...(this.#isBridge && { bridge: true }),
      token: this.#token, // not written with auth 'none'
      pid: process.pid,
      startedAt: new Date().toISOString()
    }
    this.#mustBeOpen()
    this.#publishRecord()
    if (!isAlone) {
      await sleep(SETTLE_MS)
      await this.#mustBeAlone(isAlone)
    }
  }

  setHistory(history) {
    this.broadcaster.setHistory(history)
    if (this.isListening) {
      try {
        this.#publishRecord()
      } catch {
        // Port and token, by which clients connect, are the same as before.
      }
    }
  }

  /**
   * To be called regularly: puts the discovery file back when it is gone, and
   * lets clients go on that wait for the ring when that is there again.
   * @param {boolean} isAlone as that of start()
   * @throws {IpcError} ERR_RING_LOCKED when another Shield answers
   */
  async checkPlace(isAlone) {
    this.broadcaster.resumeStranded()
    if (!this.isListening) {
      return
    }
    const isThere = this.#isInPlace() || this.#isPublished()
    if (isThere && this.#record.socket === this.#local.path) {
      return
    }
    await this.#mustBeAlone(isAlone)
    this.#publishRecord()
  }

  /** Whether the discovery file is the one that was written. */
  #isInPlace() {
    return inodeOf(this.#file) === this.#inode
  }

  stats() {
    return {
      url: this.#record && urlOf(this.#record),
      port: this.#record?.port ?? null,
      socket: this.#record && this.#local.path,
      socketError: this.#local.error,
      discoveryFile: this.#file,
      auth: this.#options.auth,
      ...this.broadcaster.stats()
    }
  }

  /**
   * Ends it. The discovery file says `closed` before this returns.
   * @param {{ generation: string, sequence: number, priority: number }} last
   *   what was published
   * @returns {Promise<void>}
   */
  async close(last) {
    this.#closed = true
    this.isListening = false
    if (this.#isPublished()) {
      try {
        const record = { ...this.#record, ...last, state: 'closed' }
        writeDiscovery(this.#place.dir, this.#place.name, record)
      } catch {
        // It names a port where nothing answers, as after a crash.
      }
    }
    await this.broadcaster.close()
  }

  // -------------------------------------------------------------------------

  #mustBeOpen() {
    if (this.#closed) {
      throw new IpcError('ERR_CLOSED')
    }
  }

  /** Whether one of the discovery files is of this service. */
  #isPublished() {
    return liveRecords(this.#location).some((record) => this.#isOurs(record))
  }

  #isOurs(record) {
    return (
      record.port === this.#record?.port &&
      record.pid === process.pid &&
      record.startedAt === this.#record.startedAt
    )
  }

  /** Throws when this was closed, too. @see mustBeAlone */
  async #mustBeAlone(isAlone) {
    await mustBeAlone(this.#location, isAlone, (record) => this.#isOurs(record))
    this.#mustBeOpen()
  }

  /** Removes the file from the place where it was before. */
  #leave(place) {
    try {
      removeDiscovery(place.dir, place.name)
    } catch {
      // This Shield cannot reach it, and no more can its clients.
    }
  }

  #publishRecord() {
    let first = null
    const { generation, dir = null } = this.broadcaster.history
    const socket = this.#local.path
    Object.assign(this.#record, { socket, generation, dir })
    const before = this.#place
    const fileBefore = this.#file
    for (const place of places(this.#location)) {
      try {
        this.#file = writeDiscovery(place.dir, place.name, this.#record)
        this.#place = place
        this.#inode = inodeOf(this.#file)
        if (before !== null && fileBefore !== this.#file) {
          this.#leave(before)
        }
        return
      } catch (error) {
        first ??= error
      }
    }
    throw first ?? new IpcError('ERR_UNSAFE_PATH', 'there is no home directory')
  }
}

module.exports = { mustBeAlone, WebSocketService }
