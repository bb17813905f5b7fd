'use strict'
// How large a ring is and what a threat takes of it, for code that has no
// ring: the numbers of the layout and the rules of native/file/segment.c.

const {
  DEFAULT_EVENTS,
  DEFAULT_PRIORITY_EVENTS,
  DETAILS_BYTES,
  EVENT_BYTES,
  FIELD_HEADER_BYTES,
  MAX_SPAN,
  MIN_CAPACITY,
  MIN_PRIORITY_EVENTS,
  REGION_ALIGNMENT,
  SLOT_BYTES,
  SLOTS_OFFSET,
  SOURCE_BYTES
} = require('./layout.js')

const powerOfTwo = (wanted, low) =>
  Math.max(low, 2 ** Math.ceil(Math.log2(wanted)))

/** The slots of a ring that holds `maxEvents`: a power of two. */
const capacityOf = (maxEvents = DEFAULT_EVENTS) =>
  powerOfTwo(maxEvents, MIN_CAPACITY)

/** The slots of a lane that holds `priorityEvents`: a power of two, or 0. */
const laneOf = (priorityEvents = DEFAULT_PRIORITY_EVENTS) =>
  priorityEvents === 0 ? 0 : powerOfTwo(priorityEvents, MIN_PRIORITY_EVENTS)

const wholeRegions = (bytes) =>
  Math.ceil(bytes / REGION_ALIGNMENT) * REGION_ALIGNMENT

/** The bytes of the file of a ring with so many slots, and in its lane. */
const ringBytes = (capacity, lane) =>
  SLOTS_OFFSET +
  wholeRegions(capacity * SLOT_BYTES) +
  wholeRegions(lane * SLOT_BYTES)

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

module.exports = {
  capacityOf,
  laneOf,
  MAX_SPAN,
  plainSpanOf,
  ringBytes,
  spanOf
}
