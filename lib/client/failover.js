'use strict'
// The source of a client that uses whatever there is: the ring while its
// writer lives and it is in its place, the Shield's WebSocket otherwise. Both
// carry one (generation, sequence), so every event comes once.

const { Prober } = require('./retry-timer.js')
const { Progress } = require('../stream/positions.js')
const { findRing } = require('./locate-ring.js')
const { positionAfter, RingSource } = require('../shm/ring-source.js')
const { WebSocketSource } = require('../websocket/client/source.js')

/**
 * What the source tells its host: as RingSource does, and
 *   transport(change)    `{ from, to, reason }`
 */
class FailoverSource {
  /**
   * @param {object} options
   * @param {object} options.ring checked reader options, `from` among them
   * @param {boolean} options.useRing
   * @param {() => string[]} options.findDirs see findRing
   * @param {(() => object) | null} options.locate finds the server (see
   *   WebSocketSource), null: no WebSocket
   * @param {number} options.handshakeTimeoutMs
   * @param {object} host
   */
  constructor(options, host) {
    this._options = options
    this._host = host
    this._from = options.ring.from // of a ring without a position
    this._isFresh = false // nothing of a ring without a writer was taken yet
    this._ring = null
    this._ws = null
    this._active = null
    this._progress = new Progress()
    this._returning = null // the ring that it returns to, as findRing tells
    this._isNew = true // there was no ring yet
    this._wasConnected = false
    this._holding = false
    this._closed = false
    this._prober = new Prober(() => this._probe())
    this._told = null // the transport of the last event
    this.ringError = null
    this.socketError = null
    // What sources that are gone brought.
    this._before = { lost: 0, corrupt: 0, bytes: 0 }
    this._begin()
  }

  /** `shm`, `websocket`, or `connecting` while there is neither. */
  get transport() {
    if (this._active === null || this._closed) {
      return 'connecting'
    }
    if (this._active === this._ring) {
      return 'shm'
    }
    return this._ws.connected || this._returning !== null
      ? 'websocket'
      : 'connecting'
  }

  /** The ring's source or null, for its numbers. */
  get ring() {
    return this._active === this._ring ? this._ring : null
  }

  /** 16 hex digits: what was taken last belongs to it, if anything was. */
  get generation() {
    return (this.ring ?? this.websocket?.position())?.generation ?? null
  }

  /** The server's source or null. */
  get websocket() {
    return this._active === this._ws ? this._ws : null
  }

  take(max, threats) {
    if (this._active === null) {
      return false
    }
    const more = this._active.take(max, threats)
    if (threats.length > 0) {
      this._isFresh = false
    }
    return more || threats.length > 0 ? more : this._switch()
  }

  arm() {
    return this._active !== null && this._active.arm()
  }

  hold(hold) {
    this._holding = hold
    this._ring?.hold(hold)
    this._ws?.hold(hold)
    this._prober.hold(hold)
  }

  position() {
    return this._active?.position() ?? null
  }

  /**
   * @param {boolean} fresh as that of RingSource
   * @returns {import('../index').WriterState}
   */
  writerState(fresh) {
    if (this.ring !== null) {
      return this._ring.writerState(fresh)
    }
    if (this._returning !== null) {
      return this._returning.isWritten ? 'live' : 'gone'
    }
    return this.transport === 'websocket' ? 'live' : 'gone'
  }

  totals() {
    const sum = { ...this._before }
    for (const source of [this._ring, this._ws]) {
      const { lost, corrupt, bytes } = source?.totals() ?? {}
      sum.lost += lost ?? 0
      sum.corrupt += corrupt ?? 0
      sum.bytes += bytes ?? 0
    }
    return sum
  }

  async close() {
    this._closed = true
    this._prober.stop()
    await Promise.all([this._ring?.close(), this._ws?.close()])
  }

  // --- Beginning -----------------------------------------------------------

