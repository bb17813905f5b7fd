'use strict'
// What both histories of a Shield say of themselves: of which generation they
// are, how far they go, what came before, and how many priority events that was.

class History {
  /**
   * @param {object} setup
   * @param {string} setup.generation 16 hex digits
   * @param {Predecessor | null} setup.predecessor the stream before this one
   * @param {number} setup.sequence the last one so far
   * @param {number} setup.priority the priority events up to it
   * @param {number} setup.start the first one of this Shield
   * @param {number | null} setup.startPriority the priority events before it
   * @param {number} setup.begins the first one behind the predecessor
   * @param {number} setup.least the least severity of a priority event
   */
  constructor(setup) {
    this.generation = setup.generation
    this.predecessor = setup.predecessor
    this.sequence = setup.sequence
    this.priority = setup.priority
    this.start = setup.start
    this.startPriority = setup.startPriority
    this.begins = setup.begins
    this.least = setup.least
  }

  /**
   * The priority events before a sequence, modulo 2^32.
   * @param {number} next
   * @returns {number | null} null where that is not known
   */
  priorityBefore(next) {
    if (next === this.sequence + 1) {
      return this.priority
    }
    if (next === 1) {
      return 0
    }
    return next === this.start ? this.startPriority : null
  }
}

/**
 * @typedef {{ generation: string, sequence?: number, priority?: number | null
 *   }} Predecessor `sequence` is its last one, `priority` the number of its
 *   priority events; neither where that is unknown
 */

module.exports = { History }
