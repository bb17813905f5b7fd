'use strict'
// What a client got, against what must have been published.

const assert = require('node:assert/strict')
const { setTimeout: sleep } = require('node:timers/promises')

/** Reads a client, and checks each threat as it comes. */
class Account {
  #client
  #wanted = Infinity
  #reached
  #last = 0
  #offset = null
  received = 0

  /** @param {import('../../index').ThreatReader} client from the oldest on */
  constructor(client) {
    this.#client = client
    client.on('lost', () => this.#look(client.stats().sequence))
    this.done = client.pollThreats((threat) => this.#take(threat))
    // It may be found wrong before somebody waits; close() tells.
    this.done.catch(() => {})
  }

  /** Ends when the stream's last sequence is this one. */
  async until(sequence) {
    this.#wanted = sequence
    // Those that came before it was known.
    if (this.#client.stats().sequence >= sequence) return this.close(sequence)
    await new Promise((resolve, reject) => {
      this.#reached = resolve
      this.done.catch(reject)
    })
    return this.close(sequence)
  }

  /** Resolves when so many were received. */
  async upTo(count) {
    while (this.received < count) {
      await Promise.race([this.done, sleep(1)])
    }
  }

  #look(sequence) {
    if (sequence >= this.#wanted) this.#reached()
  }

  #take({ sequence, details }) {
    assert.ok(sequence > this.#last, `${sequence} came after ${this.#last}`)
    this.#last = sequence
    // Each Shield counts its own from 1; the stream goes on.
    const offset = sequence - Number(details)
    assert.ok(offset >= 0 && offset >= (this.#offset ?? 0), 'a wrong threat')
    this.#offset = offset
    this.received++
    this.#look(sequence)
  }

  /** @returns {string} the account, which is exact */
  async close(sequence) {
    const { received, lost } = this.#client.stats()
    await this.#client.close()
    await this.done
    assert.equal(received, this.received, 'received is counted wrongly')
    assert.equal(received + lost, sequence, 'received + lost is not published')
    return `${sequence} published, ${received} received, ${lost} lost`
  }
}

module.exports = { Account }
