'use strict'
// ShmClient: a reader of a ring in shared memory.

const { checkReader } = require('../options/check.js')
const { positionAfter, RingSource } = require('./ring-source.js')
const { resolveAfter } = require('../stream/position-file.js')
const { sourceOf, ThreatStream } = require('../stream/threat-stream.js')

// What the poll thread tells even when nobody consumes.
const TOLD_EVENTS = ['writer', 'state', 'lost']

/** @param {RingSource} source @returns its part of ReaderStats */
function describe(source) {
  const ring = source.ringStats()
  const { lost, rescued, corrupt, bytes } = source.totals()
  return {
    transport: 'shm',
    path: ring.path,
    lost,
    rescued,
    corrupt,
    bytes,
    published: ring.published,
    capacity: ring.capacity,
    priorityEvents: ring.priorityEvents,
    fileBytes: ring.fileBytes,
    checksums: ring.checksums,
    memory: source.memory(),
    reliable: ring.reliable,
    error: source.lastError
  }
}

/**
 * A reader of one ring, with a cursor of its own. Emits `threat`, `threats`,
 * `lost`, `writer`, `error` and `close`.
 */
class ShmClient extends ThreatStream {
  /**
   * @param {import('../index').ReaderOptions} [options]
   * @throws {IpcError} ERR_NO_RING, ERR_RING_INVALID, ERR_RING_VERSION,
   *   ERR_RING_TRUNCATED, ERR_UNSAFE_PATH, ERR_SHM_UNAVAILABLE
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  constructor(options) {
    const checked = checkReader(options)
    const { after, error } = resolveAfter(checked.after)
    super(
      (host) => new RingSource(checked, host, positionAfter(after)),
      describe,
      checked.freeze,
      error
    )
    const source = sourceOf(this)
    this.on('newListener', (event) => {
      if (TOLD_EVENTS.includes(event) && !this.closed) {
        source.start()
        source.retain(true)
      }
    })
    this.on('removeListener', () => {
      source.retain(TOLD_EVENTS.some((event) => this.listenerCount(event) > 0))
    })
  }
}

module.exports = { ShmClient }
