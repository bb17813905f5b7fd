'use strict'
// A ring in shared memory as the source of a stream: the poll thread that
// wakes the stream, and the way to the ring that replaces the one it reads.

const { decodeState, inspectRing, openReader } = require('./inspect.js')
const { STATE_ERROR, STATE_UNREAD } = require('./native-constants.js')
const { RingReader } = require('./ring-reader.js')
const { Progress } = require('../stream/positions.js')

// How often a source without its poll thread looks whether the ring still is
// in its place.
const CHECK_MILLISECONDS = 200

// The poll thread refers to its source weakly; these are held because somebody
// consumes or listens. Any other one that nobody can reach is collected, and
// its thread ends with it.
const retained = new Set()
const finalizers = new FinalizationRegistry((reader) => reader.close(() => {}))

/**
 * What the source tells its host, a plain object that a ThreatStream makes:
 *   wake()            something may be there to take
 *   lost(loss)        events that will never come
 *   failed(error)     the stream is over
 *   checked()         the poll thread looked at the file
 *   isConsumed()      whether somebody takes what comes next, so that take()
 *                     moves on to the next ring
 *   latency           a histogram of nanoseconds
 */
class RingSource {
  /**
   * @param {object} options checked reader options
   * @param {object} host see above
   * @param {{ generation: string, next: number }} [position] goes on from
   *   there instead of from `options.from`; what is gone of it is reported
   *   lost
   * @param {Progress} [progress] how far its host came, by whatever way
   * @throws {IpcError} ERR_NO_RING, ERR_RING_INVALID, ERR_RING_VERSION,
   *   ERR_RING_TRUNCATED, ERR_UNSAFE_PATH, ERR_SHM_UNAVAILABLE
   */
  constructor(options, host, position, progress = new Progress()) {
    const reader = openReader(options)
    this._progress = progress
    this._options = options
    this._host = host
    this._holding = false
    this._isListenedTo = false
    this._started = false
    this._closed = false
    this._checked = -Infinity
    this._hasLooked = false // for another ring, in the last take()
    this._isWoken = false
    this._polled = null // what arm() said of the ring in this wake
    this._untold = null // a loss that comes in front of everything else
    this.lastError = null
    // What earlier rings of this source brought.
    this._earlierTotals = { received: 0, lost: 0, corrupt: 0, bytes: 0 }
    this._attach(reader)
    if (position === undefined) {
      this._cursor.join(options.from)
    } else {
      this._continue(position)
    }
  }

  /** Whether the ring has more than was taken. */
  get isUnread() {
    return (
      this._untold !== null || this._cursor.isFilled || this._reader.unread()
    )
  }

  /** 16 hex digits: the ring that the cursor stands in. */
  get generation() {
    return this._cursor.generation
  }

  /** The last sequence that was taken or lost; 0 for none. */
  get sequence() {
    return this._cursor.sequence
  }

  /**
   * Appends what is there now and reports losses.
   * @param {number} _max the buffer decides
   * @param {import('../index').Threat[]} threats
   * @returns {boolean} whether there is more
   */
  take(_max, threats) {
    const before = threats.length
    if (!this._cursor.isFilled) {
      this._hasLooked = false
      if (this._untold !== null) {
        const loss = this._untold
        this._untold = null
        this._host.lost(loss)
        return true
      }
      try {
        this._cursor.fill()
      } catch (error) {
        return this._readFailed(error)
      }
    }
    const hasMore = this._cursor.take(threats)
    return hasMore || threats.length > before
      ? hasMore
      : !this._closed && this._follow()
  }

  /** Takes again what this ring gave already. @param {number} next */
  goBack(next) {
    this._cursor.goTo(next)
  }

  /** Asks for wake() when more comes; true when it has. */
  arm() {
    if (this._closed || !this._startOrFail()) {
      return false
    }
    const state = this._reader.arm()
    if (state === STATE_UNREAD) {
      return true
    }
    if (this._isWoken) {
      this._polled = state
    }
    // Behind a take() that brought events, nobody has looked for another ring.
    return state >= STATE_ERROR && !this._hasLooked && this._follow()
  }

  /** Whether waiting holds the process open. */
  hold(hold) {
    if (hold) {
      // A callback may wait for long before the first arm().
      this.start()
    }
    this._holding = hold
    this._reader.hold(hold)
    this._updateRetained()
  }

  /** Keeps this object in memory for a listener, as for a consumer. */
  retain(isListenedTo) {
    this._isListenedTo = isListenedTo
    this._updateRetained()
  }

  /** Starts the poll thread, once. */
  start() {
    if (!this._started && !this._closed) {
      const self = new WeakRef(this)
      const woken = () => self.deref()?._woken()
      this._reader.start(woken, this._options.spinMicros)
      this._reader.hold(this._holding)
      this._started = true
    }
  }

  /** Where the cursor stands: what was taken is behind it. */
  position() {
    const { generation, next } = this._cursor
    return { generation, next }
  }

  /**
   * @param {boolean} fresh looks at the file now instead of taking what the
   *   poll thread saw
   * @returns {{ displaced: boolean, writer: import('../index').WriterState }}
   *   whether the ring is out of its place, and how its own writer is
   */
  checkFile(fresh) {
    const known = fresh ? null : this._polled
    return decodeState(known ?? this._reader.state(fresh))
  }

