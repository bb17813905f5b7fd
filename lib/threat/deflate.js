'use strict'
// The continuation of an event on its way in (see continuation.js), deflated
// when that takes fewer slots. Nobody who only reads needs it.

const { lazy } = require('../base/load.js')
const {
  DETAILS_BYTES,
  EVENT_BYTES,
  FIELD_CONTEXT,
  FIELD_DETAILS,
  FIELD_HEADER_BYTES,
  FIELD_ID,
  FIELD_SOURCE,
  SOURCE_BYTES
} = require('./layout.js')
const { MAX_EVENT_BYTES } = require('./limits.js')

// Most threats fit into their slot.
const zlib = lazy(() => require('node:zlib'))

// Below DEFLATE_FROM, deflating takes longer than it saves: it took twenty times
// as long for 4 KB as writing their slots. Above DEFLATE_TO, it would hold up
// the event loops of both ends.
const DEFLATE_FROM = 16_384
const DEFLATE_TO = MAX_EVENT_BYTES

/** The fields that the continuation of such a threat has, as UTF-8. */
function fieldsOf({ source, details, id, context }) {
  const fields = []
  const add = (tag, text, free) => {
    // No character has more than three bytes for each of its units.
    if (text !== undefined && text.length * 3 > free) {
      const bytes = Buffer.from(text)
      if (bytes.length > free) {
        fields.push([tag, bytes])
      }
    }
  }
  add(FIELD_SOURCE, source, SOURCE_BYTES)
  add(FIELD_DETAILS, details, DETAILS_BYTES)
  add(FIELD_ID, id, 0)
  add(FIELD_CONTEXT, context, 0)
  return fields
}

/**
 * The continuation of a threat, deflated, if that makes it shorter.
 * @param {{ source: string, details: string, id?: string, context?: string }}
 *   threat `context` as JSON
 * @returns {Buffer | undefined}
 */
function deflate(threat) {
  const { source, details, id = '', context = '' } = threat
  const units = source.length + details.length + id.length + context.length
  if (units * 3 < DEFLATE_FROM) {
    return undefined
  }
  const parts = []
  let length = 0
  for (const [tag, bytes] of fieldsOf(threat)) {
    const header = Buffer.alloc(FIELD_HEADER_BYTES)
    header[0] = tag
    header.writeUInt32LE(bytes.length, 4)
    parts.push(header, bytes)
    length += FIELD_HEADER_BYTES + bytes.length
  }
  if (length < DEFLATE_FROM || length > DEFLATE_TO) {
    return undefined
  }
  const deflated = zlib().deflateRawSync(Buffer.concat(parts, length), {
    level: zlib().constants.Z_BEST_SPEED
  })
  // It only helps when it takes fewer slots.
  const slots = (bytes) => Math.ceil(bytes / EVENT_BYTES)
  return slots(deflated.length) < slots(length) ? deflated : undefined
}

module.exports = { deflate }
