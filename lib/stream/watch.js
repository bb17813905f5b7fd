'use strict'
// A client's threats as something to show: not each of them, but every so often
// how many there were and which are the newest.

const { emitSafely } = require('../base/emit-safely.js')
const { ScopedEmitter } = require('../base/scope.js')
const { ACCEPTS, WANTS } = require('./consumers.js')
const { Digest } = require('./digest.js')

/** One that waits for an update: takes part in a delivery to hold the process
 * open meanwhile, and for nothing else. */
class Waiter {
  holds = true
  collects = false
  demand = ACCEPTS
  scope = null

  /**
   * @param {() => void} wake
   * @param {(error: unknown) => void} fail
   */
  constructor(wake, fail) {
    this.wake = wake
    this.fail = fail
  }

  deliver() {}

  flush() {}

  end(error) {
    if (error === undefined) this.wake()
    else this.fail(error)
  }
}

/** What a stream has of it. @see ThreatStream.watch */
class Watch extends ScopedEmitter {
  // Of a consumer (consumers.js).
  holds = false
  collects = false
  demand = WANTS
  scope = null

  #delivery
  #digest
  #everyMs
  #stateOf
  #ended
  #timer = null
  #lastUpdate = -Infinity // performance.now()
  #updates = 0
  #total = 0 // of the digest, at the last update
  #isOver = false
  #error // what its stream failed with
  #waiters = new Set()

  /**
   * @param {import('./delivery.js').Delivery} delivery
   * @param {object} options checked
   * @param {number} options.everyMs
   * @param {number} options.keep
   * @param {number} options.minSeverity
   * @param {object} stream
   * @param {() => object} stream.stateOf
   * @param {(watch: Watch) => void} stream.ended this is over
   */
  constructor(delivery, { everyMs, keep, minSeverity }, { stateOf, ended }) {
    super()
    this.#delivery = delivery
    this.#digest = new Digest(keep, minSeverity)
    this.#everyMs = everyMs
    this.#stateOf = stateOf
    this.#ended = ended
    delivery.add(this)
    // From a turn of its own: who has made this has no listener yet.
    this.changed()
  }

  /** @returns {import('../index').WatchSnapshot} how things are now */
  snapshot() {
    return this.#snapshotSince(this.#total)
  }

  /** No listener is called any more, and every loop over this ends. */
  dispose() {
    this.#delivery.remove(this)
  }

  async *[Symbol.asyncIterator]() {
    let updates = 0
    let total = 0
    while (!this.#isOver) {
      if (this.#error !== undefined) {
        throw this.#error
      }
      if (updates === this.#updates && !(await this.#nextUpdate())) {
        return
      }
      const value = this.#snapshotSince(total)
      updates = this.#updates
      total = value.counts.total
      yield value
    }
  }

  // --- A consumer of the delivery ------------------------------------------

  deliver(threat) {
    this.#digest.add(threat)
  }

  flush() {
    if (this.#digest.total > this.#total) {
      if (this.#wait() > 0) {
        this.changed()
      } else {
        this.#update()
      }
    }
  }

  end() {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.removeAllListeners()
    this.#ended(this)
    this.#wake()
  }

  // --- What else its stream tells it ---------------------------------------

  /** @param {import('../index').Loss} loss */
  lost(loss) {
    this.#digest.lose(loss)
    this.changed()
  }

  /** Its stream has failed: those who wait were told, who comes has to be. */
  failed(error) {
    this.#error = error
  }

  /** There is something to tell, when its time has come. */
  changed() {
    if (this.#timer === null && !this.#isOver) {
      this.#timer = setTimeout(() => this.#update(), Math.max(0, this.#wait()))
      this.#timer.unref()
    }
  }

  #wait() {
    return this.#lastUpdate + this.#everyMs - performance.now()
  }

  #update() {
    clearTimeout(this.#timer)
    this.#timer = null
    this.#lastUpdate = performance.now()
    this.#updates++
    const value = this.snapshot()
    this.#total = value.counts.total
    emitSafely(this, 'update', value)
    this.#wake()
  }

  #snapshotSince(total) {
    return { ...this.#digest.snapshot(total), state: this.#stateOf() }
  }

  #wake() {
    for (const waiter of this.#waiters) {
      waiter.wake()
    }
  }

  /** @returns {Promise<boolean>} false: there will be none */
  async #nextUpdate() {
    let waiter
    try {
      await new Promise((resolve, reject) => {
        waiter = new Waiter(resolve, reject)
        this.#waiters.add(waiter)
        this.#delivery.add(waiter)
      })
    } finally {
      this.#waiters.delete(waiter)
      this.#delivery.remove(waiter)
    }
    return !this.#isOver
  }
}

module.exports = { Watch }
