'use strict'
// The last priority events of a Shield without a ring, as the lane of its ring
// would keep them: in so many slots, and one that takes more than a quarter of
// them without what follows its lead slot.

const { cutThreat, laneSpan } = require('../threat/priority.js')

/**
 * A priority event: its JSON text, the slots that it takes, and how many there
 * are up to it.
 * @typedef {{ sequence: number, priority: number, span: number, text: string
 *   }} PriorityEntry
 */

class PriorityLane {
  #capacity
  #entries = []
  #first = 0 // of those that are still held
  #slots = 0

  /** @param {number} capacity slots; 0: it keeps nothing */
  constructor(capacity) {
    this.#capacity = capacity
  }

  /**
   * Keeps one more, and lets go of what a ring would overwrite.
   * @param {PriorityEntry} entry
   * @param {import('../threat/check.js').ThreatRecord} fields of it
   * @param {(fields: object) => string} textOf the text of it, cut
   */
  put(entry, fields, textOf) {
    if (this.#capacity === 0) {
      return
    }
    if (entry.span > laneSpan(this.#capacity)) {
      entry = { ...entry, span: 1, text: textOf(cutThreat(fields)) }
    }
    this.#entries.push(entry)
    this.#slots += entry.span
    while (this.#slots > this.#capacity) {
      this.#slots -= this.#entries[this.#first].span
      this.#entries[this.#first] = undefined
      this.#first++
    }
    // Seldom, since all that is kept has to be moved.
    if (this.#first > this.#capacity) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }

  /**
   * The first of some events that it has, and those that follow that one
   * without a gap.
   * @param {number} first the sequence of the first that is wanted
   * @param {number} last and of the last
   * @param {number} max how many
   * @returns {PriorityEntry[]} empty when it has none of them
   */
  run(first, last, max) {
    const run = []
    let expected = null
    for (let i = this.#find(first); i < this.#entries.length; i++) {
      const entry = this.#entries[i]
      const { sequence } = entry
      const isNext = expected === null || sequence === expected
      if (sequence > last || !isNext || run.length === max) {
        break
      }
      run.push(entry)
      expected = sequence + 1
    }
    return run
  }

  /** The index of the first at or behind a sequence. */
  #find(sequence) {
    let low = this.#first
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle].sequence < sequence) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
}

module.exports = { PriorityLane }
