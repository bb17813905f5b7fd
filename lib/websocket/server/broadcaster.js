'use strict'
// The WebSocket server: sends what is published to the clients that the
// handshake let in.

const { EventEmitter } = require('node:events')
const { bootId } = require('../../base/boot-id.js')
const { IpcError } = require('../../base/errors.js')
const { HandshakeServer } = require('./handshake.js')
const { threatMessage } = require('../protocol.js')
const { Subscriber } = require('./subscriber.js')

// How much of what is published in one turn of the event loop goes into one
// message.
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
    this._early = new Set() // those that wait for more at the history's end
    this._byState = { live: this._live, early: this._early }
    // What this turn of the event loop has published and not sent.
    this._waiting = []
    this._first = 0
    this._generation = null
    this._bytes = 0
    this._turn = null // the immediate that ends this turn
    this._evicted = 0
    this._timers = []
    this._closed = false
    this._handshake = new HandshakeServer(options, token)
    this._handshake.on('connection', (socket) => this._connected(socket))
  }

  /**
   * @returns {Promise<number>} the port, which may be another; see `moved`
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
    // Do not keep the process alive.
    this._timers.forEach((timer) => timer.unref())
    return port
  }

  /** Whether a client gets what is published right away. */
  get isHeard() {
    return this._live.size > 0
  }

  /**
   * Sends what was just appended to the history: the first of a turn of the
   * event loop at once, the others of that turn together.
   * @param {number} first the sequence of the first
   * @param {string[]} texts
   */
  publish(first, texts) {
    if (first !== this._first + this._waiting.length) {
      // While no client was live, some went to the history alone.
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
        // A batch can be longer than the longest string.
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

  /** The history grew without publish(), because no client was live. */
  historyGrew() {
    // Those that became live since then, by another history.
    for (const subscriber of [...this._live]) {
      subscriber.catchUp()
    }
    this._askEarly()
  }

  _askEarly() {
    // A copy: a subscriber that is early again comes back into the set.
    for (const subscriber of [...this._early]) {
      subscriber.historyGrew()
    }
  }

  /** Another history goes on where the one before ended: with the next sequence
   * of the same generation, or with another generation. */
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
        subscriber.sendStatus()
      }
    }
    this._askEarly()
  }

  /** To be called regularly: a ring whose file was moved away may have been moved
   * back, and then there is no other history to wait for. */
  resumeStranded() {
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

  /** Why the port is not that of the options. @see HandshakeServer.moved */
  get moved() {
    return this._handshake.moved
  }

  /** Ends it when every client has what was published, or after a second. */
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

  /** For a subscriber whose `state` was `before`, and has changed. */
  stateChanged(subscriber, before) {
    this._byState[before]?.delete(subscriber)
    this._byState[subscriber.state]?.add(subscriber)
  }

  // -------------------------------------------------------------------------

  _connected(socket) {
    const subscriber = new Subscriber(socket, this)
    this._subscribers.add(subscriber)
    socket.on('close', () => {
      subscriber.unsubscribe()
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
