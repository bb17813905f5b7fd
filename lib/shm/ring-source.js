'use strict'
// A ring in shared memory as the source of a stream: the poll thread that
// wakes the stream, and the way to the ring that replaces the one it reads.

const { decodeState, inspectRing, openReader } = require('./inspect.js')
const { MemoryLook } = require('./memory.js')
const { STATE_ERROR, STATE_UNREAD } = require('./native-constants.js')
const { RingReader } = require('./ring-reader.js')
const { WAKING } = require('./runtime.js')
const { Progress } = require('../stream/positions.js')
const { priorityBetween } = require('../threat/priority.js')

// How often a source without its poll thread looks whether the ring still is
// in its place.
const CHECK_MILLISECONDS = 200

// The poll thread refers to its source weakly; these are held because somebody
// consumes or listens. Any other one that nobody can reach is collected, and
// its thread ends with it.
const retained = new Set()
const finalizers = new FinalizationRegistry((reader) => reader.close(() => {}))

/** See ThreatStream for what a source does, and what it tells its host. */
class RingSource {
  #progress
  #options
  #host
  #cursor
  #reader
  #memory
  #holding = false
  #isListenedTo = false
  #started = false
  #closed = false
  #checked = -Infinity
  #hasLooked = false // for another ring, in the last take()
  #isWoken = false
  #polled = null // what arm() said of the ring in this wake
  // A loss that comes in front of everything else, and where it begins: it is
  // counted when it is told.
  #untold = null
  // What earlier rings of this source brought.
  #earlierTotals = { received: 0, lost: 0, rescued: 0, corrupt: 0, bytes: 0 }

  /**
   * @param {object} options checked reader options
   * @param {object} host of ThreatStream
   * @param {{ generation: string, next: number, priority?: number | null }}
   *   [position] goes on from there instead of from `options.from`; what is
   *   gone of it is reported lost. `priority`: the priority events before it
   * @param {Progress} [progress] how far its host came, by whatever way
   * @throws {IpcError} ERR_NO_RING, ERR_RING_INVALID, ERR_RING_VERSION,
   *   ERR_RING_TRUNCATED, ERR_UNSAFE_PATH, ERR_SHM_UNAVAILABLE
   */
  constructor(options, host, position, progress = new Progress()) {
    const reader = openReader(options)
    this.#progress = progress
    this.#options = options
    this.#host = host
    this.lastError = null
    this.#attach(reader)
    if (position === undefined) {
      this.#cursor.join(options.from)
    } else {
      this.#continue(position)
    }
  }

  /** Whether the ring has more than was taken. */
  get isUnread() {
    return (
      this.#untold !== null || this.#cursor.isFilled || this.#reader.unread()
    )
  }

  /** 16 hex digits: the ring that the cursor stands in. */
  get generation() {
    return this.#cursor.generation
  }

  /** How many events can be there at once. */
  get most() {
    return this.#cursor.capacity
  }

  /**
   * Appends what is there now and reports losses.
   * @param {number} _max the buffer decides
   * @param {import('../index').Threat[]} threats
   * @returns {boolean} whether there is more
   */
  take(_max, threats) {
    const before = threats.length
    if (!this.#cursor.isFilled) {
      this.#hasLooked = false
      if (this.#untold !== null) {
        this.#tellLoss()
        return true
      }
      try {
        this.#cursor.fill()
      } catch (error) {
        return this.#readFailed(error)
      }
    }
    const hasMore = this.#cursor.take(threats)
    return hasMore || threats.length > before
      ? hasMore
      : !this.#closed && this.#follow()
  }

  /**
   * Takes again what this ring gave already.
   * @param {number} next
   * @param {number | null} priority the priority events before it
   */
  goBack(next, priority) {
    this.#cursor.goTo(next, priority)
  }

  /** The priority events before what take() brought last, and up to each of
   * it. @see ThreatDecoder.priorities */
  priorities() {
    return this.#cursor.priorities()
  }

  /** When what take() brought last was published.
   * @param {number} from the sequence of the first of it
   * @see ThreatDecoder.publishTimes */
  publishTimes(from) {
    return this.#cursor.publishTimes(from)
  }

