'use strict'
// A ring in shared memory as the source of a stream: a cursor in it, the poll
// thread that wakes the stream, and the way to the ring that replaces it.

const { native, reason } = require('./addon.js')
const { IpcError } = require('../base/errors.js')
const { SLOT_BYTES } = require('../threat/layout.js')
const { recordLatency, SAMPLES_PER_READ } = require('../base/latency.js')
const { Progress } = require('../stream/positions.js')
const { ThreatDecoder } = require('../threat/decode.js')

const {
  FROM,
  LOSS_REASONS,
  READ,
  STATE_ERROR,
  STATE_UNREAD,
  WRITER_STATES
} = require('./native-constants.js')

// Slots that one read copies. The buffer stays in the CPU's cache, and grows
// only for an event that does not fit.
const READ_SLOTS = 256

// How often a source without its poll thread looks whether the ring still is
// in its place.
const CHECK_MILLISECONDS = 200

/** What the native state() says: an error and a writer's life. */
const lookOf = (state) => ({
  astray: state >= STATE_ERROR,
  writer: WRITER_STATES[state % STATE_ERROR]
})

// The poll thread refers to its source weakly; these are held because somebody
// consumes or listens. Any other one that nobody can reach is collected, and
// its thread ends with it.
const heard = new Set()
const finalizers = new FinalizationRegistry((reader) => reader.close(() => {}))

function mustBeAvailable() {
  if (native === null) {
    throw new IpcError('ERR_SHM_UNAVAILABLE', reason)
  }
}

