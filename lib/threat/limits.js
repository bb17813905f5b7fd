'use strict'
// How large an event may be, and how it is counted: the bytes of its texts as
// UTF-8, source, details, id and the JSON of its context together.

const { FIELD_HEADER_BYTES, MAX_SPAN, EVENT_BYTES } = require('./layout.js')

/** The default of maxEventBytes. */
const MAX_EVENT_BYTES = 2 ** 20

// What maxEventBytes may be: at least what stands in few slots, at most what no
// event exceeds.
const LEAST_EVENT_BYTES = 4096
const MOST_EVENT_BYTES = MAX_SPAN * EVENT_BYTES

/** The bytes of a continuation that has so many of text: source, details, id
 * and context have a header each. */
const continuationBytes = (textBytes) => textBytes + 4 * FIELD_HEADER_BYTES

module.exports = {
  continuationBytes,
  LEAST_EVENT_BYTES,
  MAX_EVENT_BYTES,
  MOST_EVENT_BYTES
}