  /** Asks for wake() when more comes; true when it has. */
  arm() {
    if (this.#closed || !this.#startOrFail()) {
      return false
    }
    const state = this.#reader.arm()
    if (state === STATE_UNREAD) {
      return true
    }
    // Behind the delivery: at the next wake it would be cold code in front of
    // the event.
    this.#cursor.recordLatency()
    if (this.#isWoken) {
      this.#polled = state
    }
    // Behind a take() that brought events, nobody has looked for another ring.
    return state >= STATE_ERROR && !this.#hasLooked && this.#follow()
  }

  /** Whether waiting holds the process open. */
  hold(hold) {
    if (hold) {
      // A callback may wait for long before the first arm().
      this.start()
    }
    this.#holding = hold
    this.#reader.hold(hold)
    this.#updateRetained()
  }

  /** Keeps this object in memory for a listener, as for a consumer. */
  retain(isListenedTo) {
    this.#isListenedTo = isListenedTo
    this.#updateRetained()
  }

  /** Starts the poll thread, once. */
  start() {
    if (!this.#started && !this.#closed) {
      const self = new WeakRef(this)
      const woken = () => self.deref()?.#woken()
      const spinMicros = WAKING.maySpin ? this.#options.spinMicros : 0
      this.#reader.start(woken, spinMicros, WAKING.byThread)
      this.#reader.hold(this.#holding)
      this.#started = true
    }
  }

  /** Where the cursor stands: what was taken is behind it. */
  position() {
    if (this.#untold !== null) {
      return this.#untold.position
    }
    const { generation, next } = this.#cursor
    return { generation, next, priority: this.#cursor.priorityBefore() }
  }

  /**
   * The priority events before one that take() brought last; modulo 2^32.
   * @param {{ generation: string, sequence: number }} position the event in
   *   front of it
   * @returns {number | null} null where that is not known
   */
  priorityBehind({ generation, sequence }) {
    return generation === this.generation
      ? this.#cursor.priorityBefore(sequence + 1)
      : null
  }

  /**
   * @param {boolean} fresh looks at the file now instead of taking what the
   *   poll thread saw
   * @returns {{ displaced: boolean, writer: import('../index').WriterState }}
   *   whether the ring is out of its place, and how its own writer is
   */
  checkFile(fresh) {
    const known = fresh ? null : this.#polled
    return decodeState(known ?? this.#reader.state(fresh))
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
    if (displaced && !this.#host.isConsumed()) {
      try {
        return inspectRing(this.#options).writer
      } catch {
        // None there: the old one's writer is what there is.
      }
    }
    return writer
  }

  /** The native reader's numbers about the present ring. */
  ringStats() {
    return this.#cursor.stats()
  }

  /** In which pages the ring is. @returns {import('../index').RingMemory | null} */
  memory() {
    return this.#closed ? null : this.#memory.of(this.generation)
  }

  /** What was lost and read, of all rings so far. */
  totals() {
    const ring = this.ringStats()
    const earlier = this.#earlierTotals
    this.#cursor.recordLatency()
    return {
      received: earlier.received + ring.received,
      lost: earlier.lost + ring.lost,
      rescued: earlier.rescued + ring.rescued,
      corrupt: earlier.corrupt + ring.corrupt,
      bytes: earlier.bytes + ring.bytes
    }
  }

  /** @returns {Promise<void>} when the thread has ended and all is unmapped */
  close() {
    finalizers.unregister(this)
    this.#cursor.end()
    this.#closed = true
    this.#updateRetained()
    return new Promise((resolve) => {
      this.#reader.close(resolve)
    })
  }

  // --- The ring ------------------------------------------------------------

  #attach(reader) {
    finalizers.unregister(this)
    finalizers.register(this, reader, this)
    this.#reader = reader
    this.#memory = new MemoryLook(reader)
    const onCorrupt = (error) => {
      this.#earlierTotals.corrupt++
      this.lastError = error
    }
    const { maxEventBytes } = this.#options
    this.#cursor = new RingReader(reader, this.#host, onCorrupt, maxEventBytes)
  }

  #updateRetained() {
    const isNeeded =
      this.#isListenedTo || this.#holding || this.#host.isConsumed()
    if (isNeeded && !this.#closed) {
      retained.add(this)
    } else {
      retained.delete(this)
    }
  }

  /** start() where no call is there to throw out of; false when it fails. */
  #startOrFail() {
    try {
      this.start()
      return true
    } catch (error) {
      this.#host.failed(error)
      return false
    }
  }

