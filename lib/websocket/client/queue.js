'use strict'
// What came over a connection and was not taken yet: threats, losses and
// places, in order. Bounded: it says when no more is to be taken in.

// Threats that wait before it is full, and when there is room again.
const FULL_AT = 2048
const ROOM_AT = 512

// The same in bytes of the messages that they came in.
const FULL_BYTES = 8 * 1024 * 1024
const ROOM_BYTES = 2 * 1024 * 1024

/**
 * An item is `{ threat, generation, priority, rescued }`, or `{ loss,
 * generation, next, priority }`: `next` is where the cursor stands behind it,
 * null when that is unknown, and `priority` how many priority events are before
 * that; a `loss` of null is none, just another place.
 */
class ThreatQueue {
  #items = []
  #at = 0
  #bytes = 0

  /** How much was not taken. */
  get length() {
    return this.#items.length - this.#at
  }

  get isFull() {
    return this.length >= FULL_AT || this.#bytes >= FULL_BYTES
  }

  /** Whether one that was full has room for a good while. */
  get hasRoom() {
    return this.length <= ROOM_AT && this.#bytes <= ROOM_BYTES
  }

  /** @param {object} item @param {number} [bytes] about its size */
  push(item, bytes = 0) {
    item.bytes = bytes
    this.#bytes += bytes
    this.#items.push(item)
  }

  /** @returns {object | undefined} what comes next; it stays */
  peek() {
    return this.#items[this.#at]
  }

  /** Takes what comes next away. */
  shift() {
    this.#bytes -= this.#items[this.#at].bytes
    this.#at++
    // A queue that is never quite empty must not keep what was taken.
    if (this.length === 0 || this.#at === ROOM_AT) {
      this.#items = this.#items.slice(this.#at)
      this.#at = 0
    }
  }

  /**
   * @param {string} [wanted] a generation; any
   * @returns {{ generation: string, next: number, priority: number | null }
   *   | null} where the cursor will stand when everything was taken, if anything
   *   says so
   */
  end(wanted) {
    for (let i = this.#items.length - 1; i >= this.#at; i--) {
      const { threat, generation, priority } = this.#items[i]
      const { next = threat.sequence + 1 } = this.#items[i]
      if (next !== null && (wanted ?? generation) === generation) {
        return { generation, next, priority }
      }
    }
    return null
  }
}

module.exports = { ThreatQueue }
