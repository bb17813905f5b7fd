'use strict'
// The source of a client that uses whatever there is: the ring while its
// writer lives and it is in its place, the Shield's WebSocket otherwise. Both
// carry one (generation, sequence), so every event comes once.
//
//   CONNECTING         there is neither; both are looked for
//   RING               the ring is read, and its writer lives
//   RING_WITH_STANDBY  the ring is read, but has no writer or is out of its
//                      place; a server is looked for that could take over
//   WEBSOCKET          the server is read; a ring is looked for
//   RETURNING          a ring was found, and what the server has sent already
//                      is read before it
//   CLOSED
//
//                 has no writer, or is out of its place
//            RING -------------------------> RING_WITH_STANDBY
//            ^ |  <-------------------------   |   |
//            | |         all is well again     |   | the server answers, and
//            | |                               |   | the ring has no writer
//            | | cannot be read                |   |
//            | v                               |   |
//     CONNECTING <-----------------------------+   |
//      ^  ^ |  |                                   v
//      |  | |  +-----------------------------> WEBSOCKET --> RING
//      |  | |           the server answers         |   ring found,
//      |  | |                                      |   nothing left to read
//      |  | |             the server is gone       |
//      |  +-|--------------------------------------+
//      |    | ring found, some left to read        |
//      |    +-----------------> RETURNING <--------+
//      |                          |   |
//      +--------------------------+   +--> RING
//        the ring is gone again            nothing left to read

const assert = require('node:assert/strict')
const { findRing } = require('./locate-ring.js')
const { RetryTimer } = require('./retry-timer.js')
const { positionAfter, RingSource } = require('../shm/ring-source.js')
const { Progress } = require('../stream/positions.js')
const { WebSocketSource } = require('../websocket/client/source.js')

const CONNECTING = 'connecting'
const RING = 'ring'
const RING_WITH_STANDBY = 'ring with standby'
const WEBSOCKET = 'websocket'
const RETURNING = 'returning'
const CLOSED = 'closed'

// What may follow each state, beside CLOSED. CONNECTING follows itself when the
// first attempt fails, which is told.
const NEXT = {
  [CONNECTING]: [CONNECTING, RING, WEBSOCKET, RETURNING],
  [RING]: [RING_WITH_STANDBY, CONNECTING],
  [RING_WITH_STANDBY]: [RING, WEBSOCKET, CONNECTING],
  [WEBSOCKET]: [CONNECTING, RETURNING, RING],
  [RETURNING]: [RING, CONNECTING],
  [CLOSED]: []
}

// 'connecting' in all others.
const TRANSPORT = {
  [RING]: 'shm',
  [RING_WITH_STANDBY]: 'shm',
  [WEBSOCKET]: 'websocket',
  [RETURNING]: 'websocket'
}

const PARTS = { findRing, RingSource, WebSocketSource }

/**
 * What the source tells its host: as RingSource does, and
 *   transport(change)    `{ from, to, reason }`
 */
class FailoverSource {
  #options
  #host
  #parts
  #state = CONNECTING
  #told = null // the transport of the last event
  #ring = null // what is read whenever there is one
  #server = null
  #retryTimer
  #isHolding = false
  #from // of a ring without a position
  // The ring was left by an earlier Shield, and nothing of it was taken: a
  // server that is there already is heard from now on.
  #isLeftOver = false
  #progress = new Progress()
  // Of sources that are gone.
  #earlierTotals = { lost: 0, corrupt: 0, bytes: 0 }

  ringError = null
  socketError = null

  /**
   * @param {object} options
   * @param {object} options.ring checked reader options, `from` among them
   * @param {boolean} options.useRing
   * @param {() => string[]} options.findDirs see findRing
   * @param {(() => object) | null} options.locate finds the server (see
   *   WebSocketSource), null: no WebSocket
   * @param {number} options.handshakeTimeoutMs
   * @param {object} host
   * @param {object} [parts] what it is made of
   */
  constructor(options, host, parts = PARTS) {
    this.#options = options
    this.#host = host
    this.#parts = parts
    this.#from = options.ring.from
    this.#retryTimer = new RetryTimer(() => this.#retry())
    if (options.useRing) {
      parts.RingSource.check(options.ring)
      this.#openRing(positionAfter(options.ring.after))
    }
    if (!options.useRing || this.ringError?.code === 'ERR_SHM_UNAVAILABLE') {
      // There never will be one here.
      this.#retryTimer.stop()
    }
    if (this.#ring !== null) {
      this.#checkRing(true)
      this.#isLeftOver =
        this.#from === 'latest' &&
        options.ring.after === undefined &&
        this.#server !== null
      return
    }
    this.#openServer(this.#beginning())
    this.#retryTimer.later()
  }

