'use strict'
// The continuation of an event on its way out: what does not fit into its lead
// slot, as a run of fields (native/include/kg_layout.h), which may be deflated.

const { lazy } = require('../base/load.js')
const { put } = require('../base/own.js')
const {
  BODY_OFFSET,
  EVENT_BYTES,
  FIELD_CONTEXT,
  FIELD_DETAILS,
  FIELD_HEADER_BYTES,
  FIELD_ID,
  FIELD_SOURCE,
  SLOT_BYTES
} = require('./layout.js')

// Most threats fit into their slot.
const zlib = lazy(() => require('node:zlib'))

const SLOT_WORDS = SLOT_BYTES / 4
const BODY_WORD = BODY_OFFSET / 4
const EVENT_WORDS = EVENT_BYTES / 4

// Most are gathered here, again and again: what they become is copied out of it.
// Larger ones are rare, and nobody is to keep their memory.
const ROOM_WORDS = 2 ** 14
let room = null

/** A continuation in one piece, from the slots behind the lead slot. Valid
 * until the next one is gathered.
 * @param {Uint32Array} words the slots
 * @param {number} at the first word of the lead slot
 * @param {number} length bytes
 * @returns {Buffer} */
function gather(words, at, length) {
  const count = Math.ceil(length / 4)
  if (count <= ROOM_WORDS) {
    room ??= new Uint32Array(ROOM_WORDS)
  }
  const gathered = count <= ROOM_WORDS ? room : new Uint32Array(count)
  let from = at + SLOT_WORDS + BODY_WORD
  for (let done = 0; done < count; from += SLOT_WORDS) {
    // Word by word: a copy of a part by a method makes an object first, which
    // takes longer than the words of a slot.
    const end = Math.min(done + EVENT_WORDS, count)
    for (let i = from; done < end; i++, done++) {
      gathered[done] = words[i]
    }
  }
  return Buffer.from(gathered.buffer, 0, length)
}

/**
 * @param {Buffer} deflated
 * @param {number} most bytes
 * @returns {Buffer | null} null: it would be more than that
 * @throws {Error} it does not inflate
 */
function inflate(deflated, most) {
  try {
    return zlib().inflateRawSync(deflated, { maxOutputLength: most })
  } catch (error) {
    if (error.code === 'ERR_BUFFER_TOO_LARGE') {
      return null
    }
    throw error
  }
}

/**
 * Puts the fields of a continuation into the threat. A field that is longer than
 * the rest ends this, and the text of the lead slot, which is cut, stays where no
 * whole one was found.
 * @param {Buffer} fields
 * @param {import('../index').Threat} threat
 * @param {number} most bytes of text
 * @param {number} sourceBytes those of the lead slot's
 * @param {number} detailsBytes
 * @returns {boolean} false: something may be missing. When there is more text than
 *   `most`, the threat is as it was
 */
function decode(fields, threat, most, sourceBytes, detailsBytes) {
  // Where each one is. A field may stand there a hundred thousand times; it is
  // made once. One of another tag has a place, too, where nobody looks.
  const starts = [0, 0, 0, 0, 0]
  const ends = [0, 0, 0, 0, 0]
  let at = 0
  while (at + FIELD_HEADER_BYTES <= fields.length) {
    const tag = fields[at]
    const start = at + FIELD_HEADER_BYTES
    const end = start + fields.readUInt32LE(at + 4)
    if (end > fields.length) {
      break
    }
    starts[tag] = start
    ends[tag] = end
    at = end
  }
  // What the lead slot has of a text that stands here does not count.
  let bytes =
    (ends[FIELD_SOURCE] > 0 ? 0 : sourceBytes) +
    (ends[FIELD_DETAILS] > 0 ? 0 : detailsBytes)
  for (let tag = FIELD_SOURCE; tag <= FIELD_CONTEXT; tag++) {
    bytes += ends[tag] - starts[tag]
  }
  if (bytes > most) {
    return false
  }
  const text = (tag) => fields.utf8Slice(starts[tag], ends[tag])
  if (ends[FIELD_SOURCE] > 0) {
    threat.source = text(FIELD_SOURCE)
  }
  if (ends[FIELD_DETAILS] > 0) {
    threat.details = text(FIELD_DETAILS)
  }
  // An empty one could not be written again.
  if (ends[FIELD_ID] > starts[FIELD_ID]) {
    threat.id = text(FIELD_ID)
  }
  if (ends[FIELD_CONTEXT] > 0) {
    put(threat, 'context', parseContext(text(FIELD_CONTEXT)))
  }
  return at === fields.length
}

/** A context that is no JSON is shown as the text that it is. */
function parseContext(encoded) {
  try {
    return JSON.parse(encoded)
  } catch {
    return encoded
  }
}

module.exports = { decode, gather, inflate }
