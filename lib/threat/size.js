'use strict'
// How large a ring is and what a threat takes of it, for code that has no
// ring: the numbers of the layout and the rules of native/file/segment.c.

const {
  DEFAULT_EVENTS,
  DETAILS_BYTES,
  EVENT_BYTES,
  FIELD_HEADER_BYTES,
  MAX_SPAN,
  MIN_CAPACITY,
  REGION_ALIGNMENT,
  SLOT_BYTES,
  SLOTS_OFFSET,
  SOURCE_BYTES
} = require('./layout.js')

/** The slots of a ring that holds `maxEvents`: a power of two. */
function capacityOf(maxEvents = DEFAULT_EVENTS) {
  return Math.max(MIN_CAPACITY, 2 ** Math.ceil(Math.log2(maxEvents)))
}

/** The bytes of the file of a ring with so many slots. */
function ringBytes(capacity) {
  const bytes = SLOTS_OFFSET + capacity * SLOT_BYTES
  return Math.ceil(bytes / REGION_ALIGNMENT) * REGION_ALIGNMENT
}

/** The slots that the texts of a threat would take as they are. */
function plainSpanOf({ source, details, id, context }) {
  const field = (text, free) => {
    const bytes = text === undefined ? 0 : Buffer.byteLength(text)
    return bytes > free ? FIELD_HEADER_BYTES + bytes : 0
  }
  const continued =
    field(source, SOURCE_BYTES) +
    field(details, DETAILS_BYTES) +
    field(id, 0) +
    field(context, 0)
  return 1 + Math.ceil(continued / EVENT_BYTES)
}

/** The slots that a threat takes. Its texts are checked. */
const spanOf = (fields) =>
  fields.deflated === undefined
    ? plainSpanOf(fields)
    : 1 + Math.ceil(fields.deflated.length / EVENT_BYTES)

module.exports = { capacityOf, MAX_SPAN, plainSpanOf, ringBytes, spanOf }
