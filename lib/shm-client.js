'use strict'
// ShmClient: a reader of a ring in shared memory.

const { createHistogram } = require('node:perf_hooks')
const { native, reason } = require('./binding.js')
const { IpcError } = require('./errors.js')
const { checkReader } = require('./options.js')
const { SLOT_BYTES, ThreatDecoder } = require('./threat-event.js')
const { ThreatStream } = require('./threat-stream.js')

// Slots that one read copies. The buffer stays in the CPU's cache, and grows
// only for an event that does not fit.
const READ_SLOTS = 256

// Latencies that one read records: a flood is sampled, a single event counts.
const SAMPLES_PER_READ = 8

// How often poll() looks whether the ring still is in its place.
const CHECK_MILLISECONDS = 200

// enum kg_from, enum kg_loss_reason and enum kg_writer_life in kg_ipc.h.
const FROM = { latest: 0, oldest: 1 }
const FROM_SEQUENCE = 2
const LOSS_REASONS = [null, 'overwritten', 'corrupt', 'before-join']
const WRITER_STATES = ['live', 'stalled', 'gone']

// The fields that the native read() fills: enum ReadField in
// binding_reader.cc.
const LOST = 2
const LOST_FROM = 3
const LOST_TO = 4
const LOSS_REASON = 5
const SLOTS_NEEDED = 6
const MORE = 7
const NOW_NS = 8
const TIMED_FROM = 9
const FIELDS = 10

// The poll thread refers to its client weakly; these are held because somebody
// consumes or listens. Any other one that nobody can reach is collected, and
// its thread ends with it.
const heard = new Set()
const finalizers = new FinalizationRegistry((reader) => reader.close(() => {}))

/**
 * A reader of one ring, with a cursor of its own. Emits `threat`, `lost`,
 * `writer`, `error` and `close`.
 */
class ShmClient extends ThreatStream {
  /**
   * @param {import('./index').ReaderOptions} [options]
   * @throws {IpcError} ERR_NO_RING, ERR_RING_INVALID, ERR_RING_VERSION,
   *   ERR_RING_TRUNCATED, ERR_UNSAFE_PATH, ERR_SHM_UNAVAILABLE
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  constructor(options) {
    super()
    this._options = checkReader(options)
    if (native === null) {
      throw new IpcError('ERR_SHM_UNAVAILABLE', reason)
    }
    this._latency = createHistogram()
    this._fields = new Float64Array(FIELDS)
    this._slots = 0
    this._holding = false
    this._started = false
    this._checked = -Infinity
    this._unrecorded = 0 // events in the buffer whose latency is to record
    // What earlier rings of this client brought.
    this._before = { lost: 0, corrupt: 0, bytes: 0 }
    this._attach(new native.Reader(this._options))
    const { from } = this._options
    this._reader.seek(
      typeof from === 'number' ? FROM_SEQUENCE : FROM[from],
      typeof from === 'number' ? from : 0
    )
    this._writer = WRITER_STATES[this._reader.state(true) % 256]
    this.on('newListener', (event) => {
      if ((event === 'writer' || event === 'lost') && !this.closed) {
        this._start()
        heard.add(this)
      }
    })
    this.on('removeListener', () => this._updateHeard())
  }

  /** @returns {import('./index').ReaderStats} */
  stats() {
    const ring = this._lastStats ?? this._reader.stats()
    const before = this._before
    // Taken from the ring is not delivered.
    const waiting = this._batch[this._index]
    this._recordLatency()
    return {
      transport: 'shm',
      path: ring.path,
      generation: ring.generation,
      received: this._received,
      lost: before.lost + ring.lost,
      corrupt: before.corrupt + ring.corrupt,
      bytes: before.bytes + ring.bytes,
      published: ring.published,
      sequence: waiting === undefined ? ring.sequence : waiting.sequence - 1,
      capacity: ring.capacity,
      fileBytes: ring.fileBytes,
      checksums: ring.checksums,
      latency: latencyStats(this._latency),
      writer: this.closed ? this._writer : this._look(),
      error: this._lastError
    }
  }

  /** Open, and somebody alive writes to the ring. */
  isHealthy() {
    return !this.closed && this._look() === 'live'
  }

  // --- ThreatStream --------------------------------------------------------

  _take(max, threats) {
    const fields = this._fields
    let events
    // Of the batch before: whoever waits for a threat does not wait for
    // statistics too.
    this._recordLatency()
    try {
      events = this._reader.read()
    } catch (error) {
      this._fail(error)
      return false
    }
    if (events > 0) {
      this._decoder.decode(events, threats)
      this._unrecorded = events
    }
    if (fields[SLOTS_NEEDED] > 0) {
      this._makeBuffers(fields[SLOTS_NEEDED])
    } else if (events > 0 && this._slots > READ_SLOTS) {
      // The large one was read; nobody pays for it from now on.
      this._makeBuffers(READ_SLOTS)
    }
    if (fields[LOSS_REASON] !== 0) {
      this._report('lost', {
        count: fields[LOST],
        from: fields[LOST_FROM],
        to: fields[LOST_TO],
        generation: this._generation,
        reason: LOSS_REASONS[fields[LOSS_REASON]]
      })
    }
    if (events === 0 && fields[MORE] === 0) {
      return !this.closed && this._follow()
    }
    return fields[MORE] !== 0
  }

  _arm() {
    return this._startOrFail() && this._reader.arm()
  }

