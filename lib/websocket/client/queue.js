'use strict'
// What came over a line and nobody has taken yet: threats, losses and places,
// in order. Bounded: it says when no more is to be taken in.

// Threats that wait before it is full, and when there is room again.
const FULL_AT = 2048
const ROOM_AT = 512

// The same in bytes of the messages that they came in.
const FULL_BYTES = 8 * 1024 * 1024
const ROOM_BYTES = 2 * 1024 * 1024

/**
 * An item is `{ threat, generation }`, or `{ loss, generation, next }`: `next`
 * is where the cursor stands behind it, null when nobody knows; a `loss` of
 * null is none, just another place.
 */
class ThreatQueue {
  constructor() {
    this._items = []
    this._at = 0
    this._bytes = 0
  }

  /** Whether everything was taken. */
  get isEmpty() {
    return this._at === this._items.length
  }

  get length() {
    return this._items.length - this._at
  }

  get isFull() {
    return this.length >= FULL_AT || this._bytes >= FULL_BYTES
  }

  /** Whether one that was full has room for a good while. */
  get hasRoom() {
    return this.length <= ROOM_AT && this._bytes <= ROOM_BYTES
  }

  /** @param {object} item @param {number} [bytes] about its size */
  push(item, bytes = 0) {
    item.bytes = bytes
    this._bytes += bytes
    this._items.push(item)
  }

  /** @returns {object | undefined} what comes next; it stays */
  peek() {
    return this._items[this._at]
  }

  /** Takes what comes next away. */
  shift() {
    this._bytes -= this._items[this._at].bytes
    this._at++
    // Whoever is always a little behind never empties it.
    if (this.isEmpty || this._at === ROOM_AT) {
      this._items = this._items.slice(this._at)
      this._at = 0
    }
  }

  /**
   * @param {string} [wanted] a generation; any
   * @returns {{ generation: string, next: number } | null} where the cursor
   *   will stand when everything was taken, if anything says so
   */
  end(wanted) {
    for (let i = this._items.length - 1; i >= this._at; i--) {
      const { threat, generation, next = threat.sequence + 1 } = this._items[i]
      if (next !== null && (wanted ?? generation) === generation) {
        return { generation, next }
      }
    }
    return null
  }
}

module.exports = { ThreatQueue }
