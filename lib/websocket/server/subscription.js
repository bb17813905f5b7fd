'use strict'
// What one client is sent of the Shield's history. A client that keeps up gets
// events as they are published. One that does not gets them from the history,
// at its own pace: what waits for it in memory is bounded, and what the history
// no longer holds is told as lost.

const {
  inMessages,
  message,
  replacedLoss,
  textWithin,
  threatMessage,
  unknownLoss
} = require('../messages.js')
const { priorityAfter } = require('../../threat/priority.js')

// Events that one read of the history sends.
const READ_EVENTS = 64

// Reads of the history in one turn of the event loop: what a ring says of its
// end is somebody else's word, and may run away while it is read.
const READS_PER_TURN = 4

class Subscription {
  #broadcaster
  #sendBuffer
  #client
  #cursor = null
  #cursorHistory = null // the history that it is a cursor of
  #generation = null
  #next = 0 // the sequence that comes next; 0: not subscribed
  #priority = null // the priority events before that one, where it is known
  #mostBytes = Infinity // of text that it takes of one event

  /**
   * @param {import('./send-buffer.js').SendBuffer} sendBuffer
   * @param {object} broadcaster has `history`, `limits`, `boot`,
   *   `threatsBlocked()`; is told by `stateChanged(subscription, before)` when
   *   `state` changes, and by `pumpLater(subscription)` to call pump() in the
   *   next turn of the event loop
   * @param {{ caughtUp: () => void, failed: (code: string, why: string) => void }}
   *   client is told that everything was sent, and that the history cannot be
   *   sent
   */
  constructor(sendBuffer, broadcaster, client) {
    this.#sendBuffer = sendBuffer
    this.#broadcaster = broadcaster
    this.#client = client
    // 'live': gets what is published; 'early': waits at the end of the history;
    // 'behind': is sent the history, or has to take what it was sent
    this.state = 'behind'
    /** Whether it waits for a history in which it can read on. */
    this.isStranded = false
  }

  /** Whether the client has more to get of what was published. */
  get isBehind() {
    return this.#next !== 0 && this.state === 'behind'
  }

  /** Begins where a command says. @see parseCommand */
  begin({ from, generation, priority, maxEventBytes = Infinity }) {
    this.#mostBytes = maxEventBytes
    const { history } = this.#broadcaster
    const { generation: present, sequence, start } = history
    this.end()
    if (generation === undefined || generation === present) {
      const named = { latest: sequence + 1, oldest: 1, start }
      const next = named[from] ?? from
      const told = Object.hasOwn(named, from) ? null : priority
      this.#beginWith(present, next, told ?? history.priorityBefore(next))
      this.#readFrom(from === 'oldest' ? from : next)
      return
    }
    // The client was in a history before this one.
    this.#goOver({ generation, next: from, priority })
  }

  /** Ends it; also to be called when the socket is gone. */
  end() {
    this.isStranded = false
    this.#closeCursor()
    this.#next = 0
    this.#setState('behind')
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
    this.pause()
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

  /** Sends from the history until its end is reached, the socket is full, or the
   * turn is over; then it goes on in the next one. Never throws. */
  pump() {
    try {
      this.#sendHistory()
    } catch (error) {
      // Positions in a ring may be forged, and this runs in timers, in callbacks
      // of the socket, and while the Shield publishes.
      this.#client.failed(error.code ?? 'ERR_SYSTEM', error.message)
    }
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
  pause() {
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

  /** Sends what the client has lost already, and would only be told later. */
  tellLosses() {
    const { history } = this.#broadcaster
    if (this.#next !== 0 && this.#generation === history.generation) {
      try {
        const cursor = history.cursor(this.#next, this.#priority)
        cursor.read(1).losses.forEach((loss) => this.#sendLoss(loss))
        cursor.close()
      } catch {
        // It will be told when it comes back.
      }
    }
  }

  // --- From one history to another ----------------------------------------

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
    this.#beginWith(history.generation, first, history.priorityBefore(first))
    this.#readFrom(first)
  }

  // --- Sending -------------------------------------------------------------

  #beginWith(generation, next, priority) {
    this.#generation = generation
    this.#next = next
    this.#priority = priority
    this.sendStatus(next, priority)
  }

  /** What comes next is of this generation: from its first event on, if it is
   * another one. */
  #enter(generation) {
    if (generation !== this.#generation) {
      this.#beginWith(generation, 1, 0)
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
      this.#client.failed(error.code, error.message)
    }
  }

  #sendHistory() {
    const { history } = this.#broadcaster
    let reads = 0
    while (this.#cursor !== null && !this.pause()) {
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
      if (this.pause()) {
        return false
      }
      sent += part.length
      const text = this.#messageOf(generation, part, isRescued)
      this.#sendThreats(part.length, text, priorities[sent - 1])
    }
    return true
  }

  #setState(state) {
    const before = this.state
    if (state !== before) {
      this.state = state
      this.#broadcaster.stateChanged(this, before)
      if (state !== 'behind') {
        this.#client.caughtUp()
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

module.exports = { Subscription }
