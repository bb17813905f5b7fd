'use strict'
// IpcTransport: the Shield's end of shared memory, WebSocket or both. One
// generation and one sequence, given by the ring where there is one.

const { randomBytes } = require('node:crypto')
const { EventEmitter } = require('node:events')
const { checkBatch } = require('../options/arguments.js')
const { IpcError } = require('../base/errors.js')
const { checkIpc } = require('../options/ipc.js')
const { MemoryHistory } = require('./memory-history.js')
const { resumeWithoutRing } = require('./resume-point.js')
const { RingHistory } = require('./ring-history.js')
const { BATCH_DIVISOR } = require('../threat/layout.js')
const { capacityOf } = require('../threat/size.js')
const { SingleInstance } = require('./single-instance.js')
const { ShieldRing } = require('./ring.js')
const { checkThreat, stamp } = require('../threat/check.js')
const { emitSafely } = require('../base/emit-safely.js')
const { threatText } = require('../websocket/protocol.js')
const { WebSocketService } = require('./websocket-service.js')

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
    this._service = null
    this._fatal = null // why nothing will be written any more
    this._closing = null
    this._socketError = null
    this._published = 0 // without the ring
    this._told = null // what the last `transport` said
    this._claim = new SingleInstance(location)
    this._retry = null // the timer of the next attempt to serve
    this._ring = new ShieldRing(
      { ...location, ...writer },
      { wanted: preferShm, mayFail: websocket.enabled }
    )
    this._ring.on('renewed', () => this._ringRenewed())
    this._ring.on('locked', (error) => this._end(error))
    this._ring.on('fault', (error) => this._report(error))
    this._ring.on('drain', () => this.emit('drain'))
    /** What was published, for the server. */
    this._history = this._newHistory()
    this._endTurn = null
    this._claimed = this._claimPlace()
    this._ready = this._claimed
    if (websocket.enabled && (isHybrid || this._ring.writer === null)) {
      this._openService()
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
    const record = checkThreat(threat)
    // A getter of the threat's may have closed this, which the writer notices.
    const { writer } = this._ring
    if (writer === null || this._isHeard) {
      return this._publish([record])
    }
    let sequence
    try {
      sequence = writer.publish(record)
    } catch (error) {
      this._ringFailed(error)
      return this._publishWithoutRing([record])
    }
    this._historyGrew(sequence)
    return sequence
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
    const most = writer?.batchSlots ?? this._history.capacity / BATCH_DIVISOR
    const records = checkBatch(threats, most, checkThreat)
    this._mustBeOpen()
    return this._publish(records)
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
      (writer !== null || this._service !== null) &&
      (writer === null || writer.isHealthy()) &&
      (this._service === null || this._service.isListening)
    )
  }

  /** @returns {import('../index').TransportStats} */
  stats() {
    const shm = this._ring.stats()
    const { generation, sequence } = this._history
    return {
      transport: this._state(),
      generation,
      sequence,
      published: this._published + (shm?.published ?? 0),
      shm,
      websocket: this._service?.stats() ?? null,
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
    const { generation, sequence } = this._history
    clearTimeout(this._retry)
    clearInterval(this._watch)
    // In this order: the discovery file is the lock holder's.
    const served = this._service?.close({ generation, sequence })
    this._claim.free()
    await Promise.all([served, this._ring.close()])
  }

  // --- Publishing ----------------------------------------------------------

  /** Whether a client on WebSocket gets what is published right away. */
  get _isHeard() {
    return this._service !== null && this._service.broadcaster.isHeard
  }

  /** @param {import('../threat/check.js').ThreatRecord[]} records */
  _publish(records) {
    const { writer } = this._ring
    if (writer === null) {
      return this._publishWithoutRing(records)
    }
    const isHeard = this._isHeard
    if (isHeard) {
      // The same time over both transports.
      stamp(records)
    }
    let last
    try {
      last = writer.publishAll(records)
    } catch (error) {
      this._ringFailed(error)
      return this._publishWithoutRing(records)
    }
    if (isHeard) {
      this._broadcast(records, last)
    } else {
      this._historyGrew(last)
    }
    return last
  }

  _publishWithoutRing(records) {
    this._mustBeOpen()
    stamp(records)
    const history = this._history
    const first = history.sequence + 1
    const texts = history.append(records)
    // Before anybody sees them: nobody may go on with the ring as it is.
    this._ring.publishedElsewhere(history)
    this._published += records.length
    this._service.broadcaster.publish(first, texts)
    return history.sequence
  }

  /** What is in the ring, for those who take it from there. */
  _historyGrew(last) {
    this._history.sequence = last
    this._service?.broadcaster.historyGrew()
  }

  /** What is in the ring, over WebSocket too. */
  _broadcast(records, last) {
    // A listener may have ended it since.
    if (records.length === 0 || !this._isHeard) {
      this._historyGrew(last)
      return
    }
    const { generation } = this._history
    const first = last - records.length + 1
    const now = Number(process.hrtime.bigint())
    this._history.sequence = last
    this._service.broadcaster.publish(
      first,
      records.map((record, i) => threatText(record, first + i, generation, now))
    )
  }

  _mustBeOpen() {
    if (this._closing !== null) {
      throw new IpcError('ERR_CLOSED')
    }
    if (this._fatal !== null) {
      throw this._fatal
    }
    if (this._ring.writer === null && this._service === null) {
      throw this._socketError ?? this._ring.error
    }
  }

  // --- The ring ------------------------------------------------------------

  /** The history of what the ring has, or one in the place of a ring. */
  _newHistory() {
    const { writer } = this._ring
    if (writer !== null) {
      return new RingHistory(writer)
    }
    return new MemoryHistory({
      generation: randomBytes(8).toString('hex'),
      capacity: this._capacity,
      predecessor: resumeWithoutRing(this._location)
    })
  }

  /** The ring cannot be written: WebSocket goes on alone, with the next sequence
   * of the generation. Throws the error where that is the caller's affair. */
  _ringFailed(error) {
    if (!this._ring.fail(error)) {
      return
    }
    const { generation, sequence, capacity } = this._ring.stats()
    const history = new MemoryHistory({
      generation,
      capacity,
      predecessor: this._history.predecessor,
      sequence,
      start: this._history.start,
      begins: this._history.begins
    })
    this._history = history
    this._ring.publishedElsewhere(history)
    if (this._service === null) {
      this._openService()
    } else {
      this._service.setHistory(history)
    }
    this._tell(error.message)
  }

  /** Another ring, which goes on where its predecessor or WebSocket ended. */
  _ringRenewed() {
    this._history = new RingHistory(this._ring.writer, this._history)
    this._service?.setHistory(this._history)
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
    if (this._claim.isHeld || this._service === null) {
      this._endTurn?.()
    }
  }

  async _look() {
    try {
      await this._claimed
      await this._claim.look()
      await this._service?.look(this._isAlone)
    } catch (error) {
      // What else is wrong with a file may be over at the next look.
      if (error.code === 'ERR_RING_LOCKED') {
        this._end(error)
      }
    }
  }

  // --- WebSocket -----------------------------------------------------------

  _openService() {
    clearTimeout(this._retry)
    this._service = new WebSocketService(
      this._history,
      this._location,
      this._websocket
    )
    this._ready = this._startService(this._service)
    this._ready.catch(() => {})
  }

  async _startService(server) {
    try {
      await this._claimed
      await server.start(this._isAlone)
    } catch (error) {
      if (this.closed || this._fatal !== null) {
        throw this._fatal ?? error
      }
      this._serviceFailed(error)
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

  _serviceFailed(error) {
    const isNews = this._socketError?.message !== error.message
    this._socketError = error
    if (error.code === 'ERR_RING_LOCKED') {
      this._end(error)
      return
    }
    this._service = null
    this._retry = setTimeout(() => this._openService(), RETRY_MILLISECONDS)
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
    if (this._service !== null) {
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
