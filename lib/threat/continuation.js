'use strict'
// The tail of an event: what does not fit into its lead slot, as a run of
// fields (native/include/kg_layout.h), deflated when it is long and that helps.

const zlib = require('node:zlib')

const {
  BODY_OFFSET,
  DETAILS_BYTES,
  EVENT_BYTES,
  FIELD_CONTEXT,
  FIELD_DETAILS,
  FIELD_HEADER_BYTES,
  FIELD_ID,
  FIELD_SOURCE,
  SLOT_BYTES,
  SOURCE_BYTES
} = require('./layout.js')

// Below it, what deflating saves is not worth its time: the slots that 4 KB
// take are written in a twentieth of that. Above the other, a reader inflates
// nothing, so that a few bytes cannot become memory without end.
const DEFLATE_FROM = 16_384
const MAX_INFLATED = 2 ** 20

/** The fields that the tail of such a threat has, as UTF-8. */
function fieldsOf(source, details, id, context) {
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
 * The tail of a threat, deflated, if that makes it shorter.
 * @param {string} source
 * @param {string} details
 * @param {string} [id]
 * @param {string} [context] JSON
 * @returns {Buffer | undefined}
 */
function deflatedTail(source, details, id, context) {
  const units =
    source.length +
    details.length +
    (id === undefined ? 0 : id.length) +
    (context === undefined ? 0 : context.length)
  if (units * 3 < DEFLATE_FROM) {
    return undefined
  }
  const parts = []
  let length = 0
  for (const [tag, bytes] of fieldsOf(source, details, id, context)) {
    const header = Buffer.alloc(FIELD_HEADER_BYTES)
    header[0] = tag
    header.writeUInt32LE(bytes.length, 4)
    parts.push(header, bytes)
    length += FIELD_HEADER_BYTES + bytes.length
  }
  if (length < DEFLATE_FROM || length > MAX_INFLATED) {
    return undefined
  }
  const deflated = zlib.deflateRawSync(Buffer.concat(parts, length), {
    level: zlib.constants.Z_BEST_SPEED
  })
  // As long as it takes as many slots, it helps nobody.
  const slots = (bytes) => Math.ceil(bytes / EVENT_BYTES)
  return slots(deflated.length) < slots(length) ? deflated : undefined
}

/** The bytes of a tail in one piece, from the slots behind the lead. */
function gatherTail(bytes, base, length) {
  const tail = Buffer.allocUnsafe(length)
  let from = base + SLOT_BYTES + BODY_OFFSET
  for (let done = 0; done < length; done += EVENT_BYTES) {
    bytes.copy(tail, done, from, from + Math.min(EVENT_BYTES, length - done))
    from += SLOT_BYTES
  }
  return tail
}

/** @throws {Error} when it does not inflate, or to too much */
const inflateTail = (tail) =>
  zlib.inflateRawSync(tail, { maxOutputLength: MAX_INFLATED })

/**
 * Puts what a tail carries into the threat. A tail that makes no sense leaves
 * what the lead slot said: cut, but right.
 */
function decodeTail(tail, threat) {
  let at = 0
  while (at + FIELD_HEADER_BYTES <= tail.length) {
    const tag = tail[at]
    const start = at + FIELD_HEADER_BYTES
    const end = start + tail.readUInt32LE(at + 4)
    if (end > tail.length) {
      return
    }
    if (tag === FIELD_SOURCE) {
      threat.source = tail.utf8Slice(start, end)
    } else if (tag === FIELD_DETAILS) {
      threat.details = tail.utf8Slice(start, end)
    } else if (tag === FIELD_ID) {
      threat.id = tail.utf8Slice(start, end)
    } else if (tag === FIELD_CONTEXT) {
      threat.context = parseContext(tail.utf8Slice(start, end))
    }
    at = end
  }
}

/** A context that is no JSON is shown as the text that it is. */
function parseContext(encoded) {
  try {
    return JSON.parse(encoded)
  } catch {
    return encoded
  }
}

module.exports = { decodeTail, deflatedTail, gatherTail, inflateTail }
