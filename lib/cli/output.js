'use strict'
// stdout: many lines in batches, with backpressure, until it is closed.

const FLUSH_AT = 65536

class Output {
  /**
   * @param {import('node:stream').Writable} stream
   * @param {(error: Error & { code?: string }) => void} onError called once
   *   when nothing can be written any more
   */
  constructor(stream, onError) {
    this._stream = stream
    this._text = ''
    this._flushes = false // later in this turn of the event loop
    this._blocked = null // a promise until the stream drains
    this._resume = null // resolves it
    this._open = true
    stream.on('drain', () => this._release())
    stream.on('error', (error) => {
      const isFirst = this._open
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
    if (!this._open) {
      return null
    }
    this._text += `${line}\n`
    if (this._text.length >= FLUSH_AT) {
      this.flush()
    } else if (!this._flushes) {
      this._flushes = true
      setImmediate(() => {
        this._flushes = false
        this.flush()
      })
    }
    return this._blocked
  }

  /** Writes what was collected to the stream now. */
  flush() {
    if (!this._open || this._text === '') {
      return
    }
    const text = this._text
    this._text = ''
    if (!this._stream.write(text)) {
      this._blocked ??= new Promise((resolve) => {
        this._resume = resolve
      })
    }
  }

  /** Drops what was not flushed, and resolves what write() returned. */
  stop() {
    this._open = false
    this._text = ''
    this._release()
  }

  _release() {
    this._resume?.()
    this._resume = null
    this._blocked = null
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
