'use strict'
// IpcTransport: the Shield's end of shared memory, WebSocket or both. One
// generation and one sequence, given by the ring where there is one.

const { EventEmitter } = require('node:events')
const { makeDisposable } = require('../base/disposable.js')
const { emitSafely } = require('../base/emit-safely.js')
const { IpcError } = require('../base/errors.js')
const { checkBatch } = require('../options/arguments.js')
const { checkIpc } = require('../options/ipc.js')
const { checkThreat, stamp } = require('../threat/check.js')
const { BATCH_DIVISOR } = require('../threat/layout.js')
const { threatText } = require('../websocket/protocol.js')
const { ShieldRing } = require('./ring.js')
const { SingleInstance } = require('./single-instance.js')
const { WebSocketService } = require('./websocket-service.js')

// How often a server that could not be started is tried again.
const RETRY_MILLISECONDS = 1000

// How often the files by which others find this Shield are checked.
const CHECK_MILLISECONDS = 500

/**
 * Emits `transport` when what is used changes, `drain` when there is space again
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
    this._service = null
    this._fatal = null // why nothing will be written any more
    this._closing = null
    this._serviceError = null
    this._published = 0 // without the ring
    this._told = null // the transport that the last event named
    this._instance = new SingleInstance(location)
    this._retry = null // the timer of the next attempt to serve
    this._ring = new ShieldRing(location, writer, {
      wanted: preferShm,
      mayFail: websocket.enabled
    })
    this._ring.on('renewed', () => {
      this._service?.setHistory(this._ring.history)
      this._tell('the ring can be written')
    })
    this._ring.on('locked', (error) => this._end(error))
    this._ring.on('fault', (error) => this._report(error))
    this._ring.on('drain', () => this.emit('drain'))
    this._endStart = null // releases the start lock
    this._claimed = this._claimPlace()
    this._ready = this._claimed
    if (websocket.enabled && (isHybrid || this._ring.writer === null)) {
      this._openService()
    }
    // Without a call of ready(), `error` and writeThreat tell of the failure.
    this._ready.catch(() => {})
    this._watch = setInterval(() => this._checkPlaces(), CHECK_MILLISECONDS)
    // Do not keep the process alive.
    this._watch.unref()
    const wanted = isHybrid
      ? 'a hybrid transport uses both'
      : 'shared memory is available and preferred'
    this._tell(this._ring.error?.message ?? wanted)
  }

  /** Whether close() was called. */
  get closed() {
    return this._closing !== null
  }

  /**
   * Resolves when everything that the options ask for has started, or has failed
   * and another transport serves.
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
    return this._publish([checkThreat(threat)])
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
    const { writer, history } = this._ring
    const most = writer?.batchSlots ?? history.capacity / BATCH_DIVISOR
    const records = checkBatch(threats, most, checkThreat)
    // An iterator of the caller's may have closed this.
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
    return ['shm', 'hybrid'].includes(this._transport)
  }

  /** Open, and everything that is used works. */
  isHealthy() {
    return (
      this._transport !== 'none' &&
      (this._ring.writer?.isHealthy() ?? true) &&
      (this._service?.isListening ?? true)
    )
  }

  /** @returns {import('../index').TransportStats} */
  stats() {
    const shm = this._ring.stats()
    const { generation, sequence } = this._ring.history
    return {
      transport: this._transport,
      generation,
      sequence,
      published: this._published + (shm?.published ?? 0),
      shm,
      websocket: this._service?.stats() ?? null,
      errors: { shm: this._ring.error, websocket: this._serviceError },
      error: this._fatal
    }
  }

  /**
   * Frees everything: the ring's lock, the port, the discovery file's "live".
   * @returns {Promise<void>}
   */
  close() {
    this._closing ??= this._closeAll().then(() => {
      // What a listener throws is no failure to close.
      queueMicrotask(() => this.emit('close'))
    })
    return this._closing
  }

  async _closeAll() {
    const { generation, sequence } = this._ring.history
    clearTimeout(this._retry)
    clearInterval(this._watch)
    // In this order: only the holder of the lock writes the discovery file.
    const served = this._service?.close({ generation, sequence })
    this._instance.free()
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
      last =
        records.length === 1
          ? writer.publish(records[0])
          : writer.publishAll(records)
    } catch (error) {
      this._ringFailed(error)
      return this._publishWithoutRing(records)
    }
    this._ring.history.sequence = last
    // A listener may have closed the service meanwhile.
    if (isHeard && this._isHeard) {
      this._broadcast(records, last)
    } else {
      this._service?.broadcaster.historyGrew()
    }
    return last
  }

  _publishWithoutRing(records) {
    // A listener of the ring's error may have closed this.
    this._mustBeOpen()
    stamp(records)
    const { history } = this._ring
    const first = history.sequence + 1
    const texts = this._ring.append(records)
    this._published += records.length
    this._service.broadcaster.publish(first, texts)
    return history.sequence
  }

  /** Sends what is in the ring over WebSocket, too. */
  _broadcast(records, last) {
    const { generation } = this._ring.history
    const first = last - records.length + 1
    const now = Number(process.hrtime.bigint())
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
      throw this._serviceError ?? this._ring.error
    }
  }

  /** Goes on with WebSocket alone when the ring cannot be written any more.
   * @throws {Error} the same, when the caller has to handle it */
  _ringFailed(error) {
    if (!this._ring.fail(error)) {
      return
    }
    if (this._service === null) {
      this._openService()
    } else {
      this._service.setHistory(this._ring.history)
    }
    this._tell(error.message)
  }

  // --- The only Shield -----------------------------------------------------

  /** Another Shield has the ring, or answers: this one ends. */
  _end(error) {
    if (this._fatal !== null || this.closed) {
      return
    }
    this._fatal = error
    this._closeAll()
    this._tell(error.message)
    this._report(error)
  }

  /** Whether the kernel says that there is no other. */
  get _isAlone() {
    return this._ring.isAlone || this._instance.isHeld
  }

  async _claimPlace() {
    try {
      this._endStart = await this._instance.take()
    } catch (error) {
      this._end(error)
      throw error
    }
    if (this._instance.isHeld || this._service === null) {
      this._endStart?.()
    }
  }

  async _checkPlaces() {
    try {
      await this._claimed
      await this._instance.checkFile()
      await this._service?.checkPlace(this._isAlone)
    } catch (error) {
      // What else is wrong with a file may be over at the next check.
      if (error.code === 'ERR_RING_LOCKED') {
        this._end(error)
      }
    }
  }

  // --- WebSocket -----------------------------------------------------------

  _openService() {
    clearTimeout(this._retry)
    this._service = new WebSocketService(
      this._ring.history,
      this._location,
      this._websocket
    )
    this._ready = this._startService(this._service)
    this._ready.catch(() => {})
  }

  async _startService(service) {
    try {
      await this._claimed
      await service.start(this._isAlone)
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
      this._endStart?.()
    }
    const { moved } = service
    this._serviceError = moved
    const reason = moved?.message ?? 'the WebSocket server listens'
    this._tell(reason, moved !== null)
  }

  _serviceFailed(error) {
    const isNews = this._serviceError?.message !== error.message
    this._serviceError = error
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

  // --- Events --------------------------------------------------------------

  /** @returns {import('../index').ShieldTransport} what is used at present */
  get _transport() {
    const hasRing = this._ring.writer !== null
    if (this._fatal !== null || this.closed) {
      return 'none'
    }
    if (this._service !== null) {
      return hasRing ? 'hybrid' : 'websocket'
    }
    return hasRing ? 'shm' : 'none'
  }

  /** Emits `transport` when that changed, or when there is news of it. */
  _tell(reason, isNews = false) {
    const from = this._told
    const to = this._transport
    if (to === from && !isNews) {
      return
    }
    this._told = to
    // Later: nobody can listen yet while the constructor runs.
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

makeDisposable(IpcTransport)

module.exports = { IpcTransport }
