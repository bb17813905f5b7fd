'use strict'
// A connection to a Shield's WebSocket server: finds the server, proves itself
// to it, and comes back to it for ever. What is said over it is for the host.

const { IpcError } = require('../../base/errors.js')
const { lazy } = require('../../base/load.js')

// With it come http, net and `ws`, which a client that reads a ring does without.
// Asked for in an attempt to connect: what fails there is told, and tried again.
const connecting = lazy(() => require('./connect.js'))

// Between two attempts: doubled each time, with jitter, so that the clients of
// a Shield that restarts do not all come at the same instant.
const FIRST_DELAY_MS = 25
const LAST_DELAY_MS = 2000

// Characters of a close's reason that an error repeats.
const REASON_CHARACTERS = 120

/**
 * What it tells its host:
 *   opened()                  a server has proved itself
 *   message(data, isBinary)   what it says
 *   failed(error)             it is gone, or could not be reached; another
 *                             attempt follows unless this was closed
 *   alive()                   it gave a sign of life that is no message
 */
class ReconnectingSocket {
  #locate
  #host
  #limits
  #socket = null
  #attempt = null // the AbortController of the one that runs
  #connection = null // of the socket, or of the one in the making
  #failures = 0
  #timer = null // of the next attempt
  #watchdog = null
  #isHolding = false
  #isPaused = false
  #isClosed = false

  /** Of the last attempt: the server's URL or the path of its socket, whichever
   * is used, and what locator() tells. */
  url = null
  path = null
  isGiven = false

  /**
   * @param {() => object} locate see locator(); finds the server anew for each
   *   attempt; throws an IpcError
   * @param {object} host see above
   * @param {{ handshakeTimeoutMs: number, maxEventBytes?: number }} limits
   *   see connect()
   */
  constructor(locate, host, limits) {
    this.#locate = locate
    this.#host = host
    this.#limits = limits
  }

  get isOpen() {
    return this.#socket !== null
  }

  /** Tries now, unless there is a connection or one in the making. */
  connect() {
    clearTimeout(this.#timer)
    this.#timer = null
    if (this.#isClosed || this.#socket !== null || this.#attempt !== null) {
      return
    }
    this.#attempt = new AbortController()
    this.#connect(this.#attempt.signal).then(
      (socket) => {
        this.#attempt = null
        if (this.#isClosed) {
          socket.terminate()
        } else {
          this.#opened(socket)
        }
      },
      (error) => {
        this.#attempt = null
        this.fail(error)
      }
    )
  }

  /** There is a reason to try again before it is time to. */
  hurry() {
    if (this.#timer !== null) {
      this.connect()
    }
  }

  /** The server is the right one: the next loss of it is a new one. */
  settle() {
    this.#failures = 0
  }

  send(text) {
    this.#socket.send(text)
  }

  /** Takes in nothing until resume(), and makes no connection until then. */
  pause() {
    this.#isPaused = true
    this.#socket?.pause()
    this.watch(0)
  }

  resume() {
    this.#isPaused = false
    if (this.#socket === null) {
      // The server did not wait for us.
      this.connect()
    } else {
      this.#socket.resume()
    }
  }

  /** Whether waiting holds the process open. */
  hold(hold) {
    this.#isHolding = hold
    for (const handle of [this.#timer, this.#connection]) {
      if (hold) handle?.ref()
      else handle?.unref()
    }
  }

  /**
   * Sets the clock anew by which a silent server is taken for dead.
   * @param {number} patience milliseconds; 0: for ever
   */
  watch(patience) {
    clearTimeout(this.#watchdog)
    this.#watchdog = null
    // While we do not listen, its silence is ours.
    if (patience > 0 && this.#socket !== null && !this.#isPaused) {
      this.#watchdog = setTimeout(() => {
        this.fail(
          new IpcError('ERR_WEBSOCKET_CLOSED', 'it gave no sign of life')
        )
      }, patience)
      this.#watchdog.unref()
    }
  }

  /** The connection is gone, or must go; tries again in a while. */
  fail(error) {
    this.#cut()
    if (!this.#isClosed) {
      this.#host.failed(error)
      this.#connectLater()
    }
  }

  /** The same server, asked anew: nothing is wrong with it. */
  again() {
    this.#cut()
    this.#connectLater()
  }

  close() {
    this.#isClosed = true
    this.#cut()
  }

  #connectLater() {
    // Until resume() there is no room for what a new connection brings.
    if (this.#isClosed || this.#isPaused) {
      return
    }
    const most = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, LAST_DELAY_MS)
    this.#failures++
    this.#timer = setTimeout(
      () => this.connect(),
      most * (0.5 + Math.random() / 2)
    )
    this.hold(this.#isHolding)
  }

  async #connect(signal) {
    const place = this.#locate()
    this.isGiven = place.isGiven
    const { connect } = connecting()
    return connect({
      ...place,
      ...this.#limits,
      signal,
      onSocket: (connection, { url, socket }) => {
        this.url = url
        this.path = socket
        this.#connection = connection
        this.hold(this.#isHolding)
      }
    })
  }

  #opened(socket) {
    this.#socket = socket
    let fault = null
    socket.on('message', (data, isBinary) => {
      if (socket === this.#socket) {
        this.#host.message(data, isBinary)
      }
    })
    socket.on('ping', () => this.#host.alive())
    socket.on('error', (error) => {
      fault = error
      // A server that sends such frames need not be told good-bye.
      socket.terminate()
    })
    socket.on('close', (_status, why) => {
      if (socket === this.#socket) {
        const told = fault?.message ?? String(why)
        const detail = told.slice(0, REASON_CHARACTERS)
        this.fail(new IpcError('ERR_WEBSOCKET_CLOSED', detail))
      }
    })
    this.hold(this.#isHolding)
    this.#host.opened()
    socket.resume()
  }

  #cut() {
    clearTimeout(this.#timer)
    clearTimeout(this.#watchdog)
    this.#timer = null
    this.#watchdog = null
    this.#attempt?.abort()
    const socket = this.#socket
    this.#socket = null
    this.#connection = null
    socket?.terminate()
  }
}

module.exports = { ReconnectingSocket }
