'use strict'
// What a Shield without a ring has published, as far back as its ring would
// hold it, with the same sequences, limits and losses.

const { IpcError } = require('../base/errors.js')
const { BATCH_DIVISOR } = require('../threat/layout.js')
const {
  capacityOf,
  MAX_SPAN,
  plainSpanOf,
  spanOf
} = require('../threat/size.js')
const { threatText } = require('../websocket/protocol.js')

class MemoryHistory {
  #texts
  #spans
  #slots = 0

  /**
   * @param {object} setup
   * @param {string} setup.generation 16 hex digits
   * @param {number} [setup.capacity] slots, as those of a ring
   * @param {{ generation: string, sequence: number } | null} setup.predecessor
   *   the stream before this one
   * @param {number} [setup.sequence] the last one, when others have published
   *   so far
   * @param {number} [setup.start] the first one of this Shield
   * @param {number} [setup.begins] the first one behind the predecessor
   */
  constructor({
    generation,
    capacity = capacityOf(),
    predecessor,
    sequence = 0,
    start = 1,
    begins = 1
  }) {
    this.isRing = false
    this.generation = generation
    this.predecessor = predecessor
    this.capacity = capacity
    this.sequence = sequence
    this.start = start
    this.begins = begins
    /** The first sequence that is still held. */
    this.oldest = sequence + 1
    this.#texts = new Array(this.capacity)
    this.#spans = new Uint32Array(this.capacity)
  }

  /**
   * Publishes threats, all or none.
   * @param {object[]} batch checked fields, with their time
   * @returns {string[]} their JSON text
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
    return batch.map((fields, i) => {
      const sequence = this.sequence + 1
      const text = threatText(fields, sequence, this.generation, now)
      this.#slots += spans[i]
      while (this.#slots > this.capacity) {
        const place = this.oldest % this.capacity
        this.#slots -= this.#spans[place]
        this.#texts[place] = undefined
        this.oldest++
      }
      this.#texts[sequence % this.capacity] = text
      this.#spans[sequence % this.capacity] = spans[i]
      this.sequence = sequence
      return text
    })
  }

  /** @param {'oldest' | number} from */
  cursor(from) {
    return new MemoryCursor(this, from)
  }

  /** The text of an event that is still held. */
  text(sequence) {
    return this.#texts[sequence % this.capacity]
  }
}

/** A position in a history, as RingCursor is one in a ring. */
class MemoryCursor {
  #history
  #joining
  #next

  constructor(history, from) {
    this.#history = history
    this.#joining = from === 'oldest'
    this.#next = this.#joining ? 1 : from
  }

  /**
   * @param {number} max texts
   * @returns {{ generation: string, losses: object[], texts: string[],
   *   more: boolean }} first the losses, then the texts of what follows
   */
  read(max) {
    const history = this.#history
    const losses = []
    if (this.#next < history.oldest) {
      losses.push({
        count: history.oldest - this.#next,
        from: this.#next,
        to: history.oldest - 1,
        generation: history.generation,
        reason: this.#joining ? 'before-join' : 'overwritten'
      })
      this.#next = history.oldest
    }
    this.#joining = false
    const texts = []
    while (texts.length < max && this.#next <= history.sequence) {
      texts.push(history.text(this.#next++))
    }
    const more = this.#next <= history.sequence
    return { generation: history.generation, losses, texts, more }
  }

  /** Goes back to an event that was read already. @param {number} next */
  goBack(next) {
    this.#next = next
  }

  close() {}
}

module.exports = { MemoryHistory }
