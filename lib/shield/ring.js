'use strict'
// The ring of a Shield, which may fail and come back when there is WebSocket
// beside it, and the history of what was published, in the ring or without it.
// Either way it holds the ring's lock, so that no second Shield starts.

const { randomBytes } = require('node:crypto')
const { EventEmitter } = require('node:events')
const { native } = require('../shm/addon.js')
const { IpcError, isIpcError } = require('../base/errors.js')
const { MemoryHistory } = require('./memory-history.js')
const { resumeWithoutRing, resumeWithRing } = require('./resume-point.js')
const { RingHistory } = require('./ring-history.js')
const { PREDECESSOR, SharedMemoryIpc } = require('../shm/writer.js')
const { leastPriority } = require('../threat/names.js')
const { capacityOf, laneOf } = require('../threat/size.js')

// How often a ring that could not be opened is tried again.
const RETRY_MILLISECONDS = 1000

// Errors of one call, after which the ring is as good as before.
const OF_THE_CALL = new Set([
  'ERR_EVENT_TOO_LARGE',
  'ERR_BATCH_TOO_LARGE',
  'ERR_RING_FULL',
  'ERR_SEQUENCE_EXHAUSTED',
  'ERR_FORKED',
  'ERR_CLOSED'
])

/**
 * The lock without a ring, or null where there can be none: no addon, no safe
 * directory. Then the WebSocket server has to look for other Shields.
 * @throws {IpcError} ERR_RING_LOCKED
 */
function takeLock(options) {
  try {
    return native === null
      ? null
      : new native.Lock({ __proto__: null, ...options })
  } catch (error) {
    if (error.code === 'ERR_RING_LOCKED') {
      throw error
    }
    return null
  }
}

/**
 * Emits `renewed` when the ring can be written again, as another generation if
 * anything was published without it, `locked` (an error) when another Shield has
 * it, which is the end, `fault` (an error) for what the heartbeat finds,
 * `unwritable` (an error) when that is why nothing can be written, and `drain`.
 */
class ShieldRing extends EventEmitter {
  #options
  #wanted
  #mayFail
  #elsewhere
  #least // severity of a priority event
  #shm = null
  #ofRing = null // the history of the ring that was given up
  #lock = null
  #timer = null
  #closed = false

  /**
   * @param {{ dir?: string, name?: string }} location
   * @param {object} writer checked options of the ring
   * @param {{ wanted: boolean, mayFail: boolean }} how `wanted`: a ring and not
   *   just its lock; `mayFail`: one that cannot be opened is tried again,
   *   instead of its error being thrown
   * @throws {IpcError} ERR_RING_LOCKED in any case
   */
  constructor(location, writer, { wanted, mayFail }) {
    super()
    this.#options = { ...location, ...writer }
    this.#wanted = wanted
    this.#mayFail = mayFail
    this.#least = leastPriority(writer.prioritySeverity)
    // The last event that was published without the ring: by the Shield before,
    // until this one publishes without it.
    this.#elsewhere = wanted ? resumeWithRing(location) : undefined
    /** Why there is no ring that can be written, or null. */
    this.error = null
    /** @type {SharedMemoryIpc | null} null while it cannot be written */
    this.writer = null
    if (!this.#openOrLock()) {
      if (wanted && native !== null) {
        this.#timer = setInterval(() => this.#retry(), RETRY_MILLISECONDS)
        this.#timer.unref()
      }
      /** What was published, for clients that come or fall behind. */
      this.history = new MemoryHistory({
        generation: randomBytes(8).toString('hex'),
        capacity: capacityOf(writer.maxEvents),
        lane: laneOf(writer.priorityEvents),
        least: this.#least,
        predecessor: resumeWithoutRing(location)
      })
    }
  }

  /** Whether the kernel says that there is no other Shield. */
  get isAlone() {
    return this.writer !== null || this.#lock !== null
  }

  /** @returns {import('../index').WriterStats | null} null before the first */
  stats() {
    const stats = this.#shm?.stats()
    return stats ? { ...stats, error: this.error ?? stats.error } : null
  }

