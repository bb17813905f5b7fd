'use strict'
// Losses as lines of stderr, no more than two in a second: a ring goes round
// hundreds of times in one, and nobody may read them.

const { formatLoss } = require('./format.js')

// How long losses behind one that was told are summed up.
const TELL_MS = 1000

class LossReport {
  #report
  #count = 0
  #gaps = 0
  #timer = null

  /** @param {(line: string) => void} report tells a line */
  constructor(report) {
    this.#report = report
  }

  note(loss) {
    if (this.#timer === null) {
      this.#report(formatLoss(loss))
      this.#timer = setTimeout(() => this.end(), TELL_MS)
      return
    }
    this.#count += loss.count ?? 0
    this.#gaps++
  }

  /** Tells what was not told yet. */
  end() {
    clearTimeout(this.#timer)
    this.#timer = null
    if (this.#gaps > 0) {
      this.#report(`lost ${this.#count} threats more, in ${this.#gaps} gaps`)
    }
    this.#count = 0
    this.#gaps = 0
  }
}

module.exports = { LossReport }
