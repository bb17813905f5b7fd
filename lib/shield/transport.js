'use strict'
// IpcTransport: the Shield's end of shared memory, WebSocket or both. One
// generation and one sequence, given by the ring where there is one.

const { randomBytes } = require('node:crypto')
const { EventEmitter } = require('node:events')
const { checkBatch } = require('../options/arguments.js')
const { IpcError } = require('../base/errors.js')
const { checkIpc } = require('../options/ipc.js')
const { MemoryLog } = require('./memory-history.js')
const { beforeLog } = require('./resume-point.js')
const { RingLog } = require('./ring-history.js')
const { capacityOf } = require('../threat/size.js')
const { ShieldClaim } = require('./single-instance.js')
const { ShieldRing } = require('./ring.js')
const { encodeThreat, nameFields, stamp } = require('../threat/check.js')
const { emitSafely } = require('../base/emit-safely.js')
const { threatText } = require('../websocket/protocol.js')
const { WebSocketShield } = require('./websocket-service.js')

// How often a server that could not be started is tried again.
const RETRY_MILLISECONDS = 1000

// How often it looks whether others can see that it is here.
const LOOK_MILLISECONDS = 500

/**
 * Emits `transport` when what is used changes, `drain` when there is room again
 * after ERR_RING_FULL, `error` (when somebody listens) and `close`. Made by
 * IpcFactory.
 */
