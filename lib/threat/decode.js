'use strict'
// A threat on its way out: validated slots to plain objects. The bytes are
// stated in native/include/kg_layout.h.

const { put } = require('../base/own.js')
const continuation = require('./continuation.js')
const layout = require('./layout.js')
const { continuationBytes, MAX_EVENT_BYTES } = require('./limits.js')
const { severityNames, typeNames } = require('./names.js')
const { SourceCache } = require('./source-cache.js')

const {
  DETAILS_OFFSET,
  EVENT_CUT,
  EVENT_DEFLATED,
  EVENT_PRIORITY,
  SLOT_BYTES,
  SOURCE_OFFSET
} = layout

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
const PRIORITY_COUNT = layout.PRIORITY_COUNT_OFFSET / 4

// Having inflated so much, decode() leaves the rest to its next call, so that
// the event loop is not held up.
const INFLATE_BYTES = 2 ** 20

const HIGH = 2 ** 32

// A ring can hold any 64 bits. A threat with a time beyond these could not be
// written again.
const MIN_TIMESTAMP_US = 1
const MAX_TIMESTAMP_US = Number.MAX_SAFE_INTEGER

const NONE = Object.freeze([])

// The last three digits of a sequence, with and without leading zeros.
const DIGITS = Array.from({ length: 1000 }, (_, i) => String(i))
const PADDED_DIGITS = DIGITS.map((digits) => digits.padStart(3, '0'))

/** Makes `<generation>-<sequence>`. Converting a number to text is the most
 * expensive part of decoding, so it is done once for a thousand of them. */
class IdMaker {
  #prefix
  #start
  #thousands = 0

  constructor(generation) {
    this.#prefix = `${generation}-`
    this.#start = this.#prefix
  }

  make(sequence) {
    const rest = sequence % 1000
    const thousands = (sequence - rest) / 1000
    if (thousands === 0) {
      return this.#prefix + DIGITS[rest]
    }
    if (thousands !== this.#thousands) {
      this.#thousands = thousands
      this.#start = this.#prefix + thousands
    }
    return this.#start + PADDED_DIGITS[rest]
  }
}

/**
 * Decodes validated slots. Keeps views of the one buffer that the native reader
 * fills again and again; no threat refers to it.
 */
class ThreatDecoder {
  /** The events in the buffer that were not decoded: what a read returns. */
  left = 0

  #onCorrupt
  #mostBytes
  #bytes
  #words
  #generation
  #sources
  #ids
  #details = NONE // of the events in the buffer, from the first on
  #index = 0 // of the event that comes next
  #slot = 0 // of the same
  #inflated = 0 // bytes
  #events = 0 // in the buffer

  /**
   * @param {ArrayBuffer} slots
   * @param {string} generation 16 hex digits
   * @param {(sequence: number) => void} [onCorrupt] the continuation of this
   *   event does not inflate, and its text comes as the lead slot has it
   * @param {number} [maxEventBytes] the option
   */
  constructor(
    slots,
    generation,
    onCorrupt = () => {},
    maxEventBytes = MAX_EVENT_BYTES
  ) {
    this.#onCorrupt = onCorrupt
    this.#mostBytes = maxEventBytes
    this.#bytes = Buffer.from(slots)
    this.#words = new Uint32Array(slots)
    this.#generation = generation
    this.#sources = new SourceCache(slots)
    this.#ids = new IdMaker(generation)
  }

  /** To be called before a read, which fills the buffer from its start. */
  begin() {
    this.left = 0
    this.#events = 0
    this.#details = NONE
    this.#index = 0
    this.#slot = 0
  }

  /** To be called behind a read. @param {number} events that it brought */
  fill(events) {
    this.left = events
    this.#events = events
  }

  /** Takes the texts that the native reader made for the next events.
   * @param {string[]} details */
  addDetails(details) {
    this.#details =
      this.#details === NONE ? details : this.#details.concat(details)
  }

