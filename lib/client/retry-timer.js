'use strict'

// Soon after there is a reason to look, seldom after a while.
const SOON_MS = 250
const LATE_MS = 1000
const LATE_AFTER = 40

/** Looks again and again for what may come back. */
class RetryTimer {
  #look
  #timer = null
  #looks = 0
  #isHolding = false
  #isStopped = false

  /** @param {() => void} look calls later() when it found nothing */
  constructor(look) {
    this.#look = look
  }

  /** There is a reason to look. */
  soon() {
    this.#looks = 0
    this.#clear()
    this.later()
  }

  later() {
    if (this.#isStopped || this.#timer !== null) {
      return
    }
    const wait = this.#looks++ < LATE_AFTER ? SOON_MS : LATE_MS
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#look()
    }, wait)
    this.hold(this.#isHolding)
  }

  /** Whether looking holds the process open. */
  hold(hold) {
    this.#isHolding = hold
    if (hold) this.#timer?.ref()
    else this.#timer?.unref()
  }

  /** For good. */
  stop() {
    this.#isStopped = true
    this.#clear()
  }

  #clear() {
    clearTimeout(this.#timer)
    this.#timer = null
  }
}

module.exports = { RetryTimer }
