'use strict'
// What a client gets, held against what must come: each sequence once, in order,
// as a threat or as a part of a loss.

const assert = require('node:assert/strict')
const { until } = require('./wait.js')

class Ledger {
  received = 0
  lost = 0
  critical = 0
  lostPriority = 0
  losses = []
  transports = []
  generations = []
  wrong = null // the first thing that was

  #client
  #next // the sequence that must come, or 0: any
  #check

  /**
   * @param {import('../../lib/index').IpcClient} client
   * @param {(threat: object) => void} check fails unless it is whole
   * @param {number} [first] the sequence that must come first
   */
  constructor(client, check, first = 0) {
    this.#client = client
    this.#check = check
    this.#next = first
    client.on('threat', (threat) => this.#try(() => this.#take(threat)))
    client.on('lost', (loss) => this.#try(() => this.#lose(loss)))
    client.on('transport', ({ to }) => this.transports.push(to))
  }

  /** The last sequence that is accounted for. */
  get reached() {
    return this.#next - 1
  }

  /** Waits until everything up to a sequence has come. */
  async upTo(sequence, generation = this.generations.at(-1)) {
    await until(
      () =>
        this.wrong !== null ||
        (this.reached >= sequence &&
          (generation === undefined || generation === this.generations.at(-1))),
      `everything up to ${sequence}, behind ${this.reached}`,
      120_000
    )
    this.mustBeRight()
    assert.equal(this.reached, sequence)
  }

  /** Fails when it had to connect again, as after a message that broke the
   * protocol. */
  mustHaveStayed() {
    assert.equal(this.transports.includes('connecting'), false)
  }

  /** Fails when anything was wrong so far. */
  mustBeRight() {
    if (this.wrong !== null) throw this.wrong
    const { received, lost } = this.#client.stats()
    assert.deepEqual([this.received, this.lost], [received, lost])
  }

  #try(action) {
    try {
      action()
    } catch (error) {
      this.wrong ??= error
    }
  }

  #begin(generation) {
    if (generation !== this.generations.at(-1)) {
      if (this.generations.length > 0) this.#next = 1
      assert(!this.generations.includes(generation), 'it comes back')
      this.generations.push(generation)
    }
  }

  #take(threat) {
    this.#begin(threat.generation)
    assert(
      this.#next === 0 || threat.sequence === this.#next,
      `${threat.sequence} came where ${this.#next} is due`
    )
    this.#check(threat)
    this.#next = threat.sequence + 1
    this.received++
    this.critical += threat.severity === 'Critical' ? 1 : 0
  }

  #lose(loss) {
    this.#begin(loss.generation)
    assert(this.#next === 0 || loss.from === this.#next, JSON.stringify(loss))
    assert.equal(loss.count, loss.to - loss.from + 1)
    this.losses.push(loss)
    this.#next = loss.to + 1
    if (loss.reason === 'before-join') return
    this.lost += loss.count
    this.lostPriority += loss.priority
  }
}

module.exports = { Ledger }
