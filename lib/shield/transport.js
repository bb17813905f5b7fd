'use strict'
// IpcTransport: the Shield's end of shared memory, WebSocket or both. One
// generation and one sequence, given by the ring where there is one.

const { makeDisposable } = require('../base/disposable.js')
const { emitSafely } = require('../base/emit-safely.js')
const { IpcError } = require('../base/errors.js')
const { ScopedEmitter } = require('../base/scope.js')
const { checkBatch } = require('../options/batch.js')
const { checkIpc } = require('../options/ipc.js')
const { checkThreat, limitsOf } = require('../threat/check.js')
const { BATCH_DIVISOR } = require('../threat/layout.js')
const { Place } = require('./place.js')
const { Publisher } = require('./publisher.js')
const { ShieldRing } = require('./ring.js')
const { WebSocketService } = require('./websocket-service.js')

// How often a server that could not be started is tried again.
const RETRY_MILLISECONDS = 1000

// How often the files by which others find this Shield are checked.
const CHECK_MILLISECONDS = 500

/**
 * The WebSocket of a Shield or null, for tests that must see its clients.
 * @type {(transport: IpcTransport) => import('./websocket-service.js').WebSocketService}
 */
let serviceOf

/**
 * Emits `transport` when what is used changes, `drain` when there is space again
 * after ERR_RING_FULL, `error` (when somebody listens) and `close`. Made by
 * IpcFactory.
 */
class IpcTransport extends ScopedEmitter {
  #location
  #limits
  #websocket
  #place
  #ring
  #publisher
  #claimed
  #ready
  #watch
  #service = null
  #fatal = null // why nothing will be written any more
  #closing = null
  #serviceError = null
  #told = null // the transport that the last event named
  #retry = null // the timer of the next attempt to serve

