'use strict'
// How large a ring is and what a threat takes of it, for those who have no
// ring: the numbers of native/include/kg_layout.h and the rules of segment.c.

const {
  DETAILS_BYTES,
  FIELD_HEADER,
  SLOT_BYTES,
  SOURCE_BYTES,
  TAIL_BYTES
} = require('./layout.js')

const DEFAULT_EVENTS = 1000
const MIN_CAPACITY = 16
const MAX_SPAN = 65535

const SLOTS_OFFSET = 131072
const ALIGNMENT = 65536

/** The slots of a ring that holds `maxEvents`: a power of two. */
function capacityOf(maxEvents = DEFAULT_EVENTS) {
  return Math.max(MIN_CAPACITY, 2 ** Math.ceil(Math.log2(maxEvents)))
}

/** The bytes of the file of a ring with so many slots. */
function ringBytes(capacity) {
  const bytes = SLOTS_OFFSET + capacity * SLOT_BYTES
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
}

/** The slots that the texts of a threat would take as they are. */
function plainSpanOf({ source, details, id, context }) {
  const field = (text, free) => {
    const bytes = text === undefined ? 0 : Buffer.byteLength(text)
    return bytes > free ? FIELD_HEADER + bytes : 0
  }
  const tail =
    field(source, SOURCE_BYTES) +
    field(details, DETAILS_BYTES) +
    field(id, 0) +
    field(context, 0)
  return 1 + Math.ceil(tail / TAIL_BYTES)
}

/** The slots that a threat takes. Its texts are checked. */
const spanOf = (fields) =>
  fields.deflated === undefined
    ? plainSpanOf(fields)
    : 1 + Math.ceil(fields.deflated.length / TAIL_BYTES)

module.exports = {
  capacityOf,
  DEFAULT_EVENTS,
  MAX_SPAN,
  plainSpanOf,
  ringBytes,
  spanOf
}
