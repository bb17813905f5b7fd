'use strict'
// What a Shield has published, as its ring holds it: the history for clients
// over WebSocket. Of this Shield, or of another one that a bridge reads.

const path = require('node:path')
const { NO_LATENCY } = require('../base/latency.js')
const { History } = require('./history.js')
const { RingSource } = require('../shm/ring-source.js')
const { leastPriority } = require('../threat/names.js')
const { countPriority } = require('../threat/priority.js')
const { textOfThreat } = require('../websocket/messages.js')

const positionOf = ({ generation, sequence, priority }) => ({
  generation,
  sequence,
  priority
})

/** @returns {import('./history.js').Predecessor | null} as the ring says */
function predecessorOf(ring) {
  const { predecessorGeneration: generation } = ring
  return generation === undefined
    ? null
    : {
        generation,
        sequence: ring.predecessorSequence,
        priority: ring.predecessorPriority
      }
}

class RingHistory extends History {
  #name
  #maxEventBytes

  /**
   * @param {import('../shm/writer.js').SharedMemoryIpc} shm or what else has
   *   its `ringStats()` and `maxEventBytes`
   * @param {History | null} [previous] the one before this, when this Shield had
   *   one; else the ring says what came before it
   * @param {number} [least] the least severity of a priority event
   */
  constructor(shm, previous = null, least = leastPriority()) {
    const ring = shm.ringStats()
    const { predecessorGeneration, sequence, priority } = ring
    const start = sequence + 1
    super({
      generation: ring.generation,
      predecessor:
        previous === null ? predecessorOf(ring) : positionOf(previous),
      sequence,
      priority,
      start,
      startPriority: priority,
      // The first of the ring, unless that has older ones than the history
      // before.
      begins:
        previous === null || previous.generation === predecessorGeneration
          ? 1
          : start,
      least
    })
    this.isRing = true
    this.dir = path.dirname(ring.path)
    this.#name = path.basename(ring.path, '.shm')
    this.#maxEventBytes = shm.maxEventBytes
  }

  /**
   * The ring has more.
   * @param {import('../threat/check.js').ThreatRecord[]} records
   * @param {number} last the sequence of the last of them
   */
  note(records, last) {
    this.sequence = last
    for (const record of records) {
      this.priority = countPriority(this.priority, record, this.least)
    }
  }

  /**
   * The ring has more, which somebody else has written.
   * @param {number} last the sequence of the last of it
   * @param {number | null} priority the priority events up to that one
   */
  reach(last, priority) {
    this.sequence = last
    this.priority = priority
  }

  /** @see MemoryHistory.cursor */
  cursor(from, priority = null) {
    const { dir, generation } = this
    const name = this.#name
    const maxEventBytes = this.#maxEventBytes
    const options = {
      __proto__: null,
      dir,
      name,
      from: 'oldest',
      spinMicros: 0,
      maxEventBytes
    }
    // With the generation, because the name may be another ring's by now.
    return from === 'oldest'
      ? new RingCursor(options)
      : new RingCursor(options, { generation, next: from, priority })
  }
}

/** A cursor in the ring, which follows to the ring that replaces it. */
class RingCursor {
  #source
  #losses = []
  #error = null
  #totals = { received: 0, rescued: 0 }
  #isRescued = false // what was read last

  /**
   * @param {object} options checked reader options
   * @param {{ generation: string, next: number }} [position] as of RingSource
   */
  constructor(options, position) {
    const host = {
      latency: NO_LATENCY,
      lost: (loss) => this.#losses.push(loss),
      failed: (error) => {
        this.#error = error
      },
      checked() {},
      isConsumed: () => true
    }
    this.#source = new RingSource(options, host, position)
  }

  /** @see MemoryCursor.read; as many texts as one read of the ring brings */
  read() {
    const threats = []
    const more = this.#source.take(0, threats)
    if (this.#error !== null) {
      throw this.#error
    }
    const { received, rescued } = this.#source.totals()
    if (received !== this.#totals.received) {
      // One read of the ring brings what still stands, or what is of the lane.
      this.#isRescued = rescued !== this.#totals.rescued
      this.#totals = { received, rescued }
    }
    return {
      generation: this.#source.generation,
      losses: this.#losses.splice(0),
      ...this.#textsOf(threats),
      isRescued: this.#isRescued,
      more
    }
  }

  /** Of threats that follow each other, some of what was read last. */
  #textsOf(threats) {
    if (threats.length === 0) {
      return { texts: [], before: null, priorities: [] }
    }
    const { first, counts } = this.#source.priorities()
    const at = threats[0].sequence - first
    const priorities = counts.slice(at + 1, at + 1 + threats.length)
    const texts = threats.map((each, i) => textOfThreat(each, priorities[i]))
    return { texts, before: counts[at], priorities }
  }

  /** @see MemoryCursor.goBack */
  goBack(next, priority) {
    this.#source.goBack(next, priority)
  }

  close() {
    this.#source.close()
  }
}

module.exports = { RingHistory }
