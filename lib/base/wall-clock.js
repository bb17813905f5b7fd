'use strict'
// The time of day in microseconds. Date.now() has whole milliseconds, and goes
// back when the clock is set.

// The system's clock is looked at as often as that: between two looks time goes
// on by the monotonic clock, which nobody sets.
const LOOK_MS = 100

// Date.now() is cut to whole milliseconds: a difference of up to so much is no
// difference.
const CUT_MS = 1

class WallClock {
  #wall
  #monotonic
  #offset
  #lookedAt
  #last = 0

  /**
   * @param {{ wall?: () => number, monotonic?: () => number,
   *   origin?: number }} [clocks] milliseconds: the time of day, a clock that
   *   never goes back, and the time of day at its zero
   */
  constructor({
    wall = Date.now,
    monotonic = () => performance.now(),
    origin = performance.timeOrigin
  } = {}) {
    this.#wall = wall
    this.#monotonic = monotonic
    this.#offset = origin
    this.#lookedAt = -Infinity
  }

  /**
   * Never less than the last time, unless the system's clock was set back.
   * @returns {number} whole microseconds since 1970
   */
  now() {
    const monotonic = this.#monotonic()
    if (monotonic - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = monotonic
      this.#look(monotonic)
    }
    this.#last = Math.max(
      this.#last,
      Math.round((this.#offset + monotonic) * 1000)
    )
    return this.#last
  }

  /** Follows the system's clock, when that was set or slewed. */
  #look(monotonic) {
    const wall = this.#wall()
    const ahead = wall - (this.#offset + monotonic)
    if (ahead > 0 || ahead < -CUT_MS) {
      // By no more than is certain, so that the time does not jump about.
      this.#offset += ahead > 0 ? ahead : ahead + CUT_MS
      if (ahead < -CUT_MS - LOOK_MS) {
        // It was set back by more than what small corrections are.
        this.#last = 0
      }
    }
  }
}

const clock = new WallClock()

/** @returns {number} whole microseconds since 1970 */
const nowMicros = () => clock.now()

module.exports = { nowMicros, WallClock }