  /**
   * How the writer is, of the ring that has the name by now.
   * @param {boolean} fresh
   * @returns {import('../index').WriterState}
   */
  writerState(fresh) {
    const { displaced, writer } = this.checkFile(fresh)
    // A writer of now writes to the ring that has the place. A stream whose
    // events are taken moves over to that one; any other one just asks it.
    if (displaced && !this._host.isConsumed()) {
      try {
        return inspectRing(this._options).writer
      } catch {
        // None there: the old one's writer is what there is.
      }
    }
    return writer
  }

  /** The native reader's numbers about the present ring. */
  ringStats() {
    return this._cursor.stats()
  }

  /** What was lost and read, of all rings so far. */
  totals() {
    const ring = this.ringStats()
    const earlier = this._earlierTotals
    this._cursor.recordLatency()
    return {
      received: earlier.received + ring.received,
      lost: earlier.lost + ring.lost,
      corrupt: earlier.corrupt + ring.corrupt,
      bytes: earlier.bytes + ring.bytes
    }
  }

  /** @returns {Promise<void>} when the thread has ended and all is unmapped */
  close() {
    finalizers.unregister(this)
    this._cursor.end()
    this._closed = true
    this._updateRetained()
    return new Promise((resolve) => {
      this._reader.close(resolve)
    })
  }

  // --- The ring ------------------------------------------------------------

  _attach(reader) {
    finalizers.unregister(this)
    finalizers.register(this, reader, this)
    this._reader = reader
    this._cursor = new RingReader(reader, this._host, (error) => {
      this._earlierTotals.corrupt++
      this.lastError = error
    })
  }

  _updateRetained() {
    const isNeeded =
      this._isListenedTo || this._holding || this._host.isConsumed()
    if (isNeeded && !this._closed) {
      retained.add(this)
    } else {
      retained.delete(this)
    }
  }

  /** start() where no call is there to throw out of; false when it fails. */
  _startOrFail() {
    try {
      this.start()
      return true
    } catch (error) {
      this._host.failed(error)
      return false
    }
  }

  _woken() {
    this._isWoken = true
    // The threats first, then what the poll thread saw of the file.
    try {
      this._host.wake()
    } finally {
      if (!this._closed) {
        this._host.checked()
      }
      this._isWoken = false
      this._polled = null
    }
  }

  /** The ring cannot be read; true when there is another one. */
  _readFailed(error) {
    if (error.code !== 'ERR_RING_TRUNCATED') {
      this._host.failed(error)
      return false
    }
    // Its writer, or the next one, makes another.
    const moved = !this._closed && this._follow(true)
    if (!moved) {
      this.lastError = error
    }
    return moved
  }

  /**
   * Everything in this ring was read. When another one took its place, goes
   * over to it; true when it did.
   * @param {boolean} [atOnce] something is wrong with this one
   */
  _follow(atOnce = false) {
    this._hasLooked = true
    const now = performance.now()
    const isEarly = !this._started && now - this._checked < CHECK_MILLISECONDS
    if (isEarly && !atOnce) {
      return false
    }
    this._checked = now
    if (!this.checkFile(atOnce).displaced) {
      return false
    }
    let next
    try {
      next = openReader(this._options)
    } catch (error) {
      // Not there yet, or not whole: the old one may still get events.
      this.lastError = error
      return false
    }
    if (next.stats().generation === this.generation) {
      next.close(() => {})
      return false
    }
    if (this._reader.unread()) {
      // Written between our last look and the end of the old ring; now that
      // the new one has its name, nothing more is.
      next.close(() => {})
      return true
    }
    this._moveTo(next)
    return true
  }

  _moveTo(next) {
    const old = this._reader
    const position = this.position()
    this._progress.note(position.generation, position.next)
    const last = this.totals()
    const started = this._started

    this._earlierTotals = last
    this._polled = null
    this.lastError = null
    this._started = false
    this._attach(next)
    this._continue(position)
    // Behind that: the writer waits for a reliable reader by its lock in the
    // old ring, until it stands where it belongs in the new one.
    old.close(() => {})
    if (started) {
      this._startOrFail()
    }
    this._host.checked()
  }

  /** Goes on from a position, in this ring or in one before it. */
  _continue({ generation, next }) {
    const ring = this._reader.stats()
    if (generation === ring.generation) {
      this._cursor.goTo(next)
      return
    }
    const isSuccessor = ring.predecessorGeneration === generation
    const to = isSuccessor ? ring.predecessorSequence : undefined
    const lost = to === undefined ? null : to - next + 1
    // From its first event on, or from where it was left: what of it is gone
    // already is a loss.
    this._cursor.goTo(this._progress.next(ring.generation) ?? 1)
    if (lost === null || lost > 0) {
      this._earlierTotals.lost += lost ?? 0
      if (to !== undefined) {
        this._progress.note(generation, to + 1)
      }
      // Told by the next take(), since this one runs inside of a constructor
      // or of a take().
      this._untold = {
        count: lost,
        from: lost === null ? null : next,
        to: lost === null ? null : to,
        generation,
        reason: 'replaced'
      }
    }
  }
}

/** Where reading begins behind an event that was seen. @param after option */
const positionAfter = (after) =>
  after === undefined
    ? undefined
    : { generation: after.generation, next: after.sequence + 1 }

module.exports = { positionAfter, RingSource }
