'use strict'
// A Shield that closes: who is behind gets everything first, and then goes.

const assert = require('node:assert/strict')
const { Account } = require('../../helpers/websocket-peer.js')
const {
  LOGS,
  subscriberOf,
  useShield
} = require('../../helpers/websocket-shield.js')
const { turn, within } = require('../../helpers/wait.js')

const GOING_AWAY = 1001

for (const [name, { create, ...preference }] of Object.entries(LOGS)) {
  describe(`a Shield that closes, with ${name}`, () => {
    const { peer, publish, published, publishUntil, startShield, subscribed } =
      useShield(create, preference)

    /** Reads on to the end of its connection. */
    async function readToEnd(one, account) {
      one.read()
      const end = await one.closed()
      account.take(one.messages)
      return end
    }

    it('who is behind gets everything, then 1001', async () => {
      const shield = await startShield({ maxEvents: 65_536 })
      const account = new Account()
      const one = await subscribed()
      one.stop()
      await publishUntil(() => subscriberOf(shield).stats().state === 'behind')
      publish(100)
      const last = published()
      // Neither is over before the client has everything.
      let over = 0
      const closed = [shield.close(), shield.close()].map(async (each) => {
        await each
        over++
      })
      await turn()
      assert.equal(over, 0)
      const { code, reason } = await readToEnd(one, account)
      assert.deepEqual([code, reason], [GOING_AWAY, 'the Shield closes'])
      assert.deepEqual([account.next, account.lost], [last + 1, 0])
      await within(Promise.all(closed), 'the end of close()')
    })

    it('who has everything, waits for more or has not subscribed goes at once', async () => {
      const shield = await startShield()
      publish(3)
      const live = await subscribed({ from: 'latest' })
      const early = await subscribed({ from: 10 })
      const idle = (await peer()).read()
      await shield.close()
      for (const one of [live, early, idle]) {
        assert.equal((await one.closed()).code, GOING_AWAY)
      }
    })
  })
}
