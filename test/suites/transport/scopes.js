'use strict'
// Stores of AsyncLocalStorage: who is called back sees the one that was set
// around the call that subscribed.

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { once } = require('node:events')
const { threat } = require('../../helpers/ring.js')
const { until, within } = require('../../helpers/wait.js')

function describeScopes(pair) {
  describe('stores of AsyncLocalStorage', () => {
    const storage = new AsyncLocalStorage()
    let made
    let client
    let seen

    beforeEach(async () => {
      made = await pair({ maxEvents: 256 })
      client = await storage.run('the opener', () => made.open())
      seen = []
    })

    const note = (who) => () => {
      seen.push([who, storage.getStore()])
    }

    /** As somebody else, so that their store would show. */
    const write = (count = 1) =>
      storage.run('the writer', () => {
        for (let i = 0; i < count; i++) made.shield.writeThreat(threat(`${i}`))
      })

    /** Everybody saw their own, `count` times. */
    async function assertOwn(count) {
      await until(() => seen.length >= count, `${count} calls`)
      assert.equal(seen.length, count)
      for (const [who, store] of seen) assert.equal(store, who)
    }

    it("F77 on('threat'): each listener its own", async () => {
      for (const who of ['a', 'b', undefined]) {
        storage.run(who, () => client.on('threat', note(who)))
      }
      storage.run('once', () => client.once('threat', note('once')))
      write(3)
      await assertOwn(10)
    })

    it("F77 on('threat'): one alone, over many events", async () => {
      storage.run('a', () => client.on('threat', note('a')))
      write(100)
      await assertOwn(100)
    })

    it("F77 on('threats'), and prepended ones", async () => {
      storage.run('a', () => client.on('threats', note('a')))
      storage.run('b', () => client.prependListener('threats', note('b')))
      storage.run('c', () => client.prependOnceListener('threats', note('c')))
      storage.run('d', () => client.addListener('threats', note('d')))
      write()
      await assertOwn(4)
      assert.deepEqual(
        seen.map(([who]) => who),
        ['c', 'b', 'a', 'd']
      )
    })

    it('F77 pollThreats: each callback its own', async () => {
      const polled = ['a', 'b', undefined].map((who) =>
        storage.run(who, async () => {
          let left = 3
          await client.pollThreats(() => {
            note(who)()
            return --left > 0
          })
          assert.equal(storage.getStore(), who)
        })
      )
      write(3)
      await within(Promise.all(polled), 'their end')
      await assertOwn(9)
    })

    it('F77 pollThreats: one that is awaited, and a listener', async () => {
      storage.run('listener', () => client.on('threat', note('listener')))
      const polled = storage.run('poll', () => {
        let left = 5
        return client.pollThreats(async () => {
          note('poll')()
          await null
          note('poll')()
          return --left > 0
        })
      })
      write(5)
      await within(polled, 'its end')
      await assertOwn(15)
    })

    it('F77 for await, and a listener', async () => {
      const iterate = async (who) => {
        let left = 3
        for await (const one of client) {
          note(who)(one)
          if (--left === 0) break
        }
        assert.equal(storage.getStore(), who)
      }
      storage.run('listener', () => client.on('threat', note('listener')))
      const both = ['a', 'b'].map((who) => storage.run(who, () => iterate(who)))
      write(3)
      await within(Promise.all(both), 'their end')
      await assertOwn(9)
    })

    it('F77 poll() by somebody else', async () => {
      storage.run('a', () => client.on('threat', note('a')))
      write(3)
      await made.arrived(client)
      storage.run('poller', () => client.poll())
      await assertOwn(3)
    })

    it("F77 'close', and what an abort ends", async () => {
      storage.run('a', () => client.on('close', note('a')))
      storage.run('b', () => client.once('close', note('b')))
      const controller = new AbortController()
      const { signal } = controller
      const polled = storage.run('c', async () => {
        await client.pollThreats(() => {}, { signal })
        note('c')()
      })
      storage.run('aborter', () => controller.abort())
      await within(polled, 'the end')
      await storage.run('closer', () => client.close())
      await assertOwn(3)
    })

    it('F77 listeners are still found, counted and removed', async () => {
      const twice = note('twice')
      const gone = () => assert.fail('was removed')
      client.on('threat', twice).once('threat', twice)
      client.on('threat', gone).once('threat', gone)
      assert.deepEqual(client.listeners('threat'), [twice, twice, gone, gone])
      assert.equal(client.listenerCount('threat'), 4)
      client.off('threat', gone).removeListener('threat', gone)
      assert.equal(client.listenerCount('threat'), 2)
      const next = once(client, 'threat')
      write(2)
      const [one] = await within(next, 'the event')
      assert.equal(one.details, '0')
      await until(() => seen.length === 3, 'both events')
      assert.deepEqual(client.listeners('threat'), [twice])
      client.removeAllListeners()
      assert.equal(client.listenerCount('threat'), 0)
      for (const wrong of [undefined, null, 1, {}]) {
        for (const name of ['on', 'once', 'prependListener', 'addListener']) {
          assert.throws(() => client[name]('threat', wrong), {
            code: 'ERR_INVALID_ARG_TYPE'
          })
        }
      }
    })

    it('F77 a Shield’s listeners, too', async () => {
      const { shield } = made
      storage.run('a', () => shield.on('close', note('a')))
      storage.run('b', () => shield.once('close', note('b')))
      await storage.run('closer', () => shield.close())
      await assertOwn(2)
    })
  })
}

module.exports = { describeScopes }
