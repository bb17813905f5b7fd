'use strict'
// poll, pollThreats, for await and on('threat'): who gets what, and when it
// ends.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { threat } = require('../../helpers/ring.js')
const { collect, sleep, until, within } = require('../../helpers/wait.js')
const { numbers, sequences } = require('../../helpers/sequences.js')

function describeConsumers(pair) {
  describe('consumers', () => {
    let made
    let shield
    let client
    let open

    beforeEach(async () => {
      made = await pair({ maxEvents: 4096 })
      shield = made.shield
      open = made.open
      client = await open()
    })

    function write(count) {
      shield.writeThreats(
        Array.from({ length: count }, (_, i) => threat(`${i}`))
      )
    }

    // Each takes exactly `count` threats and leaves the rest to the next.
    const kinds = {
      poll: async (count) => {
        const taken = []
        await until(() => {
          taken.push(...client.poll(count - taken.length))
          return taken.length === count
        }, `${count} threats by poll`)
        return taken
      },
      pollThreats: (count) => collect(client, count),
      'pollThreats with an async callback': async (count) => {
        const taken = []
        await client.pollThreats(async (one) => {
          taken.push(one)
          await null
          return taken.length < count
        })
        return taken
      },
      'pollThreats ended by its signal': async (count) => {
        const taken = []
        const controller = new AbortController()
        const { signal } = controller
        const polled = client.pollThreats(
          (one) => {
            taken.push(one)
            if (taken.length === count) controller.abort()
          },
          { signal }
        )
        await within(polled, 'the end by abort')
        return taken
      },
      'for await': async (count) => {
        const taken = []
        for await (const one of client) {
          taken.push(one)
          if (taken.length === count) break
        }
        return taken
      },
      'an iterator by hand': async (count) => {
        const iterator = client[Symbol.asyncIterator]()
        const taken = []
        while (taken.length < count) taken.push((await iterator.next()).value)
        await iterator.return()
        return taken
      },
      "on('threat')": async (count) => {
        const taken = []
        await new Promise((resolve) => {
          client.on('threat', function take(one) {
            taken.push(one)
            if (taken.length < count) return
            client.off('threat', take)
            resolve()
          })
        })
        return taken
      },
      "once('threat')": async (count) => {
        const taken = []
        while (taken.length < count) {
          taken.push(
            await new Promise((resolve) => {
              client.once('threat', resolve)
            })
          )
        }
        return taken
      },
      'events.once': async (count) => {
        const taken = []
        while (taken.length < count) {
          taken.push((await once(client, 'threat'))[0])
        }
        return taken
      }
    }

    for (const [name, take] of Object.entries(kinds)) {
      it(`${name}: stopping in mid-batch loses nothing`, async () => {
        write(700)
        const taken = await within(take(3), `3 by ${name}`)
        taken.push(...(await within(take(297), `297 by ${name}`)))
        taken.push(...(await collect(client, 400)))
        assert.deepEqual(sequences(taken), numbers(1, 700))
        const { received, lost } = client.stats()
        assert.deepEqual({ received, lost }, { received: 700, lost: 0 })
      })

      it(`${name}: waits for what is not there yet`, async () => {
        const taken = take(2)
        await sleep(20)
        write(1)
        await sleep(20)
        write(2)
        assert.deepEqual(sequences(await within(taken, name)), [1, 2])
        assert.deepEqual(sequences(await collect(client, 1)), [3])
      })
    }

    it('one kind after the other, in turn, loses nothing', async () => {
      const taken = []
      write(1000)
      for (let i = 0; taken.length < 1000; i++) {
        const list = Object.values(kinds)
        const count = Math.min(1 + ((i * 7) % 23), 1000 - taken.length)
        const take = list[i % list.length]
        taken.push(...(await within(take(count), 'threats')))
      }
      assert.deepEqual(sequences(taken), numbers(1, 1000))
    })

    it('all kinds at once on one client each get every event', async () => {
      const all = Promise.all(
        Object.entries(kinds)
          // These leave the audience between two events.
          .filter(([name]) => !/once|poll$/.test(name))
          .map(([, take]) => take(600))
      )
      write(600)
      for (const taken of await within(all, 'every consumer')) {
        assert.deepEqual(sequences(taken), numbers(1, 600))
      }
    })

    it('every client has a cursor of its own', async () => {
      const others = await Promise.all([open(), open(), open()])
      write(100)
      for (const other of [client, ...others]) {
        assert.deepEqual(sequences(await collect(other, 100)), numbers(1, 100))
      }
    })

    it('the cursor moves only while somebody consumes', async () => {
      write(5)
      await made.arrived(client)
      await sleep(30)
      assert.equal(client.stats().received, 0)
      const threats = client.poll(2)
      assert.deepEqual(sequences(threats), [1, 2])
      assert.equal(client.stats().received, 2)
      assert.deepEqual(sequences(client.poll()), [3, 4, 5])
      assert.deepEqual(client.poll(), [])
    })

    it('pollThreats: nothing but === false ends it', async () => {
      const answers = [undefined, null, 0, '', NaN, true, {}, 'false', false]
      const asked = []
      write(20)
      await within(
        client.pollThreats(({ sequence }) => {
          asked.push(sequence)
          return answers[asked.length - 1]
        }),
        'the end'
      )
      assert.deepEqual(asked, numbers(1, answers.length))
      asked.length = 0
      await within(
        client.pollThreats(async ({ sequence }) => {
          asked.push(sequence)
          return answers[asked.length - 1]
        }),
        'the end'
      )
      assert.deepEqual(asked, numbers(10, 9 + answers.length))
    })

    it('pollThreats: a promise is awaited before the next call', async () => {
      let running = 0
      let most = 0
      let count = 0
      write(20)
      await within(
        client.pollThreats(async () => {
          running++
          most = Math.max(most, running)
          await sleep(1)
          running--
          return ++count < 20
        }),
        'the end'
      )
      assert.deepEqual([most, count], [1, 20])
    })

    it('pollThreats: a thenable is awaited as a promise is', async () => {
      let count = 0
      write(3)
      await within(
        client.pollThreats(() => ({
          then: (resolve) => resolve(++count < 3)
        })),
        'the end'
      )
      assert.equal(count, 3)
    })

    it('pollThreats: a signal that is aborted already resolves', async () => {
      write(1)
      await made.arrived(client)
      const signal = AbortSignal.abort()
      let called = false
      await client.pollThreats(
        () => {
          called = true
        },
        { signal }
      )
      assert.equal(called, false)
      assert.deepEqual(sequences(client.poll()), [1])
    })

    it('pollThreats: abort resolves it while it waits', async () => {
      const controller = new AbortController()
      const polled = client.pollThreats(() => true, {
        signal: controller.signal
      })
      await sleep(10)
      controller.abort(new Error('the reason stays with the one who aborted'))
      assert.equal(await within(polled, 'the end'), undefined)
    })

    it('pollThreats: abort does not wait for a promise', async () => {
      const controller = new AbortController()
      write(2)
      await within(
        client.pollThreats(
          () => {
            setImmediate(() => controller.abort())
            return new Promise(() => {})
          },
          { signal: controller.signal }
        ),
        'the end'
      )
      // The next consumer is not held up by it either.
      assert.deepEqual(sequences(await collect(client, 1)), [2])
    })

    it('for await: ends with the client', async () => {
      write(2)
      const seen = []
      for await (const { sequence } of client) {
        seen.push(sequence)
        if (seen.length === 2) setImmediate(() => client.close())
      }
      assert.deepEqual(seen, [1, 2])
    })

    it('for await: several next() at once resolve in order', async () => {
      const iterator = client[Symbol.asyncIterator]()
      const waiting = [iterator.next(), iterator.next(), iterator.next()]
      write(2)
      const [one, two] = await within(Promise.all(waiting.slice(0, 2)), 'two')
      assert.deepEqual([one.value.sequence, two.value.sequence], [1, 2])
      await iterator.return()
      assert.deepEqual(await waiting[2], { value: undefined, done: true })
      assert.deepEqual(await iterator.next(), { value: undefined, done: true })
    })

    it('for await: throw() ends it and rejects with what it got', async () => {
      const iterator = client[Symbol.asyncIterator]()
      write(2)
      assert.equal((await iterator.next()).value.sequence, 1)
      const thrown = new Error('thrown in')
      await assert.rejects(iterator.throw(thrown), thrown)
      assert.deepEqual(sequences(await collect(client, 1)), [2])
    })

    it('on: removeAllListeners ends it, and on begins it anew', async () => {
      const seen = []
      client.on('threat', ({ sequence }) => seen.push(sequence))
      write(1)
      await until(() => seen.length === 1, 'the first')
      client.removeAllListeners()
      write(1)
      await sleep(20)
      assert.deepEqual(seen, [1])
      client.on('threat', ({ sequence }) => seen.push(sequence))
      write(1)
      await until(() => seen.length === 3, 'the rest')
      assert.deepEqual(seen, [1, 2, 3])
    })
  })
}

module.exports = { describeConsumers }
