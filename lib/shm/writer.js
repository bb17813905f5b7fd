'use strict'
// SharedMemoryIpc: the writer of a ring in shared memory.

const { native, reason } = require('./addon.js')
const { checkBatch } = require('../options/batch.js')
const { IpcError } = require('../base/errors.js')
const { UNKNOWN } = require('./native-constants.js')
const { NativeWriter } = require('./native-writer.js')
const { checkWriter } = require('../options/check.js')
const { Backpressure } = require('./backpressure.js')
const { MemoryLook, placementOf } = require('./memory.js')
const { checkThreat, limitsOf } = require('../threat/check.js')
const { BATCH_DIVISOR, PRIORITY_NONE } = require('../threat/layout.js')
const { leastPriority } = require('../threat/names.js')
const { makeDisposable } = require('../base/disposable.js')
const { emitSafely } = require('../base/emit-safely.js')
const { ScopedEmitter } = require('../base/scope.js')

// How often a writer says that it lives, and checks that its ring is still the
// one in the directory.
const BEAT_MILLISECONDS = 500

// A key in the options, for ShieldRing: `{ generation, sequence, priority }` of
// the stream that this one goes on from, in a ring of its own; the last is the
// number of its priority events, where that is known.
const PREDECESSOR = Symbol('predecessor')

// Ends the heartbeat of a writer that was collected without being closed.
const finalizers = new FinalizationRegistry((timer) => clearInterval(timer))

/**
 * The writer of one ring. Emits `error` (when somebody listens) for what the
 * heartbeat finds, `replaced` when it had to make the ring anew, `restored` when
 * what the heartbeat found is over and the ring is the same, `drain` when there is
 * space again after ERR_RING_FULL, and `close`.
 */
class SharedMemoryIpc extends ScopedEmitter {
  /** The most slots that a batch may take. */
  batchSlots

  #writer
  #memory
  #calls
  #limits
  #overflow
  #backpressure
  #timer
  #replaced = 0
  #closing = null
  #lastStats = null
  #lastError = null

  /**
   * Continues the ring that is there, or makes one.
   * @param {import('../index').WriterOptions} [options]
   * @throws {IpcError} ERR_RING_LOCKED, ERR_UNSAFE_PATH, ERR_NO_SPACE,
   *   ERR_ACCESS, ERR_READ_ONLY, ERR_SHM_UNAVAILABLE, ERR_HUGE_PAGES,
   *   ERR_NUMA_NODE
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  constructor(options) {
    super()
    const { prioritySeverity, priorityEvents, ...checked } =
      checkWriter(options)
    const { overflow = 'overwrite' } = checked
    if (native === null) {
      throw new IpcError('ERR_SHM_UNAVAILABLE', reason)
    }
    this.#limits = limitsOf(checked)
    this.#writer = new native.Writer({
      // The addon reads by name what it needs, and finds what is inherited.
      __proto__: null,
      ...checked,
      ...placementOf(checked),
      rejects: overflow === 'reject',
      prioritySeverity: leastPriority(prioritySeverity),
      priorityEvents: priorityEvents === 0 ? PRIORITY_NONE : priorityEvents,
      predecessor: options?.[PREDECESSOR]
    })
    this.#calls = new NativeWriter(this.#writer)
    this.#memory = new MemoryLook(this.#writer)
    // Every threat takes a slot at least, and a batch a quarter of them.
    this.batchSlots = this.#writer.stats().capacity / BATCH_DIVISOR
    this.#overflow = overflow
    this.#backpressure =
      overflow === 'reject'
        ? new Backpressure(this.#writer, () => this.emit('drain'))
        : null
    this.#timer = SharedMemoryIpc.#startBeat(new WeakRef(this))
    finalizers.register(this, this.#timer, this)
  }

  /** Whether close() was called. */
  get closed() {
    return this.#closing !== null
  }

  /** Whether the last heartbeat left a ring that can be written. */
  get isWritable() {
    return !this.closed && this.#writer.stats().refuses === 0
  }

  /** The option of this name. For the Shield's history. */
  get maxEventBytes() {
    return this.#limits.maxEventBytes
  }

