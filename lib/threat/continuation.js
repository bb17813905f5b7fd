'use strict'
// The continuation of an event: what does not fit into its lead slot, as a run
// of fields (native/include/kg_layout.h), deflated when that takes fewer slots.

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

// Below DEFLATE_FROM, deflating takes longer than it saves: it took twenty times
// as long for 4 KB as writing their slots. A reader inflates nothing above
// MAX_INFLATED, so that a few bytes cannot exhaust its memory.
const DEFLATE_FROM = 16_384
const MAX_INFLATED = 2 ** 20

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
  if (length < DEFLATE_FROM || length > MAX_INFLATED) {
    return undefined
  }
  const deflated = zlib.deflateRawSync(Buffer.concat(parts, length), {
    level: zlib.constants.Z_BEST_SPEED
  })
  // It only helps when it takes fewer slots.
  const slots = (bytes) => Math.ceil(bytes / EVENT_BYTES)
  return slots(deflated.length) < slots(length) ? deflated : undefined
}

/** A continuation in one buffer, from the slots behind the lead slot. */
function gather(bytes, base, length) {
  const gathered = Buffer.allocUnsafe(length)
  let from = base + SLOT_BYTES + BODY_OFFSET
  for (let done = 0; done < length; done += EVENT_BYTES) {
    const end = from + Math.min(EVENT_BYTES, length - done)
    bytes.copy(gathered, done, from, end)
    from += SLOT_BYTES
  }
  return gathered
}

/** @throws {Error} when it does not inflate, or to too much */
const inflate = (deflated) =>
  zlib.inflateRawSync(deflated, { maxOutputLength: MAX_INFLATED })

/**
 * Puts the fields of a continuation into the threat. A field that is longer than
 * the rest ends this, and the text of the lead slot, which is cut, stays.
 */
function decode(fields, threat) {
  let at = 0
  while (at + FIELD_HEADER_BYTES <= fields.length) {
    const tag = fields[at]
    const start = at + FIELD_HEADER_BYTES
    const end = start + fields.readUInt32LE(at + 4)
    if (end > fields.length) {
      return
    }
    if (tag === FIELD_SOURCE) {
      threat.source = fields.utf8Slice(start, end)
    } else if (tag === FIELD_DETAILS) {
      threat.details = fields.utf8Slice(start, end)
    } else if (tag === FIELD_ID) {
      threat.id = fields.utf8Slice(start, end)
    } else if (tag === FIELD_CONTEXT) {
      threat.context = parseContext(fields.utf8Slice(start, end))
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

module.exports = { decode, deflate, gather, inflate }