  _begin() {
    if (this._options.useRing) {
      this._openRing(positionAfter(this._options.ring.after))
    }
    if (
      !this._options.useRing ||
      this.ringError?.code === 'ERR_SHM_UNAVAILABLE'
    ) {
      // There never will be one here.
      this._prober.stop()
    }
    if (this._ring !== null) {
      this._examine(true)
      // It stands behind what others have left. A Shield that is there already
      // and does without the ring is to be heard from now on, no sooner.
      this._isFresh =
        this._from === 'latest' &&
        this._options.ring.after === undefined &&
        this._ws !== null
      return
    }
    if (this._options.locate !== null) {
      this._openSocket(this._beginning())
      this._active = this._ws
    }
    this._prober.later()
  }

  /** Where a server is to begin, as long as nothing is known. */
  _beginning() {
    const { from, after } = this._options.ring
    return { from, position: positionAfter(after) ?? null }
  }

  _findRing() {
    return findRing(this._options.ring, this._options.findDirs)
  }

  /**
   * @param {{ generation: string, next: number }} [position]
   * @returns {boolean} whether it is open; then it is what is read
   */
  _openRing(position) {
    const host = {
      ...this._host,
      failed: (error) => this._ringFailed(error),
      checked: () => this._ringLooked()
    }
    try {
      const options = { ...this._findRing().options, from: this._from }
      this._ring = new RingSource(options, host, position, this._progress)
    } catch (error) {
      this.ringError = error
      if (this._from === 'latest') {
        // Whatever a ring holds that could not be read before is new here.
        this._from = 'oldest'
      }
      return false
    }
    this._active = this._ring
    this.ringError = null
    // For a client that nobody consumes, too: it is to know where it stands.
    this._ring.hear(true)
    try {
      this._ring.start()
    } catch (error) {
      this.ringError = error
      this._retire(this._ring)
      this._ring = null
      this._active = null
      return false
    }
    this._ring.hold(this._holding)
    this._tell('shm', this._isNew ? 'the ring is there' : 'it is back')
    this._isNew = false
    return true
  }

  _openSocket(more) {
    const { locate, handshakeTimeoutMs } = this._options
    const host = {
      ...this._host,
      connected: () => this._socketConnected(),
      disconnected: (error) => this._socketDisconnected(error)
    }
    this._ws = new WebSocketSource(locate, host, {
      handshakeTimeoutMs,
      progress: this._progress,
      ...more
    })
    this._ws.hold(this._holding)
  }

  _retire(source) {
    const { lost, corrupt, bytes } = source.totals()
    this._before.lost += lost
    this._before.corrupt += corrupt
    this._before.bytes += bytes
    source.close()
  }

  _tell(to, reason) {
    const from = this._told
    if (to !== from) {
      this._told = to
      // From a turn of its own: a listener may do anything to this source.
      setImmediate(() => {
        if (!this._closed) {
          this._host.transport({ from, to, reason })
        }
      })
    }
  }

  // --- From the ring to WebSocket ------------------------------------------

  _ringLooked() {
    if (this._active === this._ring && this._ring !== null) {
      this._examine(false)
    }
    this._host.checked()
  }

  /** A ring that is not well wants a server at hand. */
  _examine(fresh) {
    if (this._closed) {
      return
    }
    const { astray, writer } = this._ring.look(fresh)
    const isWell = !astray && writer !== 'gone'
    if (isWell && this._ws !== null) {
      this._ws.close()
      this._ws = null
    } else if (!isWell && this._ws === null && this._options.locate !== null) {
      this._openSocket({ standBy: true })
    } else if (astray && this._ws !== null) {
      // Its Shield may have said by now where it is.
      this._ws.hurry()
    }
  }

  /** Whether somebody alive writes to the ring; also to one that is out of its
   * place, as long as its Shield has not made another. */
  _isWritten() {
    const { astray, writer } = this._ring.look(true)
    const isOnlyOne =
      this._ws.hasRing && this._ws.shieldGeneration === this._ring.generation
    return writer !== 'gone' && (!astray || isOnlyOne)
  }