  /**
   * Publishes one threat and wakes the readers that sleep. Never waits.
   * @param {import('../index').ThreatInput} threat
   * @returns {number} its sequence, from 1
   * @throws {TypeError | RangeError} ERR_INVALID_THREAT
   * @throws {IpcError} ERR_EVENT_TOO_LARGE, ERR_CLOSED, ERR_RING_LOCKED,
   *   ERR_SEQUENCE_EXHAUSTED; the ring is as it was
   */
  writeThreat(threat) {
    this.#mustBeOpen()
    return this.publish(checkThreat(threat, this.#limits))
  }

  /**
   * Publishes all of them at once, or none.
   * @param {Iterable<import('../index').ThreatInput>} threats
   * @returns {number} the last sequence in the ring
   * @throws {TypeError | RangeError} ERR_INVALID_THREAT with its index,
   *   ERR_INVALID_ARGUMENT
   * @throws {IpcError} as writeThreat, and ERR_BATCH_TOO_LARGE
   */
  writeThreats(threats) {
    this.#mustBeOpen()
    // All are checked before the first is staged: getters and iterators of the
    // caller's run meanwhile, and may call this object.
    const records = checkBatch(threats, this.batchSlots, (threat) =>
      checkThreat(threat, this.#limits)
    )
    this.#mustBeOpen()
    return this.publishAll(records)
  }

  /**
   * Resolves when what was refused last with ERR_RING_FULL can be written; at
   * once, unless `overflow` is 'reject' and a reliable reader is far behind.
   * @returns {Promise<void>} rejects with ERR_CLOSED when this is closed
   */
  async writable() {
    this.#mustBeOpen()
    await this.#backpressure?.free()
  }

  /**
   * Publishes what checkThreat() returned. For IpcTransport.
   * @param {import('../threat/check.js').ThreatRecord} record
   */
  publish(record) {
    try {
      return this.#calls.publish(record)
    } catch (error) {
      this.#recover(error)
      return this.#calls.publish(record)
    }
  }

  /** @param {import('../threat/check.js').ThreatRecord[]} records */
  publishAll(records) {
    try {
      return this.#calls.publishAll(records)
    } catch (error) {
      this.#recover(error)
      return this.#calls.publishAll(records)
    }
  }

  /** Makes a ring anew whose file was cut short; throws any other error. */
  #recover(error) {
    if (error.code === 'ERR_RING_FULL') {
      this.#backpressure.refused(this.#writer.stats().wanted)
    }
    if (error.code !== 'ERR_RING_TRUNCATED' || !this.#beat()) {
      throw error
    }
  }

  /**
   * Says that this generation's events up to `sequence` were published without
   * the ring, which is replaced when it can be written again. For ShieldRing,
   * before a client sees such an event.
   * @param {number} sequence
   * @param {number | null} [priority] the priority events up to it
   */
  skipTo(sequence, priority) {
    this.#writer.skipTo(sequence, priority ?? UNKNOWN)
  }

  /** The native writer's numbers about the present ring. */
  ringStats() {
    return this.#lastStats ?? this.#writer.stats()
  }

  /** @returns {import('../index').WriterStats} */
  stats() {
    const ring = this.ringStats()
    return {
      transport: 'shm',
      path: ring.path,
      generation: ring.generation,
      published: ring.published,
      sequence: ring.sequence,
      bytes: ring.bytes,
      bells: ring.bells,
      replaced: ring.replaced,
      overflow: this.#overflow,
      overwritten: ring.overwritten,
      rejected: ring.rejected,
      evicted: ring.evicted,
      readers: this.closed ? [] : this.#writer.readers(),
      capacity: ring.capacity,
      priorityEvents: ring.priorityEvents,
      fileBytes: ring.fileBytes,
      checksums: ring.checksums,
      memory: this.closed ? null : this.#memory.of(ring.generation),
      error: this.#lastError
    }
  }

  /** Open, and the ring is the one in the directory. */
  isHealthy() {
    return !this.closed && this.#beat()
  }

  /**
   * Releases the lock at once. The ring stays for late readers.
   * @returns {Promise<void>}
   */
  close() {
    if (this.#closing === null) {
      clearInterval(this.#timer)
      finalizers.unregister(this)
      this.#lastStats = this.#writer.stats()
      this.#backpressure?.close()
      this.#writer.close()
      this.#closing = Promise.resolve()
      queueMicrotask(() => this.emit('close'))
    }
    return this.#closing
  }

  #mustBeOpen() {
    if (this.closed) {
      throw new IpcError('ERR_CLOSED')
    }
  }

  /**
   * The timer keeps neither the process alive nor the writer in memory: one that
   * is garbage is closed when it is collected. Not in the constructor, whose
   * closures share a scope that holds `this`.
   * @param {WeakRef<SharedMemoryIpc>} writer
   */
  static #startBeat(writer) {
    const timer = setInterval(() => writer.deref()?.#beat(), BEAT_MILLISECONDS)
    timer.unref()
    return timer
  }

  /** True when the ring is in order, or was made anew. */
  #beat() {
    try {
      this.#writer.beat()
      const wasWrong = this.#lastError !== null
      this.#lastError = null
      const { replaced } = this.#writer.stats()
      if (replaced !== this.#replaced) {
        this.#replaced = replaced
        emitSafely(this, 'replaced')
      } else if (wasWrong) {
        emitSafely(this, 'restored')
      }
      return true
    } catch (error) {
      this.#lastError = error
      if (this.listenerCount('error') > 0) {
        emitSafely(this, 'error', error)
      }
      return false
    }
  }
}

makeDisposable(SharedMemoryIpc)

module.exports = { PREDECESSOR, SharedMemoryIpc }
