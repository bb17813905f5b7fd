'use strict'
// The buffer that a client reads into: small, but for what does not fit.

const assert = require('node:assert/strict')
const { spy, useNative } = require('../helpers/native.js')
const { SLOT_BYTES } = require('../helpers/ring-file.js')
const { noise, threat, useRing } = require('../helpers/ring.js')
const { collect } = require('../helpers/wait.js')

const SMALL = 256
const LARGE = 300_000
// More than a small buffer holds when it is deflated, too.
const text = noise(LARGE + 5)

const lengths = (threats) => threats.map(({ details }) => details.length)

describe('read buffer', () => {
  let sizes // in slots, of the buffers that the client read into
  useNative((reader) => {
    spy(reader, 'setBuffers', (slots) => {
      sizes.push(slots.byteLength / SLOT_BYTES)
    })
  })
  const current = useRing()
  let writer
  let client

  beforeEach(() => {
    writer = current().writer({ maxEvents: 8192 })
    sizes = []
    client = current().client()
    assert.deepEqual(sizes, [SMALL])
  })

  /** It had a large buffer for what needs one, and has a small one now. */
  function assertSmallAgain() {
    assert(Math.max(...sizes) > SMALL, 'there was a large one')
    assert.equal(sizes.at(-1), SMALL)
  }

  const write = (length) => writer.writeThreat(threat(text.slice(0, length)))

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
      assertSmallAgain()
      const count = sizes.length
      for (let i = 1; i <= 5; i++) write(i)
      assert.deepEqual(lengths(await take(5)), [1, 2, 3, 4, 5])
      assert.equal(sizes.length, count, 'it keeps the small one')
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
      assertSmallAgain()
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
