'use strict'
// What shows only where nothing is between writer and reader: what is written
// can be polled at once, and a reader that is lapped loses just what it must.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { collect, record } = require('../../helpers/wait.js')
const { numbers, sequences } = require('../../helpers/sequences.js')

function describeAtOnce(pair) {
  describe('at once', () => {
    /** A client with an iterator, and a way to write. */
    async function iterating() {
      const { shield, open } = await pair({ maxEvents: 4096 })
      const client = await open()
      const iterator = client[Symbol.asyncIterator]()
      const write = (count) =>
        shield.writeThreats(Array.from({ length: count }, () => threat()))
      return { client, iterator, write }
    }

    it('F2 a reader one lap behind: exact loss, then the rest', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const { generation } = shield.stats()
      const client = await open()
      const lost = record(client, 'lost')
      const write = (count) => {
        for (let i = 0; i < count; i++) shield.writeThreat(threat('x'))
      }
      write(65)
      let threats = client.poll(1000)
      assert.deepEqual([threats[0].sequence, threats.length], [2, 64])
      write(64)
      assert.equal(client.poll(1000).length, 64)
      write(1000)
      threats = client.poll(1000)
      assert.deepEqual([threats[0].sequence, threats.length], [1066, 64])
      const reason = 'overwritten'
      assert.deepEqual(lost, [
        { count: 1, from: 1, to: 1, priority: 0, generation, reason },
        { count: 936, from: 130, to: 1065, priority: 0, generation, reason }
      ])
      const stats = client.stats()
      assert.deepEqual([stats.received, stats.lost], [192, 937])
      assert.equal(stats.received + stats.lost, stats.published)
      assert.equal(stats.corrupt, 0)
    })

    it('F1 F2 exact for events of every span', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const client = await open()
      let lost = 0
      let next = 1
      client.on('lost', ({ count, from, to }) => {
        assert.deepEqual([from, to - from + 1], [next, count])
        lost += count
        next = to + 1
      })
      for (let round = 0; round < 400; round++) {
        for (let i = 0; i < (round * 7) % 41; i++) {
          const context = 'x'.repeat(((round + i) % 9) * 340)
          shield.writeThreat(threat(`${round} ${i}`, { context }))
        }
        for (const { sequence } of client.poll(1000)) {
          assert.equal(sequence, next++)
        }
      }
      const stats = client.stats()
      assert(lost > 0 && stats.received > 0)
      assert.equal(stats.lost, lost)
      assert.equal(stats.received + stats.lost, stats.published)
      assert.equal(stats.corrupt, 0)
    })

    it('F4 a reader that never reads loses exactly all but a ring', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const client = await open()
      const lost = record(client, 'lost')
      for (let i = 0; i < 10_000; i++) shield.writeThreat(threat(`${i}`))
      assert.equal(client.poll(1000).length, 64)
      assert.deepEqual(
        lost.map(({ count }) => count),
        [9936]
      )
    })

    it('polled beside it: no event twice', async () => {
      const { client, iterator, write } = await iterating()
      write(5)
      const polled = sequences(client.poll())
      assert.deepEqual(polled, numbers(1, 5))
      await iterator.return()
      assert.deepEqual(client.poll(), [])
      write(1)
      assert.deepEqual(sequences(client.poll()), [6])
      assert.equal(client.stats().received, 6)
    })

    it('polled after it took some alone: no event twice', async () => {
      const { client, iterator, write } = await iterating()
      write(5)
      assert.equal((await iterator.next()).value.sequence, 1)
      write(3)
      const polled = sequences(client.poll())
      assert.deepEqual(polled, numbers(2, 8))
      assert.equal((await iterator.next()).value.sequence, 2)
      await iterator.return()
      polled.push(1, ...sequences(client.poll()))
      assert.equal(new Set(polled).size, polled.length, String(polled))
      write(1)
      assert.deepEqual(sequences(client.poll()), [9])
    })

    it('stats() of both ends count the same bytes', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const client = await open()
      shield.writeThreats([threat('a'), threat('b', { context: 'c' })])
      await collect(client, 2)
      const { shm = shield.stats() } = shield.stats()
      const read = client.stats()
      assert.equal(read.transport, 'shm')
      assert.equal(shm.transport, 'shm')
      assert.equal(read.bytes, shm.bytes)
    })
  })
}

module.exports = { describeAtOnce }
