'use strict'
// Where reading begins.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { collect, record, sleep, until } = require('../../helpers/wait.js')
const { numbers, sequences } = require('../../helpers/sequences.js')

function describeFrom(pair) {
  describe('from', () => {
    const CAPACITY = 64
    let made

    beforeEach(async () => {
      made = await pair({ maxEvents: CAPACITY })
    })

    function write(count) {
      for (let i = 0; i < count; i++) made.shield.writeThreat(threat(`${i}`))
    }

    it("'latest', the default, delivers what comes after opening", async () => {
      write(10)
      const implied = await made.open()
      const latest = await made.open({ from: 'latest' })
      write(3)
      assert.deepEqual(sequences(await collect(implied, 3)), [11, 12, 13])
      assert.deepEqual(sequences(await collect(latest, 3)), [11, 12, 13])
    })

    it("'oldest' delivers all that the ring holds", async () => {
      write(10)
      const client = await made.open({ from: 'oldest' })
      const lost = record(client, 'lost')
      assert.deepEqual(sequences(await collect(client, 10)), numbers(1, 10))
      assert.deepEqual(lost, [])
    })

    it("'oldest' tells what is gone, outside the account", async () => {
      write(100)
      const client = await made.open({ from: 'oldest' })
      const lost = record(client, 'lost')
      assert.deepEqual(
        sequences(await collect(client, CAPACITY)),
        numbers(37, 100)
      )
      assert.deepEqual(lost, [
        {
          count: 36,
          from: 1,
          to: 36,
          priority: 0,
          generation: made.shield.stats().generation,
          reason: 'before-join'
        }
      ])
      assert.equal(client.stats().lost, 0)
      assert.equal(client.stats().received, CAPACITY)
    })

    it('a number delivers that one first', async () => {
      write(50)
      for (const from of [1, 2, 25, 49, 50]) {
        const client = await made.open({ from })
        const threats = await collect(client, 51 - from)
        assert.deepEqual(sequences(threats), numbers(from, 50))
        assert.equal(client.stats().lost, 0)
      }
    })

    it('a number that is gone is lost, exactly', async () => {
      write(100)
      const client = await made.open({ from: 11 })
      const lost = record(client, 'lost')
      assert.deepEqual(
        sequences(await collect(client, CAPACITY)),
        numbers(37, 100)
      )
      assert.deepEqual(lost, [
        {
          count: 26,
          from: 11,
          to: 36,
          priority: null, // `from` does not say how many come before it
          generation: made.shield.stats().generation,
          reason: 'overwritten'
        }
      ])
      assert.equal(client.stats().lost, 26)
    })

    it('a number that is not there yet is waited for', async () => {
      write(5)
      const client = await made.open({ from: 9 })
      const seen = record(client, 'threat')
      write(2)
      await sleep(30)
      assert.deepEqual(seen, [])
      write(3)
      await until(() => seen.length === 2, 'events 9 and 10')
      assert.deepEqual(sequences(seen), [9, 10])
      const { received, lost } = client.stats()
      assert.deepEqual({ received, lost }, { received: 2, lost: 0 })
    })

    it('a number far in the future delivers and loses nothing', async () => {
      const client = await made.open({ from: Number.MAX_SAFE_INTEGER })
      write(200)
      assert.deepEqual(client.poll(), [])
      const { received, lost, corrupt } = client.stats()
      assert.deepEqual([received, lost, corrupt], [0, 0, 0])
    })
  })
}

module.exports = { describeFrom }