  _ringFailed(error) {
    this.ringError = error
    if (this._options.locate === null) {
      this._host.failed(error)
      return
    }
    if (this._ws === null) {
      this._openSocket({ standBy: true })
    }
    this._leaveRing('it cannot be read')
  }

  _leaveRing(reason) {
    const ring = this._ring
    const position = this._isFresh ? null : ring.position()
    if (position !== null) {
      this._progress.note(position.generation, position.next)
    }
    this._isFresh = false
    this._ring = null
    this._retire(ring)
    this._active = this._ws
    this._ws.begin(position)
    this._prober.soon()
    this._tell('websocket', reason)
  }

  // --- Back ----------------------------------------------------------------

  /** Looks for a ring that somebody alive writes to. */
  _probe() {
    if (this._closed || (this._ring !== null && this._active === this._ring)) {
      return
    }
    if (this._active === null) {
      if (this._openRing(positionAfter(this._options.ring.after))) {
        this._examine(true)
        this._host.wake()
      } else {
        this._prober.later()
      }
      return
    }
    if (this._returning !== null) {
      // Nobody takes what came before. Whoever asks how the writer is wants to
      // know it of now.
      this._returning.isWritten = this._ringToReturnTo()?.isWritten ?? false
      this._host.checked()
      this._prober.later()
      return
    }
    this._returning = this._ringToReturnTo()
    if (this._returning !== null) {
      this._ws.cut()
      this._prober.later()
      // What the server sent already is taken first.
      if (!this._host.isConsumed() || this._ws.isEmpty) {
        this._return()
      }
      this._host.wake()
    } else {
      this._prober.later()
    }
  }

  _ringToReturnTo() {
    let found
    try {
      found = this._findRing()
    } catch (error) {
      this.ringError = error
      return null
    }
    const { generation, isWritten } = found
    const ws = this._ws
    const position = ws.position()
    const isRight = ws.connected
      ? // It has to be the one that the server's Shield writes to now.
        isWritten && ws.hasRing && generation === ws.streamGeneration
      : // One without a writer may have what no server will send any more.
        isWritten || position === null || position.generation === generation
    return isRight ? found : null
  }

  _return() {
    if (!this._ws.isEmpty) {
      return false
    }
    const ws = this._ws
    const position = ws.position()
    this._returning = null
    this._ws = null
    this._retire(ws)
    if (this._openRing(position ?? undefined)) {
      this._examine(true)
    } else {
      this._openSocket({
        ...this._beginning(),
        ...(position === null ? {} : { position })
      })
      this._active = this._ws
      this._prober.later()
    }
    return true
  }

  /** Everything was taken: goes over to the other one if that is due. True
   * when there may be more now. */
  _switch() {
    if (this._closed) {
      return false
    }
    if (this._returning !== null) {
      return this._return()
    }
    if (this._active === this._ring && this._ws?.connected) {
      if (this._isWritten()) {
        return false
      }
      if (this._ring.isUnread) {
        return true
      }
      this._leaveRing(
        this._ring.look(false).astray
          ? 'the ring is not in its place'
          : 'the writer of the ring is gone'
      )
      return true
    }
    return false
  }

  // --- The server ----------------------------------------------------------

  _socketConnected() {
    this.socketError = null
    this._wasConnected = true
    if (this._active === this._ws) {
      this._tell('websocket', this._ringReason())
      this._prober.soon()
    } else if (this._host.isConsumed()) {
      this._host.wake()
    } else {
      this._switch()
    }
    this._host.checked()
  }

  _ringReason() {
    return this.ringError === null
      ? 'shared memory is not used'
      : this.ringError.message
  }

  _socketDisconnected(error) {
    this.socketError = error
    // Nobody was there: whoever comes is new, and so is all that they say.
    this._isFresh = false
    if (this._active === this._ws) {
      this._tell('connecting', error.message)
      if (this._wasConnected) {
        // A Shield that comes back may have a ring by then.
        this._prober.soon()
      }
    }
    this._wasConnected = false
    this._host.checked()
  }
}

module.exports = { FailoverSource }
