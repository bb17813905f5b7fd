'use strict'
// How far a reader came in each of the generations that it has seen: one that
// it comes back to goes on there, and neither repeats nor passes over anything.

// A Shield that restarts for ever makes a generation each time.
const MOST = 16

class Progress {
  constructor() {
    this._next = new Map() // generation -> the sequence that comes next
  }

  /** @param {string} generation @param {number} next */
  note(generation, next) {
    // The latest stands last, and the one that was left longest ago goes.
    this._next.delete(generation)
    this._next.set(generation, next)
    if (this._next.size > MOST) {
      this._next.delete(this._next.keys().next().value)
    }
  }

  /** @returns {number | undefined} undefined: it was never there */
  next(generation) {
    return this._next.get(generation)
  }
}

module.exports = { Progress }
