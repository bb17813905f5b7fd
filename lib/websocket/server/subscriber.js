'use strict'
// One client of the WebSocket server: what it has been sent, and how it gets
// the rest. A client that keeps up gets events as they are published. One that
// does not gets them from the history, at its own pace: what waits for it in
// memory is bounded, and what the history no longer holds is told as lost.

const { SendBuffer } = require('./send-buffer.js')
const {
  inMessages,
  message,
  parseCommand,
  ProtocolError,
  replacedLoss,
  threatMessage,
  unknownLoss
} = require('../protocol.js')

// Events that one look into the history sends.
const READ_EVENTS = 64

// Codes of RFC 6455, section 7.4.1, and of its registry.
const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008
const INTERNAL_ERROR = 1011
const TRY_AGAIN_LATER = 1013

// What a close frame holds beside its code.
const REASON_BYTES = 123

// How long a client may take to answer a close.
const CLOSE_MILLISECONDS = 1000

/** What fits into a close frame, cut between two characters. */
const reasonOf = (why) =>
  new TextDecoder().decode(Buffer.from(why).subarray(0, REASON_BYTES), {
    stream: true
  })

class Subscriber {
  /**
   * @param {import('ws').WebSocket} socket open and authenticated
   * @param {object} server has `history`, `limits`, `boot`, and is told by
   *   `stateChanged(subscriber)` when `state` changes
   */
  constructor(socket, server) {
    this._socket = socket
    this._server = server
    this._cursor = null
    this._cursorHistory = null // the history that it is a cursor of
    this._generation = null
    this._next = 0 // the sequence that comes next; 0: not subscribed
    this._sendBuffer = new SendBuffer(
      socket,
      server.limits.maxBufferedBytes,
      () => {
        this._askedAt = null
        this._pump()
      }
    )
    this._mistakes = 0
    this._askedAt = null // since when a ping has no answer
    this._leaving = false
    this._dismissed = false
    // 'live': gets what is published; 'early': waits at the end of the history;
    // 'behind': is sent the history, or has to take what it was sent
    this.state = 'behind'
    /** Whether it waits for a history in which it can read on. */
    this.isStranded = false
    this.sent = 0
    socket.on('message', (data, isBinary) => this._command(data, isBinary))
    socket.on('ping', (data) => {
      if (!this._pause()) {
        this._sendBuffer.pong(data)
      }
    })
    socket.on('pong', () => {
      this._askedAt = null
    })
  }

  /**
   * Sends what was just published, if this is where the client stands.
   * @param {number} first the sequence of the first of `texts`
   * @param {string[]} texts
   * @param {Buffer} whole the message of all of them
   */
  publish(first, texts, whole) {
    const have = this._next - first
    if (have >= texts.length) {
      return
    }
    const rest = have === 0 ? texts : texts.slice(have)
    this._sendThreats(
      rest.length,
      have === 0 ? whole : threatMessage(this._generation, rest)
    )
    this._pause()
  }

  /** The history has another generation, and this client has all of the one
   * before, or of what can be had of it. */
  moveToHistory() {
    this._goOver({ generation: this._generation, next: this._next })
  }

  /** Where the Shield stands, and with what. */
  tellStatus() {
    this._sendStatus()
  }

  /** To be called every heartbeat. */
  beat() {
    if (this._sendBuffer.fullSince === null && !this._dismissed) {
      this._askedAt ??= performance.now()
      this._socket.ping()
      const { generation, sequence } = this._server.history
      this._sendBuffer.send(message('heartbeat', { generation, sequence }))
    }
  }

  /**
   * Whether the client has not taken anything, or not answered a ping, for too
   * long.
   * @param {number} now performance.now()
   */
  isStalled(now) {
    const { stallTimeoutMs } = this._server.limits
    const since = this._sendBuffer.fullSince ?? this._askedAt ?? now
    return !this._dismissed && now - since >= stallTimeoutMs
  }

