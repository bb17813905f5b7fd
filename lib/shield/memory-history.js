'use strict'
// What a Shield without a ring has published, as far back as its ring would
// hold it, with the same sequences, limits, lane and losses.

const { IpcError } = require('../base/errors.js')
const { BATCH_DIVISOR } = require('../threat/layout.js')
const { History } = require('./history.js')
const { leastPriority } = require('../threat/names.js')
const { countPriority, priorityBetween } = require('../threat/priority.js')
const { PriorityLane } = require('./priority-lane.js')
const {
  capacityOf,
  laneOf,
  MAX_SPAN,
  plainSpanOf,
  spanOf
} = require('../threat/size.js')
const { threatText } = require('../websocket/messages.js')

class MemoryHistory extends History {
  #texts
  #spans
  #priorities // up to each, modulo 2^32
  #before // the priority events before the oldest
  #slots = 0

  /**
   * @param {object} setup as that of History; and
   * @param {number} [setup.capacity] slots, as those of a ring
   * @param {number} [setup.lane] slots for priority events, as those of a ring
   */
  constructor({
    generation,
    predecessor,
    capacity = capacityOf(),
    lane = laneOf(),
    least = leastPriority(),
    sequence = 0,
    priority = 0,
    start = 1,
    startPriority = 0,
    begins = 1
  }) {
    super({
      generation,
      predecessor,
      sequence,
      priority,
      start,
      startPriority,
      begins,
      least
    })
    this.isRing = false
    this.capacity = capacity
    /** The first sequence that is still held. */
    this.oldest = sequence + 1
    this.lane = new PriorityLane(lane)
    this.#texts = new Array(this.capacity)
    this.#spans = new Uint32Array(this.capacity)
    this.#priorities = new Uint32Array(this.capacity)
    this.#before = priority
  }

  /**
   * Publishes threats, all or none.
   * @param {object[]} batch checked fields, with their time
   * @returns {{ texts: string[], priorities: number[] }} their JSON text, and
   *   the priority events up to each of them
   * @throws {IpcError} ERR_EVENT_TOO_LARGE, ERR_BATCH_TOO_LARGE,
   *   ERR_SEQUENCE_EXHAUSTED
   */
  append(batch) {
    const spans = batch.map(spanOf)
    const limit = this.capacity / BATCH_DIVISOR
    let slots = 0
    for (const [i, span] of spans.entries()) {
      // Of one event, its length before it was deflated counts.
      if (plainSpanOf(batch[i]) > Math.min(limit, MAX_SPAN)) {
        throw new IpcError('ERR_EVENT_TOO_LARGE')
      }
      slots += span
      if (slots > limit) {
        throw new IpcError('ERR_BATCH_TOO_LARGE')
      }
    }
    if (this.sequence > Number.MAX_SAFE_INTEGER - batch.length) {
      throw new IpcError('ERR_SEQUENCE_EXHAUSTED')
    }
    const now = Number(process.hrtime.bigint())
    const texts = []
    const priorities = []
    for (const [i, fields] of batch.entries()) {
      const priority = countPriority(this.priority, fields, this.least)
      texts.push(this.#append(fields, spans[i], priority, now))
      priorities.push(priority)
    }
    return { texts, priorities }
  }

  #append(fields, span, priority, now) {
    const sequence = this.sequence + 1
    const textOf = (some) =>
      threatText(some, sequence, this.generation, now, priority)
    const text = textOf(fields)
    this.#slots += span
    while (this.#slots > this.capacity) {
      const oldest = this.oldest % this.capacity
      this.#slots -= this.#spans[oldest]
      this.#texts[oldest] = undefined
      this.#before = this.#priorities[oldest]
      this.oldest++
    }
    const place = sequence % this.capacity
    this.#texts[place] = text
    this.#spans[place] = span
    this.#priorities[place] = priority
    if (priority !== this.priority) {
      this.lane.put({ sequence, priority, span, text }, fields, textOf)
    }
    this.sequence = sequence
    this.priority = priority
    return text
  }

  /**
   * @param {'oldest' | number} from
   * @param {number | null} [priority] the priority events before it, where that
   *   is known
   */
  cursor(from, priority = null) {
    return new MemoryCursor(this, from, priority)
  }

  /** The text of an event that is still held. */
  text(sequence) {
    return this.#texts[sequence % this.capacity]
  }

  /** The priority events up to an event that is still held, or the one before
   * those. */
  priorityUpTo(sequence) {
    return sequence < this.oldest
      ? this.#before
      : this.#priorities[sequence % this.capacity]
  }
}

/** A position in a history, as RingCursor is one in a ring. */
class MemoryCursor {
  #history
  #joining
  #next
  #priority // the priority events before the next one, or null

  constructor(history, from, priority) {
    this.#history = history
    this.#joining = from === 'oldest'
    this.#next = this.#joining ? 1 : from
    this.#priority = this.#next === 1 ? 0 : priority
  }

  /**
   * @param {number} max texts
   * @returns {{ generation: string, losses: object[], texts: string[],
   *   before: number | null, priorities: number[], isRescued: boolean,
   *   more: boolean }} first the losses, then the texts of what follows;
   *   the priority events before the first text, and up to each; whether they
   *   are what a gap had left
   */
  read(max) {
    const history = this.#history
    const losses = []
    const rescued =
      this.#joining || this.#next >= history.oldest
        ? []
        : history.lane.run(this.#next, history.oldest - 1, max)
    if (this.#next < history.oldest) {
      const [first] = rescued
      this.#lose(first ? first.sequence : history.oldest, first, losses)
    }
    this.#joining = false
    const isHeld = this.#next >= history.oldest
    if (isHeld && this.#next <= history.sequence) {
      this.#priority = history.priorityUpTo(this.#next - 1)
    }
    const before = this.#priority
    const texts = rescued.map(({ text }) => text)
    const priorities = rescued.map(({ priority }) => priority)
    this.#next += rescued.length
    const isRescued = rescued.length > 0
    while (!isRescued && texts.length < max && this.#next <= history.sequence) {
      priorities.push(history.priorityUpTo(this.#next))
      texts.push(history.text(this.#next++))
    }
    this.#priority = priorities.at(-1) ?? before
    const more = this.#next <= history.sequence
    const { generation } = history
    return { generation, losses, texts, before, priorities, isRescued, more }
  }

  /** Loses what is before `next`: an event of the lane, or the oldest one. */
  #lose(next, ofLane, losses) {
    const history = this.#history
    const count = next - this.#next
    const behind = ofLane
      ? (ofLane.priority - 1) >>> 0
      : history.priorityUpTo(next - 1)
    if (count > 0) {
      losses.push({
        count,
        from: this.#next,
        to: next - 1,
        priority: priorityBetween(this.#priority, behind, count),
        generation: history.generation,
        reason: this.#joining ? 'before-join' : 'overwritten'
      })
    }
    this.#next = next
    this.#priority = behind
  }

  /**
   * Goes back to an event that was read already.
   * @param {number} next
   * @param {number | null} priority the priority events before it
   */
  goBack(next, priority) {
    this.#next = next
    this.#priority = priority
  }

  close() {}
}

module.exports = { MemoryHistory }
