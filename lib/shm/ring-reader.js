'use strict'
// A cursor in one ring: reads, decodes, tells what was lost, and knows where
// it stands.

const { IpcError } = require('../base/errors.js')
const { SLOT_BYTES } = require('../threat/layout.js')
const { recordLatency, SAMPLES_PER_READ } = require('../base/latency.js')
const { ThreatDecoder } = require('../threat/decode.js')

// Slots that one read copies. The buffer stays in the CPU's cache, and grows
// only for an event that does not fit.
const READ_SLOTS = 256

// enum kg_from and enum kg_loss_reason in kg_ipc.h.
const FROM = { latest: 0, oldest: 1 }
const FROM_SEQUENCE = 2
const LOSS_REASONS = [null, 'overwritten', 'corrupt', 'before-join', 'evicted']

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

class RingReader {
  /**
   * @param {object} reader the native one, which its owner starts and closes
   * @param {object} host `lost` and `latency` of RingSource's
   * @param {(error: IpcError) => void} onCorrupt the text of an event is
   *   damaged; the event comes with what its lead slot has
   */
  constructor(reader, host, onCorrupt) {
    this.generation = reader.stats().generation
    this._reader = reader
    this._host = host
    this._onCorrupt = onCorrupt
    this._fields = new Float64Array(FIELDS)
    this._slots = 0
    this._joined = 1 // where it was sent to
    this._unrecorded = 0 // events in the buffer whose latency is to record
    this._lastStats = null
    this._addDetails = (...details) => this._decoder.addDetails(details)
    this._makeBuffers(READ_SLOTS)
  }

  /** Begins where the option says. @param {'latest' | 'oldest' | number} from */
  join(from) {
    // Before the cursor is set: what comes in between is not passed over.
    this._joined = this._reader.stats().published + 1
    this._reader.seek(
      typeof from === 'number' ? FROM_SEQUENCE : FROM[from],
      typeof from === 'number' ? from : 0
    )
  }

  /** Takes this sequence next, whatever was taken already. */
  goTo(next) {
    this.recordLatency()
    this._decoder.begin()
    this._joined = next
    this._reader.seek(FROM_SEQUENCE, next)
  }

  /** Whether what fill() brought is still to be taken. */
  get isFilled() {
    return this._decoder.left > 0
  }

  /**
   * Fills the buffer with what the ring has now.
   * @throws {IpcError} ERR_RING_TRUNCATED and others of the native read()
   */
  fill() {
    // Of the batch before: nobody who waits for a threat is to wait for
    // statistics too.
    this.recordLatency()
    this._decoder.begin()
    this._decoder.left = this._reader.read(this._addDetails)
    this._unrecorded = this._decoder.left
  }

  /**
   * Appends what the buffer has, and reports what was lost in front of it.
   * @param {import('../index').Threat[]} threats
   * @returns {boolean} whether there is more, in the buffer or in the ring
   */
  take(threats) {
    const fields = this._fields
    const hasEvents = this.isFilled
    if (hasEvents) {
      this._decoder.decode(threats)
      if (this.isFilled) {
        this._reportLoss()
        return true
      }
    }
    if (fields[SLOTS_NEEDED] > 0) {
      this._makeBuffers(fields[SLOTS_NEEDED])
    } else if (hasEvents && this._slots > READ_SLOTS) {
      // The large one was read; the small buffer does from now on.
      this._makeBuffers(READ_SLOTS)
    }
    this._reportLoss()
    return fields[MORE] !== 0
  }

  /** The last sequence that was taken or lost; 0 for none. */
  get sequence() {
    const { next } = this._decoder
    return next === null ? this.stats().sequence : next - 1
  }

  /** @returns {number} the sequence that comes next */
  get next() {
    const { expected } = this.stats()
    return this._decoder.next ?? (expected === 0 ? this._joined : expected)
  }

  /** The native reader's numbers. */
  stats() {
    return this._lastStats ?? this._reader.stats()
  }

  /** In front of the native reader's close(). */
  end() {
    this.recordLatency()
    this._lastStats = this._reader.stats()
  }

  /** Records the latencies of the batch that the buffer still holds. */
  recordLatency() {
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
        recordLatency(this._host.latency, now - decoder.publishNs(slot))
      }
      slot += decoder.span(slot)
    }
  }

  /** What the last read has lost stands in front of all of its events, in
   * however many calls those are passed on. */
  _reportLoss() {
    const fields = this._fields
    const why = LOSS_REASONS[fields[LOSS_REASON]]
    fields[LOSS_REASON] = 0
    if (why !== null) {
      this._host.lost({
        count: fields[LOST],
        from: fields[LOST_FROM],
        to: fields[LOST_TO],
        generation: this.generation,
        reason: why
      })
    }
  }

  _makeBuffers(count) {
    this.recordLatency()
    this._slots = count
    const slots = new ArrayBuffer(count * SLOT_BYTES)
    this._decoder = new ThreatDecoder(slots, this.generation, (sequence) => {
      const what = `the text of event ${sequence} does not inflate`
      this._onCorrupt(new IpcError('ERR_RING_CORRUPT', what))
    })
    this._reader.setBuffers(slots, this._fields)
  }
}

module.exports = { RingReader }
