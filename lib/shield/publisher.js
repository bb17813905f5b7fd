'use strict'
// Publishes over what a Shield has at present, the ring, WebSocket or both, with
// one generation and one sequence.

const { stamp } = require('../threat/check.js')
const { countPriority } = require('../threat/priority.js')
const { threatText } = require('../websocket/messages.js')

class Publisher {
  #ring
  #host

  /** Threats that were published without the ring. */
  published = 0
  /** Threats that were published as blocked. */
  blocked = 0

  /**
   * @param {import('./ring.js').ShieldRing} ring
   * @param {object} host
   * @param {() => object | null} host.broadcaster the WebSocket server's, while
   *   there is one
   * @param {() => void} host.mustBeOpen throws when nothing can be published
   * @param {(error: Error) => void} host.ringFailed goes on without the ring, or
   *   throws what the caller has to handle
   */
  constructor(ring, host) {
    this.#ring = ring
    this.#host = host
  }

  /**
   * @param {import('../threat/check.js').ThreatRecord[]} records
   * @returns {number} the last sequence
   * @throws {IpcError} of the ring's writer, or of the host
   */
  publish(records) {
    const { writer } = this.#ring
    if (writer === null) {
      return this.#publishWithoutRing(records)
    }
    const isHeard = this.#isHeard
    if (isHeard) {
      // The same time over both transports.
      stamp(records)
    }
    let last
    try {
      last =
        records.length === 1
          ? writer.publish(records[0])
          : writer.publishAll(records)
    } catch (error) {
      this.#host.ringFailed(error)
      return this.#publishWithoutRing(records)
    }
    const { history } = this.#ring
    const before = history.priority
    history.note(records, last)
    this.#count(records)
    // A listener may have closed the service meanwhile.
    if (isHeard && this.#isHeard) {
      this.#broadcast(records, last, before)
    } else {
      this.#host.broadcaster()?.historyGrew()
    }
    return last
  }

  /** Whether a client on WebSocket gets what is published right away. */
  get #isHeard() {
    return this.#host.broadcaster()?.isHeard ?? false
  }

  #publishWithoutRing(records) {
    // A listener of the ring's error may have closed this.
    this.#host.mustBeOpen()
    stamp(records)
    const { history } = this.#ring
    const first = history.sequence + 1
    const { texts, priorities } = this.#ring.append(records)
    this.published += records.length
    this.#count(records)
    this.#host.broadcaster().publish(first, texts, priorities)
    return history.sequence
  }

  /** Sends what is in the ring over WebSocket, too; `before`: the priority
   * events before that. */
  #broadcast(records, last, before) {
    const { generation, least } = this.#ring.history
    const first = last - records.length + 1
    const now = Number(process.hrtime.bigint())
    const priorities = []
    let priority = before
    const texts = records.map((record, i) => {
      priority = countPriority(priority, record, least)
      priorities.push(priority)
      return threatText(record, first + i, generation, now, priority)
    })
    this.#host.broadcaster().publish(first, texts, priorities)
  }

  #count(records) {
    for (const { blocked } of records) {
      this.blocked += blocked ? 1 : 0
    }
  }
}

module.exports = { Publisher }
