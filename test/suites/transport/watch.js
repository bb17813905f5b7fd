'use strict'
// A watch of what a flood brings: few updates, and nothing that matters is
// hidden in them.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { record, until } = require('../../helpers/wait.js')

// More than waits between a Shield and a client, and more than a watch keeps.
const FLOOD = 5000

function describeWatch(pair) {
  describe('a watch', () => {
    it('has every Critical one of a flood, and an exact account', async () => {
      const { shield, open } = await pair({ maxEvents: 8192 })
      const client = await open()
      const watch = client.watch({ everyMs: 10, keep: 20 })
      const updates = record(watch, 'update')
      for (let i = 1; i <= FLOOD; i++) {
        const severity = i % (FLOOD / 20) === 0 ? 'Critical' : 'Low'
        shield.writeThreat(threat(`${i}`, { severity }))
        if (i % 500 === 0) await new Promise(setImmediate)
      }
      const account = ({ counts, lost }) => counts.total + lost.count
      await until(() => account(watch.snapshot()) === FLOOD, 'the whole flood')
      const { counts, lost, state, threats } = watch.snapshot()
      assert.deepEqual([lost.priority, lost.unknown], [0, 0])
      assert.equal(counts.bySeverity.Critical, 20)
      const critical = threats.filter(({ severity }) => severity === 'Critical')
      assert.equal(critical.length, 20)
      assert.equal(threats.length, 40)
      assert.equal(state.writer, 'live')
      const last = () => account(updates.at(-1))
      await until(() => last() === FLOOD, 'the update that has all of it')
      const sums = updates.map(account)
      assert.deepEqual(
        sums,
        [...sums].sort((a, b) => a - b)
      )
      const numbers = updates.map(({ added }) => added)
      assert(Math.max(...numbers) <= 40)
    })

    it('ends with its client, and holds nobody up', async () => {
      const { shield, open } = await pair()
      const client = await open()
      const seen = record(client, 'threat')
      const watch = client.watch()
      shield.writeThreat(threat('seen'))
      await until(() => watch.snapshot().counts.total === 1, 'the first one')
      watch.dispose()
      shield.writeThreat(threat('not seen'))
      await until(() => seen.length === 2, 'the second one')
      assert.equal(watch.snapshot().counts.total, 1)
      client.dispose()
      await client.close()
      assert.equal(client.state.transport, 'closed')
    })
  })
}

module.exports = { describeWatch }
