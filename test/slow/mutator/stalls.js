'use strict'
// How long an event loop was held up: a timer that asks to be called again at
// once, and what it found to be late.

const INTERVAL_MS = 5
const LONGEST = 3

class Stalls {
  #longest = []
  #last = performance.now()

  constructor() {
    setInterval(() => this.#tick(), INTERVAL_MS)
  }

  #tick() {
    const now = performance.now()
    const late = now - this.#last - INTERVAL_MS
    this.#last = now
    const longest = [...this.#longest, late].sort((a, b) => b - a)
    this.#longest = longest.slice(0, LONGEST)
  }

  /** Forgets what was; starting a process takes its time. */
  begin() {
    this.#longest = []
    this.#last = performance.now()
  }

  /** The longest ones in milliseconds, the longest first. */
  get longest() {
    // One that goes on has not been seen by the timer.
    this.#tick()
    return this.#longest
  }
}

module.exports = { Stalls }
