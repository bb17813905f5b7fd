'use strict'
// The Shield's WebSocket as a whole: that nobody else serves, the server, and
// the discovery file by which clients find it.

const fs = require('node:fs')
const path = require('node:path')
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

// Two that nothing keeps apart both find nobody when they start at the same
// instant; the one whose file was replaced gives way.
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
    // Where no token is asked for, whoever answers as a Shield is one.
    const isFull = error.isProven || (!record.token && error.status === 503)
    if (!isFull) {
      // Nobody, or a stranger: the Shield that wrote the file is gone.
      return
    }
  }
  throw new IpcError(
    'ERR_RING_LOCKED',
    `a Shield answers at ${url}, process ${record.pid} if its file is right`
  )
}

class WebSocketService {
  /**
   * @param {object} history
   * @param {{ dir?: string, name?: string }} location
   * @param {object} options checked `websocket` options
   */
  constructor(history, location, options) {
    this._history = history
    this._location = location
    this._options = options
    this._token = createToken()
    /** Sends what is published to those who are connected. */
    this.broadcaster = new Broadcaster(history, options, this._token)
    this._place = null // of the discovery file
    this._inode = null // of that file
    this._record = null
    this._closed = false
    this.isListening = false
  }

  /** Why the port is not the one that was asked for, as an error, or null. */
  get moved() {
    const moved = this.broadcaster.moved
    return moved === null
      ? null
      : new IpcError(
          'ERR_WEBSOCKET_PORT',
          `port ${moved.from} is taken (${moved.code}), ` +
            `${this._record.port} is used`
        )
  }

  /**
   * @param {boolean} isAlone whether the kernel says already that there is no
   *   other Shield
   * @throws {IpcError} ERR_RING_LOCKED when another one answers, ERR_CLOSED,
   *   and what keeps a server or its discovery file from being made
   */
  async start(isAlone) {
    await this._mustBeAlone(isAlone)
    this._mustBeOpen()
    const port = await this.broadcaster.listen()
    this._record = {
      version: 1,
      state: 'live',
      port,
      host: this._options.host,
      auth: this._options.auth,
      ...(this._options.auth === 'token' ? { token: this._token } : {}),
      generation: this._history.generation,
      dir: this._history.dir ?? null,
      pid: process.pid,
      startedAt: new Date().toISOString()
    }
    try {
      this._mustBeOpen()
      this._publishRecord()
      if (!isAlone) {
        await sleep(SETTLE_MS)
        await this._mustBeAlone(isAlone)
        this._mustBeOpen()
      }
    } catch (error) {
      await this.broadcaster.close()
      throw error
    }
    this.isListening = true
  }

  setHistory(history) {
    this._history = history
    this.broadcaster.setHistory(history)
    if (this.isListening) {
      // Its place, too: what took the ring away may have taken the file.
      this._record.generation = history.generation
      this._record.dir = history.dir ?? null
      try {
        this._publishRecord()
      } catch {
        // Port and token, by which clients come here, have not changed.
      }
    }
  }

  /**
   * To be called now and then: puts the discovery file back when it is gone,
   * and goes on with the ring when it is there again.
   * @param {boolean} isAlone as that of start()
   * @throws {IpcError} ERR_RING_LOCKED when another Shield answers
   */
  async look(isAlone) {
    this.broadcaster.look()
    if (!this.isListening || this._isInPlace()) {
      return
    }
    if (!this._isPublished()) {
      await this._mustBeAlone(isAlone)
      if (this.isListening) {
        this._publishRecord()
      }
    }
  }

  /** Whether the file is the one that was written. */
  _isInPlace() {
    const { dir, name } = this._place
    const file = path.join(dir, `${name}.json`)
    return fs.lstatSync(file, { throwIfNoEntry: false })?.ino === this._inode
  }

  stats() {
    const { port = null, host = this._options.host } = this._record ?? {}
    return {
      url: port === null ? null : urlOf({ host, port }),
      port,
      discoveryFile:
        this._place === null
          ? null
          : path.join(this._place.dir, `${this._place.name}.json`),
      auth: this._options.auth,
      ...this.broadcaster.stats()
    }
  }

  /**
   * Ends it. The discovery file says so before this returns.
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
        // It names a port where nobody answers, as after a crash.
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

  /** Whether a discovery file is ours, among those of Shields that are gone. */
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

  /** Throws when a discovery file names a server that proves itself. One that
   * proves nothing is believed only where nothing else says who there is. */
  async _mustBeAlone(isAlone) {
    const others = liveRecords(this._location).filter(
      (record) => !this._isOurs(record) && (record.auth === 'token' || !isAlone)
    )
    await Promise.all(others.map(mustNotAnswer))
  }

  /** The file is in this place now, and no longer where it was. */
  _leavePlace(place) {
    const old = this._place
    this._place = place
    if (old !== null && (old.dir !== place.dir || old.name !== place.name)) {
      try {
        removeDiscovery(old.dir, old.name)
      } catch {
        // It cannot be reached, by clients neither.
      }
    }
  }

  _publishRecord() {
    let first = null
    for (const place of places(this._location)) {
      try {
        const file = writeDiscovery(place.dir, place.name, this._record)
        this._inode = fs.lstatSync(file).ino
        this._leavePlace(place)
        return
      } catch (error) {
        first ??= error
      }
    }
    throw first ?? new IpcError('ERR_UNSAFE_PATH', 'there is no home directory')
  }
}

module.exports = { WebSocketService }
