'use strict'
// How many threats come in a second, of late.

// Long enough to be steady, and short enough to be of now.
const WINDOW_MS = 3000

class Rates {
  #samples = []

  /**
   * @param {number} now milliseconds of a clock that never goes back
   * @param {import('../../index').ThreatCounts} counts
   */
  add(now, counts) {
    this.#samples.push({ now, counts })
    // The one behind the window stays: it is what the rest is compared with.
    while (
      this.#samples.length > 2 &&
      this.#samples[1].now <= now - WINDOW_MS
    ) {
      this.#samples.shift()
    }
  }

  /**
   * @param {(counts: object) => number} of which of the counts
   * @returns {number} a second
   */
  perSecond(of) {
    const first = this.#samples[0]
    const last = this.#samples[this.#samples.length - 1]
    const milliseconds = (last?.now ?? 0) - (first?.now ?? 0)
    return milliseconds > 0
      ? ((of(last.counts) - of(first.counts)) * 1000) / milliseconds
      : 0
  }
}

module.exports = { Rates }
