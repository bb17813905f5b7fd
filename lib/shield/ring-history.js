'use strict'
// What a Shield has published, as its ring holds it: the history for clients
// over WebSocket.

const path = require('node:path')
const { NO_LATENCY } = require('../base/latency.js')
const { RingSource } = require('../shm/ring-source.js')
const { textOfThreat } = require('../websocket/protocol.js')

class RingHistory {
  #name
  #maxEventBytes

  /**
   * @param {import('../shm/writer.js').SharedMemoryIpc} shm
   * @param {{ generation: string, sequence: number } | null} [previous] the
   *   history before this one, when this Shield had one; else the ring says
   *   what came before it
   */
  constructor(shm, previous = null) {
    const ring = shm.ringStats()
    const { predecessorGeneration: generation } = ring
    this.isRing = true
    this.dir = path.dirname(ring.path)
    this.#name = path.basename(ring.path, '.shm')
    this.#maxEventBytes = shm.maxEventBytes
    this.generation = ring.generation
    this.predecessor =
      previous !== null
        ? { generation: previous.generation, sequence: previous.sequence }
        : generation === undefined
          ? null
          : { generation, sequence: ring.predecessorSequence }
    this.sequence = ring.sequence
    /** The first event of this Shield. */
    this.start = ring.sequence + 1
    /** The first one behind the predecessor: the first of the ring, unless that
     * has older ones than the history before. */
    this.begins =
      previous === null || previous.generation === generation ? 1 : this.start
  }

  /** @param {'oldest' | number} from */
  cursor(from) {
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
      : new RingCursor(options, { generation, next: from })
  }
}

/** A cursor in the ring, which follows to the ring that replaces it. */
class RingCursor {
  #source
  #losses = []
  #error = null

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
    return {
      generation: this.#source.generation,
      losses: this.#losses.splice(0),
      texts: threats.map(textOfThreat),
      more
    }
  }

  /** @see MemoryCursor.goBack */
  goBack(next) {
    this.#source.goBack(next)
  }

  close() {
    this.#source.close()
  }
}

module.exports = { RingHistory }
