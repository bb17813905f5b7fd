'use strict'
// The WebSocket server: sends what is published to the clients that the
// handshake let in.

const { EventEmitter } = require('node:events')
const { bootId } = require('../../base/boot-id.js')
const { IpcError } = require('../../base/errors.js')
const { HandshakeServer } = require('./handshake.js')
const { textWithin, threatMessage } = require('../messages.js')
const { Subscriber } = require('./subscriber.js')

// How much of what is published in one turn of the event loop goes into one
// message.
const MESSAGE_EVENTS = 64
const MESSAGE_BYTES = 256 * 1024

// How long clients that are sent the history are served in one turn.
const PUMP_MILLISECONDS = 5

// How long clients may take to get the rest when the Shield closes.
const CLOSE_MILLISECONDS = 1000

/** Emits `client` when one comes or goes. */
class Broadcaster extends EventEmitter {
  /** The clients that are connected. */
  subscribers = new Set()

  #handshake
  // Of their subscriptions:
  #live = new Set() // those that get what is published right away
  #early = new Set() // those that wait for more at the history's end
  #byState = { live: this.#live, early: this.#early }
  // What this turn of the event loop has published and not sent.
  #waiting = []
  #first = 0
  #priority = 0 // the priority events up to the last of that
  #generation = null
  #bytes = 0
  #turn = null // the immediate that ends this turn
  #pumping = new Set() // those that are sent more of the history in the next
  #pump = null // the immediate that does so
  #evicted = 0
  #timers = []
  #closed = false

  /**
   * @param {import('../../shield/memory-history.js').MemoryHistory | import('../../shield/ring-history.js').RingHistory} history
   * @param {object} options checked `websocket` options
   * @param {string} token 64 hex digits
   * @param {() => number} [threatsBlocked] how many the Shield has blocked
   * @param {string} [aboutCommands] a clause for who sends one that is unknown
   */
  constructor(
    history,
    options,
    token,
    threatsBlocked = () => 0,
    aboutCommands = ''
  ) {
    super()
    this.history = history
    this.limits = options
    this.threatsBlocked = threatsBlocked
    this.aboutCommands = aboutCommands
    this.boot = bootId()
    this.#handshake = new HandshakeServer(options, token)
    this.#handshake.on('connection', (socket) => this.#connected(socket))
  }