  /** Tells the client what it has lost already, and parts with it. */
  evict() {
    const { history, limits } = this._server
    if (this._next !== 0 && this._generation === history.generation) {
      try {
        const cursor = history.cursor(this._next)
        cursor.read(1).losses.forEach((loss) => this._sendLoss(loss))
        cursor.close()
      } catch {
        // It will be told when it comes back.
      }
    }
    this.dismiss(
      TRY_AGAIN_LATER,
      'ERR_EVICTED',
      `nothing was taken for ${limits.stallTimeoutMs} ms`
    )
  }

  /** Says why, and closes. */
  dismiss(status, code, why) {
    if (this._dismissed) {
      return
    }
    this._dismissed = true
    this._unsubscribe()
    this._sendBuffer.send(message('error', { code, message: why }))
    this._socket.close(status, reasonOf(why))
    const timer = setTimeout(() => this._socket.terminate(), CLOSE_MILLISECONDS)
    timer.unref()
  }

  /** The server closes: so does this, as soon as everything is sent. */
  leave() {
    this._leaving = true
    if (this._next === 0 || this.state !== 'behind') {
      this._socket.close(GOING_AWAY, 'the Shield closes')
    }
  }

  /** The socket is gone. */
  end() {
    this._unsubscribe()
  }

  stats() {
    return {
      state: this.state,
      subscribed: this._next !== 0,
      next: this._next,
      bufferedBytes: this._sendBuffer.bytes,
      sent: this.sent
    }
  }

  // --- Commands ------------------------------------------------------------

