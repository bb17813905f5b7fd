'use strict'
// A cursor in one ring: reads, decodes, tells what was lost, and knows where
// it stands.

const { FROM, LOSS_REASONS, READ, UNKNOWN } = require('./native-constants.js')
const { IpcError } = require('../base/errors.js')
const { SLOT_BYTES } = require('../threat/layout.js')
const { recordLatency, SAMPLES_PER_READ } = require('../base/latency.js')
const { ThreatDecoder } = require('../threat/decode.js')

// Slots that one read copies. The buffer stays in the CPU's cache, and grows
// only for an event that does not fit.
const READ_SLOTS = 256

// The last sequence that an event can have. What a ring's header says may be
// any number.
const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER

const known = (priority) => (priority === UNKNOWN ? null : priority)

class RingReader {
  /** 16 hex digits. */
  generation
  /** How many events the ring and its lane can hold at once. */
  capacity

  #reader
  #host
  #onCorrupt
  #maxEventBytes
  #fields
  #addDetails
  #decoder
  #slots = 0
  #joined = 1 // where it was sent to
  #unrecorded = 0 // events in the buffer whose latency is to record
  // Of the last read, when its buffer is gone.
  #priorities = null
  #publishTimes = null // and the sequence of the first
  #lastStats = null

  /**
   * @param {object} reader the native one, which its owner starts and closes
   * @param {object} host `lost` and `latency` of RingSource's
   * @param {(error: IpcError) => void} onCorrupt the text of an event is
   *   damaged; the event comes with what its lead slot has
   * @param {number} [maxEventBytes] the option
   */
  constructor(reader, host, onCorrupt, maxEventBytes) {
    const { generation, capacity, priorityEvents } = reader.stats()
    this.generation = generation
    this.capacity = capacity + priorityEvents
    this.#reader = reader
    this.#host = host
    this.#onCorrupt = onCorrupt
    this.#maxEventBytes = maxEventBytes
    this.#fields = new Float64Array(READ.FIELDS)
    this.#addDetails = (...details) => this.#decoder.addDetails(details)
    this.#makeBuffers(READ_SLOTS)
  }

  /** Begins where the option says. @param {'latest' | 'oldest' | number} from */
  join(from) {
    // Before the cursor is set: what comes in between is not passed over.
    this.#joined = Math.min(this.#reader.stats().published, MAX_SEQUENCE) + 1
    this.#reader.seek(
      typeof from === 'number' ? FROM.sequence : FROM[from],
      typeof from === 'number' ? from : 0
    )
  }

  /**
   * Takes this sequence next, whatever was taken already.
   * @param {number} next up to the one behind the last that there can be
   * @param {number | null} [priority] the priority events before it
   */
  goTo(next, priority) {
    this.recordLatency()
    this.#begin()
    this.#joined = next
    if (next > MAX_SEQUENCE) {
      // Nothing follows in such a ring; if something does, it is new.
      this.#reader.seek(FROM.latest, 0)
    } else {
      this.#reader.seekAfter(next - 1, priority ?? UNKNOWN)
    }
  }

  /** Whether what fill() brought is still to be taken. */
  get isFilled() {
    return this.#decoder.left > 0
  }

  /**
   * Fills the buffer with what the ring has now.
   * @throws {IpcError} ERR_RING_TRUNCATED and others of the native read()
   */
  fill() {
    // Of the batch before: nobody who waits for a threat is to wait for
    // statistics too.
    this.recordLatency()
    this.#begin()
    this.#decoder.fill(this.#reader.read(this.#addDetails))
    this.#unrecorded = this.#decoder.left
  }

  /**
   * Appends what the buffer has, and reports what was lost in front of it.
   * @param {import('../index').Threat[]} threats
   * @returns {boolean} whether there is more, in the buffer or in the ring
   */
  take(threats) {
    const fields = this.#fields
    const hasEvents = this.isFilled
    if (hasEvents) {
      this.#decoder.decode(threats)
      if (this.isFilled) {
        this.#reportLoss()
        return true
      }
    }
    if (fields[READ.SLOTS_NEEDED] > 0) {
      this.#makeBuffers(fields[READ.SLOTS_NEEDED])
    } else if (hasEvents && this.#slots > READ_SLOTS) {
      // The large one was read; the small buffer does from now on.
      const priorities = this.#decoder.priorities()
      const times = this.#decoder.publishTimes()
      this.#makeBuffers(READ_SLOTS)
      this.#priorities = priorities
      this.#publishTimes = { first: priorities.first, times }
    }
    this.#reportLoss()
    return fields[READ.MORE] !== 0
  }

  /** @returns {number} the sequence that comes next */
  get next() {
    const { expected } = this.stats()
    return this.#decoder.next ?? (expected === 0 ? this.#joined : expected)
  }

  /**
   * The priority events before one that is to be taken, or that the last read
   * brought; modulo 2^32.
   * @param {number} [next] the one that comes next
   * @returns {number | null} null where that is not known
   */
  priorityBefore(next) {
    const wanted = next ?? this.#decoder.next
    if (wanted === null) {
      return known(this.stats().priority)
    }
    const { first, counts } = this.priorities()
    return counts[wanted - first] ?? null
  }

  /** @see ThreatDecoder.priorities, of the last read */
  priorities() {
    return this.#priorities ?? this.#decoder.priorities()
  }

  /** @see ThreatDecoder.publishTimes, of the last read */
  publishTimes(from) {
    if (this.#publishTimes === null) {
      return this.#decoder.publishTimes(from)
    }
    const { first, times } = this.#publishTimes
    return times.slice(from - first)
  }

  /** The native reader's numbers. */
  stats() {
    return this.#lastStats ?? this.#reader.stats()
  }

  /** In front of the native reader's close(). */
  end() {
    this.recordLatency()
    this.#lastStats = this.#reader.stats()
  }

  /** Records the latencies of the batch that the buffer still holds. */
  recordLatency() {
    const events = this.#unrecorded
    const now = this.#fields[READ.NOW_NS]
    const step = Math.ceil(events / SAMPLES_PER_READ)
    const decoder = this.#decoder
    let slot = 0
    this.#unrecorded = 0
    for (let i = 0; i < events; i++) {
      if (
        i % step === 0 &&
        decoder.sequence(slot) >= this.#fields[READ.TIMED_FROM]
      ) {
        recordLatency(this.#host.latency, now - decoder.publishNs(slot))
      }
      slot += decoder.span(slot)
    }
  }

  #begin() {
    this.#decoder.begin()
    this.#priorities = null
    this.#publishTimes = null
  }

  /** What the last read has lost stands in front of all of its events, in
   * however many calls those are passed on. */
  #reportLoss() {
    const fields = this.#fields
    const why = LOSS_REASONS[fields[READ.LOSS_REASON]]
    fields[READ.LOSS_REASON] = 0
    if (why !== null) {
      this.#host.lost({
        count: fields[READ.LOST],
        from: fields[READ.LOST_FROM],
        to: fields[READ.LOST_TO],
        priority: known(fields[READ.LOST_PRIORITY]),
        generation: this.generation,
        reason: why
      })
    }
  }

  #makeBuffers(count) {
    this.recordLatency()
    this.#slots = count
    const slots = new ArrayBuffer(count * SLOT_BYTES)
    this.#decoder = new ThreatDecoder(
      slots,
      this.generation,
      (sequence) => {
        const what = `the text of event ${sequence} does not inflate`
        this.#onCorrupt(new IpcError('ERR_RING_CORRUPT', what))
      },
      this.#maxEventBytes
    )
    this.#reader.setBuffers(slots, this.#fields)
  }
}

module.exports = { RingReader }
