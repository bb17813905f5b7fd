'use strict'
// One client of the WebSocket server: what it has been sent, and how it gets
// the rest. A client that keeps up gets events as they are published. One that
// does not gets them from the history, at its own pace: what waits for it in
// memory is bounded, and what the history no longer holds is told as lost.

const { CommandGate } = require('./command-gate.js')
const { SendBuffer } = require('./send-buffer.js')
const {
  inMessages,
  message,
  parseCommand,
  replacedLoss,
  textWithin,
  threatMessage,
  UnknownCommandError,
  unknownLoss
} = require('../protocol.js')
const { priorityAfter } = require('../../threat/priority.js')

// Events that one read of the history sends.
const READ_EVENTS = 64

// Reads of the history in one turn of the event loop: what a ring says of its
// end is somebody else's word, and may run away while it is read.
const READS_PER_TURN = 4

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
  #cursor = null
  #cursorHistory = null // the history that it is a cursor of
  #generation = null
  #next = 0 // the sequence that comes next; 0: not subscribed
  #priority = null // the priority events before that one, where it is known
  #mostBytes = Infinity // of text that it takes of one event
  #mistakes = 0
  #askedAt = null // since when a ping has no answer
  #leaving = false
  #dismissed = false

  /**
   * @param {import('ws').WebSocket} socket open and authenticated
   * @param {object} broadcaster has `history`, `limits`, `boot`,
   *   `threatsBlocked()`; is told by `stateChanged(subscriber, before)` when
   *   `state` changes, and by `pumpLater(subscriber)` to call pump() in the next
   *   turn of the event loop
   */
  constructor(socket, broadcaster) {
    this.socket = socket
    this.#broadcaster = broadcaster
    const { maxBufferedBytes } = broadcaster.limits
    this.#sendBuffer = new SendBuffer(socket, maxBufferedBytes, () => {
      this.#askedAt = null
      this.pump()
    })
    // 'live': gets what is published; 'early': waits at the end of the history;
    // 'behind': is sent the history, or has to take what it was sent
    this.state = 'behind'
    /** Whether it waits for a history in which it can read on. */
    this.isStranded = false
    this.#gate = new CommandGate(socket, (data, isBinary) =>
      this.#command(data, isBinary)
    )
    socket.on('message', (data, isBinary) => this.#gate.command(data, isBinary))
    socket.on('ping', (data) => {
      if (this.#gate.take() && !this.#pause()) {
        this.#sendBuffer.pong(data)
      }
    })
    socket.on('pong', () => {
      this.#askedAt = null
    })
  }

  /**
   * Sends what was just published, as far as the client does not have it yet.
   * @param {number} first the sequence of the first of `texts`
   * @param {string[]} texts
   * @param {(most: number) => Buffer} wholeFor the message of all of them for a
   *   client that takes so much text of one event
   * @param {number} priority the priority events up to the last of them
   */
  publish(first, texts, wholeFor, priority) {
    const have = this.#next - first
    if (have >= texts.length) {
      return
    }
    const text =
      have === 0
        ? wholeFor(this.#mostBytes)
        : this.#messageOf(this.#generation, texts.slice(have))
    this.#sendThreats(texts.length - have, text, priority)
    this.#pause()
  }

  /** Goes on in a history of another generation, when the client has what can be
   * had of the one before. */
  moveToHistory() {
    this.#goOver({
      generation: this.#generation,
      next: this.#next,
      priority: this.#priority
    })
  }

  /** Sends the Shield's generation, sequence and transport.
   * @param {number} [next] begins a stream with this sequence
   * @param {number | null} [priority] the priority events before that one */
  sendStatus(next, priority = null) {
    const { history, boot, limits } = this.#broadcaster
    const { generation, sequence, isRing: shm } = history
    const { heartbeatMs, auth } = limits
    const fields = { generation, sequence, next, shm, boot, heartbeatMs }
    if (priority !== null) {
      fields.priority = priority
    }
    if (auth === 'none') {
      // For old clients.
      fields.protection_enabled = true
      fields.threats_blocked = this.#broadcaster.threatsBlocked()
    }
    this.#sendBuffer.send(message('status', fields))
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
    const { history, limits } = this.#broadcaster
    if (this.#next !== 0 && this.#generation === history.generation) {
      try {
        const cursor = history.cursor(this.#next, this.#priority)
        cursor.read(1).losses.forEach((loss) => this.#sendLoss(loss))
        cursor.close()
      } catch {
        // It will be told when it comes back.
      }
    }
    this.#dismiss(
      TRY_AGAIN_LATER,
      'ERR_EVICTED',
      this.#sendBuffer.fullSince === null && this.#gate.waitingSince !== null
        ? `too many commands came for ${limits.stallTimeoutMs} ms`
        : `nothing was taken for ${limits.stallTimeoutMs} ms`
    )
  }

  /** The Shield closes: ends the connection as soon as everything is sent. */
  leave() {
    this.#leaving = true
    if (this.#next === 0 || this.state !== 'behind') {
      this.socket.close(GOING_AWAY, 'the Shield closes')
    }
  }

  /** Ends the subscription; also to be called when the socket is gone. */
  unsubscribe() {
    this.isStranded = false
    this.#closeCursor()
    this.#next = 0
    this.#setState('behind')
  }

  stats() {
    const { bytes, fullSince } = this.#sendBuffer
    return {
      state: this.state,
      bufferedBytes: bytes,
      isFull: fullSince !== null
    }
  }

  /** Sends why, and closes. */
  #dismiss(status, code, why) {
    if (this.#dismissed) {
      return
    }
    this.#dismissed = true
    this.#gate.close()
    this.unsubscribe()
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
      this.#refuse(
        error.message,
        // Old clients know commands that this Shield has not.
        isForeign && this.#broadcaster.limits.auth === 'none'
      )
      return
    }
    // Each command has an answer, and answers must not pile up.
    if (this.#pause()) {
      this.#refuse('a command came while answers are not read')
    } else if (command.type === 'subscribe') {
      this.#subscribe(command)
    } else if (command.type === 'unsubscribe') {
      this.unsubscribe()
    } else {
      this.sendStatus()
    }
  }

  #refuse(why, isForgiven = false) {
    const code = 'ERR_INVALID_MESSAGE'
    if (!isForgiven) {
      this.#mistakes++
    }
    if (this.#mistakes > 1) {
      this.#dismiss(POLICY_VIOLATION, code, why)
    } else if (!isForgiven || !this.#pause()) {
      this.#sendBuffer.send(message('error', { code, message: why }))
    }
  }

  #subscribe({ from, generation, priority, maxEventBytes = Infinity }) {
    this.#mostBytes = maxEventBytes
    const { history } = this.#broadcaster
    const { generation: present, sequence, start } = history
    this.unsubscribe()
    if (generation === undefined || generation === present) {
      const named = { latest: sequence + 1, oldest: 1, start }
      const next = named[from] ?? from
      const told = Object.hasOwn(named, from) ? null : priority
      this.#begin(present, next, told ?? history.priorityBefore(next))
      this.#readFrom(from === 'oldest' ? from : next)
      return
    }
    // The client was in a history before this one.
    this.#goOver({ generation, next: from, priority })
  }

  /** From an earlier history to the present one: tells what the client will not
   * get of the former, and begins the latter. */
  #goOver(position) {
    const { generation, next } = position
    const { history } = this.#broadcaster
    const { predecessor } = history
    const isNext = predecessor?.generation === generation
    // It may be anything that somebody wrote into a header.
    const isKnown =
      Number.isSafeInteger(predecessor?.sequence) && predecessor.sequence >= 0
    if (!isNext || !isKnown) {
      this.#sendLoss(unknownLoss(generation))
    } else if (typeof next === 'number' && next <= predecessor.sequence) {
      this.#sendLoss(replacedLoss(position, predecessor))
    }
    // If it was in this one before, it knows how far, and asks anew.
    const first = isNext ? history.begins : 1
    this.#begin(history.generation, first, history.priorityBefore(first))
    this.#readFrom(first)
  }

  // --- Sending -------------------------------------------------------------

  #begin(generation, next, priority) {
    this.#generation = generation
    this.#next = next
    this.#priority = priority
    this.sendStatus(next, priority)
  }

  /** What comes next is of this generation: from its first event on, if it is
   * another one. */
  #enter(generation) {
    if (generation !== this.#generation) {
      this.#begin(generation, 1, 0)
    }
  }

  #readFrom(from) {
    this.#setState('behind')
    this.#closeCursor()
    if (from === this.#broadcaster.history.sequence + 1) {
      this.#setState('live')
      return
    }
    this.#openCursor(from)
    this.pump()
  }

  #closeCursor() {
    this.#cursor?.close()
    this.#cursor = null
  }

  #openCursor(from) {
    const { history } = this.#broadcaster
    this.#closeCursor()
    this.isStranded = false
    try {
      this.#cursor = history.cursor(from, this.#priority)
      this.#cursorHistory = history
    } catch (error) {
      if (error.code === 'ERR_NO_RING') {
        // Its file was removed; it will be made anew or brought back soon.
        this.isStranded = true
        return
      }
      this.#dismiss(INTERNAL_ERROR, error.code, error.message)
    }
  }

  /** Sends from the history until its end is reached, the socket is full, or the
   * turn is over; then it goes on in the next one. Never throws. */
  pump() {
    try {
      this.#sendHistory()
    } catch (error) {
      // Positions in a ring may be forged, and this runs in timers, in callbacks
      // of the socket, and while the Shield publishes.
      this.#dismiss(INTERNAL_ERROR, error.code ?? 'ERR_SYSTEM', error.message)
    }
  }

  #sendHistory() {
    const { history } = this.#broadcaster
    let reads = 0
    while (this.#cursor !== null && !this.#pause()) {
      if (reads++ === READS_PER_TURN) {
        this.#broadcaster.pumpLater(this)
        return
      }
      const read = this.#cursor.read(READ_EVENTS)
      const isEmpty = read.texts.length === 0 && read.losses.length === 0
      if (!this.#sendRead(read, isEmpty)) {
        // Read again when there is space, rather than kept. Not by another
        // cursor: the history may be another one by now.
        this.#cursor.goBack(this.#next, this.#priority)
        return
      }
      if (
        this.#generation === history.generation &&
        this.#next === history.sequence + 1
      ) {
        this.#closeCursor()
        this.#setState('live')
      } else if (isEmpty && !read.more) {
        if (this.#generation !== history.generation) {
          this.moveToHistory()
          return
        }
        if (this.#cursorHistory === history) {
          // The client subscribed to what is not published yet.
          this.#setState('early')
          return
        }
        this.#openCursor(this.#next)
      }
    }
  }

  /** Sends what a cursor gave. @returns {boolean} whether all of it */
  #sendRead(read, isEmpty) {
    const { generation, losses, texts, before, priorities, isRescued } = read
    for (const loss of losses) {
      this.#enter(loss.generation)
      this.#sendLoss(loss)
    }
    // Not for an empty read: a cursor that has just moved on may yet have a loss
    // to tell of the generation that it was in.
    if (!isEmpty) {
      this.#enter(generation)
    }
    if (texts.length > 0) {
      this.#priority = before
    }
    let sent = 0
    for (const part of inMessages(texts)) {
      if (this.#pause()) {
        return false
      }
      sent += part.length
      const text = this.#messageOf(generation, part, isRescued)
      this.#sendThreats(part.length, text, priorities[sent - 1])
    }
    return true
  }

  /** After `isStranded`: there is another history, or may be the same again. */
  goOn() {
    this.isStranded = false
    if (this.#generation === this.#broadcaster.history.generation) {
      this.sendStatus()
      this.#readFrom(this.#next)
    } else {
      this.moveToHistory()
    }
  }

  /** While live: the history may have more than this client was sent. */
  catchUp() {
    if (this.#next <= this.#broadcaster.history.sequence) {
      this.#readFrom(this.#next)
    }
  }

  /** While early: the history has more than when it was read last. */
  historyGrew() {
    this.#setState('behind')
    this.pump()
  }

  /** True when the socket has to take what it was given first. */
  #pause() {
    if (!this.#sendBuffer.isFull()) {
      return false
    }
    if (this.state === 'live') {
      this.#setState('behind')
      // From the history, when there is space again.
      this.#openCursor(this.#next)
    }
    return true
  }

  #setState(state) {
    const before = this.state
    if (state !== before) {
      this.state = state
      this.#broadcaster.stateChanged(this, before)
      if (this.#leaving && state !== 'behind') {
        this.leave()
      }
    }
  }

  /** @see threatMessage */
  #messageOf(generation, texts, isRescued) {
    return threatMessage(
      generation,
      texts.map((text) => textWithin(text, generation, this.#mostBytes)),
      isRescued
    )
  }

  #sendThreats(count, text, priority) {
    this.#next += count
    this.#priority = priority
    this.#sendBuffer.send(text)
  }

  #sendLoss(loss) {
    if (loss.generation === this.#generation && loss.to !== null) {
      this.#next = loss.to + 1
      this.#priority = priorityAfter(this.#priority, loss.priority)
    }
    this.#sendBuffer.send(message('lost', loss))
  }
}

module.exports = { Subscriber }