  /**
   * Writing failed. When the ring is given up because of it, `history` goes on
   * in memory, with the next sequence of the same generation.
   * @param {Error} error
   * @returns {boolean} whether the ring was given up by this call
   * @throws {Error} the same, when it is one of the call or there is no other
   *   transport
   */
  fail(error) {
    if (!isIpcError(error) || OF_THE_CALL.has(error.code)) {
      throw error
    }
    const isLocked = error.code === 'ERR_RING_LOCKED'
    if (isLocked && this.#mayFail) {
      this.#lost(error)
    }
    if (!this.#mayFail || this.#closed || isLocked) {
      throw error
    }
    // A listener of the first error may have come here again already.
    if (this.error !== null) {
      return false
    }
    this.#setError(error)
    const { generation, sequence, capacity, priorityEvents } = this.stats()
    const { priority } = this.#shm.ringStats()
    this.#ofRing = this.history
    this.history = new MemoryHistory({
      ...this.history,
      generation,
      sequence,
      priority,
      capacity,
      lane: priorityEvents
    })
    this.#elsewhere = this.history
    this.#shm.skipTo(sequence, priority)
    return true
  }

  /**
   * Publishes without the ring, as MemoryHistory.append() does.
   * @param {import('../threat/check.js').ThreatRecord[]} records
   * @returns {{ texts: string[], priorities: number[] }} as that
   */
  append(records) {
    const appended = this.history.append(records)
    // Before a client sees them: no other Shield may continue the ring as if
    // they had not been published.
    this.#elsewhere = this.history
    this.#shm?.skipTo(this.history.sequence, this.history.priority)
    return appended
  }

  /** @returns {Promise<void>} the lock is free at once */
  async close() {
    this.#closed = true
    clearInterval(this.#timer)
    this.#lock?.free()
    await this.#shm?.close()
  }

  /** Opens the ring, or takes its lock when that fails and may fail.
   * @returns {boolean} whether there is a ring */
  #openOrLock() {
    try {
      this.#open()
      this.#setError(null)
      return true
    } catch (error) {
      if (!this.#mayFail || error.code === 'ERR_RING_LOCKED') {
        throw error
      }
      this.#setError(error)
      this.#lock = takeLock(this.#options)
      return false
    }
  }

  #open() {
    if (!this.#wanted) {
      throw new IpcError('ERR_SHM_UNAVAILABLE', 'preferShm is false')
    }
    const shm = new SharedMemoryIpc({
      ...this.#options,
      [PREDECESSOR]: this.#elsewhere
    })
    shm.on('replaced', () => this.#renewed())
    shm.on('restored', () => this.#restored())
    shm.on('error', (error) => {
      if (error.code === 'ERR_RING_LOCKED' && this.#mayFail) {
        this.#lost(error)
        return
      }
      if (this.#mayFail && !shm.isWritable) {
        // Nobody may be writing just now.
        this.emit('unwritable', error)
      }
      this.emit('fault', error)
    })
    shm.on('drain', () => this.emit('drain'))
    this.#shm = shm
    this.history = new RingHistory(shm, this.history, this.#least)
  }

  /** Another ring goes on where the one before or WebSocket ended. */
  #renewed() {
    this.#setError(null)
    this.#ofRing = null
    this.history = new RingHistory(this.#shm, this.history, this.#least)
    this.emit('renewed')
  }

  /** The ring is in its place again, with all that was published: its file was
   * moved away and back, and nobody wrote meanwhile. */
  #restored() {
    const isBehind = this.history.sequence !== this.#shm.ringStats().sequence
    if (this.error === null || this.#ofRing === null || isBehind) {
      return
    }
    this.#setError(null)
    this.history = this.#ofRing
    this.#ofRing = null
    this.emit('renewed')
  }

  #retry() {
    // The ring's writer takes the same lock.
    this.#lock?.free()
    this.#lock = null
    try {
      if (!this.#openOrLock()) {
        return
      }
    } catch (error) {
      this.#lost(error)
      return
    }
    clearInterval(this.#timer)
    this.emit('renewed')
  }

  #lost(error) {
    clearInterval(this.#timer)
    if (!this.#closed) {
      this.#setError(error)
      this.emit('locked', error)
    }
  }

  #setError(error) {
    this.error = error
    this.writer = error === null ? this.#shm : null
  }
}

module.exports = { ShieldRing }
