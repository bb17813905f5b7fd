'use strict'
// The Shield's WebSocket as a whole: the check that no other Shield serves, the
// server, and the discovery file by which clients find it.

const fs = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')
const { IpcError } = require('../base/errors.js')
const { createToken } = require('../websocket/auth.js')
const { connect } = require('../websocket/client/connect.js')
const {
  removeDiscovery,
  writeDiscovery
} = require('../websocket/discovery-file.js')
const { liveRecords, places, urlOf } = require('../websocket/locate.js')
const { Broadcaster } = require('../websocket/server/broadcaster.js')

// How long another server may take to prove that it lives.
const PROBE_MS = 1000

// Without a lock, two that start at the same instant do not find each other. So
// each looks again after this; the one whose file was replaced ends.
const SETTLE_MS = 50

/** @throws {IpcError} ERR_RING_LOCKED when the Shield of the record answers */
async function mustNotAnswer(record) {
  const url = urlOf(record)
  try {
    const socket = await connect({
      url,
      token: record.token ?? null,
      port: record.port,
      handshakeTimeoutMs: PROBE_MS
    })
    socket.terminate()
  } catch (error) {
    // Without a token there is no proof: what answers like a Shield counts.
    const isFull = error.isProven || (!record.token && error.status === 503)
    if (!isFull) {
      // No answer, or a stranger's: the Shield that wrote the file is gone.
      return
    }
  }
  throw new IpcError(
    'ERR_RING_LOCKED',
    `a Shield answers at ${url}; its discovery file names process ${record.pid}`
  )
}

class WebSocketService {
  /**
   * @param {object} history
   * @param {{ dir?: string, name?: string }} location
   * @param {object} options checked `websocket` options
   */
  constructor(history, location, options) {
    this._location = location
    this._options = options
    this._token = createToken()
    /** Sends what is published to the clients that are connected. */
    this.broadcaster = new Broadcaster(history, options, this._token)
    this._place = null // { dir, name } of the discovery file
    this._file = null // its path
    this._inode = null
    this._record = null
    this._closed = false
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
          `${this._record.port} is used`
      )
    )
  }

  /**
   * @param {boolean} isAlone whether a lock says already that there is no other
   *   Shield
   * @throws {IpcError} ERR_RING_LOCKED when another one answers, ERR_CLOSED,
   *   and what keeps a server or its discovery file from being made
   */
  async start(isAlone) {
    await this._mustBeAlone(isAlone)
    const { host, auth } = this._options
    this._record = {
      version: 1,
      state: 'live',
      port: await this.broadcaster.listen(),
      host,
      auth,
      token: this._token, // not written with auth 'none'
      pid: process.pid,
      startedAt: new Date().toISOString()
    }
    try {
      this._mustBeOpen()
      this._publishRecord()
      if (!isAlone) {
        await sleep(SETTLE_MS)
        await this._mustBeAlone(isAlone)
      }
    } catch (error) {
      await this.broadcaster.close()
      throw error
    }
    this.isListening = true
  }

  setHistory(history) {
    this.broadcaster.setHistory(history)
    if (this.isListening) {
      try {
        this._publishRecord()
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
    if (!this.isListening || this._isInPlace() || this._isPublished()) {
      return
    }
    await this._mustBeAlone(isAlone)
    this._publishRecord()
  }

  /** Whether the discovery file is the one that was written. */
  _isInPlace() {
    const stat = fs.lstatSync(this._file, { throwIfNoEntry: false })
    return stat?.ino === this._inode
  }

  stats() {
    return {
      url: this._record && urlOf(this._record),
      port: this._record?.port ?? null,
      discoveryFile: this._file,
      auth: this._options.auth,
      ...this.broadcaster.stats()
    }
  }

  /**
   * Ends it. The discovery file says `closed` before this returns.
   * @param {{ generation: string, sequence: number }} last what was published
   * @returns {Promise<void>}
   */
  async close(last) {
    this._closed = true
    this.isListening = false
    if (this._isPublished()) {
      try {
        const record = { ...this._record, ...last, state: 'closed' }
        writeDiscovery(this._place.dir, this._place.name, record)
      } catch {
        // It names a port where nothing answers, as after a crash.
      }
    }
    await this.broadcaster.close()
  }

  // -------------------------------------------------------------------------

  _mustBeOpen() {
    if (this._closed) {
      throw new IpcError('ERR_CLOSED')
    }
  }

  /** Whether one of the discovery files is of this service. */
  _isPublished() {
    return liveRecords(this._location).some((record) => this._isOurs(record))
  }

  _isOurs(record) {
    return (
      record.port === this._record?.port &&
      record.pid === process.pid &&
      record.startedAt === this._record.startedAt
    )
  }

  /** Throws when this was closed, or a discovery file names a server that proves
   * itself. One without a proof (`auth: 'none'`) counts only without a lock. */
  async _mustBeAlone(isAlone) {
    const others = liveRecords(this._location).filter(
      (record) => !this._isOurs(record) && (record.auth === 'token' || !isAlone)
    )
    await Promise.all(others.map(mustNotAnswer))
    this._mustBeOpen()
  }

  /** Removes the file from the place where it was before. */
  _leave(place) {
    try {
      removeDiscovery(place.dir, place.name)
    } catch {
      // This Shield cannot reach it, and no more can its clients.
    }
  }

  _publishRecord() {
    let first = null
    const { generation, dir = null } = this.broadcaster.history
    Object.assign(this._record, { generation, dir })
    const before = this._place
    const fileBefore = this._file
    for (const place of places(this._location)) {
      try {
        this._file = writeDiscovery(place.dir, place.name, this._record)
        this._place = place
        this._inode = fs.lstatSync(this._file).ino
        if (before !== null && fileBefore !== this._file) {
          this._leave(before)
        }
        return
      } catch (error) {
        first ??= error
      }
    }
    throw first ?? new IpcError('ERR_UNSAFE_PATH', 'there is no home directory')
  }
}

module.exports = { WebSocketService }
