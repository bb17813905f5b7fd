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
  replacedLoss,
  threatMessage,
  unknownLoss
} = require('../protocol.js')

// Events that one read of the history sends.
const READ_EVENTS = 64

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
  /**
   * @param {import('ws').WebSocket} socket open and authenticated
   * @param {object} broadcaster has `history`, `limits`, `boot`, and is told by
   *   `stateChanged(subscriber, before)` when `state` changes
   */
  constructor(socket, broadcaster) {
    this._socket = socket
    this._broadcaster = broadcaster
    this._cursor = null
    this._cursorHistory = null // the history that it is a cursor of
    this._generation = null
    this._next = 0 // the sequence that comes next; 0: not subscribed
    const { maxBufferedBytes } = broadcaster.limits
    this._sendBuffer = new SendBuffer(socket, maxBufferedBytes, () => {
      this._askedAt = null
      this._pump()
    })
    this._mistakes = 0
    this._askedAt = null // since when a ping has no answer
    this._leaving = false
    this._dismissed = false
    // 'live': gets what is published; 'early': waits at the end of the history;
    // 'behind': is sent the history, or has to take what it was sent
    this.state = 'behind'
    /** Whether it waits for a history in which it can read on. */
    this.isStranded = false
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
   * Sends what was just published, as far as the client does not have it yet.
   * @param {number} first the sequence of the first of `texts`
   * @param {string[]} texts
   * @param {Buffer} whole the message of all of them
   */
  publish(first, texts, whole) {
    const have = this._next - first
    if (have >= texts.length) {
      return
    }
    const text =
      have === 0 ? whole : threatMessage(this._generation, texts.slice(have))
    this._sendThreats(texts.length - have, text)
    this._pause()
  }

  /** Goes on in a history of another generation, when the client has what can be
   * had of the one before. */
  moveToHistory() {
    this._goOver({ generation: this._generation, next: this._next })
  }

  /** Sends the Shield's generation, sequence and transport.
   * @param {number} [next] begins a stream with this sequence */
  sendStatus(next) {
    const { history, boot, limits } = this._broadcaster
    const { generation, sequence, isRing: shm } = history
    const { heartbeatMs } = limits
    this._sendBuffer.send(
      message('status', { generation, sequence, next, shm, boot, heartbeatMs })
    )
  }

  /** To be called every heartbeat. */
  beat() {
    if (this._sendBuffer.fullSince === null && !this._dismissed) {
      this._askedAt ??= performance.now()
      this._socket.ping()
      const { generation, sequence } = this._broadcaster.history
      this._sendBuffer.send(message('heartbeat', { generation, sequence }))
    }
  }

  /** Whether the client has not taken anything, or not answered a ping, for too
   * long. @param {number} now performance.now() */
  isStalled(now) {
    const { stallTimeoutMs } = this._broadcaster.limits
    const since = this._sendBuffer.fullSince ?? this._askedAt ?? now
    return !this._dismissed && now - since >= stallTimeoutMs
  }

  /** Tells the client what it has lost already, and closes. */
  evict() {
    const { history, limits } = this._broadcaster
    if (this._next !== 0 && this._generation === history.generation) {
      try {
        const cursor = history.cursor(this._next)
        cursor.read(1).losses.forEach((loss) => this._sendLoss(loss))
        cursor.close()
      } catch {
        // It will be told when it comes back.
      }
    }
    this._dismiss(
      TRY_AGAIN_LATER,
      'ERR_EVICTED',
      `nothing was taken for ${limits.stallTimeoutMs} ms`
    )
  }

  /** The Shield closes: ends the connection as soon as everything is sent. */
  leave() {
    this._leaving = true
    if (this._next === 0 || this.state !== 'behind') {
      this._socket.close(GOING_AWAY, 'the Shield closes')
    }
  }

  /** Ends the subscription; also to be called when the socket is gone. */
  unsubscribe() {
    this.isStranded = false
    this._closeCursor()
    this._next = 0
    this._setState('behind')
  }

  stats() {
    return { state: this.state, bufferedBytes: this._sendBuffer.bytes }
  }

  /** Sends why, and closes. */
  _dismiss(status, code, why) {
    if (this._dismissed) {
      return
    }
    this._dismissed = true
    this.unsubscribe()
    this._sendBuffer.send(message('error', { code, message: why }))
    this._socket.close(status, reasonOf(why))
    const timer = setTimeout(() => this._socket.terminate(), CLOSE_MILLISECONDS)
    timer.unref()
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
      this._refuse(error.message)
      return
    }
    // Each command has an answer, and answers must not pile up.
    if (this._pause()) {
      this._refuse('a command came while answers are not read')
    } else if (command.type === 'subscribe') {
      this._subscribe(command)
    } else if (command.type === 'unsubscribe') {
      this.unsubscribe()
    } else {
      this.sendStatus()
    }
  }

  _refuse(why) {
    const code = 'ERR_INVALID_MESSAGE'
    this._mistakes++
    if (this._mistakes > 1) {
      this._dismiss(POLICY_VIOLATION, code, why)
    } else {
      this._sendBuffer.send(message('error', { code, message: why }))
    }
  }

  _subscribe({ from, generation }) {
    const { history } = this._broadcaster
    this.unsubscribe()
    if (generation === undefined || generation === history.generation) {
      const named = {
        latest: history.sequence + 1,
        oldest: 1,
        start: history.start
      }
      const next = named[from] ?? from
      this._begin(history.generation, next)
      this._readFrom(from === 'oldest' ? from : next)
      return
    }
    // The client was in a history before this one.
    this._goOver({ generation, next: from })
  }

  /** From an earlier history to the present one: tells what the client will not
   * get of the former, and begins the latter. */
  _goOver({ generation, next }) {
    const { history } = this._broadcaster
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

  // --- Sending -------------------------------------------------------------

  _begin(generation, next) {
    this._generation = generation
    this._next = next
    this.sendStatus(next)
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
    this._closeCursor()
    if (from === this._broadcaster.history.sequence + 1) {
      this._setState('live')
      return
    }
    this._openCursor(from)
    this._pump()
  }

  _closeCursor() {
    this._cursor?.close()
    this._cursor = null
  }

  _openCursor(from) {
    const { history } = this._broadcaster
    this._closeCursor()
    this.isStranded = false
    try {
      this._cursor = history.cursor(from)
      this._cursorHistory = history
    } catch (error) {
      if (error.code === 'ERR_NO_RING') {
        // Its file was removed; it will be made anew or brought back soon.
        this.isStranded = true
        return
      }
      this._dismiss(INTERNAL_ERROR, error.code, error.message)
    }
  }

  /** Sends from the history until its end is reached or the socket is full. */
  _pump() {
    const { history } = this._broadcaster
    while (this._cursor !== null && !this._pause()) {
      let read
      try {
        read = this._cursor.read(READ_EVENTS)
      } catch (error) {
        this._dismiss(INTERNAL_ERROR, error.code, error.message)
        return
      }
      const isEmpty = read.texts.length === 0 && read.losses.length === 0
      if (!this._sendRead(read, isEmpty)) {
        // Read again when there is space, rather than kept. Not by another
        // cursor: the history may be another one by now.
        this._cursor.goBack(this._next)
        return
      }
      if (
        this._generation === history.generation &&
        this._next === history.sequence + 1
      ) {
        this._closeCursor()
        this._setState('live')
      } else if (isEmpty && !read.more) {
        if (this._generation !== history.generation) {
          this.moveToHistory()
          return
        }
        if (this._cursorHistory === history) {
          // The client subscribed to what is not published yet.
          this._setState('early')
          return
        }
        this._openCursor(this._next)
      }
    }
  }

  /** Sends what a cursor gave. @returns {boolean} whether all of it */
  _sendRead({ generation, losses, texts }, isEmpty) {
    for (const loss of losses) {
      this._enter(loss.generation)
      this._sendLoss(loss)
    }
    // Not for an empty read: a cursor that has just moved on may yet have a loss
    // to tell of the generation that it was in.
    if (!isEmpty) {
      this._enter(generation)
    }
    for (const part of inMessages(texts)) {
      if (this._pause()) {
        return false
      }
      this._sendThreats(part.length, threatMessage(generation, part))
    }
    return true
  }

  /** After `isStranded`: there is another history, or may be the same again. */
  goOn() {
    this.isStranded = false
    if (this._generation === this._broadcaster.history.generation) {
      this.sendStatus()
      this._readFrom(this._next)
    } else {
      this.moveToHistory()
    }
  }

  /** While live: the history may have more than this client was sent. */
  catchUp() {
    if (this._next <= this._broadcaster.history.sequence) {
      this._readFrom(this._next)
    }
  }

  /** While early: the history has more than when it was read last. */
  historyGrew() {
    this._setState('behind')
    this._pump()
  }

  /** True when the socket has to take what it was given first. */
  _pause() {
    if (!this._sendBuffer.isFull()) {
      return false
    }
    if (this.state === 'live') {
      this._setState('behind')
      // From the history, when there is space again.
      this._openCursor(this._next)
    }
    return true
  }

  _setState(state) {
    const before = this.state
    if (state !== before) {
      this.state = state
      this._broadcaster.stateChanged(this, before)
      if (this._leaving && state !== 'behind') {
        this.leave()
      }
    }
  }

  _sendThreats(count, text) {
    this._next += count
    this._sendBuffer.send(text)
  }

  _sendLoss(loss) {
    if (loss.generation === this._generation && loss.to !== null) {
      this._next = loss.to + 1
    }
    this._sendBuffer.send(message('lost', loss))
  }
}

module.exports = { Subscriber }
