'use strict'
// The buffer that a client reads into: small, but for what does not fit.

const assert = require('node:assert/strict')
const { threat, useRing } = require('../helpers/ring.js')
const { collect } = require('../helpers/wait.js')

const SMALL = 256
const LARGE = 300_000

const lengths = (threats) => threats.map(({ details }) => details.length)

describe('read buffer', () => {
  const current = useRing()
  let writer
  let client

  beforeEach(() => {
    writer = current().writer({ maxEvents: 8192 })
    client = current().client()
    assert.equal(client._source._slots, SMALL)
  })

  const write = (length) => writer.writeThreat(threat('x'.repeat(length)))

  /** What the client has told, and that it lost nothing. */
  function assertAccount(received) {
    const stats = client.stats()
    assert.deepEqual(
      [stats.received, stats.lost, stats.corrupt],
      [received, 0, 0]
    )
  }

  const kinds = {
    poll: (count) => client.poll(count),
    pollThreats: (count) => collect(client, count)
  }
  for (const [name, take] of Object.entries(kinds)) {
    it(`${name}: small again after a large event`, async () => {
      write(LARGE)
      assert.deepEqual(lengths(await take(1)), [LARGE])
      assert.equal(client._source._slots, SMALL)
      for (let i = 1; i <= 5; i++) write(i)
      assert.deepEqual(lengths(await take(5)), [1, 2, 3, 4, 5])
      assert.equal(client._source._slots, SMALL)
      assertAccount(6)
    })

    it(`${name}: large ones between small ones, in order`, async () => {
      const written = []
      for (let i = 0; i < 5; i++) {
        for (const length of [1, LARGE + i, 400, i]) {
          write(length)
          written.push(length)
        }
      }
      assert.deepEqual(lengths(await take(20)), written)
      write(7)
      assert.deepEqual(lengths(await take(1)), [7])
      assert.equal(client._source._slots, SMALL)
      assertAccount(21)
    })
  }

  it('statistics of a large event are its own', () => {
    write(LARGE)
    assert.equal(client.poll().length, 1)
    assert.equal(client.stats().latency.count, 1)
    write(1)
    assert.equal(client.poll().length, 1)
    assert.equal(client.stats().latency.count, 2)
  })
})
