'use strict'
// ShmClient: a reader of a ring in shared memory.

const { latencyStats, newLatency } = require('../base/latency.js')
const { checkReader } = require('../options/check.js')
const { positionAfter, RingSource } = require('./ring-source.js')
const { ThreatStream } = require('../stream/threat-stream.js')

/**
 * A reader of one ring, with a cursor of its own. Emits `threat`, `lost`,
 * `writer`, `error` and `close`.
 */
class ShmClient extends ThreatStream {
  /**
   * @param {import('../index').ReaderOptions} [options]
   * @throws {IpcError} ERR_NO_RING, ERR_RING_INVALID, ERR_RING_VERSION,
   *   ERR_RING_TRUNCATED, ERR_UNSAFE_PATH, ERR_SHM_UNAVAILABLE
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  constructor(options) {
    super()
    const checked = checkReader(options)
    this.latency = newLatency()
    this._source = new RingSource(
      checked,
      this._host({ checked: () => this._look(false) }),
      positionAfter(checked.after)
    )
    this._writer = this._source.look(true).writer
    this.on('newListener', (event) => {
      if ((event === 'writer' || event === 'lost') && !this.closed) {
        this._source.start()
        this._source.hear(true)
      }
    })
    this.on('removeListener', () => this._updateHeard())
  }

  /** @returns {import('../index').ReaderStats} */
  stats() {
    const ring = this._source.ringStats()
    const { lost, corrupt, bytes } = this._source.totals()
    // Taken from the ring is not delivered.
    const { received, position } = this._delivered()
    return {
      transport: 'shm',
      path: ring.path,
      generation: position?.generation ?? ring.generation,
      received,
      lost,
      corrupt,
      bytes,
      published: ring.published,
      sequence: position?.sequence ?? this._source.sequence,
      capacity: ring.capacity,
      fileBytes: ring.fileBytes,
      checksums: ring.checksums,
      reliable: ring.reliable,
      latency: latencyStats(this.latency),
      writer: this.closed ? this._writer : this._look(),
      error: this._lastError ?? this._source.lastError
    }
  }

  /** Open, and somebody alive writes to the ring. */
  isHealthy() {
    return !this.closed && this._look() === 'live'
  }

  // --- ThreatStream --------------------------------------------------------

  _take(max, threats) {
    return this._source.take(max, threats)
  }

  _generation() {
    return this._source.generation
  }

  _arm() {
    return this._source.arm()
  }

  _hold(hold) {
    this._source.hold(hold)
    this._updateHeard()
  }

  _release() {
    this._writer = this._look()
    return this._source.close()
  }

  // -------------------------------------------------------------------------

  _updateHeard() {
    const isHeard =
      this._consumers.size > 0 ||
      this.listenerCount('writer') > 0 ||
      this.listenerCount('lost') > 0
    this._source.hear(isHeard && !this.closed)
  }

  /** Tells the writer's state and reports when it changed. */
  _look(fresh = true) {
    const state = this._source.writerState(fresh)
    if (state !== this._writer) {
      this._writer = state
      // From a turn of its own: stats() must not run listeners.
      setImmediate(() => {
        if (!this.closed) {
          this.emit('writer', state)
        }
      })
    }
    return state
  }
}

module.exports = { ShmClient }