  _command(data, isBinary) {
    if (this._dismissed) {
      return
    }
    let command
    try {
      command = parseCommand(data, isBinary)
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error
      }
      this._refuse(error.message)
      return
    }
    // Each command has an answer, and answers must not pile up.
    if (this._pause()) {
      this._refuse('a command came while answers are not read')
      return
    }
    if (command.type === 'subscribe') {
      this._subscribe(command)
    } else if (command.type === 'unsubscribe') {
      this._unsubscribe()
    } else {
      this.tellStatus()
    }
  }

  _refuse(why) {
    this._mistakes++
    if (this._mistakes > 1) {
      this.dismiss(POLICY_VIOLATION, 'ERR_INVALID_MESSAGE', why)
    } else {
      const code = 'ERR_INVALID_MESSAGE'
      this._sendBuffer.send(message('error', { code, message: why }))
    }
  }

  _subscribe({ from, generation }) {
    const { history } = this._server
    this._unsubscribe()
    if (generation === undefined || generation === history.generation) {
      const oldest = from === 'oldest'
      const named = {
        latest: history.sequence + 1,
        oldest: 1,
        start: history.start
      }
      const next = named[from] ?? from
      this._begin(history.generation, next)
      this._readFrom(oldest ? from : next)
      return
    }
    // Where it stood is a history before this one.
    this._goOver({ generation, next: from })
  }

  /** From an earlier history to the one that is there now: what it will not get of
   * the former, and where the latter begins for it. */
  _goOver({ generation, next }) {
    const { history } = this._server
    const { predecessor } = history
    const isNext = predecessor?.generation === generation
    if (!isNext || predecessor.sequence === undefined) {
      this._sendLoss(unknownLoss(generation))
    } else if (typeof next === 'number' && next <= predecessor.sequence) {
      this._sendLoss(replacedLoss(next, predecessor))
    }
    // If it was in this one before, it knows how far, and asks anew.
    const first = isNext ? history.begins : 1
    this._begin(history.generation, first)
    this._readFrom(first)
  }

  _unsubscribe() {
    this.isStranded = false
    this._cursor?.close()
    this._cursor = null
    this._next = 0
    this._setState('behind')
  }

  // --- Sending -------------------------------------------------------------

  _begin(generation, next) {
    this._generation = generation
    this._next = next
    this._sendStatus(next)
  }

  /** What comes next is of this generation: from its first event on, if it is
   * another one. */
  _enter(generation) {
    if (generation !== this._generation) {
      this._begin(generation, 1)
    }
  }

  _readFrom(from) {
    this._setState('behind')
    this._cursor?.close()
    this._cursor = null
    const { history } = this._server
    if (from === history.sequence + 1) {
      this._setState('live')
      return
    }
    this._openCursor(from)
    this._pump()
  }

  _openCursor(from) {
    const { history } = this._server
    this._cursor?.close()
    this._cursor = null
    this.isStranded = false
    try {
      this._cursor = history.cursor(from)
      this._cursorHistory = history
    } catch (error) {
      if (error.code === 'ERR_NO_RING') {
        // It is out of its place, and will be made anew or brought back soon.
        this.isStranded = true
        return
      }
      this.dismiss(INTERNAL_ERROR, error.code, error.message)
    }
  }

  /** Sends from the history until its end is reached or the socket is full. */
  _pump() {
    const { history } = this._server
    while (this._cursor !== null && !this._pause()) {
      let read
      try {
        read = this._cursor.read(READ_EVENTS)
      } catch (error) {
        this.dismiss(INTERNAL_ERROR, error.code, error.message)
        return
      }
      const count = read.texts.length
      for (const loss of read.losses) {
        this._enter(loss.generation)
        this._sendLoss(loss)
      }
      // A cursor that has just moved on may have a loss to tell of the history that
      // it was in: not before that.
      if (count > 0 || read.losses.length > 0) {
        this._enter(read.generation)
      }
      let left = count
      for (const texts of inMessages(read.texts)) {
        if (this._pause()) {
          break
        }
        left -= texts.length
        this._sendThreats(texts.length, threatMessage(read.generation, texts))
      }
      if (left > 0) {
        // Read again when there is room, rather than kept. Not by another
        // cursor: the history may be another one by now.
        this._cursor.goBack(this._next)
        return
      }
      if (
        this._generation === history.generation &&
        this._next === history.sequence + 1
      ) {
        this._cursor.close()
        this._cursor = null
        this._setState('live')
      } else if (count === 0 && !read.more && read.losses.length === 0) {
        if (this._generation !== history.generation) {
          this.moveToHistory()
          return
        }
        if (this._cursorHistory === history) {
          // It asked for what is not there yet.
          this._setState('early')
          return
        }
        this._openCursor(this._next)
      }
    }
  }

  /** After `isStranded`: there is another history, or may be the same again. */
  goOn() {
    this.isStranded = false
    if (this._generation === this._server.history.generation) {
      this._sendStatus()
      this._readFrom(this._next)
    } else {
      this.moveToHistory()
    }
  }

  /** There may be more in the history than this client, who is live, was sent. */
  catchUp() {
    if (this._next <= this._server.history.sequence) {
      this._readFrom(this._next)
    }
  }

  /** There is more in the history than this client, who is early, knew. */
  historyGrew() {
    this._setState('behind')
    this._pump()
  }

  /** True when the socket has to take what it has first. */
  _pause() {
    if (!this._sendBuffer.isFull()) {
      return false
    }
    if (this.state === 'live') {
      this._setState('behind')
      // From the history, when there is room again.
      this._openCursor(this._next)
    }
    return true
  }

  _setState(state) {
    if (state !== this.state) {
      this.state = state
      this._server.stateChanged(this)
      if (this._leaving && state !== 'behind') {
        this.leave()
      }
    }
  }

  _sendThreats(count, text) {
    this._next += count
    this.sent += count
    this._sendBuffer.send(text)
  }

  _sendLoss(loss) {
    if (loss.generation === this._generation && loss.to !== null) {
      this._next = loss.to + 1
    }
    this._sendBuffer.send(message('lost', loss))
  }

  _sendStatus(next) {
    const { history, boot, limits } = this._server
    const { generation, sequence } = history
    const { heartbeatMs } = limits
    const shm = history.isRing
    this._sendBuffer.send(
      message('status', { generation, sequence, next, shm, boot, heartbeatMs })
    )
  }
}

module.exports = { Subscriber }