  #woken() {
    this.#isWoken = true
    // The threats first, then what the poll thread saw of the file.
    try {
      this.#host.wake()
    } finally {
      if (!this.#closed) {
        this.#host.checked()
      }
      this.#isWoken = false
      this.#polled = null
    }
  }

  /** The ring cannot be read; true when there is another one. */
  #readFailed(error) {
    if (error.code !== 'ERR_RING_TRUNCATED') {
      this.#host.failed(error)
      return false
    }
    // Its writer, or the next one, makes another.
    const moved = !this.#closed && this.#follow(true)
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
  #follow(atOnce = false) {
    this.#hasLooked = true
    const now = performance.now()
    const isEarly = !this.#started && now - this.#checked < CHECK_MILLISECONDS
    if (isEarly && !atOnce) {
      return false
    }
    this.#checked = now
    if (!this.checkFile(atOnce).displaced) {
      return false
    }
    let next
    try {
      next = openReader(this.#options)
    } catch (error) {
      // Not there yet, or not whole: the old one may still get events.
      this.lastError = error
      return false
    }
    if (next.stats().generation === this.generation) {
      next.close(() => {})
      return false
    }
    if (this.#reader.unread()) {
      // Written between our last look and the end of the old ring; now that
      // the new one has its name, nothing more is.
      next.close(() => {})
      return true
    }
    this.#moveTo(next)
    return true
  }

  #moveTo(next) {
    const old = this.#reader
    const position = this.position()
    this.#progress.note(position.generation, position.next)
    const last = this.totals()
    const started = this.#started

    this.#earlierTotals = last
    this.#polled = null
    this.lastError = null
    this.#started = false
    this.#attach(next)
    this.#continue(position)
    // Behind that: the writer waits for a reliable reader by its lock in the
    // old ring, until it stands where it belongs in the new one.
    old.close(() => {})
    if (started) {
      this.#startOrFail()
    }
    this.#host.checked()
  }

  /** Goes on from a position, in this ring or in one before it. */
  #continue({ generation, next, priority = null }) {
    const ring = this.#reader.stats()
    if (generation === ring.generation) {
      this.#cursor.goTo(next, priority)
      return
    }
    const isSuccessor = ring.predecessorGeneration === generation
    const to = isSuccessor ? ring.predecessorSequence : undefined
    const lost = to === undefined ? null : to - next + 1
    // From its first event on, or from where it was left: what of it is gone
    // already is a loss.
    this.#cursor.goTo(this.#progress.next(ring.generation) ?? 1)
    if (lost === null || lost > 0) {
      const loss = {
        count: lost,
        from: lost === null ? null : next,
        to: lost === null ? null : to,
        priority:
          lost === null
            ? null
            : priorityBetween(priority, ring.predecessorPriority ?? null, lost),
        generation,
        reason: 'replaced'
      }
      // Told by the next take(), since this one runs inside of a constructor
      // or of a take().
      this.#untold = { loss, position: { generation, next, priority } }
    }
  }

  #tellLoss() {
    const { loss } = this.#untold
    this.#untold = null
    this.#earlierTotals.lost += loss.count ?? 0
    if (loss.to !== null) {
      this.#progress.note(loss.generation, loss.to + 1)
    }
    this.#host.lost(loss)
  }
}

/** Where reading begins behind an event that was seen. @param after option */
const positionAfter = (after) =>
  after === undefined
    ? undefined
    : {
        generation: after.generation,
        next: after.sequence + 1,
        priority: after.priority
      }

module.exports = { positionAfter, RingSource }