  _hold(hold) {
    this._holding = hold
    if (hold) {
      // A callback may wait for long before the first _arm().
      this._start()
    }
    this._reader.hold(hold)
    this._updateHeard()
  }

  _release() {
    heard.delete(this)
    finalizers.unregister(this)
    this._lastStats = this._reader.stats()
    this._writer = this._look()
    return new Promise((resolve) => {
      this._reader.close(resolve)
    })
  }

  // --- The ring ------------------------------------------------------------

  _updateHeard() {
    const isHeard =
      this._consumers.size > 0 ||
      this.listenerCount('writer') > 0 ||
      this.listenerCount('lost') > 0
    if (isHeard && !this.closed) {
      heard.add(this)
    } else {
      heard.delete(this)
    }
  }

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
    this._reader.setBuffers(slots, this._fields)
    this._decoder = new ThreatDecoder(slots, this._generation)
  }

  /** Starts the poll thread, once. */
  _start() {
    if (!this._started && !this.closed) {
      const self = new WeakRef(this)
      const woken = () => self.deref()?._woken()
      this._reader.start(woken, this._options.spinMicros)
      this._reader.hold(this._holding)
      this._started = true
    }
  }

  /** The same where no call is there to throw out of; false when it fails. */
  _startOrFail() {
    try {
      this._start()
      return true
    } catch (error) {
      this._fail(error)
      return false
    }
  }

  _woken() {
    // The threats first, then what the poll thread saw of the file.
    try {
      this._wake()
    } finally {
      if (!this.closed) {
        this._look(false)
      }
    }
  }

  /** Tells the writer's state and reports when it changed. */
  _look(fresh = true) {
    const state = this._writerState(fresh)
    if (state !== this._writer) {
      this._writer = state
      // From a turn of its own: stats() must not run listeners.
      if (!this.closed) {
        setImmediate(() => this.emit('writer', state))
      }
    }
    return state
  }

  _writerState(fresh) {
    const state = this._reader.state(fresh)
    // Out of its place: who writes now writes to the ring that has it. Whoever
    // consumes moves over to that one; who only wants to know asks it.
    if (state >= 256 && this._consumers.size === 0) {
      try {
        const next = new native.Reader(this._options)
        const successor = next.state(true)
        next.close(() => {})
        return WRITER_STATES[successor % 256]
      } catch {
        // None there: the old one's writer is what there is.
      }
    }
    return WRITER_STATES[state % 256]
  }

  /** Records the latencies of the batch that the buffer still holds. */
  _recordLatency() {
    const events = this._unrecorded
    const now = this._fields[NOW_NS]
    const step = Math.ceil(events / SAMPLES_PER_READ)
    const decoder = this._decoder
    let slot = 0
    this._unrecorded = 0
    for (let i = 0; i < events; i++) {
      if (
        i % step === 0 &&
        decoder.sequence(slot) >= this._fields[TIMED_FROM]
      ) {
        const latency = Math.round(now - decoder.publishNs(slot))
        if (latency > 0) {
          this._latency.record(latency)
        }
      }
      slot += decoder.span(slot)
    }
  }

  /**
   * Everything in this ring was read. When another one took its place, goes
   * over to it; true when it did.
   */
  _follow() {
    const now = performance.now()
    if (!this._started && now - this._checked < CHECK_MILLISECONDS) {
      return false
    }
    this._checked = now
    if (this._reader.state(false) < 256) {
      return false
    }
    let next
    try {
      next = new native.Reader(this._options)
    } catch (error) {
      // Not there yet, or not whole: the old one may still get events.
      this._lastError = error
      return false
    }
    const ring = next.stats()
    if (ring.generation === this._generation) {
      next.close(() => {})
      return false
    }
    if (this._reader.unread()) {
      // Written between our last look and the end of the old ring; now that
      // the new one has its name, nothing more is.
      next.close(() => {})
      return true
    }
    this._moveTo(next, ring)
    return true
  }

  _moveTo(next, ring) {
    const old = this._reader
    const last = old.stats()
    const generation = this._generation
    const isSuccessor = ring.predecessorGeneration === generation
    const to = isSuccessor ? ring.predecessorSequence : undefined
    const from = last.expected
    const lost = to === undefined || from === 0 ? null : to - from + 1

    this._before.lost += last.lost + Math.max(lost ?? 0, 0)
    this._before.corrupt += last.corrupt
    this._before.bytes += last.bytes
    this._lastError = null
    const started = this._started
    this._started = false
    old.close(() => {})
    this._attach(next)
    // From its first event on: what of it is gone already is a loss.
    next.seek(FROM_SEQUENCE, 1)
    if (lost === null || lost > 0) {
      this._report('lost', {
        count: lost,
        from: lost === null ? null : from,
        to: lost === null ? null : to,
        generation,
        reason: 'replaced'
      })
    }
    if (started) {
      this._startOrFail()
    }
    this._look()
  }
}

/** Nanoseconds in a histogram to microseconds in an object. */
function latencyStats(histogram) {
  const { count } = histogram
  const micros = (ns) => (count === 0 ? null : ns / 1000)
  return {
    count,
    min: micros(histogram.min),
    mean: micros(histogram.mean),
    p50: micros(histogram.percentile(50)),
    p90: micros(histogram.percentile(90)),
    p99: micros(histogram.percentile(99)),
    max: micros(histogram.max)
  }
}

module.exports = { ShmClient }
