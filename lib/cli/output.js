'use strict'
// stdout: many lines in batches, with backpressure, until it is closed.

const FLUSH_AT = 65536

class Output {
  #stream
  #text = ''
  #flushes = false // later in this turn of the event loop
  #blocked = null // a promise until the stream drains
  #resume = null // resolves it
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
      const isFirst = this.#open
      this.stop()
      if (isFirst) {
        onError(error)
      }
    })
  }

  /**
   * Writes a line. Lines of one turn of the event loop go out together.
   * @param {string} line
   * @returns {Promise<void> | null} to be awaited before the next line when the
   *   stream is written faster than it is read
   */
  write(line) {
    if (!this.#open) {
      return null
    }
    this.#text += `${line}\n`
    if (this.#text.length >= FLUSH_AT) {
      this.flush()
    } else if (!this.#flushes) {
      this.#flushes = true
      setImmediate(() => {
        this.#flushes = false
        this.flush()
      })
    }
    return this.#blocked
  }

  /** Writes what was collected to the stream now. */
  flush() {
    if (!this.#open || this.#text === '') {
      return
    }
    const text = this.#text
    this.#text = ''
    if (!this.#stream.write(text)) {
      this.#blocked ??= new Promise((resolve) => {
        this.#resume = resolve
      })
    }
  }

  /** Drops what was not flushed, and resolves what write() returned. */
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
 * Writes all the output of a command.
 * @param {string} text
 * @returns {Promise<void>} rejects when it could not be written; a closed pipe
 *   is no failure, as with `| head`
 */
function print(text) {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error && error.code !== 'EPIPE') {
        reject(error)
      } else {
        resolve()
      }
    })
  })
}

module.exports = { Output, print }
