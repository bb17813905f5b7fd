'use strict'

/** stdout: for many lines in batches, with backpressure, until it is closed. */

const FLUSH_AT = 65536

class Output {
  #stream
  #text = ''
  #scheduled = false
  #blocked = null
  #resume = null
  #open = true

  /**
   * @param {import('node:stream').Writable} stream
   * @param {(error: Error & { code?: string }) => void} onError called once
   *   when nothing can be written any more
   */
  constructor(stream, onError) {
    this.#stream = stream
    stream.on('drain', () => this.#release())
    stream.on('error', (error) => {
      const first = this.#open
      this.stop()
      if (first) onError(error)
    })
  }

  /**
   * Writes a line. Lines of one turn of the event loop go out together.
   * @param {string} line
   * @returns {Promise<void> | null} to be awaited before the next line when
   *   whoever reads is slower than we are
   */
  write(line) {
    if (!this.#open) return null
    this.#text += `${line}\n`
    if (this.#text.length >= FLUSH_AT) {
      this.flush()
    } else if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => {
        this.#scheduled = false
        this.flush()
      })
    }
    return this.#blocked
  }

  /** Hands what was written to the stream now. */
  flush() {
    if (!this.#open || this.#text === '') return
    const text = this.#text
    this.#text = ''
    if (this.#stream.write(text) || this.#blocked) return
    this.#blocked = new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  /** Drops what was not flushed, and lets whoever waits go on. */
  stop() {
    this.#open = false
    this.#text = ''
    this.#release()
  }

  #release() {
    this.#resume?.()
    this.#resume = null
    this.#blocked = null
  }
}

/**
 * Writes all that a command has to say.
 * @param {string} text
 * @returns {Promise<void>} rejects when it could not be written; whoever closed
 *   the pipe has enough, which is no failure
 */
function print(text) {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error && error.code !== 'EPIPE') reject(error)
      else resolve()
    })
  })
}

module.exports = { Output, print }
