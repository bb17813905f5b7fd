'use strict'
// How fast one client may command. What comes faster waits: it is not read from
// the connection any more, so the client's own system holds it back.

// So many at once, and so many in a second from then on.
const AT_ONCE = 64
const PER_SECOND = 100

// How long a client that was too fast is not read, at least.
const WAIT_MS = 100

class CommandGate {
  #socket
  #run
  #tokens = AT_ONCE
  #filledAt = performance.now()
  // What came before the connection was no longer read: no more than what was
  // read from it in one go.
  #waiting = []
  #timer = null
  #since = null
  #isClosed = false

  /**
   * @param {import('ws').WebSocket} socket
   * @param {(data: Buffer, isBinary: boolean) => void} run gets each command
   */
  constructor(socket, run) {
    this.#socket = socket
    this.#run = run
  }

  /** Since when more comes than is taken, by performance.now(), or null. */
  get waitingSince() {
    this.#fill()
    return this.#since
  }

  /** @param {Buffer} data @param {boolean} isBinary of a command */
  command(data, isBinary) {
    if (this.#isClosed) {
      return
    }
    if (this.#waiting.length === 0 && this.take()) {
      this.#run(data, isBinary)
    } else {
      this.#waiting.push([data, isBinary])
    }
  }

  /** For what needs an answer and is no command. @returns {boolean} whether it
   * may have one */
  take() {
    this.#fill()
    if (this.#tokens < 1) {
      this.#wait()
      return false
    }
    this.#tokens--
    return true
  }

  /** Runs nothing more. */
  close() {
    this.#isClosed = true
    this.#waiting = []
    clearTimeout(this.#timer)
    if (this.#timer !== null) {
      // The other end's close has to be read.
      this.#socket.resume()
    }
  }

  #fill() {
    const now = performance.now()
    const more = ((now - this.#filledAt) * PER_SECOND) / 1000
    this.#tokens = Math.min(AT_ONCE, this.#tokens + more)
    this.#filledAt = now
    if (this.#tokens >= AT_ONCE / 2 && this.#waiting.length === 0) {
      this.#since = null
    }
  }

  #wait() {
    if (this.#timer === null && !this.#isClosed) {
      this.#since ??= performance.now()
      this.#socket.pause()
      this.#timer = setTimeout(() => this.#goOn(), WAIT_MS)
      this.#timer.unref()
    }
  }

  #goOn() {
    this.#timer = null
    let command
    while (!this.#isClosed && (command = this.#waiting[0]) && this.take()) {
      this.#waiting.shift()
      this.#run(...command)
    }
    if (this.#timer === null && !this.#isClosed) {
      this.#socket.resume()
    }
  }
}

module.exports = { CommandGate }
