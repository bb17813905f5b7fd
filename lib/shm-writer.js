'use strict'
// SharedMemoryIpc: the writer of a ring in shared memory.

const { EventEmitter } = require('node:events')
const { native, reason } = require('./binding.js')
const { IpcError, invalid, show } = require('./errors.js')
const { checkWriter } = require('./options.js')
const { encodeThreat } = require('./threat-event.js')

// How often a writer says that it lives, and looks whether its ring is still
// the one in the directory.
const BEAT_MILLISECONDS = 500

// In the place of a native writer: keeps a checked threat for later.
const collector = { write: (...fields) => fields }

// Ends the heartbeat of a writer that was collected without being closed.
const finalizers = new FinalizationRegistry((timer) => clearInterval(timer))

/**
 * The writer of one ring. Emits `error` (when somebody listens) for what the
 * heartbeat finds, and `close`.
 */
class SharedMemoryIpc extends EventEmitter {
  /**
   * Continues the ring that is there, or makes one.
   * @param {import('./index').WriterOptions} [options]
   * @throws {IpcError} ERR_RING_LOCKED, ERR_UNSAFE_PATH, ERR_NO_SPACE,
   *   ERR_ACCESS, ERR_READ_ONLY, ERR_SHM_UNAVAILABLE
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  constructor(options) {
    super()
    const checked = checkWriter(options)
    if (native === null) {
      throw new IpcError('ERR_SHM_UNAVAILABLE', reason)
    }
    this._writer = new native.Writer(checked)
    // Every threat takes a slot at least, and a batch a quarter of them.
    this._batchSlots = this._writer.stats().capacity / 4
    this._closing = null
    this._lastStats = null
    this._lastError = null
    // The timer neither holds the process open nor this object in memory: a
    // writer that nobody can reach is closed when it is collected.
    const self = new WeakRef(this)
    this._timer = setInterval(() => self.deref()?._beat(), BEAT_MILLISECONDS)
    this._timer.unref()
    const timer = this._timer
    finalizers.register(this, timer, this)
  }

  /** Whether close() was called. */
  get closed() {
    return this._closing !== null
  }

  /**
   * Publishes one threat and wakes whoever sleeps. Never waits.
   * @param {import('./index').ThreatInput} threat
   * @returns {number} its sequence, from 1
   * @throws {TypeError | RangeError} ERR_INVALID_THREAT
   * @throws {IpcError} ERR_EVENT_TOO_LARGE, ERR_CLOSED, ERR_RING_LOCKED,
   *   ERR_SEQUENCE_EXHAUSTED; the ring is as it was
   */
  writeThreat(threat) {
    this._mustBeOpen()
    return encodeThreat(threat, this._writer)
  }

  /**
   * Publishes all of them at once, or none.
   * @param {Iterable<import('./index').ThreatInput>} threats
   * @returns {number} the last sequence in the ring
   * @throws {TypeError | RangeError} ERR_INVALID_THREAT with its index,
   *   ERR_INVALID_ARGUMENT
   * @throws {IpcError} as writeThreat, and ERR_BATCH_TOO_LARGE
   */
  writeThreats(threats) {
    this._mustBeOpen()
    // All are checked before the first is staged: code of the caller's runs
    // while they are read, and may call back into this object.
    const checked = []
    let ours = null
    try {
      for (const threat of threats) {
        if (checked.length === this._batchSlots) {
          ours = new IpcError('ERR_BATCH_TOO_LARGE')
          break
        }
        try {
          checked.push(encodeThreat(threat, collector))
        } catch (error) {
          error.message = `threats[${checked.length}]: ${error.message}`
          ours = error
          break
        }
      }
    } catch (cause) {
      ours ??= invalid(
        TypeError,
        'ERR_INVALID_ARGUMENT',
        `threats: expected a list of threats, got ${show(threats)}`,
        cause
      )
    }
    if (ours !== null) {
      throw ours
    }
    this._mustBeOpen()
    for (const fields of checked) {
      this._writer.stage(...fields)
    }
    return this._writer.commit()
  }

  /** @returns {import('./index').WriterStats} */
  stats() {
    const ring = this._lastStats ?? this._writer.stats()
    return {
      transport: 'shm',
      path: ring.path,
      generation: ring.generation,
      published: ring.published,
      sequence: ring.sequence,
      bytes: ring.bytes,
      bells: ring.bells,
      replaced: ring.replaced,
      capacity: ring.capacity,
      fileBytes: ring.fileBytes,
      checksums: ring.checksums,
      error: this._lastError
    }
  }

  /** Open, and the ring is the one in the directory. */
  isHealthy() {
    return !this.closed && this._beat()
  }

  /**
   * Releases the lock at once. The ring stays for late readers.
   * @returns {Promise<void>}
   */
  close() {
    if (this._closing === null) {
      clearInterval(this._timer)
      finalizers.unregister(this)
      this._lastStats = this._writer.stats()
      this._writer.close()
      this._closing = Promise.resolve()
      queueMicrotask(() => this.emit('close'))
    }
    return this._closing
  }

  _mustBeOpen() {
    if (this.closed) {
      throw new IpcError('ERR_CLOSED')
    }
  }

  /** True when the ring is in order, or is again. */
  _beat() {
    try {
      this._writer.beat()
      this._lastError = null
      return true
    } catch (error) {
      this._lastError = error
      if (this.listenerCount('error') > 0) {
        this.emit('error', error)
      }
      return false
    }
  }
}

// Node 18 has neither symbol.
for (const name of [Symbol.dispose, Symbol.asyncDispose]) {
  if (name !== undefined) {
    SharedMemoryIpc.prototype[name] = function dispose() {
      return this.close()
    }
  }
}

module.exports = { SharedMemoryIpc }
