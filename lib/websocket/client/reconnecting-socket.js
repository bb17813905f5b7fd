'use strict'
// The line to a Shield's WebSocket server: finds it, proves itself to it, and
// comes back to it for ever. What is said on it is WebSocketSource's business.

const { IpcError } = require('../../base/errors.js')
const { dial } = require('./connect.js')

// Between two attempts: doubled each time, with jitter.
const FIRST_DELAY_MS = 25
const LAST_DELAY_MS = 2000

const MAX_MESSAGE_BYTES = 256 * 1024 * 1024

/**
 * What the line tells its host:
 *   opened()                  a server has proved itself
 *   message(data, isBinary)   what it says
 *   failed(error)             it is gone, or could not be reached; the line
 *                              tries again unless it was closed
 *   alive()                   it gave a sign of life that is no message
 */
class WebSocketLine {
  /**
   * @param {() => object} locate see finder(); finds the server anew for each attempt; throws an IpcError
   * @param {object} host see above
   * @param {number} handshakeTimeoutMs
   */
  constructor(locate, host, handshakeTimeoutMs) {
    this._locate = locate
    this._host = host
    this._handshakeTimeoutMs = handshakeTimeoutMs
    this._socket = null
    this._dialing = null
    this._connection = null // of the socket, or of the one in the making
    this._failures = 0
    this._timer = null
    this._watchdog = null
    this._holding = false
    this._isPaused = false
    this._closed = false
    /** Of the last attempt; `isGiven` as finder() tells. */
    this.url = null
    this.isGiven = false
  }

  get isOpen() {
    return this._socket !== null
  }

  /** Tries now, unless the line is there or in the making. */
  connect() {
    clearTimeout(this._timer)
    this._timer = null
    if (this._closed || this._socket !== null || this._dialing !== null) {
      return
    }
    const dialing = new AbortController()
    this._dialing = dialing
    this._dial(dialing.signal).then(
      (socket) => {
        this._dialing = null
        if (this._closed) {
          socket.terminate()
        } else {
          this._opened(socket)
        }
      },
      (error) => {
        this._dialing = null
        this.fail(error)
      }
    )
  }

  /** There is a reason to try again before it is time to. */
  hurry() {
    if (this._timer !== null) {
      this.connect()
    }
  }

  /** The server is the one: the next loss of it is a new one. */
  settle() {
    this._failures = 0
  }

  send(text) {
    this._socket.send(text)
  }

  /** Takes in nothing until resume(); without a line, makes none either. */
  pause() {
    this._isPaused = true
    this._socket?.pause()
    this.watch(0)
  }

  resume() {
    this._isPaused = false
    if (this._socket === null) {
      // The server did not wait for us.
      this.connect()
    } else {
      this._socket.resume()
    }
  }

  /** Whether waiting holds the process open. */
  hold(hold) {
    this._holding = hold
    for (const handle of [this._timer, this._connection]) {
      if (hold) handle?.ref()
      else handle?.unref()
    }
  }

  /**
   * Sets the clock anew by which a silent server is taken for dead.
   * @param {number} patience milliseconds; 0: for ever
   */
  watch(patience) {
    clearTimeout(this._watchdog)
    this._watchdog = null
    // While we do not listen, its silence is ours.
    if (patience > 0 && this._socket !== null && !this._isPaused) {
      this._watchdog = setTimeout(() => {
        this.fail(
          new IpcError('ERR_WEBSOCKET_CLOSED', 'it gave no sign of life')
        )
      }, patience)
      this._watchdog.unref()
    }
  }

  /** The line is gone, or must go; tries again in a while. */
  fail(error) {
    this._cut()
    if (!this._closed) {
      this._host.failed(error)
      this._connectLater()
    }
  }

  /** The same server, asked anew: nothing is wrong with it. */
  again() {
    this._cut()
    this._connectLater()
  }

  _connectLater() {
    // Paused, nobody would take what a new line brings.
    if (this._closed || this._isPaused) {
      return
    }
    const most = Math.min(FIRST_DELAY_MS * 2 ** this._failures, LAST_DELAY_MS)
    this._failures++
    this._timer = setTimeout(
      () => this.connect(),
      most * (0.5 + Math.random() / 2)
    )
    this.hold(this._holding)
  }

  close() {
    this._closed = true
    this._cut()
  }

  async _dial(signal) {
    const { url, token, port, isGiven } = this._locate()
    this.url = url
    this.isGiven = isGiven
    return dial({
      url,
      token,
      port,
      handshakeTimeoutMs: this._handshakeTimeoutMs,
      signal,
      maxPayload: MAX_MESSAGE_BYTES,
      onSocket: (connection) => {
        this._connection = connection
        this.hold(this._holding)
      }
    })
  }

  _opened(socket) {
    this._socket = socket
    let fault = null
    socket.on('message', (data, isBinary) => {
      if (socket === this._socket) {
        this._host.message(data, isBinary)
      }
    })
    socket.on('ping', () => this._host.alive())
    socket.on('error', (error) => {
      fault = error
      // Whoever sends such frames need not be told good-bye.
      socket.terminate()
    })
    socket.on('close', (_status, why) => {
      if (socket === this._socket) {
        const detail = fault?.message ?? String(why)
        this.fail(new IpcError('ERR_WEBSOCKET_CLOSED', detail.slice(0, 120)))
      }
    })
    this.hold(this._holding)
    this._host.opened()
    socket.resume()
  }

  _cut() {
    clearTimeout(this._timer)
    clearTimeout(this._watchdog)
    this._timer = null
    this._watchdog = null
    this._dialing?.abort()
    const socket = this._socket
    this._socket = null
    this._connection = null
    socket?.terminate()
  }
}

module.exports = { WebSocketLine }
