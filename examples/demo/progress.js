'use strict'

/** Lines, and below them how far things are: in place on a terminal. */
class Progress {
  #stream
  #current = ''
  #quarter = 0

  /** @param {import('node:tty').WriteStream} stream */
  constructor(stream) {
    this.#stream = stream
  }

  /** @param {string} text */
  line(text) {
    this.#erase()
    this.#stream.write(`${text}\n${this.#current}`)
  }

  /**
   * @param {string} what
   * @param {number} done
   * @param {number} total
   */
  update(what, done, total) {
    const text = `${what}: ${done} of ${total}`
    if (this.#stream.isTTY) {
      this.#erase()
      this.#current = text
      this.#stream.write(text)
      return
    }
    // What is not a terminal keeps every line, so four lines are enough.
    const quarter = Math.floor((done / total) * 4)
    if (quarter > this.#quarter) this.line(text)
    this.#quarter = quarter
  }

  /** Ends what update() showed: it stays as a line. */
  finish() {
    if (this.#current !== '') this.#stream.write('\n')
    this.#current = ''
    this.#quarter = 0
  }

  #erase() {
    if (this.#current !== '') this.#stream.write('\r\u001b[2K')
  }
}

module.exports = { Progress }
