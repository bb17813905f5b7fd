'use strict'

// The longest header of a frame that a server sends (RFC 6455, section 5.2).
const FRAME_BYTES = 10

/** Counts what one socket was given and has not taken yet. */
class SendBuffer {
  /**
   * @param {import('ws').WebSocket} socket
   * @param {number} maxBytes when it is full
   * @param {() => void} onSpace it was full, and half of it is free
   */
  constructor(socket, maxBytes, onSpace) {
    this._socket = socket
    this._maxBytes = maxBytes
    this._onSpace = onSpace
    this.bytes = 0
    /** Since when it is full, by performance.now(), or null. */
    this.fullSince = null
  }

  /** Whether it is full; if so, fullSince stays set until onSpace(). */
  isFull() {
    if (this.bytes < this._maxBytes) {
      return false
    }
    this.fullSince ??= performance.now()
    return true
  }

  /** @param {string | Buffer} text a message */
  send(text) {
    const data = typeof text === 'string' ? Buffer.from(text) : text
    this._hand(data.length, (taken) =>
      this._socket.send(data, { binary: false }, taken)
    )
  }

  /** @param {Buffer} data of the ping */
  pong(data) {
    this._hand(data.length, (taken) => this._socket.pong(data, false, taken))
  }

  _hand(length, send) {
    const bytes = length + FRAME_BYTES
    this.bytes += bytes
    // The error is ignored: a socket that fails closes, too.
    send(() => {
      this.bytes -= bytes
      if (this.fullSince !== null && this.bytes <= this._maxBytes / 2) {
        this.fullSince = null
        this._onSpace()
      }
    })
  }
}

module.exports = { SendBuffer }
