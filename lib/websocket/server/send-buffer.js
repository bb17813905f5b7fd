'use strict'

// What a frame has beside its payload, at the most.
const FRAME_BYTES = 10

/** What one socket was handed and has not taken yet, counted. */
class SendBuffer {
  /**
   * @param {import('ws').WebSocket} socket
   * @param {number} maxBytes when it is full
   * @param {() => void} onRoom it was full, and half of it is free
   */
  constructor(socket, maxBytes, onRoom) {
    this._socket = socket
    this._maxBytes = maxBytes
    this._onRoom = onRoom
    this.bytes = 0
    /** Since when it is full, by performance.now(), or null. */
    this.fullSince = null
  }

  /** Looks whether it is full; from then on it is, until onRoom(). */
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
    // The error of a socket that is gone comes with its close, too.
    send(() => {
      this.bytes -= bytes
      if (this.fullSince !== null && this.bytes <= this._maxBytes / 2) {
        this.fullSince = null
        this._onRoom()
      }
    })
  }
}

module.exports = { SendBuffer }
