'use strict'
// One client of the WebSocket server: its connection, its commands, and when it
// has to go. What it is sent of the history is its subscription's.

const { CommandGate } = require('./command-gate.js')
const { parseCommand, UnknownCommandError } = require('./commands.js')
const { message } = require('../messages.js')
const { SendBuffer } = require('./send-buffer.js')
const { Subscription } = require('./subscription.js')

// Codes of RFC 6455, section 7.4.1, and of its registry.
const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008
const INTERNAL_ERROR = 1011
const TRY_AGAIN_LATER = 1013

// The longest reason of a close frame (RFC 6455, section 5.5).
const REASON_BYTES = 123

// How long a client may take to answer a close.
const CLOSE_MILLISECONDS = 1000

/** What fits into a close frame, cut between two characters. */
const reasonOf = (why) =>
  new TextDecoder().decode(Buffer.from(why).subarray(0, REASON_BYTES), {
    stream: true
  })

class Subscriber {
  #broadcaster
  #sendBuffer
  #gate
  #mistakes = 0
  #askedAt = null // since when a ping has no answer
  #leaving = false
  #dismissed = false

  /**
   * @param {import('ws').WebSocket} socket open and authenticated
   * @param {object} broadcaster has `limits`, and what Subscription needs
   */
  constructor(socket, broadcaster) {
    this.socket = socket
    this.#broadcaster = broadcaster
    const { maxBufferedBytes } = broadcaster.limits
    this.#sendBuffer = new SendBuffer(socket, maxBufferedBytes, () => {
      this.#askedAt = null
      this.subscription.pump()
    })
    this.subscription = new Subscription(this.#sendBuffer, broadcaster, {
      caughtUp: () => {
        if (this.#leaving) {
          this.#goAway()
        }
      },
      failed: (code, why) => this.#dismiss(INTERNAL_ERROR, code, why)
    })
    this.#gate = new CommandGate(socket, (data, isBinary) =>
      this.#command(data, isBinary)
    )
    socket.on('message', (data, isBinary) => this.#gate.command(data, isBinary))
    socket.on('ping', (data) => {
      if (this.#gate.take() && !this.subscription.pause()) {
        this.#sendBuffer.pong(data)
      }
    })
    socket.on('pong', () => {
      this.#askedAt = null
    })
  }

  /** To be called every heartbeat. */
  beat() {
    if (this.#gate.waitingSince !== null) {
      // Its answer would wait behind what it sent before.
      this.#askedAt = null
    }
    if (this.#sendBuffer.fullSince === null && !this.#dismissed) {
      this.#askedAt ??= performance.now()
      this.socket.ping()
      const { generation, sequence } = this.#broadcaster.history
      this.#sendBuffer.send(message('heartbeat', { generation, sequence }))
    }
  }

  /** Whether the client has not taken anything, not answered a ping, or sent more
   * than is taken, for too long. @param {number} now performance.now() */
  isStalled(now) {
    const { stallTimeoutMs } = this.#broadcaster.limits
    const since = this.#sendBuffer.fullSince ?? this.#silentSince ?? now
    return !this.#dismissed && now - since >= stallTimeoutMs
  }

  get #silentSince() {
    const { waitingSince } = this.#gate
    if (waitingSince === null) {
      return this.#askedAt
    }
    // While we do not listen, its silence is ours. An old client is held back
    // and stays: nobody told it how much it may ask.
    return this.#broadcaster.limits.auth === 'none' ? null : waitingSince
  }

  /** Tells the client what it has lost already, and closes. */
  evict() {
    const { stallTimeoutMs } = this.#broadcaster.limits
    this.subscription.tellLosses()
    this.#dismiss(
      TRY_AGAIN_LATER,
      'ERR_EVICTED',
      this.#sendBuffer.fullSince === null && this.#gate.waitingSince !== null
        ? `too many commands came for ${stallTimeoutMs} ms`
        : `nothing was taken for ${stallTimeoutMs} ms`
    )
  }

  /** The Shield closes: ends the connection as soon as everything is sent. */
  leave() {
    this.#leaving = true
    if (!this.subscription.isBehind) {
      this.#goAway()
    }
  }

  stats() {
    const { bytes, fullSince } = this.#sendBuffer
    return {
      state: this.subscription.state,
      bufferedBytes: bytes,
      isFull: fullSince !== null
    }
  }

  #goAway() {
    this.socket.close(GOING_AWAY, 'the Shield closes')
  }

  /** Sends why, and closes. */
  #dismiss(status, code, why) {
    if (this.#dismissed) {
      return
    }
    this.#dismissed = true
    this.#gate.close()
    this.subscription.end()
    this.#sendBuffer.send(message('error', { code, message: why }))
    this.socket.close(status, reasonOf(why))
    const timer = setTimeout(() => this.socket.terminate(), CLOSE_MILLISECONDS)
    timer.unref()
  }

  // --- Commands ------------------------------------------------------------

  #command(data, isBinary) {
    if (this.#dismissed) {
      return
    }
    let command
    try {
      command = parseCommand(data, isBinary)
    } catch (error) {
      const isForeign = error instanceof UnknownCommandError
      const { aboutCommands, limits } = this.#broadcaster
      const about = isForeign && aboutCommands ? `; ${aboutCommands}` : ''
      this.#refuse(
        `${error.message}${about}`,
        // Old clients know commands that this Shield has not.
        isForeign && limits.auth === 'none'
      )
      return
    }
    // Each command has an answer, and answers must not pile up.
    if (this.subscription.pause()) {
      this.#refuse('a command came while answers are not read')
    } else if (command.type === 'subscribe') {
      this.subscription.begin(command)
    } else if (command.type === 'unsubscribe') {
      this.subscription.end()
    } else {
      this.subscription.sendStatus()
    }
  }

  #refuse(why, isForgiven = false) {
    const code = 'ERR_INVALID_MESSAGE'
    if (!isForgiven) {
      this.#mistakes++
    }
    if (this.#mistakes > 1) {
      this.#dismiss(POLICY_VIOLATION, code, why)
    } else if (!isForgiven || !this.subscription.pause()) {
      this.#sendBuffer.send(message('error', { code, message: why }))
    }
  }
}

module.exports = { Subscriber }