  static {
    serviceOf = (transport) => transport.#service
  }

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
    this.#location = location
    this.#limits = limitsOf(writer)
    this.#websocket = websocket
    this.#place = new Place(location, websocket, (socket) =>
      this.#accept(socket)
    )
    this.#ring = new ShieldRing(location, writer, {
      wanted: preferShm,
      mayFail: websocket.enabled
    })
    this.#publisher = new Publisher(this.#ring, {
      broadcaster: () => this.#service?.broadcaster ?? null,
      mustBeOpen: () => this.#mustBeOpen(),
      ringFailed: (error) => this.#ringFailed(error)
    })
    this.#ring.on('renewed', () => {
      this.#service?.setHistory(this.#ring.history)
      this.#tell('the ring can be written')
    })
    this.#ring.on('locked', (error) => this.#end(error))
    this.#ring.on('unwritable', (error) => this.#ringFailed(error))
    this.#ring.on('fault', (error) => this.#report(error))
    this.#ring.on('drain', () => this.emit('drain'))
    this.#claimed = this.#claimPlace()
    this.#ready = this.#claimed
    if (websocket.enabled && (isHybrid || this.#ring.writer === null)) {
      this.#openService()
    }
    // Without a call of ready(), `error` and writeThreat tell of the failure.
    this.#ready.catch(() => {})
    this.#watch = setInterval(() => this.#checkPlaces(), CHECK_MILLISECONDS)
    // Do not keep the process alive.
    this.#watch.unref()
    const wanted = isHybrid
      ? 'a hybrid transport uses both'
      : 'shared memory is available and preferred'
    this.#tell(this.#ring.error?.message ?? wanted)
  }

  /** Whether close() was called. */
  get closed() {
    return this.#closing !== null
  }

  /**
   * Resolves when everything that the options ask for has started, or has failed
   * and another transport serves.
   * @returns {Promise<void>} rejects when nothing serves: ERR_RING_LOCKED when
   *   another Shield answers, ERR_SYSTEM and its like
   */
  ready() {
    return this.#ready
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
    this.#mustBeOpen()
    return this.#publisher.publish([checkThreat(threat, this.#limits)])
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
    this.#mustBeOpen()
    const { writer, history } = this.#ring
    const most = writer?.batchSlots ?? history.capacity / BATCH_DIVISOR
    const records = checkBatch(threats, most, (threat) =>
      checkThreat(threat, this.#limits)
    )
    // An iterator of the caller's may have closed this.
    this.#mustBeOpen()
    return this.#publisher.publish(records)
  }

  /**
   * Resolves when what was refused last with ERR_RING_FULL can be written; at
   * once, unless `overflow` is 'reject' and a reliable reader is far behind.
   * @returns {Promise<void>} rejects with ERR_CLOSED when this is closed
   */
  async writable() {
    this.#mustBeOpen()
    await this.#ring.writer?.writable()
  }

  /** Whether threats go through shared memory at present. */
  isShmActive() {
    return ['shm', 'hybrid'].includes(this.#transport)
  }

  /** Open, and everything that is used works. */
  isHealthy() {
    return (
      this.#transport !== 'none' &&
      (this.#ring.writer?.isHealthy() ?? true) &&
      (this.#service?.isListening ?? true)
    )
  }

  /** @returns {import('../index').TransportStats} */
  stats() {
    const shm = this.#ring.stats()
    const { generation, sequence } = this.#ring.history
    return {
      transport: this.#transport,
      generation,
      sequence,
      published: this.#publisher.published + (shm?.published ?? 0),
      shm,
      websocket: this.#service?.stats() ?? null,
      errors: { shm: this.#ring.error, websocket: this.#serviceError },
      error: this.#fatal
    }
  }

  /**
   * Frees everything: the ring's lock, the port, the discovery file's "live".
   * @returns {Promise<void>}
   */
  close() {
    this.#closing ??= this.#closeAll().then(() => {
      // What a listener throws is no failure to close.
      queueMicrotask(() => this.emit('close'))
    })
    return this.#closing
  }

  async #closeAll() {
    const { generation, sequence, priority } = this.#ring.history
    clearTimeout(this.#retry)
    clearInterval(this.#watch)
    // In this order: only the holder of the lock writes the discovery file.
    const served = this.#service?.close({ generation, sequence, priority })
    this.#place.free()
    const freed = this.#ring.close()
    await served
    await freed
  }

  // --- The ring or WebSocket alone -----------------------------------------

  #mustBeOpen() {
    if (this.#closing !== null) {
      throw new IpcError('ERR_CLOSED')
    }
    if (this.#fatal !== null) {
      throw this.#fatal
    }
    if (this.#ring.writer === null && this.#service === null) {
      throw this.#serviceError ?? this.#ring.error
    }
  }

  /** Goes on with WebSocket alone when the ring cannot be written any more.
   * @throws {Error} the same, when the caller has to handle it */
  #ringFailed(error) {
    if (!this.#ring.fail(error)) {
      return
    }
    if (this.#service === null) {
      this.#openService()
    } else {
      this.#service.setHistory(this.#ring.history)
    }
    this.#tell(error.message)
  }

  // --- The only Shield -----------------------------------------------------

  /** Another Shield has the ring, or answers: this one ends. */
  #end(error) {
    if (this.#fatal !== null || this.closed) {
      return
    }
    this.#fatal = error
    this.#closeAll()
    this.#tell(error.message)
    this.#report(error)
  }

  /** Whether no other Shield can start unnoticed. */
  get #isAlone() {
    return this.#ring.isAlone || this.#place.isHeld
  }

  async #claimPlace() {
    try {
      await this.#place.claim(() => this.#ring.isAlone)
    } catch (error) {
      this.#end(error)
      throw error
    }
  }

  async #checkPlaces() {
    try {
      await this.#claimed
      await this.#place.check(this.#ring.isAlone)
      await this.#service?.checkPlace(this.#isAlone)
    } catch (error) {
      // What else is wrong with a file may be over at the next check.
      if (error.code === 'ERR_RING_LOCKED') {
        this.#end(error)
      }
    }
  }

  // --- WebSocket -----------------------------------------------------------

  /** Takes a connection to the Unix socket, which is there before a server is. */
  #accept(socket) {
    if (this.#service === null) {
      socket.destroy()
    } else {
      this.#service.broadcaster.accept(socket)
    }
  }

  #openService() {
    clearTimeout(this.#retry)
    this.#service = new WebSocketService(
      this.#ring.history,
      this.#location,
      this.#websocket,
      this.#place,
      () => this.#publisher.blocked
    )
    this.#ready = this.#startService(this.#service)
    this.#ready.catch(() => {})
  }

  async #startService(service) {
    try {
      await this.#claimed
      await service.start(this.#isAlone)
    } catch (error) {
      if (this.closed || this.#fatal !== null) {
        throw this.#fatal ?? error
      }
      this.#serviceFailed(error)
      if (this.#fatal !== null || this.#ring.writer === null) {
        throw error
      }
      return
    }
    const { moved } = service
    this.#serviceError = moved
    const reason = moved?.message ?? 'the WebSocket server listens'
    this.#tell(reason, moved !== null)
  }

  #serviceFailed(error) {
    const isNews = this.#serviceError?.message !== error.message
    this.#serviceError = error
    if (error.code === 'ERR_RING_LOCKED') {
      this.#end(error)
      return
    }
    this.#service = null
    this.#retry = setTimeout(() => this.#openService(), RETRY_MILLISECONDS)
    this.#retry.unref()
    if (isNews) {
      this.#tell(error.message)
      this.#report(error)
    }
  }

  // --- Events --------------------------------------------------------------

  /** @returns {import('../index').ShieldTransport} what is used at present */
  get #transport() {
    const hasRing = this.#ring.writer !== null
    if (this.#fatal !== null || this.closed) {
      return 'none'
    }
    if (this.#service !== null) {
      return hasRing ? 'hybrid' : 'websocket'
    }
    return hasRing ? 'shm' : 'none'
  }

  /** Emits `transport` when that changed, or when there is news of it. */
  #tell(reason, isNews = false) {
    const from = this.#told
    const to = this.#transport
    if (to === from && !isNews) {
      return
    }
    this.#told = to
    // Later: nobody can listen yet while the constructor runs.
    setImmediate(() => {
      if (!this.closed) {
        this.emit('transport', { from, to, reason })
      }
    })
  }

  #report(error) {
    if (this.listenerCount('error') > 0) {
      emitSafely(this, 'error', error)
    }
  }
}

makeDisposable(IpcTransport)

module.exports = { IpcTransport, serviceOf }
