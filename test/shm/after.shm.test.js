'use strict'
// `after` in a generation before the present one.

const assert = require('node:assert/strict')
const path = require('node:path')
const { threat, useRing } = require('../helpers/ring.js')
const { record, until } = require('../helpers/wait.js')
const { sequences } = require('../helpers/sequences.js')

describe('after, when the ring was replaced', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  /** A Shield that publishes so many, in a ring of so many, and closes. */
  function shield(maxEvents, count) {
    const writer = ring.writer({ maxEvents })
    for (let i = 0; i < count; i++) writer.writeThreat(threat())
    const { generation } = writer.stats()
    writer.close()
    return generation
  }

  /** What a client gets that saw this one last. */
  function goOn(generation, sequence) {
    const client = ring.client({ after: { generation, sequence } })
    const lost = record(client, 'lost')
    const got = sequences(client.poll())
    const { received, lost: counted } = client.stats()
    client.close()
    assert.equal(received, got.length)
    return { lost, got, counted }
  }

  it('F25 once: exactly what the old one had beyond it', () => {
    const old = shield(32, 20)
    shield(64, 3)
    assert.deepEqual(goOn(old, 12), {
      lost: [
        {
          ...{ count: 8, from: 13, to: 20, priority: null },
          ...{ generation: old, reason: 'replaced' }
        }
      ],
      got: [1, 2, 3],
      counted: 8
    })
  })

  it('F25 once, by one that had seen everything: nothing is lost', () => {
    const old = shield(32, 20)
    shield(64, 3)
    assert.deepEqual(goOn(old, 20), { lost: [], got: [1, 2, 3], counted: 0 })
  })

  it('F25 once, and the new one has overwritten its first: both', () => {
    const old = shield(32, 20)
    const present = shield(16, 50)
    assert.deepEqual(goOn(old, 19), {
      lost: [
        {
          ...{ count: 1, from: 20, to: 20, priority: null },
          ...{ generation: old, reason: 'replaced' }
        },
        {
          ...{ count: 34, from: 1, to: 34, priority: 0 },
          ...{ generation: present, reason: 'overwritten' }
        }
      ],
      got: Array.from({ length: 16 }, (_, i) => 35 + i),
      counted: 35
    })
  })

  it('F25 saved before the rest of the old one was told: it is told then', () => {
    const old = shield(32, 20)
    shield(64, 3)
    const file = path.join(ring.dir, 'position.json')
    const client = ring.client({ after: { generation: old, sequence: 12 } })
    assert.equal(client.savePosition(file), true)
    const { generation, sequence, lost } = client.stats()
    assert.deepEqual([generation, sequence, lost], [old, 12, 0])
    client.close()
    const next = ring.client({ after: { file } })
    const losses = record(next, 'lost')
    assert.deepEqual(sequences(next.poll()), [1, 2, 3])
    assert.deepEqual(
      losses.map(({ from, to, reason }) => [from, to, reason]),
      [[13, 20, 'replaced']]
    )
    assert.equal(next.stats().lost, 8)
  })

  it('F25 saved by one whose iterator left some of the old one', async () => {
    const old = shield(32, 20)
    const client = ring.client({ from: 'oldest' })
    const iterator = client[Symbol.asyncIterator]()
    for (let i = 0; i < 12; i++) await iterator.next()
    const present = shield(64, 3)
    const saved = [client.stats()]
    await iterator.return()
    saved.push(client.stats())
    for (const { generation, sequence, received } of saved) {
      assert.deepEqual([generation, sequence, received], [old, 12, 12])
      assert.equal(goOn(generation, sequence).counted, 8)
    }
    const rest = []
    await until(() => rest.push(...client.poll()) >= 11, 'the rest')
    assert.deepEqual(sequences(rest), [13, 14, 15, 16, 17, 18, 19, 20, 1, 2, 3])
    const { generation, sequence } = client.stats()
    assert.deepEqual([generation, sequence], [present, 3])
  })

  it('F25 saved by a listener of lost, in the next ring already', async () => {
    shield(32, 5)
    const client = ring.client({ from: 'oldest' })
    assert.equal(client.poll().length, 5)
    const present = shield(16, 50)
    const saved = []
    client.on('lost', () => {
      const { generation, sequence } = client.stats()
      saved.push([generation, sequence])
    })
    const got = []
    await until(() => got.push(...client.poll()) >= 16, 'the rest')
    assert.deepEqual(saved, [[present, 34]])
    assert.equal(goOn(...saved[0]).got.length, 16)
  })

  it('saved at each event of a read that is decoded in parts: that one', async () => {
    const writer = ring.writer({ maxEvents: 8192 })
    const client = ring.client()
    for (let i = 0; i < 20; i++) writer.writeThreat(threat('x'.repeat(160_000)))
    const saved = []
    client.on('threat', () => saved.push(client.stats().sequence))
    await until(() => saved.length === 20, 'all of them')
    assert.deepEqual(
      saved,
      Array.from({ length: 20 }, (_, i) => i + 1)
    )
  })

  it('F25 twice: nobody knows how many', () => {
    const old = shield(32, 20)
    shield(64, 3)
    shield(32, 2)
    assert.deepEqual(goOn(old, 12), {
      lost: [
        {
          ...{ count: null, from: null, to: null, priority: null },
          ...{ generation: old, reason: 'replaced' }
        }
      ],
      got: [1, 2],
      counted: 0
    })
  })
})
