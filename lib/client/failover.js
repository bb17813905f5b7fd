'use strict'
// The source of a client that uses whatever there is: the ring while its
// writer lives and it is in its place, the Shield's WebSocket otherwise. Both
// carry one (generation, sequence), so every event comes once. Its states
// stand in failover-state.js.

const { FailoverState, State } = require('./failover-state.js')
const { RetryTimer } = require('./retry-timer.js')
const { positionAfter, RingSource } = require('../shm/ring-source.js')
const { Progress } = require('../stream/positions.js')
const { WebSocketSource } = require('../websocket/client/source.js')

const SOURCES = { RingSource, WebSocketSource }

const NOTHING = { lost: 0, rescued: 0, corrupt: 0, bytes: 0 }

/** Totals, and those of a source if there is one. */
function addTotals(totals, source) {
  const { lost, rescued, corrupt, bytes } = source?.totals() ?? NOTHING
  return {
    lost: totals.lost + lost,
    rescued: totals.rescued + rescued,
    corrupt: totals.corrupt + corrupt,
    bytes: totals.bytes + bytes
  }
}

/** See ThreatStream for what a source does, and what it tells its host. */
class FailoverSource {
  #options
  #host
  #sources
  #state
  #server = null
  #retryTimer
  #isHolding = false
  #start // the position that the option `after` says, or null
  #from // of a ring without a position
  // The ring was left by an earlier Shield, and nothing of it was taken: a
  // server that is there already is heard from now on.
  #isLeftOver = false
  #progress = new Progress()
  // Of sources that are gone.
  #earlierTotals = NOTHING

  /** The ring's source: what is read whenever there is one. */
  ring = null
  ringError = null
  socketError = null

  /**
   * @param {object} options
   * @param {object} options.ring checked reader options, `from` among them
   * @param {boolean} options.useRing
   * @param {() => object} options.findRing see findRing; looks anew
   * @param {(() => object) | null} options.locate finds the server (see
   *   WebSocketSource), null: no WebSocket
   * @param {number} options.handshakeTimeoutMs
   * @param {number} [options.maxEventBytes] of the longest event over WebSocket
   * @param {object} host
   * @param {object} [sources] the classes of those that it moves between
   */
  constructor(options, host, sources = SOURCES) {
    this.#options = options
    this.#host = host
    this.#sources = sources
    this.#from = options.ring.from
    this.#start = positionAfter(options.ring.after) ?? null
    this.#state = new FailoverState((change) => host.transport(change))
    this.#retryTimer = new RetryTimer(() => this.#retry())
    if (options.useRing) {
      this.#openRing(this.#start)
    }
    if (!options.useRing || this.ringError?.code === 'ERR_SHM_UNAVAILABLE') {
      // There never will be one here.
      this.#retryTimer.stop()
    }
    if (this.ring !== null) {
      this.#checkRing(true)
      this.#isLeftOver =
        this.#from === 'latest' && this.#start === null && this.#server !== null
      return
    }
    this.#openServer(this.#start)
    this.#retryTimer.later()
  }

  /** `shm`, `websocket`, or `connecting` while there is neither. */
  get transport() {
    return this.#state.transport
  }

  /** Why that is; what to do, while there is neither. */
  get reason() {
    if (this.transport !== 'connecting') {
      return this.#state.reason
    }
    const { ringError, socketError } = this
    // That there is no ring, the other one says as well; of a directory that is
    // not safe, the ring's says more.
    const isSame = socketError?.code === ringError?.code
    const isNews = socketError === null || ringError?.code !== 'ERR_NO_RING'
    const reasons = [isSame ? null : socketError, isNews ? ringError : null]
      .filter((error) => error !== null)
      .map((error) => error.message)
    return reasons.join(' ') || 'no Shield was found yet'
  }

  /** The server's source, unless the ring is read, or null. */
  get websocket() {
    return this.ring === null ? this.#server : null
  }