  /**
   * @param {import('../index').Threat[]} threats gets events appended; not all
   *   that are left when they are deflated and large
   */
  decode(threats) {
    const words = this.#words
    let index = this.#index
    let slot = this.#slot
    let left = this.left
    this.#inflated = 0
    try {
      while (left > 0 && this.#inflated < INFLATE_BYTES) {
        const at = slot * SLOT_WORDS
        threats.push(this.#decodeOne(slot * SLOT_BYTES, at, index))
        index++
        slot += words[at + SPAN] & 0xffff
        left--
      }
    } finally {
      // Also when the stack overflows: no event is decoded twice.
      this.#index = index
      this.#slot = slot
      this.left = left
    }
    if (left === 0) {
      // Do not keep these texts alive until the next read.
      this.#details = NONE
    }
  }

  /** The sequence of the event that decode() begins with, or null. */
  get next() {
    return this.left === 0 ? null : this.sequence(this.#slot)
  }

  /** The sequence of the event at this slot. */
  sequence(slot) {
    const at = slot * SLOT_WORDS
    return this.#words[at + SEQUENCE + 1] * HIGH + this.#words[at + SEQUENCE]
  }

  /** When the event at this slot was published, in the writer's ns. */
  publishNs(slot) {
    const at = slot * SLOT_WORDS
    return (
      this.#words[at + PUBLISH_NS + 1] * HIGH + this.#words[at + PUBLISH_NS]
    )
  }

  /** The slots that the event at this slot takes. */
  span(slot) {
    return this.#words[slot * SLOT_WORDS + SPAN] & 0xffff
  }

  /**
   * The priority events before the first event in the buffer, decoded or not,
   * and up to each of them; modulo 2^32.
   * @returns {{ first: number, counts: number[] }} `first`: the sequence of the
   *   first event
   */
  priorities() {
    const first = this.sequence(0)
    const counts = []
    for (let i = 0, slot = 0; i < this.#events; i++, slot += this.span(slot)) {
      const at = slot * SLOT_WORDS
      const count = this.#words[at + PRIORITY_COUNT]
      if (i === 0) {
        const own = (this.#words[at + FLAGS] & EVENT_PRIORITY) !== 0 ? 1 : 0
        counts.push((count - own) >>> 0)
      }
      counts.push(count)
    }
    return { first, counts }
  }

  /** When the events in the buffer were published, decoded or not, in the
   * writer's ns. @param {number} [from] the sequence of the first of them
   * @returns {number[]} */
  publishTimes(from = 0) {
    const times = []
    for (let i = 0, slot = 0; i < this.#events; i++, slot += this.span(slot)) {
      if (this.sequence(slot) >= from) {
        times.push(this.publishNs(slot))
      }
    }
    return times
  }

  #decodeOne(base, at, index) {
    const words = this.#words
    const sequence = words[at + SEQUENCE + 1] * HIGH + words[at + SEQUENCE]
    const type = words[at + THREAT_TYPE]
    const severity = words[at + SEVERITY] & 0xff
    const timestampUs =
      words[at + TIMESTAMP_US + 1] * HIGH + words[at + TIMESTAMP_US]
    const hasType = type < typeNames.length
    const hasSeverity = severity > 0 && severity < severityNames.length
    const threat = {
      sequence,
      id: this.#ids.make(sequence),
      timestampUs: Math.min(
        Math.max(timestampUs, MIN_TIMESTAMP_US),
        MAX_TIMESTAMP_US
      ),
      threatType: hasType ? typeNames[type] : 'Unknown',
      severity: hasSeverity ? severityNames[severity] : 'Unknown',
      source: this.#sources.get(
        base + SOURCE_OFFSET,
        words[at + USED] & 0xffff
      ),
      details:
        index < this.#details.length
          ? this.#details[index]
          : this.#cutDetails(base, at),
      blocked: (words[at + SEVERITY] & 0xff00) !== 0,
      generation: this.#generation,
      priority: words[at + PRIORITY_COUNT]
    }
    if (!hasType) {
      put(threat, 'threatTypeCode', type)
    }
    if (!hasSeverity) {
      put(threat, 'severityCode', severity)
    }
    if (words[at + TAIL_BYTES] > 0) {
      this.#decodeContinuation(at, threat)
    }
    if ((words[at + FLAGS] & EVENT_CUT) !== 0) {
      put(threat, 'cut', true)
    }
    return threat
  }

  /** The part in the lead slot, when the native reader made no text. */
  #cutDetails(base, at) {
    const start = base + DETAILS_OFFSET
    return this.#bytes.utf8Slice(start, start + (this.#words[at + USED] >>> 16))
  }

  /** Completes a threat, or says that it is cut: then it is what the lead slot
   * has. */
  #decodeContinuation(at, threat) {
    const fields = this.#continuationOf(at, threat.sequence)
    const used = this.#words[at + USED]
    const isWhole =
      fields !== null &&
      continuation.decode(
        fields,
        threat,
        this.#mostBytes,
        used & 0xffff,
        used >>> 16
      )
    if (!isWhole) {
      put(threat, 'cut', true)
    }
  }

  /** As it was before it was deflated; null when it is too large or damaged. */
  #continuationOf(at, sequence) {
    const length = this.#words[at + TAIL_BYTES]
    const most = continuationBytes(this.#mostBytes)
    if (length > most) {
      return null
    }
    const bytes = continuation.gather(this.#words, at, length)
    if ((this.#words[at + FLAGS] & EVENT_DEFLATED) === 0) {
      return bytes
    }
    try {
      const inflated = continuation.inflate(bytes, most)
      this.#inflated += inflated === null ? most : inflated.length
      return inflated
    } catch {
      // It may have been inflated that far before it failed.
      this.#inflated += most
      this.#onCorrupt(sequence)
      return null
    }
  }
}

module.exports = { ThreatDecoder }