/**
 * What the source tells its host, a plain object that a ThreatStream makes:
 *   wake()            something may be there to take
 *   lost(loss)        events that will never come
 *   failed(error)     the stream is over
 *   checked()         the poll thread looked at the file
 *   isConsumed()      whether somebody takes, so that moving on to the next
 *                     ring is the source's business
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
    mustBeAvailable()
    this._progress = progress
    this._options = options
    this._host = host
    this._fields = new Float64Array(READ.FIELDS)
    this._slots = 0
    this._holding = false
    this._started = false
    this._closed = false
    this._checked = -Infinity
    this._hasLooked = false // for another ring, in the last take()
    this._isWoken = false
    this._polled = null // what arm() said of the ring in this wake
    this._unrecorded = 0 // events in the buffer whose latency is to record
    this._lastStats = null
    this._untold = null // a loss that comes in front of everything else
    this._addDetails = (...details) => this._decoder.addDetails(details)
    this.lastError = null
    // What earlier rings of this source brought.
    this._before = { received: 0, lost: 0, corrupt: 0, bytes: 0 }
    this._attach(new native.Reader(options))
    if (position === undefined) {
      const { from } = options
      // Before the cursor is set: what comes in between is not passed over.
      this._joined = this._reader.stats().published + 1
      this._reader.seek(
        typeof from === 'number' ? FROM.sequence : FROM[from],
        typeof from === 'number' ? from : 0
      )
    } else {
      this._continue(position)
    }
  }

  /**
   * What a ring is, without staying in it.
   * @param {object} options checked location
   * @returns {{ generation: string, predecessorGeneration?: string,
   *   published: number, writerStartUs: number, astray: boolean,
   *   writer: import('../index').WriterState }} the last two as look() says;
   *   `writerStartUs`: since when it has its last writer, in microseconds of
   *   the wall clock
   * @throws {IpcError} as the constructor
   */
  static inspect(options) {
    mustBeAvailable()
    const reader = new native.Reader(options)
    const { generation, predecessorGeneration, published, writerStartUs } =
      reader.stats()
    const state = reader.state(true)
    reader.close(() => {})
    return {
      generation,
      predecessorGeneration,
      published,
      writerStartUs,
      ...lookOf(state)
    }
  }

  /** Whether the ring has more than was taken. */
  get isUnread() {
    return (
      this._untold !== null ||
      this._decoder.next !== null ||
      this._reader.unread()
    )
  }

  /** 16 hex digits: the ring that the cursor stands in. */
  get generation() {
    return this._generation
  }

  /** The last sequence that was taken or lost; 0 for none. */
  get sequence() {
    const { next } = this._decoder
    return next === null ? this.ringStats().sequence : next - 1
  }

  /**
   * Appends what is there now and reports losses.
   * @param {number} _max the buffer decides
   * @param {import('../index').Threat[]} threats
   * @returns {boolean} whether there is more
   */
  take(_max, threats) {
    if (this._decoder.next !== null) {
      this._decoder.decode(threats)
      return this._decoder.next !== null || this._passBatch(true)
    }
    let events
    this._hasLooked = false
    // Of the batch before: whoever waits for a threat does not wait for
    // statistics too.
    this._recordLatency()
    if (this._untold !== null) {
      const loss = this._untold
      this._untold = null
      this._host.lost(loss)
      return true
    }
    try {
      this._decoder.begin()
      events = this._reader.read(this._addDetails)
      this._decoder.left = events
    } catch (error) {
      if (error.code === 'ERR_RING_TRUNCATED') {
        // Its writer, or the next one, makes another.
        const moved = !this._closed && this._follow(true)
        if (!moved) {
          this.lastError = error
        }
        return moved
      }
      this._host.failed(error)
      return false
    }
    if (events > 0) {
      this._unrecorded = events
      this._decoder.decode(threats)
      if (this._decoder.next !== null) {
        this._reportLoss()
        return true
      }
    }
    return this._passBatch(events > 0)
  }

  /** What the last read says beside its events; true when there is more. */
  _passBatch(hadEvents) {
    const fields = this._fields
    if (fields[READ.SLOTS_NEEDED] > 0) {
      this._makeBuffers(fields[READ.SLOTS_NEEDED])
    } else if (hadEvents && this._slots > READ_SLOTS) {
      // The large one was read; nobody pays for it from now on.
      this._makeBuffers(READ_SLOTS)
    }
    this._reportLoss()
    if (!hadEvents && fields[READ.MORE] === 0) {
      return !this._closed && this._follow()
    }
    return fields[READ.MORE] !== 0
  }

  /** What the last read has lost stands in front of all of its events, in
   * however many calls those are passed on. */
  _reportLoss() {
    const fields = this._fields
    const why = LOSS_REASONS[fields[READ.LOSS_REASON]]
    fields[READ.LOSS_REASON] = 0
    if (why !== null) {
      this._host.lost({
        count: fields[READ.LOST],
        from: fields[READ.LOST_FROM],
        to: fields[READ.LOST_TO],
        generation: this._generation,
        reason: why
      })
    }
  }

  /** Takes again what this ring gave already. @param {number} next */
  goBack(next) {
    this._recordLatency()
    this._decoder.begin()
    this._joined = next
    this._reader.seek(FROM.sequence, next)
  }

  /** Asks for `_wake()` when more comes; true when it has. */
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
  }

  /** Keeps this object in memory while somebody listens to it. */
  hear(isHeard) {
    if (isHeard && !this._closed) {
      heard.add(this)
    } else {
      heard.delete(this)
    }
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
    const { expected } = this.ringStats()
    return {
      generation: this._generation,
      next: this._decoder.next ?? (expected === 0 ? this._joined : expected)
    }
  }

  /**
   * @param {boolean} fresh looks at the file now instead of taking what the
   *   poll thread saw
   * @returns {{ astray: boolean, writer: import('../index').WriterState }}
   *   whether the ring is out of its place, and how its own writer is
   */
  look(fresh) {
    const known = fresh ? null : this._polled
    return lookOf(known ?? this._reader.state(fresh))
  }

  /**
   * How the writer is, of the ring that has the name by now.
   * @param {boolean} fresh
   * @returns {import('../index').WriterState}
   */
  writerState(fresh) {
    const { astray, writer } = this.look(fresh)
    // Out of its place: who writes now writes to the ring that has it. Whoever
    // consumes moves over to that one; who only wants to know asks it.
    if (astray && !this._host.isConsumed()) {
      try {
        return RingSource.inspect(this._options).writer
      } catch {
        // None there: the old one's writer is what there is.
      }
    }
    return writer
  }

  /** The native reader's numbers about the present ring. */
  ringStats() {
    return this._lastStats ?? this._reader.stats()
  }

  /** What was lost and read, of all rings so far. */
  totals() {
    const ring = this.ringStats()
    const before = this._before
    this._recordLatency()
    return {
      received: before.received + ring.received,
      lost: before.lost + ring.lost,
      corrupt: before.corrupt + ring.corrupt,
      bytes: before.bytes + ring.bytes
    }
  }

  /** @returns {Promise<void>} when the thread has ended and all is unmapped */
  close() {
    heard.delete(this)
    finalizers.unregister(this)
    this._recordLatency()
    this._lastStats = this._reader.stats()
    this._closed = true
    return new Promise((resolve) => {
      this._reader.close(resolve)
    })
  }

  // --- The ring ------------------------------------------------------------

  _attach(reader) {
    finalizers.unregister(this)
    finalizers.register(this, reader, this)
    const { generation } = reader.stats()
    this._reader = reader
    this._generation = generation
    this._makeBuffers(READ_SLOTS)
  }

  _makeBuffers(count) {
    this._recordLatency()
    this._slots = count
    const slots = new ArrayBuffer(count * SLOT_BYTES)
    this._decoder = new ThreatDecoder(slots, this._generation, (sequence) => {
      this._before.corrupt++
      this.lastError = new IpcError(
        'ERR_RING_CORRUPT',
        `the text of event ${sequence} does not inflate`
      )
    })
    this._reader.setBuffers(slots, this._fields)
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

  /** Records the latencies of the batch that the buffer still holds. */
  _recordLatency() {
    const events = this._unrecorded
    const now = this._fields[READ.NOW_NS]
    const step = Math.ceil(events / SAMPLES_PER_READ)
    const decoder = this._decoder
    let slot = 0
    this._unrecorded = 0
    for (let i = 0; i < events; i++) {
      if (
        i % step === 0 &&
        decoder.sequence(slot) >= this._fields[READ.TIMED_FROM]
      ) {
        recordLatency(this._host.latency, now - decoder.publishNs(slot))
      }
      slot += decoder.span(slot)
    }
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
    if (!this.look(atOnce).astray) {
      return false
    }
    let next
    try {
      next = new native.Reader(this._options)
    } catch (error) {
      // Not there yet, or not whole: the old one may still get events.
      this.lastError = error
      return false
    }
    if (next.stats().generation === this._generation) {
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

    this._before = last
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
      this._joined = next
      this._reader.seek(FROM.sequence, next)
      return
    }
    const isSuccessor = ring.predecessorGeneration === generation
    const to = isSuccessor ? ring.predecessorSequence : undefined
    const lost = to === undefined ? null : to - next + 1
    // From its first event on, or from where it was left: what of it is gone
    // already is a loss.
    this._joined = this._progress.next(ring.generation) ?? 1
    this._reader.seek(FROM.sequence, this._joined)
    if (lost === null || lost > 0) {
      this._before.lost += lost ?? 0
      if (to !== undefined) {
        this._progress.note(generation, to + 1)
      }
      // By the next take(): whoever opens or moves a source is in the middle
      // of something.
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
