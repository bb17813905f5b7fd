'use strict'
// What a listener of 'lost' does to the consumers, it does in the middle of
// reading: nothing may vanish, and nobody be called who has left.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { until } = require('../../helpers/wait.js')

const SLOTS = 16
const WRITTEN = 40
const OLDEST = WRITTEN - SLOTS + 1

function describeInsideLost(pair) {
  describe("inside 'lost'", () => {
    let client

    /** A client that is more than a ring behind. */
    beforeEach(async () => {
      const made = await pair({ maxEvents: SLOTS })
      for (let i = 0; i < WRITTEN; i++) {
        made.shield.writeThreat(threat(`${i}`))
      }
      client = await made.open({ from: 1 })
      await made.arrived(client)
    })

    it('ending the last consumer costs the next one nothing', async () => {
      const controller = new AbortController()
      const called = []
      client.once('lost', () => controller.abort())
      await client.pollThreats((got) => called.push(got.sequence), {
        signal: controller.signal
      })
      assert.deepEqual(called, [])
      assert.equal(client.stats().received, 0)
      assert.equal(client.poll()[0].sequence, OLDEST)
      assert.equal(client.stats().received, SLOTS)
    })

    it('closing ends it there: nobody is called', async () => {
      const called = []
      client.once('lost', () => client.close())
      await client.pollThreats((got) => called.push(got.sequence))
      assert.deepEqual(called, [])
      assert.equal(client.stats().received, 0)
    })

    it('polling does not start a second call beside a promise', async () => {
      let running = 0
      let most = 0
      let calls = 0
      client.once('lost', () => client.poll(1))
      client.pollThreats(async () => {
        most = Math.max(most, ++running)
        await new Promise(setImmediate)
        running--
        calls++
      })
      await until(() => calls === SLOTS, 'all of them')
      assert.equal(most, 1)
    })

    it('what an iterator leaves comes to a listener there already', async () => {
      const seen = []
      for await (const got of client) {
        seen.push(got.sequence)
        client.on('threat', ({ sequence }) => seen.push(sequence))
        break
      }
      await until(() => seen.length >= SLOTS, 'the rest')
      assert.deepEqual(
        seen,
        Array.from({ length: SLOTS }, (_, i) => OLDEST + i)
      )
    })
  })
}

module.exports = { describeInsideLost }