  /** 16 hex digits: what was taken last belongs to it, if anything was. */
  get generation() {
    return (this.ring ?? this.#server?.position())?.generation ?? null
  }

  /** As that of RingSource; undefined while there is no ring. */
  get most() {
    return this.ring?.most
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
    return (
      active !== null &&
      // One that cannot be armed gives way to another.
      (active.arm() || this.#switch() || active !== this.#active)
    )
  }

  hold(hold) {
    this.#isHolding = hold
    this.ring?.hold(hold)
    this.#server?.hold(hold)
    this.#retryTimer.hold(hold)
  }

  position() {
    return this.#active?.position() ?? null
  }

  /** @see RingSource.priorityBehind */
  priorityBehind(position) {
    return this.#active?.priorityBehind(position) ?? null
  }

  /**
   * @param {boolean} fresh as that of RingSource
   * @returns {import('../index').WriterState}
   */
  writerState(fresh) {
    if (this.ring !== null) {
      return this.ring.writerState(fresh)
    }
    const isWritten =
      this.#state.name === State.RETURNING
        ? this.#inspectRing().isWritten
        : this.#state.name === State.WEBSOCKET
    return isWritten ? 'live' : 'gone'
  }

  totals() {
    const withRing = addTotals(this.#earlierTotals, this.ring)
    return addTotals(withRing, this.#server)
  }

  async close() {
    this.#state.enter(State.CLOSED)
    this.#retryTimer.stop()
    this.#server?.close()
    await this.ring?.close()
  }

  /** What is read; null while WebSocket is not allowed and there is no ring. */
  get #active() {
    return this.ring ?? this.#server
  }

  // --- The ring ------------------------------------------------------------

  /** @returns {{ generation?: string, isWritten?: boolean }} of findRing */
  #inspectRing() {
    try {
      return this.#options.findRing()
    } catch (error) {
      this.ringError = error
      return {}
    }
  }

  /** @returns {boolean} whether there is one, which is read from `position` */
  #openRing(position) {
    const host = {
      ...this.#host,
      failed: (error) => this.#ringFailed(error),
      checked: () => {
        if (this.ring !== null) {
          this.#checkRing(false)
        }
        this.#host.checked()
      }
    }
    let ring = null
    try {
      const { options } = this.#options.findRing()
      ring = new this.#sources.RingSource(
        { ...options, from: this.#from },
        host,
        position ?? undefined,
        this.#progress
      )
      // A client without consumers, too, is to know how the writer is.
      ring.retain(true)
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
    this.ring = ring
    this.ringError = null
    this.#state.enter(State.RING, 'the ring is there')
    return true
  }

  /** A ring that is not well wants a server at hand. */
  #checkRing(fresh) {
    if (this.#state.name === State.CLOSED) {
      return
    }
    const { displaced, writer } = this.ring.checkFile(fresh)
    const isWell = !displaced && writer !== 'gone'
    if (this.#state.name === State.RING) {
      if (!isWell && this.#openServer(null, true)) {
        this.#state.enter(State.RING_WITH_STANDBY)
      }
    } else if (isWell) {
      this.#server.close()
      this.#server = null
      this.#state.enter(State.RING)
    } else if (displaced) {
      // Its Shield may have said by now where it is.
      this.#server.hurry()
    }
  }

  /** Whether the ring has a live writer. One that is out of its place counts
   * as long as its Shield has not made another. */
  #isWritten() {
    const { displaced, writer } = this.ring.checkFile(true)
    const { hasRing, shieldGeneration } = this.#server
    const isOnlyOne = hasRing && shieldGeneration === this.ring.generation
    return writer !== 'gone' && (!displaced || isOnlyOne)
  }