  /**
   * @returns {Promise<number | null>} the port, which may be another; see
   *   `moved`; null when the options say none
   * @throws {IpcError} ERR_CLOSED, ERR_TOO_MANY_FILES, ERR_SYSTEM
   */
  async listen() {
    const { heartbeatMs, stallTimeoutMs } = this.limits
    const port = await this.#handshake.listen()
    if (this.#closed) {
      throw new IpcError('ERR_CLOSED')
    }
    this.#timers = [
      setInterval(() => this.#beat(), heartbeatMs),
      setInterval(() => this.#evict(), Math.ceil(stallTimeoutMs / 4))
    ]
    // Do not keep the process alive.
    this.#timers.forEach((timer) => timer.unref())
    return port
  }

  /** Takes a connection that came over the Unix socket.
   * @param {import('node:net').Socket} socket */
  accept(socket) {
    this.#handshake.accept(socket)
  }

  /** Whether a client gets what is published right away. */
  get isHeard() {
    return this.#live.size > 0
  }

  /**
   * Sends what was just appended to the history: the first of a turn of the
   * event loop at once, the others of that turn together.
   * @param {number} first the sequence of the first
   * @param {string[]} texts
   * @param {number[]} priorities the priority events up to each
   * @param {boolean} [isTurn] whether they are all of this turn, or about so:
   *   then nothing waits for its end
   */
  publish(first, texts, priorities, isTurn = false) {
    if (first !== this.#first + this.#waiting.length) {
      // While no client was live, some went to the history alone.
      this.#flush()
    }
    for (let i = 0; i < texts.length; i++) {
      if (this.#waiting.length === 0) {
        this.#first = first + i
        this.#generation = this.history.generation
      }
      this.#waiting.push(texts[i])
      this.#priority = priorities[i]
      this.#bytes += texts[i].length
      if (this.#bytes >= MESSAGE_BYTES) {
        // A batch can be longer than the longest string.
        this.#flush()
      }
    }
    if (isTurn) {
      this.#flush()
    } else if (this.#turn === null) {
      this.#flush()
      this.#turn = setImmediate(() => {
        this.#turn = null
        this.#flush()
      })
    } else if (this.#waiting.length >= MESSAGE_EVENTS) {
      this.#flush()
    }
    this.#askEarly()
  }

  /** The history grew without publish(), because no client was live. */
  historyGrew() {
    // Those that became live since then, by another history.
    for (const subscription of [...this.#live]) {
      subscription.catchUp()
    }
    this.#askEarly()
  }

  #askEarly() {
    // A copy: a subscription that is early again comes back into the set.
    for (const subscription of [...this.#early]) {
      subscription.historyGrew()
    }
  }

  /** Another history goes on where the one before ended: with the next sequence
   * of the same generation, or with another generation. */
  setHistory(history) {
    // What was published before belongs to the old one.
    this.#flush()
    const isOther = history.generation !== this.history.generation
    this.history = history
    for (const { subscription } of this.subscribers) {
      if (subscription.isStranded) {
        subscription.goOn()
      } else if (isOther && subscription.state === 'live') {
        subscription.moveToHistory()
      } else {
        subscription.sendStatus()
      }
    }
    this.#askEarly()
  }

  /** To be called regularly: a ring whose file was moved away may have been moved
   * back, and then there is no other history to wait for. */
  resumeStranded() {
    for (const { subscription } of this.subscribers) {
      if (subscription.isStranded) {
        subscription.goOn()
      }
    }
  }

  stats() {
    return {
      ...this.#handshake.stats(),
      clients: this.subscribers.size,
      live: this.#live.size,
      evicted: this.#evicted
    }
  }

  /** Why the port is not that of the options. @see HandshakeServer.moved */
  get moved() {
    return this.#handshake.moved
  }

  /** Ends it when every client has what was published, or after a second. */
  async close() {
    this.#closed = true
    // Who came now would be dropped without a word.
    this.#handshake.stop()
    this.#timers.forEach((timer) => clearInterval(timer))
    clearImmediate(this.#turn)
    this.#turn = null
    this.#flush()
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MILLISECONDS)
      this.on('client', () => {
        if (this.subscribers.size === 0) {
          clearTimeout(timer)
          resolve()
        }
      })
      this.subscribers.forEach((subscriber) => subscriber.leave())
      this.emit('client')
    })
    await this.#handshake.close()
  }

  /** For a subscription whose `state` was `before`, and has changed. */
  stateChanged(subscription, before) {
    this.#byState[before]?.delete(subscription)
    this.#byState[subscription.state]?.add(subscription)
  }

  /** For a subscription that has more of the history to send. */
  pumpLater(subscription) {
    this.#pumping.add(subscription)
    if (this.#pump === null) {
      this.#pump = setImmediate(() => {
        this.#pump = null
        this.#pumpAll()
      })
    }
  }

  // -------------------------------------------------------------------------

  /** Each in its turn, and those that do not come to it now first the next time. */
  #pumpAll() {
    const end = performance.now() + PUMP_MILLISECONDS
    for (const subscription of [...this.#pumping]) {
      if (performance.now() >= end) {
        break
      }
      this.#pumping.delete(subscription)
      subscription.pump()
    }
    if (this.#pumping.size > 0) {
      this.pumpLater([...this.#pumping][0])
    }
  }

  #connected(socket) {
    const subscriber = new Subscriber(socket, this)
    this.subscribers.add(subscriber)
    socket.on('close', () => {
      subscriber.subscription.end()
      this.subscribers.delete(subscriber)
      this.emit('client')
    })
    this.emit('client')
  }

  #flush() {
    const texts = this.#waiting
    if (texts.length === 0) {
      return
    }
    this.#waiting = []
    this.#bytes = 0
    const wholeFor = messagesOf(this.#generation, texts)
    for (const subscription of this.#live) {
      subscription.publish(this.#first, texts, wholeFor, this.#priority)
    }
  }

  #beat() {
    this.subscribers.forEach((subscriber) => subscriber.beat())
  }

  #evict() {
    const now = performance.now()
    for (const subscriber of this.subscribers) {
      if (subscriber.isStalled(now)) {
        this.#evicted++
        subscriber.evict()
      }
    }
  }
}

/** The message of these threats for a client that takes so much text of one,
 * made once for all of them. */
function messagesOf(generation, texts) {
  const longest = texts.reduce((most, { length }) => Math.max(most, length), 0)
  let all = null // for all who take them as they are
  const cut = new Map()
  return (most) => {
    if (longest * 3 <= most) {
      all ??= Buffer.from(threatMessage(generation, texts))
      return all
    }
    let whole = cut.get(most)
    if (whole === undefined) {
      const fitting = texts.map((text) => textWithin(text, generation, most))
      whole = Buffer.from(threatMessage(generation, fitting))
      cut.set(most, whole)
    }
    return whole
  }
}

module.exports = { Broadcaster }