  /** `shm`, `websocket`, or `connecting` while there is neither. */
  get transport() {
    return TRANSPORT[this.#state] ?? 'connecting'
  }

  /** The ring's source or null, for its numbers. */
  get ring() {
    return this.#ring
  }

  /** The server's source, unless the ring is read, or null. */
  get websocket() {
    return this.#ring === null ? this.#server : null
  }

  /** 16 hex digits: what was taken last belongs to it, if anything was. */
  get generation() {
    return (this.#ring ?? this.#server?.position())?.generation ?? null
  }

  take(max, threats) {
    const more = this.#active?.take(max, threats) ?? false
    if (threats.length > 0) {
      this.#isLeftOver = false
    }
    return more || (threats.length === 0 && this.#switch())
  }

  arm() {
    const active = this.#active
    // One that cannot be armed gives way to another.
    return active !== null && (active.arm() || active !== this.#active)
  }

  hold(hold) {
    this.#isHolding = hold
    this.#ring?.hold(hold)
    this.#server?.hold(hold)
    this.#retryTimer.hold(hold)
  }

  position() {
    return this.#active?.position() ?? null
  }

  /**
   * @param {boolean} fresh as that of RingSource
   * @returns {import('../index').WriterState}
   */
  writerState(fresh) {
    if (this.#ring !== null) {
      return this.#ring.writerState(fresh)
    }
    const isWritten =
      this.#state === RETURNING
        ? this.#inspectRing().isWritten
        : this.#state === WEBSOCKET
    return isWritten ? 'live' : 'gone'
  }

  totals() {
    const sum = { ...this.#earlierTotals }
    for (const source of [this.#ring, this.#server]) {
      if (source !== null) {
        addTotals(sum, source.totals())
      }
    }
    return sum
  }

  async close() {
    this.#enter(CLOSED)
    this.#retryTimer.stop()
    await Promise.all([this.#ring?.close(), this.#server?.close()])
  }

  // --- The state -----------------------------------------------------------

  /** Changes the state, and tells the host when the transport is another. */
  #enter(state, reason) {
    if (process.env.NODE_ENV === 'test') {
      const isFine = state === CLOSED || NEXT[this.#state].includes(state)
      assert(isFine, `from ${this.#state} to ${state}`)
    }
    this.#state = state
    const [from, to] = [this.#told, this.transport]
    if (to !== from && state !== CLOSED) {
      this.#told = to
      // From a turn of its own: a listener may do anything to this source.
      setImmediate(() => {
        if (this.#state !== CLOSED) {
          this.#host.transport({ from, to, reason })
        }
      })
    }
  }

  /** What is read; null while WebSocket is not allowed and there is no ring. */
  get #active() {
    return this.#ring ?? this.#server
  }

  // --- The ring ------------------------------------------------------------

  #findRing() {
    const { ring, findDirs } = this.#options
    return this.#parts.findRing(ring, findDirs)
  }

  /** @returns {{ generation?: string, isWritten?: boolean }} of findRing */
  #inspectRing() {
    try {
      return this.#findRing()
    } catch (error) {
      this.ringError = error
      return {}
    }
  }

  /**
   * @param {{ generation: string, next: number }} [position]
   * @returns {boolean} whether it is open; then it is what is read
   */
  #openRing(position) {
    const host = {
      ...this.#host,
      failed: (error) => this.#ringFailed(error),
      checked: () => this.#ringChecked()
    }
    let ring = null
    try {
      const { options } = this.#findRing()
      ring = new this.#parts.RingSource(
        { ...options, from: this.#from },
        host,
        position,
        this.#progress
      )
      // A client without consumers, too, is to know how the writer is.
      ring.hear(true)
      ring.start()
    } catch (error) {
      this.ringError = error
      if (ring !== null) {
        ring.close()
      } else if (this.#from === 'latest') {
        // All that a ring holds which could not be read before is new here.
        this.#from = 'oldest'
      }
      return false
    }
    ring.hold(this.#isHolding)
    this.#ring = ring
    this.ringError = null
    this.#enter(RING, 'the ring is there')
    return true
  }

  #ringChecked() {
    if (this.#ring !== null) {
      this.#checkRing(false)
    }
    this.#host.checked()
  }

  /** A ring that is not well wants a server at hand. */
  #checkRing(fresh) {
    if (this.#state === CLOSED) {
      return
    }
    const { astray, writer } = this.#ring.look(fresh)
    const isWell = !astray && writer !== 'gone'
    if (this.#state === RING) {
      if (!isWell && this.#openServer({ standBy: true })) {
        this.#enter(RING_WITH_STANDBY)
      }
    } else if (isWell) {
      this.#server.close()
      this.#server = null
      this.#enter(RING)
    } else if (astray) {
      // Its Shield may have said by now where it is.
      this.#server.hurry()
    }
  }

  /** Whether somebody alive writes to the ring; also to one that is out of its
   * place, as long as its Shield has not made another. */
  #isWritten() {
    const { astray, writer } = this.#ring.look(true)
    const { hasRing, shieldGeneration } = this.#server
    const isOnlyOne = hasRing && shieldGeneration === this.#ring.generation
    return writer !== 'gone' && (!astray || isOnlyOne)
  }

  #ringFailed(error) {
    if (this.#state === CLOSED) {
      return
    }
    this.ringError = error
    if (this.#server === null && !this.#openServer({ standBy: true })) {
      this.#host.failed(error)
      return
    }
    this.#leaveRing('the ring cannot be read')
  }

  #leaveRing(reason) {
    const ring = this.#ring
    const position = this.#isLeftOver ? null : ring.position()
    this.#isLeftOver = false
    this.#ring = null
    this.#retire(ring)
    this.#server.begin(position)
    this.#retryTimer.soon()
    this.#enter(this.#server.connected ? WEBSOCKET : CONNECTING, reason)
  }

  #retire(source) {
    addTotals(this.#earlierTotals, source.totals())
    source.close()
  }

  /** Everything was taken: goes over to the other source if that is due. True
   * when there may be more now. */
  #switch() {
    if (this.#state === RETURNING) {
      return this.#return()
    }
    if (
      this.#state !== RING_WITH_STANDBY ||
      !this.#server.connected ||
      this.#isWritten()
    ) {
      return false
    }
    if (!this.#ring.isUnread) {
      this.#leaveRing(
        this.#ring.look(false).astray
          ? 'the ring is not in its place'
          : 'the writer of the ring is gone'
      )
    }
    return true
  }

  // --- Back to a ring ------------------------------------------------------

  /** Looks for a ring that somebody alive writes to. */
  #retry() {
    if (this.#state === CLOSED || this.#ring !== null) {
      return
    }
    if (this.#state === RETURNING) {
      // Nobody takes what came before: at least the writer's state is news.
      this.#host.checked()
    } else if (this.#server === null) {
      if (this.#openRing(positionAfter(this.#options.ring.after))) {
        this.#host.wake()
      }
    } else if (this.#isRingToReturnTo()) {
      this.#server.close()
      if (this.#server.waiting === 0) {
        this.#return()
      } else {
        this.#enter(RETURNING, 'the rest of what the server sent')
      }
      this.#host.wake()
    }
    if (this.#ring === null) {
      this.#retryTimer.later()
    }
  }

  #isRingToReturnTo() {
    const { generation, isWritten } = this.#inspectRing()
    const { connected, hasRing, streamGeneration } = this.#server
    const position = this.#server.position()
    if (generation === undefined) {
      return false
    }
    return connected
      ? // It has to be the one that the server's Shield writes to now.
        isWritten && hasRing && generation === streamGeneration
      : // One without a writer may have what no server will send any more.
        isWritten || position === null || position.generation === generation
  }

  /** @returns {boolean} false: what the server has sent is to be taken first */
  #return() {
    const server = this.#server
    if (server.waiting > 0) {
      return false
    }
    const position = server.position()
    this.#server = null
    this.#retire(server)
    if (this.#openRing(position ?? undefined)) {
      this.#checkRing(true)
    } else {
      this.#openServer(position === null ? this.#beginning() : { position })
      this.#enter(CONNECTING, this.ringError.message)
    }
    return true
  }

  // --- The server ----------------------------------------------------------

  /** Where a server is to begin, as long as nothing is known. */
  #beginning() {
    const { from, after } = this.#options.ring
    return { from, position: positionAfter(after) ?? null }
  }

  /** @returns {boolean} false: WebSocket is not allowed */
  #openServer(more) {
    const { locate, handshakeTimeoutMs } = this.#options
    if (locate === null) {
      return false
    }
    const host = {
      ...this.#host,
      connected: () => this.#serverConnected(),
      disconnected: (error) => this.#serverDisconnected(error)
    }
    this.#server = new this.#parts.WebSocketSource(locate, host, {
      handshakeTimeoutMs,
      progress: this.#progress,
      ...more
    })
    this.#server.hold(this.#isHolding)
    return true
  }

  #serverConnected() {
    this.socketError = null
    if (this.#state === CONNECTING) {
      this.#enter(WEBSOCKET, this.#whyNoRing())
    }
    if (this.#state === WEBSOCKET) {
      // What it says may be that its Shield has a ring now.
      this.#retryTimer.soon()
    } else if (this.#host.isConsumed()) {
      this.#host.wake()
    } else {
      this.#switch()
    }
    this.#host.checked()
  }

  #whyNoRing() {
    return this.#options.useRing
      ? (this.ringError?.message ?? 'the ring has no writer')
      : 'shared memory is not used'
  }

  #serverDisconnected(error) {
    this.socketError = error
    // No server was there: all that the next one says is new.
    this.#isLeftOver = false
    if (this.#state === WEBSOCKET) {
      // A Shield that comes back may have a ring by then.
      this.#retryTimer.soon()
    }
    if (this.#ring === null) {
      this.#enter(CONNECTING, error.message)
    }
    this.#host.checked()
  }
}

/** @param {object} sum gets them added @param {object} totals */
function addTotals(sum, totals) {
  for (const name of Object.keys(sum)) {
    sum[name] += totals[name]
  }
}

module.exports = { FailoverSource }
