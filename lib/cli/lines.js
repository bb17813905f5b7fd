'use strict'
// Reads lines of UTF-8 from a stream, however its chunks are cut.

// A longer line is refused, and never held in memory as a whole.
const MAX_LINE_BYTES = 16 * 1024 * 1024

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** The bytes of one line, up to a limit; above it, they are only counted. */
class LineBuffer {
  /** @param {number} limit */
  constructor(limit) {
    this._limit = limit
    this._bytes = Buffer.allocUnsafe(0)
    this._used = 0
  }

  get isEmpty() {
    return this._used === 0
  }

  /** @param {Buffer} piece */
  add(piece) {
    const used = this._used + piece.length
    if (used > this._limit) {
      this._bytes = Buffer.allocUnsafe(0)
    } else {
      if (used > this._bytes.length) {
        this._grow(used)
      }
      piece.copy(this._bytes, this._used)
    }
    this._used = used
  }

  /** @returns {Buffer | null} the line, or null when it was too long */
  take() {
    const line =
      this._used > this._limit ? null : this._bytes.subarray(0, this._used)
    this._bytes = Buffer.allocUnsafe(0)
    this._used = 0
    return line
  }

  /** Doubles, so that a line that comes byte by byte is not copied each time. */
  _grow(needed) {
    const larger = Buffer.allocUnsafe(Math.max(needed, this._bytes.length * 2))
    this._bytes.copy(larger, 0, 0, this._used)
    this._bytes = larger
  }
}

/**
 * @typedef {object} Line
 * @property {number} number from 1
 * @property {string} [text] without its end; absent when there is an error
 * @property {string} [error] why there is no text
 */

/**
 * @param {AsyncIterable<Buffer>} input
 * @param {number} [limit]
 * @returns {AsyncGenerator<Line>}
 */
async function* readLines(input, limit = MAX_LINE_BYTES) {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const line = new LineBuffer(limit)
  let number = 0

  /** @returns {Line} */
  const finish = () => {
    number += 1
    const bytes = line.take()
    if (bytes === null) {
      return { number, error: `longer than ${limit} bytes` }
    }
    const ends = bytes[bytes.length - 1] === CARRIAGE_RETURN
    try {
      const text = decoder.decode(ends ? bytes.subarray(0, -1) : bytes)
      return { number, text }
    } catch {
      return { number, error: 'not valid UTF-8' }
    }
  }

  for await (const chunk of input) {
    let start = 0
    let end
    while ((end = chunk.indexOf(LINE_FEED, start)) !== -1) {
      line.add(chunk.subarray(start, end))
      yield finish()
      start = end + 1
    }
    line.add(chunk.subarray(start))
  }
  if (!line.isEmpty) {
    yield finish()
  }
}

module.exports = { readLines }
