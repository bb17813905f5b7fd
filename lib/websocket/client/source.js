'use strict'
// A Shield's WebSocket server as the source of a stream: a connection that
// comes back, and the cursor that its messages move.

const { bootId } = require('../../base/boot-id.js')
const { throwUncaught } = require('../../base/emit-safely.js')
const { STATUS_COMMAND, subscribeMessage } = require('./commands.js')
const { IpcError } = require('../../base/errors.js')
const { recordLatency, SAMPLES_PER_READ } = require('../../base/latency.js')
const { ReconnectingSocket } = require('./reconnecting-socket.js')
const { StreamCursor } = require('./stream-cursor.js')
const { MAX_EVENT_BYTES } = require('../../threat/limits.js')
const { parseMessage, ProtocolError } = require('../protocol.js')

// A server that has not even sent a heartbeat for so many of them is dead.
const SILENT_HEARTBEATS = 2.5

// What no heartbeat and no latency exceeds: more is not believed.
const MAX_HEARTBEAT_MS = 3_600_000
const MAX_LATENCY_NS = 3_600_000_000_000

/**
 * What the source tells its host: wake(), lost(loss) and `latency` as
 * RingSource does, and
 *   connected(status)    a server has proved itself and says where it is
 *   disconnected(error)  it is gone, or could not be reached
 */
class WebSocketSource {
  #host
  #patience
  #maxEventBytes
  #socket
  #cursor
  #isSubscribing
  #isArmed = false
  #turn = null // the immediate that ends the turn of the last wake
  #isHolding = false
  #heartbeatMs = 0
  #boot = bootId()
  #isSameBoot = false
  #totals = { received: 0, lost: 0, corrupt: 0, bytes: 0 }

  /** Whether so much waits here that nothing more is taken in. */
  isFull = false
  /** Whether a server is there that has proved itself and answered. */
  connected = false
  /** Whether the server's Shield has a ring, too, and of which generation. */
  hasRing = true
  shieldGeneration = null
  /** The last sequence that the server told of. */
  published = 0

