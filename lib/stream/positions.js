'use strict'
// How far a reader came in each of the generations that it has seen: one that
// it comes back to goes on there, and neither repeats nor passes over anything.

// A Shield that restarts for ever makes a generation each time.
const MOST = 16

class Progress {
  #next = new Map() // generation -> the sequence that comes next

  /** @param {string} generation @param {number} next */
  note(generation, next) {
    // The latest stands last, and the one that was left longest ago goes.
    this.#next.delete(generation)
    this.#next.set(generation, next)
    if (this.#next.size > MOST) {
      this.#next.delete(this.#next.keys().next().value)
    }
  }

  /** @returns {number | undefined} undefined: it was never there */
  next(generation) {
    return this.#next.get(generation)
  }
}

module.exports = { Progress }
