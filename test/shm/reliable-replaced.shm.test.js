'use strict'
// A reliable reader that moves to the ring that replaced its own: it is waited
// for at every instant, by its place in the one ring or in the other.

const assert = require('node:assert/strict')
const { useNative } = require('../helpers/native.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { threat, useRing } = require('../helpers/ring.js')
const { record } = require('../helpers/wait.js')

const CAPACITY = 16

describe('a reliable reader whose ring is replaced', () => {
  const current = useRing()
  const made = useNative()
  let ring

  beforeEach(() => {
    ring = current()
  })

  const writer = (maxEvents) => ring.writer({ maxEvents, overflow: 'reject' })

  /** Writes until the ring is full. @returns {number} how many */
  function fill(to) {
    for (let count = 0; ; count++) {
      try {
        to.writeThreat(threat(`${count}`))
      } catch (error) {
        assert.equal(error.code, 'ERR_RING_FULL')
        return count
      }
      assert(count < 100 * CAPACITY, 'somebody is waited for')
    }
  }

  it('F25 lets the old one go when it stands in the new one', async () => {
    const first = writer(CAPACITY)
    const client = ring.client({ from: 'oldest', reliable: true })
    const lost = record(client, 'lost')
    const [reader] = made.readers
    fill(first)
    await first.close()
    const second = writer(4 * CAPACITY)
    // A writer that is faster than the reader: at the first instant at which
    // the old ring no longer says that somebody is there.
    const filled = []
    const { close } = reader
    Object.defineProperty(reader, 'close', {
      value(done) {
        close.call(reader, done)
        filled.push(fill(second))
      }
    })
    const got = []
    while (filled.length === 0 || got.length < CAPACITY + filled[0]) {
      got.push(...client.poll())
    }
    assert.deepEqual(filled, [4 * CAPACITY])
    assert.deepEqual(sequences(got), [
      ...numbers(1, CAPACITY),
      ...numbers(1, 4 * CAPACITY)
    ])
    assert.deepEqual(lost, [])
    assert.equal(client.stats().lost, 0)
  })
})
