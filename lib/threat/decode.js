'use strict'
// A threat on its way out: validated slots to plain objects. The bytes are
// stated in native/include/kg_layout.h.

const continuation = require('./continuation.js')
const layout = require('./layout.js')
const { severityNames, typeNames } = require('./names.js')
const { SourceCache } = require('./source-cache.js')

const { DETAILS_OFFSET, EVENT_DEFLATED, SLOT_BYTES, SOURCE_OFFSET } = layout

// Where the fields of a slot are, in words of 32 bits.
const SLOT_WORDS = SLOT_BYTES / 4
const SEQUENCE = layout.SEQUENCE_OFFSET / 4
const PUBLISH_NS = layout.PUBLISH_NS_OFFSET / 4
const SPAN = layout.SPAN_OFFSET / 4 // and, in the upper half, the place
const USED = layout.SOURCE_USED_OFFSET / 4 // and those of the details
const FLAGS = layout.FLAGS_OFFSET / 4
const TAIL_BYTES = layout.TAIL_BYTES_OFFSET / 4
const TIMESTAMP_US = layout.TIMESTAMP_US_OFFSET / 4
const THREAT_TYPE = layout.THREAT_TYPE_OFFSET / 4
const SEVERITY = layout.SEVERITY_OFFSET / 4 // and whether it was blocked

// What decode() inflates at the most, so that the event loop is not held up.
const INFLATE_BYTES = 2 ** 20

const HIGH = 2 ** 32

const NONE = Object.freeze([])

// The last three digits of a sequence, with and without leading zeros.
const DIGITS = Array.from({ length: 1000 }, (_, i) => String(i))
const PADDED_DIGITS = DIGITS.map((digits) => digits.padStart(3, '0'))

/** Makes `<generation>-<sequence>`. Converting a number to text is the most
 * expensive part of decoding, so it is done once for a thousand of them. */
class IdMaker {
  constructor(generation) {
    this._prefix = `${generation}-`
    this._thousands = 0
    this._start = this._prefix
  }

  make(sequence) {
    const rest = sequence % 1000
    const thousands = (sequence - rest) / 1000
    if (thousands === 0) {
      return this._prefix + DIGITS[rest]
    }
    if (thousands !== this._thousands) {
      this._thousands = thousands
      this._start = this._prefix + thousands
    }
    return this._start + PADDED_DIGITS[rest]
  }
}

/**
 * Decodes validated slots. Keeps views of the one buffer that the native reader
 * fills again and again; no threat refers to it.
 */
class ThreatDecoder {
  /**
   * @param {ArrayBuffer} slots
   * @param {string} generation 16 hex digits
   * @param {(sequence: number) => void} [onCorrupt] the continuation of this
   *   event does not inflate, and its text comes as the lead slot has it
   */
  constructor(slots, generation, onCorrupt = () => {}) {
    this._onCorrupt = onCorrupt
    this._bytes = Buffer.from(slots)
    this._words = new Uint32Array(slots)
    this._sources = new SourceCache(slots)
    this._ids = new IdMaker(generation)
    /** The events in the buffer that were not decoded: what a read returns. */
    this.left = 0
    this._details = NONE // of the events in the buffer, from the first on
    this._index = 0 // of the event that comes next
    this._slot = 0 // of the same
    this._inflated = 0 // bytes
  }

  /** To be called before a read, which fills the buffer from its start. */
  begin() {
    this.left = 0
    this._details = NONE
    this._index = 0
    this._slot = 0
  }

  /** Takes the texts that the native reader made for the next events.
   * @param {string[]} details */
  addDetails(details) {
    this._details =
      this._details === NONE ? details : this._details.concat(details)
  }

  /**
   * @param {import('../index').Threat[]} threats gets events appended; not all
   *   that are left when they are deflated and large
   */
  decode(threats) {
    const words = this._words
    let index = this._index
    let slot = this._slot
    let left = this.left
    this._inflated = 0
    try {
      while (left > 0 && this._inflated < INFLATE_BYTES) {
        const at = slot * SLOT_WORDS
        threats.push(this._decodeOne(slot * SLOT_BYTES, at, index))
        index++
        slot += words[at + SPAN] & 0xffff
        left--
      }
    } finally {
      // Also when the stack overflows: no event is decoded twice.
      this._index = index
      this._slot = slot
      this.left = left
    }
    if (left === 0) {
      // Do not keep these texts alive until the next read.
      this._details = NONE
    }
  }

  /** The sequence of the event that decode() begins with, or null. */
  get next() {
    return this.left === 0 ? null : this.sequence(this._slot)
  }

  /** The sequence of the event at this slot. */
  sequence(slot) {
    const at = slot * SLOT_WORDS
    return this._words[at + SEQUENCE + 1] * HIGH + this._words[at + SEQUENCE]
  }

  /** When the event at this slot was published, in the writer's ns. */
  publishNs(slot) {
    const at = slot * SLOT_WORDS
    return (
      this._words[at + PUBLISH_NS + 1] * HIGH + this._words[at + PUBLISH_NS]
    )
  }

  /** The slots that the event at this slot takes. */
  span(slot) {
    return this._words[slot * SLOT_WORDS + SPAN] & 0xffff
  }

  _decodeOne(base, at, index) {
    const words = this._words
    const sequence = words[at + SEQUENCE + 1] * HIGH + words[at + SEQUENCE]
    const type = words[at + THREAT_TYPE]
    const severity = words[at + SEVERITY] & 0xff
    const threat = {
      sequence,
      id: this._ids.make(sequence),
      timestampUs:
        words[at + TIMESTAMP_US + 1] * HIGH + words[at + TIMESTAMP_US],
      threatType: typeNames[type] ?? 'Unknown',
      severity: severityNames[severity] ?? 'Unknown',
      source: this._sources.get(
        base + SOURCE_OFFSET,
        words[at + USED] & 0xffff
      ),
      details: this._details[index] ?? this._cutDetails(base, at),
      blocked: (words[at + SEVERITY] & 0xff00) !== 0
    }
    if (type >= typeNames.length) {
      threat.threatTypeCode = type
    }
    if (severity === 0 || severity >= severityNames.length) {
      threat.severityCode = severity
    }
    if (words[at + TAIL_BYTES] > 0) {
      this._decodeContinuation(base, at, threat)
    }
    return threat
  }

  /** The part in the lead slot, when the native reader made no text. */
  _cutDetails(base, at) {
    const start = base + DETAILS_OFFSET
    return this._bytes.utf8Slice(start, start + (this._words[at + USED] >>> 16))
  }

  _decodeContinuation(base, at, threat) {
    const length = this._words[at + TAIL_BYTES]
    const bytes = continuation.gather(this._bytes, base, length)
    if ((this._words[at + FLAGS] & EVENT_DEFLATED) === 0) {
      continuation.decode(bytes, threat)
      return
    }
    try {
      const inflated = continuation.inflate(bytes)
      this._inflated += inflated.length
      continuation.decode(inflated, threat)
    } catch {
      // It may have been inflated that far before it failed.
      this._inflated += INFLATE_BYTES
      this._onCorrupt(threat.sequence)
    }
  }
}

module.exports = { ThreatDecoder }
