'use strict'
// Sources repeat: a daemon has few of them. Comparing bytes with those seen
// before is far cheaper than making a string, and keeps one string instead of
// thousands.

const HASH_BITS = 8
const ENTRIES = 2 ** HASH_BITS

// Spreads what differs in a few bits (Fibonacci hashing, Knuth).
const SPREAD = 0x9e3779b1

class Entry {
  length
  halves
  text

  constructor(length, halves, start, end, text) {
    this.length = length
    this.halves = halves.slice(start, end)
    this.text = text
  }

  /** Compares two bytes at a time; after an odd length, one byte too many, which
   * makes an equal text unequal at worst. */
  equals(length, halves, start) {
    const own = this.halves
    if (this.length !== length) {
      return false
    }
    for (let i = 0; i < own.length; i++) {
      if (own[i] !== halves[start + i]) {
        return false
      }
    }
    return true
  }
}

/** Strings by their bytes, in a table where a new one replaces one with the same
 * hash. */
class SourceCache {
  #bytes
  #halves
  #entries

  /** @param {ArrayBuffer} buffer that holds the bytes */
  constructor(buffer) {
    this.#bytes = Buffer.from(buffer)
    this.#halves = new Uint16Array(buffer)
    this.#entries = new Array(ENTRIES).fill(null)
  }

  /**
   * The UTF-8 text at `offset`, which must be even.
   * @param {number} offset bytes
   * @param {number} length bytes
   * @returns {string}
   */
  get(offset, length) {
    const halves = this.#halves
    const start = offset / 2
    const end = start + ((length + 1) >> 1)
    // Of the last characters, because sources often differ only there.
    const key = halves[end - 1] ^ (halves[end - 2] << 13) ^ (length << 5)
    const index = Math.imul(key, SPREAD) >>> (32 - HASH_BITS)
    const entry = this.#entries[index]
    if (entry !== null && entry.equals(length, halves, start)) {
      return entry.text
    }
    const text = this.#bytes.utf8Slice(offset, offset + length)
    this.#entries[index] = new Entry(length, halves, start, end, text)
    return text
  }
}

module.exports = { SourceCache }
