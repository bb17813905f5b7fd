'use strict'
// The ring of a Shield that has another transport beside it: it may fail, and
// come back. With or without a ring, it holds the lock by which there is one
// Shield and no second.

const { EventEmitter } = require('node:events')
const { native, reason } = require('../shm/addon.js')
const { IpcError } = require('../base/errors.js')
const { resumeWithRing } = require('./resume-point.js')
const { PREDECESSOR, SharedMemoryIpc } = require('../shm/writer.js')

// How often a ring that could not be opened is tried again.
const RETRY_MILLISECONDS = 1000

// What is no fault of the ring's.
const OF_THE_CALL = new Set([
  'ERR_EVENT_TOO_LARGE',
  'ERR_BATCH_TOO_LARGE',
  'ERR_RING_FULL',
  'ERR_SEQUENCE_EXHAUSTED',
  'ERR_FORKED',
  'ERR_CLOSED'
])

/**
 * The lock without a ring, or null where it cannot be had: no addon, no safe
 * directory. Then the WebSocket server has to find out who else there is.
 * @throws {IpcError} ERR_RING_LOCKED
 */
function takeLock(options) {
  if (native === null) {
    return null
  }
  try {
    return new native.Lock(options)
  } catch (error) {
    if (error.code === 'ERR_RING_LOCKED') {
      throw error
    }
    return null
  }
}

/**
 * Emits `renewed` when the ring can be written again, as another generation,
 * `locked` (an error) when another Shield has it, which is the end, `fault` (an
 * error) for what the heartbeat finds, and `drain`.
 */
class ShieldRing extends EventEmitter {
  /**
   * @param {object} options checked writer options
   * @param {{ wanted: boolean, mayFail: boolean }} how `wanted`: a ring and not
   *   just its lock; `mayFail`: one that cannot be opened is tried again,
   *   instead of its error being thrown
   * @throws {IpcError} ERR_RING_LOCKED in any case
   */
  constructor(options, { wanted, mayFail }) {
    super()
    this._options = options
    this._mayFail = mayFail
    this._shm = null
    this._lock = null
    // What was published without the ring: by whoever was here before, until
    // it is by this one.
    const { dir, name } = options
    this._elsewhere = wanted ? resumeWithRing({ dir, name }) : undefined
    this._timer = null
    this._closed = false
    /** Why there is no ring that can be written, or null. */
    this.error = null
    if (!wanted) {
      this.error = new IpcError('ERR_SHM_UNAVAILABLE', 'preferShm is false')
      this._lock = takeLock(options)
      return
    }
    try {
      this._open()
    } catch (error) {
      if (!mayFail || error.code === 'ERR_RING_LOCKED') {
        throw error
      }
      this.error = error
      this._lock = takeLock(options)
      if (native !== null) {
        this._timer = setInterval(() => this._retry(), RETRY_MILLISECONDS)
        this._timer.unref()
      }
    }
  }

  /** @returns {SharedMemoryIpc | null} null while it cannot be written */
  get writer() {
    return this.error === null ? this._shm : null
  }

  /** Whether the kernel says that there is no other Shield. */
  get isAlone() {
    return this.writer !== null || this._lock !== null
  }

  /** @returns {import('../index').WriterStats | null} null before the first */
  stats() {
    const stats = this._shm?.stats() ?? null
    return stats === null
      ? null
      : { ...stats, error: this.error ?? stats.error }
  }

  /**
   * Writing failed.
   * @param {Error} error
   * @returns {boolean} whether the ring is given up because of it
   * @throws {Error} the same, where it is the caller's affair
   */
  fail(error) {
    if (!(error instanceof IpcError) || OF_THE_CALL.has(error.code)) {
      throw error
    }
    if (error.code === 'ERR_RING_LOCKED' && this._mayFail) {
      this._lost(error)
    }
    if (!this._mayFail || this._closed || error.code === 'ERR_RING_LOCKED') {
      throw error
    }
    // A listener of the first error may have come here again already.
    const isNew = this.error === null
    this.error ??= error
    return isNew
  }

  /**
   * While the ring is given up: the last event that was published without it.
   * @param {{ generation: string, sequence: number }} position
   */
  publishedElsewhere(position) {
    this._elsewhere = position
    this._shm?.skipTo(position.sequence)
  }

  /** @returns {Promise<void>} the lock is free at once */
  async close() {
    this._closed = true
    clearInterval(this._timer)
    this._lock?.free()
    await this._shm?.close()
  }

  _open() {
    if (native === null) {
      throw new IpcError('ERR_SHM_UNAVAILABLE', reason)
    }
    const shm = new SharedMemoryIpc({
      ...this._options,
      [PREDECESSOR]: this._elsewhere
    })
    shm.on('replaced', () => {
      this.error = null
      this.emit('renewed')
    })
    shm.on('error', (error) => {
      if (error.code === 'ERR_RING_LOCKED' && this._mayFail) {
        this._lost(error)
      } else {
        this.emit('fault', error)
      }
    })
    shm.on('drain', () => this.emit('drain'))
    this._shm = shm
  }

  _retry() {
    // The ring's writer takes the same lock.
    this._lock?.free()
    this._lock = null
    try {
      this._open()
    } catch (error) {
      this.error = error
      this._relock(error)
      return
    }
    clearInterval(this._timer)
    this.error = null
    this.emit('renewed')
  }

  _relock(error) {
    if (error.code === 'ERR_RING_LOCKED') {
      this._lost(error)
      return
    }
    try {
      this._lock = takeLock(this._options)
    } catch (locked) {
      this._lost(locked)
    }
  }

  _lost(error) {
    clearInterval(this._timer)
    if (!this._closed) {
      this.error = error
      this.emit('locked', error)
    }
  }
}

module.exports = { ShieldRing }