  #ringFailed(error) {
    if (this.#state.name === State.CLOSED) {
      return
    }
    this.ringError = error
    if (this.#server === null && !this.#openServer(null, true)) {
      this.#host.failed(error)
      return
    }
    this.#leaveRing('the ring cannot be read')
  }

  #leaveRing(reason) {
    const ring = this.ring
    const position = this.#isLeftOver ? null : ring.position()
    this.#isLeftOver = false
    this.ring = null
    this.#retire(ring)
    this.#server.begin(position)
    this.#retryTimer.soon()
    this.#state.enter(
      this.#server.connected ? State.WEBSOCKET : State.CONNECTING,
      reason
    )
  }

  #retire(source) {
    this.#earlierTotals = addTotals(this.#earlierTotals, source)
    source.close()
  }

  /** Everything was taken: goes over to the other source if that is due. True
   * when there may be more now. */
  #switch() {
    if (this.#state.name === State.RETURNING) {
      this.#return()
      return true
    }
    if (
      this.#state.name !== State.RING_WITH_STANDBY ||
      !this.#server.connected ||
      this.#isWritten()
    ) {
      return false
    }
    if (!this.ring.isUnread) {
      this.#leaveRing(
        this.ring.checkFile(false).displaced
          ? 'the ring is not in its place'
          : 'the writer of the ring is gone'
      )
    }
    return true
  }

  // --- Back to a ring ------------------------------------------------------

  /** Looks for a ring with a live writer. */
  #retry() {
    if (this.#state.name === State.CLOSED || this.ring !== null) {
      return
    }
    if (this.#state.name === State.RETURNING) {
      // Without a consumer this state lasts; the writer may end meanwhile.
      this.#host.checked()
    } else if (this.#server === null) {
      if (this.#openRing(this.#start)) {
        this.#host.wake()
      }
    } else if (this.#isRingToReturnTo()) {
      this.#server.close()
      if (this.#server.waiting === 0) {
        this.#return()
      } else {
        this.#state.enter(State.RETURNING, 'the rest of what the server sent')
      }
      this.#host.wake()
    }
    if (this.ring === null) {
      this.#retryTimer.later()
    }
  }

  #isRingToReturnTo() {
    const { generation, isWritten } = this.#inspectRing()
    const { connected, hasRing, streamGeneration } = this.#server
    if (generation === undefined) {
      return false
    }
    const position = this.#server.position()
    return connected
      ? // It has to be the one that the server's Shield writes to now.
        isWritten && hasRing && generation === streamGeneration
      : // One without a writer may have what no server will send any more.
        isWritten || position === null || position.generation === generation
  }

  /** Everything that the server has sent was taken. */
  #return() {
    const server = this.#server
    const position = server.position()
    this.#server = null
    this.#retire(server)
    if (this.#openRing(position)) {
      this.#checkRing(true)
    } else {
      this.#openServer(position ?? this.#start)
      this.#state.enter(State.CONNECTING, this.ringError.message)
    }
  }

  // --- The server ----------------------------------------------------------

  /** @returns {boolean} false: WebSocket is not allowed */
  #openServer(position, standBy = false) {
    const { locate, handshakeTimeoutMs, maxEventBytes, ring } = this.#options
    if (locate === null) {
      return false
    }
    const host = {
      ...this.#host,
      connected: () => this.#serverConnected(),
      disconnected: (error) => this.#serverDisconnected(error)
    }
    this.#server = new this.#sources.WebSocketSource(locate, host, {
      handshakeTimeoutMs,
      maxEventBytes,
      progress: this.#progress,
      from: ring.from,
      position,
      standBy
    })
    this.#server.hold(this.#isHolding)
    return true
  }

  #serverConnected() {
    this.socketError = null
    if (this.#state.name === State.CONNECTING) {
      const reason = this.#options.useRing
        ? (this.ringError?.message ?? 'the ring has no writer')
        : 'shared memory is not used'
      this.#state.enter(State.WEBSOCKET, reason)
    }
    if (this.#state.name === State.WEBSOCKET) {
      // What it says may be that its Shield has a ring now.
      this.#retryTimer.soon()
    } else if (this.#host.isConsumed()) {
      this.#host.wake()
    } else {
      this.#switch()
    }
    this.#host.checked()
  }

  #serverDisconnected(error) {
    this.socketError = error
    // No server was there: all that the next one says is new.
    this.#isLeftOver = false
    if (this.#state.name === State.WEBSOCKET) {
      // A Shield that comes back may have a ring by then.
      this.#retryTimer.soon()
    }
    if (this.ring === null) {
      this.#state.enter(State.CONNECTING, error.message)
    }
    this.#host.checked()
  }
}

module.exports = { FailoverSource }
