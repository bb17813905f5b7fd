'use strict'

// Soon after there is a reason to look, seldom after a while.
const SOON_MS = 250
const LATE_MS = 1000
const LATE_AFTER = 40

/** Looks again and again for what may come back. */
class Prober {
  /** @param {() => void} look calls later() when it found nothing */
  constructor(look) {
    this._look = look
    this._timer = null
    this._looks = 0
    this._holding = false
    this._stopped = false
  }

  /** There is a reason to look. */
  soon() {
    this._looks = 0
    clearTimeout(this._timer)
    this._timer = null
    this.later()
  }

  later() {
    if (this._stopped || this._timer !== null) {
      return
    }
    const wait = this._looks++ < LATE_AFTER ? SOON_MS : LATE_MS
    this._timer = setTimeout(() => {
      this._timer = null
      this._look()
    }, wait)
    this.hold(this._holding)
  }

  /** Whether looking holds the process open. */
  hold(hold) {
    this._holding = hold
    if (hold) this._timer?.ref()
    else this._timer?.unref()
  }

  /** For good. */
  stop() {
    this._stopped = true
    clearTimeout(this._timer)
    this._timer = null
  }
}

module.exports = { Prober }