class IpcTransport extends EventEmitter {
  /**
   * @param {import('../index').IpcOptions} options
   * @param {boolean} isHybrid both transports, not the better one
   * @throws {IpcError} ERR_RING_LOCKED, and any other error of shared memory
   *   when WebSocket is switched off
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  constructor(options, isHybrid) {
    super()
    const { location, writer, preferShm, websocket } = checkIpc(options)
    this._location = location
    this._websocket = websocket
    this._capacity = capacityOf(writer.maxEvents)
    this._server = null
    this._fatal = null // why nothing will be written any more
    this._closing = null
    this._socketError = null
    this._published = 0 // without the ring
    this._told = null // what the last `transport` said
    this._claim = new ShieldClaim(location)
    this._retry = null // the timer of the next attempt to serve
    this._ring = new ShieldRing(
      { ...location, ...writer },
      { wanted: preferShm, mayFail: websocket.enabled }
    )
    this._ring.on('down', (error) => this._ringDown(error))
    this._ring.on('renewed', () => this._ringRenewed())
    this._ring.on('locked', (error) => this._end(error))
    this._ring.on('fault', (error) => this._report(error))
    this._ring.on('drain', () => this.emit('drain'))
    /** What was published, for the server. */
    this._log = this._newLog()
    this._endTurn = null
    this._claimed = this._claimPlace()
    this._ready = this._claimed
    if (websocket.enabled && (isHybrid || this._ring.writer === null)) {
      this._openServer()
    }
    // Whoever does not ask learns it from `error` and from writeThreat.
    this._ready.catch(() => {})
    this._watch = setInterval(() => this._look(), LOOK_MILLISECONDS)
    // The Shield's life is its own business.
    this._watch.unref()
    this._tell(this._ring.error?.message ?? 'it was asked for')
  }

  /** Whether close() was called. */
  get closed() {
    return this._closing !== null
  }

  /**
   * Resolves when everything that was asked for has started, or has failed and
   * another transport serves.
   * @returns {Promise<void>} rejects when nothing serves: ERR_RING_LOCKED when
   *   another Shield answers, ERR_SYSTEM and its like
   */
  ready() {
    return this._ready
  }

  /**
   * Publishes one threat. Never waits.
   * @param {import('../index').ThreatInput} threat
   * @returns {number} its sequence, from 1
   * @throws {TypeError | RangeError} ERR_INVALID_THREAT
   * @throws {IpcError} ERR_EVENT_TOO_LARGE, ERR_CLOSED, ERR_RING_LOCKED,
   *   ERR_SEQUENCE_EXHAUSTED; nothing was published
   */
  writeThreat(threat) {
    this._mustBeOpen()
    return encodeThreat(threat, this)
  }

  /**
   * Publishes all of them at once, or none.
   * @param {Iterable<import('../index').ThreatInput>} threats
   * @returns {number} the last sequence
   * @throws {TypeError | RangeError} ERR_INVALID_THREAT with its index,
   *   ERR_INVALID_ARGUMENT
   * @throws {IpcError} as writeThreat, and ERR_BATCH_TOO_LARGE
   */
  writeThreats(threats) {
    this._mustBeOpen()
    const { writer } = this._ring
    const most = writer?.batchSlots ?? this._log.capacity / 4
    const batch = checkBatch(threats, most, (threat) =>
      encodeThreat(threat, nameFields)
    )
    this._mustBeOpen()
    return this._publish(batch)
  }

  /**
   * Resolves when what was refused last with ERR_RING_FULL can be written; at
   * once, unless `overflow` is 'reject' and a reliable reader is far behind.
   * @returns {Promise<void>} rejects with ERR_CLOSED when this is closed
   */
  async writable() {
    this._mustBeOpen()
    await this._ring.writer?.writable()
  }

  /** Whether threats go through shared memory at present. */
  isShmActive() {
    return this._ring.writer !== null && !this.closed && this._fatal === null
  }

  /** Open, and everything that is used works. */
  isHealthy() {
    const { writer } = this._ring
    return (
      !this.closed &&
      this._fatal === null &&
      (writer !== null || this._server !== null) &&
      (writer === null || writer.isHealthy()) &&
      (this._server === null || this._server.isListening)
    )
  }

  /** @returns {import('../index').TransportStats} */
  stats() {
    const shm = this._ring.stats()
    const { generation, sequence } = this._log
    return {
      transport: this._state(),
      generation,
      sequence,
      published: this._published + (shm?.published ?? 0),
      shm,
      websocket: this._server?.stats() ?? null,
      errors: { shm: this._ring.error, websocket: this._socketError },
      error: this._fatal
    }
  }

  /**
   * Frees everything: the ring's lock, the port, the discovery file's "live".
   * @returns {Promise<void>}
   */
  close() {
    if (this._closing === null) {
      this._closing = this._closeAll().then(() => {
        // What a listener throws is no failure to close.
        queueMicrotask(() => this.emit('close'))
      })
    }
    return this._closing
  }

  async _closeAll() {
    const { generation, sequence } = this._log
    clearTimeout(this._retry)
    clearInterval(this._watch)
    // In this order: the discovery file is the lock holder's.
    const served = this._server?.close({ generation, sequence })
    this._claim.free()
    await Promise.all([served, this._ring.close()])
  }

  // --- Publishing ----------------------------------------------------------

  /** Takes what encodeThreat checked. */
  write(...fields) {
    const { writer } = this._ring
    if (writer === null || this._server?.isHeard) {
      return this._publish([nameFields.write(...fields)])
    }
    let sequence
    try {
      sequence = writer.write(...fields)
    } catch (error) {
      this._ring.failed(error)
      return this._publish([nameFields.write(...fields)])
    }
    this._logGrew(sequence)
    return sequence
  }

  /** @param {object[]} batch named fields @returns {number} */
  _publish(batch) {
    const { writer } = this._ring
    const isHeard = this._server?.isHeard
    if (writer === null || isHeard) {
      // The same time by whatever way.
      stamp(batch)
    }
    if (writer !== null) {
      let last
      try {
        last = writer.writeAll(batch)
      } catch (error) {
        this._ring.failed(error)
        return this._publish(batch)
      }
      if (isHeard) {
        this._sendAlong(batch, last)
      } else {
        this._logGrew(last)
      }
      return last
    }
    this._mustBeOpen()
    const log = this._log
    const first = log.sequence + 1
    const texts = log.append(batch)
    // Before anybody sees them: nobody may go on with the ring as it is.
    this._ring.passed(log)
    this._published += batch.length
    this._server.publish(first, texts)
    return log.sequence
  }

  /** What is in the ring, for those who take it from there. */
  _logGrew(last) {
    this._log.sequence = last
    this._server?.logGrew()
  }

  /** What is in the ring, over WebSocket too. */
  _sendAlong(batch, last) {
    const { generation } = this._log
    const first = last - batch.length + 1
    if (batch.length === 0) {
      return
    }
    if (!this._server?.isHeard) {
      this._logGrew(last)
      return
    }
    this._log.sequence = last
    const now = Number(process.hrtime.bigint())
    this._server.publish(
      first,
      batch.map((fields, i) => threatText(fields, first + i, generation, now))
    )
  }

  _mustBeOpen() {
    if (this.closed) {
      throw new IpcError('ERR_CLOSED')
    }
    if (this._fatal !== null) {
      throw this._fatal
    }
    if (this._ring.writer === null && this._server === null) {
      throw this._socketError ?? this._ring.error
    }
  }

  // --- The ring ------------------------------------------------------------

  /** The log of what the ring has, or one in the place of a ring. */
  _newLog() {
    const { writer } = this._ring
    if (writer !== null) {
      return new RingLog(writer)
    }
    return new MemoryLog({
      generation: randomBytes(8).toString('hex'),
      capacity: this._capacity,
      predecessor: beforeLog(this._location)
    })
  }

  /** WebSocket goes on alone, with the next sequence of the generation. */
  _ringDown(error) {
    const { generation, sequence, capacity } = this._ring.stats()
    const log = new MemoryLog({
      generation,
      capacity,
      predecessor: this._log.predecessor,
      sequence,
      start: this._log.start,
      begins: this._log.begins
    })
    this._log = log
    this._ring.passed(log)
    if (this._server === null) {
      this._openServer()
    } else {
      this._server.setLog(log)
    }
    this._tell(error.message)
  }

  /** Another ring, which goes on where its predecessor or WebSocket ended. */
  _ringRenewed() {
    this._log = new RingLog(this._ring.writer, this._log)
    this._server?.setLog(this._log)
    this._tell('there is a ring')
  }

  /** Another Shield has the ring, or answers: this one is over. */
  _end(error) {
    if (this._fatal !== null || this.closed) {
      return
    }
    this._fatal = error
    this._closeAll()
    this._tell(error.message)
    this._report(error)
  }

  // --- The only Shield -----------------------------------------------------

  /** Whether the kernel says that there is no other. */
  get _isAlone() {
    return this._ring.isAlone || this._claim.isHeld
  }

  async _claimPlace() {
    try {
      this._endTurn = await this._claim.take()
    } catch (error) {
      this._end(error)
      throw error
    }
    if (this._claim.isHeld || this._server === null) {
      this._endTurn?.()
    }
  }

  async _look() {
    try {
      await this._claimed
      await this._claim.look()
      await this._server?.look(this._isAlone)
    } catch (error) {
      // What else is wrong with a file may be over at the next look.
      if (error.code === 'ERR_RING_LOCKED') {
        this._end(error)
      }
    }
  }

  // --- WebSocket -----------------------------------------------------------

  _openServer() {
    clearTimeout(this._retry)
    this._server = new WebSocketShield(
      this._log,
      this._location,
      this._websocket
    )
    this._ready = this._startServer(this._server)
    this._ready.catch(() => {})
  }

  async _startServer(server) {
    try {
      await this._claimed
      await server.start(this._isAlone)
    } catch (error) {
      if (this.closed || this._fatal !== null) {
        throw this._fatal ?? error
      }
      this._serverFailed(error)
      if (this._fatal !== null || this._ring.writer === null) {
        throw error
      }
      return
    } finally {
      this._endTurn?.()
    }
    const { moved } = server
    this._socketError = moved
    this._tell(moved?.message ?? 'the server listens', moved !== null)
  }

  _serverFailed(error) {
    const isNews = this._socketError?.message !== error.message
    this._socketError = error
    if (error.code === 'ERR_RING_LOCKED') {
      this._end(error)
      return
    }
    this._server = null
    this._retry = setTimeout(() => this._openServer(), RETRY_MILLISECONDS)
    this._retry.unref()
    if (isNews) {
      this._tell(error.message)
      this._report(error)
    }
  }

  // -------------------------------------------------------------------------

  _state() {
    const hasRing = this._ring.writer !== null
    if (this._fatal !== null || this.closed) {
      return 'none'
    }
    if (this._server !== null) {
      return hasRing ? 'hybrid' : 'websocket'
    }
    return hasRing ? 'shm' : 'none'
  }

  /** Tells what is used when that changed, or when there is news of it. */
  _tell(reason, isNews = false) {
    const from = this._told
    const to = this._state()
    if (to === from && !isNews) {
      return
    }
    this._told = to
    // From a turn of its own: nobody can listen to an object in the making.
    setImmediate(() => {
      if (!this.closed) {
        this.emit('transport', { from, to, reason })
      }
    })
  }

  _report(error) {
    if (this.listenerCount('error') > 0) {
      emitSafely(this, 'error', error)
    }
  }
}

for (const name of [Symbol.dispose, Symbol.asyncDispose]) {
  if (name !== undefined) {
    IpcTransport.prototype[name] = function dispose() {
      return this.close()
    }
  }
}

module.exports = { IpcTransport }
