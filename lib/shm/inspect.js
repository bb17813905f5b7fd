'use strict'
// Opens rings, and tells what one is without staying in it.

const { native, reason } = require('./addon.js')
const { STATE_ERROR, UNKNOWN, WRITER_STATES } = require('./native-constants.js')
const { IpcError } = require('../base/errors.js')
const { placementOf } = require('./memory.js')

/**
 * What the native state() says.
 * @returns {{ displaced: boolean, writer: import('../index').WriterState }}
 *   whether the ring is out of its place, and how its own writer is
 */
const decodeState = (state) => ({
  displaced: state >= STATE_ERROR,
  writer: WRITER_STATES[state % STATE_ERROR]
})

/** @returns {string | null} why there is no addon, as a clause; it makes no
 * directory to find that out */
const whyNoAddon = () => reason

/**
 * @param {object} options checked location
 * @returns {object} a native reader
 * @throws {IpcError} ERR_NO_RING, ERR_RING_INVALID, ERR_RING_VERSION,
 *   ERR_RING_TRUNCATED, ERR_UNSAFE_PATH, ERR_SHM_UNAVAILABLE
 */
function openReader(options) {
  if (native === null) {
    throw new IpcError('ERR_SHM_UNAVAILABLE', reason)
  }
  // The addon reads by name what it needs, and finds what an object inherits.
  return new native.Reader({
    __proto__: null,
    ...options,
    ...placementOf(options)
  })
}

/**
 * What a ring is, without staying in it.
 * @param {object} options checked location
 * @returns {{ path: string, capacity: number, fileBytes: number,
 *   generation: string, predecessorGeneration?: string, published: number,
 *   priority: number | null, writerStartUs: number, displaced: boolean,
 *   writer: import('../index').WriterState }} the last two as decodeState()
 *   says; `priority`: the priority events up to `published`,
 *   where that is known; `writerStartUs`: since when it has its last writer, in
 *   microseconds of the wall clock
 * @throws {IpcError} as openReader
 */
function inspectRing(options) {
  const reader = openReader(options)
  try {
    const { sequence, priority, ...ring } = reader.stats()
    const isKnown = sequence === ring.published && priority !== UNKNOWN
    return {
      path: ring.path,
      capacity: ring.capacity,
      fileBytes: ring.fileBytes,
      generation: ring.generation,
      predecessorGeneration: ring.predecessorGeneration,
      published: ring.published,
      priority: isKnown ? priority : null,
      writerStartUs: ring.writerStartUs,
      ...decodeState(reader.state(true))
    }
  } finally {
    reader.close(() => {})
  }
}

module.exports = { decodeState, inspectRing, openReader, whyNoAddon }
