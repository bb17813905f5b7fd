'use strict'
// A Shield and one connection to it, without a socket: it publishes, forgets,
// restarts and replaces its log, and answers a subscribe by the rules of
// lib/websocket/protocol.js, as lib/websocket/server/subscription.js does.

const assert = require('node:assert/strict')
const { threatOf } = require('./websocket-peer.js')

const hex = (number) => number.toString(16).padStart(16, '0')

// Every third event has priority, and of those that are forgotten, the last two
// that were published are kept.
const EVERY = 3
const KEPT = 2

/** The priority events up to a sequence. */
const priorityUpTo = (sequence) => Math.floor(sequence / EVERY)

/** The Shields of one place, and the logs that they made one after the other. */
class ModelShield {
  constructor() {
    this.logs = new Map() // generation -> log
    this.isUp = false
    this.log = null
    this._makeLog(null)
  }

  _makeLog(predecessor) {
    this.log = {
      generation: hex(this.logs.size + 1),
      sequence: 0, // the last one
      oldest: 1, // the first one that is still held
      start: 1, // the first one of this Shield
      begins: 1, // the first one behind the predecessor
      predecessor
    }
    this.logs.set(this.log.generation, this.log)
    // Every other one is a ring.
    if (this.logs.size % 2 === 1) this.ring = this.log
  }

  publish(count) {
    this.log.sequence += count
  }

  /** The oldest events are overwritten. */
  forget(count) {
    const { oldest, sequence } = this.log
    this.log.oldest = Math.min(oldest + count, sequence + 1)
  }

  /** What the next log knows of this one, as far as it does. */
  _asPredecessor(knowledge) {
    const { generation, sequence } = this.log
    return { exact: { generation, sequence }, vague: { generation } }[knowledge]
  }

  /**
   * Goes on with a log of a new generation.
   * @param {'exact' | 'vague' | 'none'} knowledge of the one before
   */
  replace(knowledge) {
    this._makeLog(this._asPredecessor(knowledge) ?? null)
  }

  /** Goes on with the same log, as a Shield that takes the ring over. */
  takeOver() {
    this.log.start = this.log.sequence + 1
  }

  /** Goes back to the ring, as one that could not reach it for a while: logs
   * in memory never come back, and neither does a ring that was replaced. */
  comeBack(knowledge) {
    if (this.log === this.ring || knowledge === 'none') return
    const predecessor = this._asPredecessor(knowledge)
    this.log = this.ring
    this.log.start = this.log.begins = this.log.sequence + 1
    this.log.predecessor = predecessor
  }
}

/** The server's end of one connection. */
class ModelSubscriber {
  /**
   * @param {ModelShield} shield
   * @param {(message: object) => void} send
   */
  constructor(shield, send) {
    this._shield = shield
    this._send = send
    this._log = null // null: not subscribed
    this._next = 0
    this._joined = 0 // in front of it all that is gone is before-join
    this._isCounted = false // whether it knows the priority events before _next
  }

  subscribe({ from, generation, priority }) {
    const { log } = this._shield
    if (typeof priority === 'number') {
      assert.equal(priority, priorityUpTo(from - 1), 'what the client counted')
    }
    const isTold = typeof priority === 'number'
    if (generation !== undefined && generation !== log.generation) {
      this._goOver(generation, from, isTold)
      return
    }
    const named = { latest: log.sequence + 1, oldest: 1, start: log.start }
    this._begin(named[from] ?? from, from in named || isTold)
    this._joined = from === 'oldest' ? log.oldest : 0
  }

  _begin(next, isCounted = true) {
    const { log } = this._shield
    const { generation, sequence } = log
    this._log = log
    this._next = next
    this._joined = 0
    this._isCounted = isCounted
    const priority = isCounted ? priorityUpTo(next - 1) : undefined
    this._send({ type: 'status', generation, sequence, next, priority })
  }

  _goOver(generation, next, isCounted) {
    const { predecessor, begins } = this._shield.log
    const isNext = predecessor?.generation === generation
    if (!isNext || predecessor.sequence === undefined) {
      this._lose(generation, null, null, 'replaced')
    } else if (typeof next === 'number' && next <= predecessor.sequence) {
      this._isCounted = isCounted
      this._lose(generation, next, predecessor.sequence, 'replaced')
    }
    this._begin(isNext ? begins : 1)
  }

  _lose(generation, from, to, reason) {
    const count = to === null ? null : to - from + 1
    const priority =
      to !== null && this._isCounted
        ? priorityUpTo(to) - priorityUpTo(from - 1)
        : null
    this._send({ type: 'lost', generation, count, from, to, priority, reason })
    // What comes next says how many there are before it.
    this._isCounted = true
  }

  /** Up to the oldest: what is kept of it, and losses between. */
  _fillGap({ generation, oldest, sequence }) {
    const first = priorityUpTo(this._next - 1) + 1
    const kept = Math.max(first, priorityUpTo(sequence) - KEPT + 1)
    for (let at = kept * EVERY; at < oldest; at += EVERY) {
      if (this._next < at) {
        this._lose(generation, this._next, at - 1, 'overwritten')
      }
      this._next = at
      this._threats(generation, 1, { rescued: true })
    }
    if (this._next < oldest) {
      this._lose(generation, this._next, oldest - 1, 'overwritten')
      this._next = oldest
    }
  }

  /** The next so many threats. */
  _threats(generation, count, more) {
    const threats = Array.from({ length: count }, () => {
      const at = this._next++
      const priority = priorityUpTo(at)
      return threatOf(at, { details: generation, priority_count: priority })
    })
    this._isCounted = true
    this._send({ type: 'threat', generation, threats, ...more })
  }

  /** Sends what there is, `most` threats in a message at most. */
  pump(most) {
    if (this._log !== null && this._log !== this._shield.log) {
      this._goOver(this._log.generation, this._next, this._isCounted)
    }
    const log = this._log
    if (log === null || this._next > log.sequence) return
    const { generation, oldest } = log
    if (this._next < oldest) {
      const joined = Math.min(this._joined, oldest)
      if (this._next < joined) {
        this._lose(generation, this._next, joined - 1, 'before-join')
        this._next = joined
      }
      this._fillGap(log)
    }
    this._joined = 0
    const count = Math.min(most, log.sequence + 1 - this._next)
    if (count > 0) this._threats(generation, count)
  }
}

module.exports = { hex, ModelShield, ModelSubscriber, priorityUpTo }