  /**
   * @param {() => object} locate see ReconnectingSocket
   * @param {object} host see above
   * @param {{ from?: 'latest' | 'oldest' | number, handshakeTimeoutMs: number,
   *   maxEventBytes?: number, position?: { generation: string, next: number } | null,
   *   progress: import('../../stream/positions.js').Progress, standBy?: boolean }} options
   *   `from`, `position`, `progress`: see StreamCursor; `standBy`: connects,
   *   and subscribes only when it is told where from
   */
  constructor(
    locate,
    host,
    {
      handshakeTimeoutMs,
      maxEventBytes = MAX_EVENT_BYTES,
      standBy = false,
      ...begin
    }
  ) {
    this.#host = host
    this.#patience = handshakeTimeoutMs
    this.#maxEventBytes = maxEventBytes
    this.#isSubscribing = !standBy
    this.#cursor = new StreamCursor(begin)
    this.#socket = new ReconnectingSocket(
      locate,
      {
        opened: () => this.#opened(),
        message: (data, isBinary) => this.#message(data, isBinary),
        failed: (error) => this.#failed(error),
        alive: () => this.#watch()
      },
      { handshakeTimeoutMs, maxEventBytes }
    )
    this.#socket.connect()
  }

  /** The server's URL, or null over its Unix socket. */
  get url() {
    return this.#socket.url
  }

  /** The path of the server's Unix socket, or null over its port. */
  get path() {
    return this.#socket.path
  }

  /** 16 hex digits: what the server sends at present, or null. */
  get streamGeneration() {
    return this.#cursor.generation
  }

  /** The last sequence that came, taken or not. */
  get arrived() {
    return this.#cursor.arrived
  }

  /** How much came and was not taken; 0 when everything was. */
  get waiting() {
    return this.#cursor.queue.length
  }

  /**
   * @param {number} max
   * @param {import('../../index').Threat[]} threats an empty list, gets them
   * @returns {boolean} whether there is more
   */
  take(max, threats) {
    const loss = this.#cursor.take(max, threats)
    this.#totals.received += threats.length
    if (loss !== null) {
      this.#countLoss(loss)
      this.#host.lost(loss)
    }
    if (this.isFull && this.#cursor.queue.hasRoom) {
      this.isFull = false
      this.#socket.resume()
      this.#watch()
    }
    return this.waiting > 0
  }

  /** Asks for the host's wake() when more comes; true when it has. */
  arm() {
    this.#isArmed = true
    return this.waiting > 0
  }

  /** Whether waiting holds the process open. */
  hold(hold) {
    this.#isHolding = hold
    this.#socket.hold(hold)
  }

  /** Where the cursor stands, or null while that is not known. */
  position() {
    return this.#cursor.position
  }

  /** @see RingSource.priorityBehind */
  priorityBehind(position) {
    return this.#cursor.priorityBehind(position)
  }

  /** There is a reason to try again before it is time to. */
  hurry() {
    this.#socket.hurry()
  }

  /** Ends the waiting of `standBy`: subscribes from a position. */
  begin(position) {
    this.#cursor.moveTo(position)
    this.#isSubscribing = true
    if (this.#socket.isOpen) {
      this.#subscribe()
    }
  }

  totals() {
    return { ...this.#totals, rescued: this.#cursor.rescued }
  }

  /** Takes in nothing more; what came can still be taken. */
  close() {
    this.connected = false
    this.#socket.close()
  }

  #countLoss({ count, reason }) {
    if (reason !== 'before-join') {
      // However often a server forges a loss, the sum stays a whole number.
      const lost = this.#totals.lost + (count ?? 0)
      this.#totals.lost = Math.min(lost, Number.MAX_SAFE_INTEGER)
    }
    if (reason === 'corrupt') {
      this.#totals.corrupt++
    }
  }

  /** Wakes the host, once in a turn of the event loop: each wake has a budget
   * of its own, and a flood of messages must leave the loop its turns. */
  #wake() {
    if (!this.#isArmed || this.#turn !== null || this.waiting === 0) {
      return
    }
    this.#isArmed = false
    this.#turn = setImmediate(() => {
      this.#turn = null
      this.#wake()
    })
    if (!this.#isHolding) {
      this.#turn.unref()
    }
    try {
      this.#host.wake()
    } catch (error) {
      // A listener's mistake: out of the middle of a message of ws.
      throwUncaught(error)
    }
  }

  // --- The connection ------------------------------------------------------

  #opened() {
    if (this.#isSubscribing) {
      this.#subscribe()
    } else {
      this.#socket.send(STATUS_COMMAND)
    }
    this.#watch()
  }

  #subscribe() {
    const position = this.#cursor.subscribe()
    this.#socket.send(subscribeMessage(position, this.#maxEventBytes))
  }

  #failed(error) {
    this.connected = false
    // A tunnel that cannot be reached says nothing of the Shield behind it.
    if (error.isAbsent && !this.#socket.isGiven) {
      this.#cursor.noteAbsence()
    }
    this.#host.disconnected(error)
  }

  #watch() {
    this.#socket.watch(
      this.connected ? this.#heartbeatMs * SILENT_HEARTBEATS : this.#patience
    )
  }

  // --- Messages ------------------------------------------------------------

  #message(data, isBinary) {
    try {
      this.#accept(parseMessage(data, isBinary), data.length)
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#socket.fail(new IpcError('ERR_WEBSOCKET_REFUSED', error.message))
      } else {
        // A listener's mistake, as in #wake().
        throwUncaught(error)
      }
    }
    this.#watch()
    this.#wake()
  }

  #accept(message, bytes) {
    this.#totals.bytes += bytes
    let goesOn
    try {
      goesOn = this.#cursor.accept(message, bytes)
    } finally {
      // What stood in front of a mistake may have filled it.
      if (this.#cursor.queue.isFull && !this.isFull) {
        this.isFull = true
        this.#socket.pause()
      }
    }
    if (!goesOn) {
      this.#socket.again()
    } else if (message.type === 'status') {
      this.#acceptStatus(message)
    } else if (message.type === 'threat') {
      this.#socket.settle()
      this.published = Math.max(this.published, this.#cursor.arrived)
      this.#recordLatency(message.publishedNs)
    } else if (message.type === 'heartbeat') {
      this.#socket.settle()
      this.published = message.sequence
    }
    // An `error` is the reason of the close that follows, or of none.
  }

  #acceptStatus(status) {
    const { sequence, shm, generation, heartbeatMs, boot } = status
    this.connected = true
    this.published = sequence
    this.hasRing = shm
    this.shieldGeneration = generation
    this.#heartbeatMs = heartbeatMs <= MAX_HEARTBEAT_MS ? heartbeatMs : 0
    this.#isSameBoot = boot !== null && boot === this.#boot
    this.#host.connected(status)
  }

  #recordLatency(publishedNs) {
    if (!this.#isSameBoot) {
      return
    }
    const now = Number(process.hrtime.bigint())
    const step = Math.ceil(publishedNs.length / SAMPLES_PER_READ)
    for (let i = 0; i < publishedNs.length; i += step) {
      const latency = now - publishedNs[i]
      if (publishedNs[i] !== null && latency < MAX_LATENCY_NS) {
        recordLatency(this.#host.latency, latency)
      }
    }
  }
}

module.exports = { WebSocketSource }
