'use strict'
// The WebSocket server: takes in those whom the gate lets through and sends
// them what is published.

const { EventEmitter } = require('node:events')
const { bootId } = require('../../base/boot-id.js')
const { IpcError } = require('../../base/errors.js')
const { HandshakeServer } = require('./handshake.js')
const { threatMessage } = require('../protocol.js')
const { Subscriber } = require('./subscriber.js')

// What of one turn of the event loop one message carries.
const MESSAGE_EVENTS = 64
const MESSAGE_BYTES = 256 * 1024

// How long clients may take to get the rest when the Shield closes.
const CLOSE_MILLISECONDS = 1000

/** Emits `client` when one comes or goes. */
class Broadcaster extends EventEmitter {
  /**
   * @param {import('../../shield/memory-history.js').MemoryHistory | import('../../shield/ring-history.js').RingHistory} history
   * @param {object} options checked `websocket` options
   * @param {string} token 64 hex digits
   */
  constructor(history, options, token) {
    super()
    this.history = history
    this.limits = options
    this.boot = bootId()
    this._subscribers = new Set()
    this._live = new Set()
    this._early = new Set() // those who wait for more at the history's end
    // What this turn has published and not sent.
    this._waiting = []
    this._first = 0
    this._generation = null
    this._bytes = 0
    this._turn = null // the immediate that ends this turn of the event loop
    this._evicted = 0
    this._timers = []
    this._closed = false
    this._handshake = new HandshakeServer({ ...options, token })
    this._handshake.on('connection', (socket) => this._connected(socket))
  }

  /**
   * @returns {Promise<number>} the port; see `moved`
   * @throws {IpcError} ERR_CLOSED, ERR_TOO_MANY_FILES, ERR_SYSTEM
   */
  async listen() {
    const { heartbeatMs, stallTimeoutMs } = this.limits
    const port = await this._handshake.listen()
    if (this._closed) {
      throw new IpcError('ERR_CLOSED')
    }
    this._timers = [
      setInterval(() => this._beat(), heartbeatMs),
      setInterval(() => this._evict(), Math.ceil(stallTimeoutMs / 4))
    ]
    // The Shield's life is its own business.
    this._timers.forEach((timer) => timer.unref())
    return port
  }

  /** Whether anybody gets what is published right away. */
  get isHeard() {
    return this._live.size > 0
  }

  /**
   * The history has just got these. The first of a turn of the event loop go out
   * at once, what follows in it together.
   * @param {number} first the sequence of the first
   * @param {string[]} texts
   */
  publish(first, texts) {
    if (first !== this._first + this._waiting.length) {
      // While nobody was live, some went to the history alone.
      this._flush()
    }
    for (let i = 0; i < texts.length; i++) {
      if (this._waiting.length === 0) {
        this._first = first + i
        this._generation = this.history.generation
      }
      this._waiting.push(texts[i])
      this._bytes += texts[i].length
      if (this._bytes >= MESSAGE_BYTES) {
        // A batch can be longer than any message, and than any string.
        this._flush()
      }
    }
    if (this._turn === null) {
      this._flush()
      this._turn = setImmediate(() => {
        this._turn = null
        this._flush()
      })
    } else if (this._waiting.length >= MESSAGE_EVENTS) {
      this._flush()
    }
    this._askEarly()
  }

  /** The history grew, and publish() is not called for that. */
  historyGrew() {
    // They became live by another history, in which this was written.
    for (const subscriber of [...this._live]) {
      subscriber.catchUp()
    }
    this._askEarly()
  }

  _askEarly() {
    // A copy: whoever is early again must not be asked again.
    for (const subscriber of [...this._early]) {
      subscriber.historyGrew()
    }
  }

  /** Another history goes on where the one before ended: with the next sequence of
   * the same generation, or with another one. */
  setHistory(history) {
    // What was published before belongs to the old one.
    this._flush()
    const isOther = history.generation !== this.history.generation
    this.history = history
    for (const subscriber of this._subscribers) {
      if (subscriber.isStranded) {
        subscriber.goOn()
      } else if (isOther && subscriber.state === 'live') {
        subscriber.moveToHistory()
      } else {
        subscriber.tellStatus()
      }
    }
    this._askEarly()
  }

  /** To be called now and then: what took the ring out of its place may have
   * brought the same one back, and then there is no other history to wait for. */
  look() {
    for (const subscriber of this._subscribers) {
      if (subscriber.isStranded) {
        subscriber.goOn()
      }
    }
  }

  stats() {
    return {
      ...this._handshake.stats(),
      clients: this._subscribers.size,
      live: this._live.size,
      evicted: this._evicted
    }
  }

  /** Why the port is not the one that was asked for, or null. */
  get moved() {
    return this._handshake.moved ?? null
  }

  /** Ends it when every client has what was published, or soon after. */
  async close() {
    this._closed = true
    this._timers.forEach((timer) => clearInterval(timer))
    clearImmediate(this._turn)
    this._turn = null
    this._flush()
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MILLISECONDS)
      this.on('client', () => {
        if (this._subscribers.size === 0) {
          clearTimeout(timer)
          resolve()
        }
      })
      this._subscribers.forEach((subscriber) => subscriber.leave())
      this.emit('client')
    })
    await this._handshake.close()
  }

  /** A subscriber tells that its `state` is another one. */
  stateChanged(subscriber) {
    for (const [state, set] of [
      ['live', this._live],
      ['early', this._early]
    ]) {
      if (subscriber.state === state) set.add(subscriber)
      else set.delete(subscriber)
    }
  }

  // -------------------------------------------------------------------------

  _connected(socket) {
    const subscriber = new Subscriber(socket, this)
    this._subscribers.add(subscriber)
    socket.on('error', () => {
      // It is followed by a close.
    })
    socket.on('close', () => {
      subscriber.end()
      this._subscribers.delete(subscriber)
      this.emit('client')
    })
    this.emit('client')
  }

  _flush() {
    const texts = this._waiting
    if (texts.length === 0) {
      return
    }
    this._waiting = []
    this._bytes = 0
    const whole = Buffer.from(threatMessage(this._generation, texts))
    for (const subscriber of this._live) {
      subscriber.publish(this._first, texts, whole)
    }
  }

  _beat() {
    this._subscribers.forEach((subscriber) => subscriber.beat())
  }

  _evict() {
    const now = performance.now()
    for (const subscriber of this._subscribers) {
      if (subscriber.isStalled(now)) {
        this._evicted++
        subscriber.evict()
      }
    }
  }
}

module.exports = { Broadcaster }
