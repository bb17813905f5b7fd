'use strict'
// A cursor in one ring: reads, decodes, tells what was lost, and knows where
// it stands.

const { FROM, LOSS_REASONS, READ } = require('./native-constants.js')
const { IpcError } = require('../base/errors.js')
const { SLOT_BYTES } = require('../threat/layout.js')
const { recordLatency, SAMPLES_PER_READ } = require('../base/latency.js')
const { ThreatDecoder } = require('../threat/decode.js')

// Slots that one read copies. The buffer stays in the CPU's cache, and grows
// only for an event that does not fit.
const READ_SLOTS = 256

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
    this._fields = new Float64Array(READ.FIELDS)
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
      typeof from === 'number' ? FROM.sequence : FROM[from],
      typeof from === 'number' ? from : 0
    )
  }

  /** Takes this sequence next, whatever was taken already. */
  goTo(next) {
    this.recordLatency()
    this._decoder.begin()
    this._joined = next
    this._reader.seek(FROM.sequence, next)
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
    if (fields[READ.SLOTS_NEEDED] > 0) {
      this._makeBuffers(fields[READ.SLOTS_NEEDED])
    } else if (hasEvents && this._slots > READ_SLOTS) {
      // The large one was read; the small buffer does from now on.
      this._makeBuffers(READ_SLOTS)
    }
    this._reportLoss()
    return fields[READ.MORE] !== 0
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
