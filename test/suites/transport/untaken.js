'use strict'
// What an iterator did not ask for is the next consumer's; what others got
// beside it is kept for it, and is nobody's again.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { collect, sleep, until, within } = require('../../helpers/wait.js')
const { numbers, sequences } = require('../../helpers/sequences.js')

function describeUntaken(pair) {
  describe('what an iterator leaves', () => {
    let made
    let shield
    let client
    let iterator

    beforeEach(async () => {
      made = await pair({ maxEvents: 4096 })
      shield = made.shield
      client = await made.open()
      iterator = client[Symbol.asyncIterator]()
    })

    function write(count) {
      shield.writeThreats(
        Array.from({ length: count }, (_, i) => threat(`${i}`))
      )
    }

    for (const taken of [0, 2, 10]) {
      it(`a listener beside it, ${taken} taken: each event once`, async () => {
        const seen = []
        const listen = ({ sequence }) => seen.push(sequence)
        client.on('threat', listen)
        write(10)
        await until(() => seen.length === 10, 'ten for the listener')
        for (const sequence of numbers(1, taken)) {
          assert.equal((await iterator.next()).value.sequence, sequence)
        }
        client.off('threat', listen)
        await iterator.return()
        client.on('threat', listen)
        write(2)
        await until(() => seen.length >= 12, 'the rest')
        await sleep(20)
        assert.deepEqual(seen, numbers(1, 12))
        assert.deepEqual(client.poll(), [])
        assert.equal(client.stats().received, 12)
      })
    }

    it('a listener beside it, which waits when it lags too far', async () => {
      const KEPT = 256
      const seen = []
      client.on('threat', ({ sequence }) => seen.push(sequence))
      write(1000)
      await until(() => seen.length >= KEPT, 'what is kept for it')
      await sleep(20)
      assert.equal(seen.length, KEPT)
      assert.equal(client.stats().received, KEPT)
      for (const wanted of numbers(1, 1000)) {
        const { value } = await within(iterator.next(), `event ${wanted}`)
        assert.equal(value.sequence, wanted)
        assert(seen.length <= wanted + KEPT, `${seen.length} beside ${wanted}`)
      }
      assert.deepEqual(seen, numbers(1, 1000))
    })

    it('a listener beside it, which goes on when it ends', async () => {
      const seen = []
      client.on('threat', ({ sequence }) => seen.push(sequence))
      write(1000)
      await until(() => seen.length >= 256, 'what is kept for it')
      await iterator.return()
      await until(() => seen.length >= 1000, 'the rest')
      assert.deepEqual(seen, numbers(1, 1000))
      assert.deepEqual(await iterator.next(), { value: undefined, done: true })
    })

    it('a listener that left: what came since, and no more', async () => {
      const seen = []
      const listen = ({ sequence }) => seen.push(sequence)
      client.on('threat', listen)
      write(5)
      await until(() => seen.length === 5, 'five for the listener')
      client.off('threat', listen)
      write(5)
      await made.arrived(client)
      assert.equal((await iterator.next()).value.sequence, 1)
      await iterator.return()
      client.on('threat', listen)
      await until(() => seen.length >= 10, 'the rest')
      await sleep(20)
      assert.deepEqual(seen, numbers(1, 10))
      const { received, lost } = client.stats()
      assert.deepEqual([received, lost], [10, 0])
    })

    // How it may end, and who may come next.
    const ends = {
      'return()': () => iterator.return(),
      'throw()': () => iterator.throw(new Error('thrown in')).catch(() => {}),
      break: async () => {
        for await (const one of iterator) if (one) break
      }
    }
    for (const [name, end] of Object.entries(ends)) {
      for (const count of [10, 700]) {
        it(`alone, ended by ${name}: the rest of ${count}`, async () => {
          write(count)
          const taken = []
          for (let i = 0; i < 2; i++) taken.push((await iterator.next()).value)
          await made.arrived(client)
          assert.equal(client.stats().received, 2)
          await end()
          if (name === 'break') taken.push({ sequence: 3 })
          await until(() => {
            taken.push(...client.poll(5))
            return taken.length > 3
          }, 'what is there')
          taken.push(...(await collect(client, count - taken.length)))
          assert.deepEqual(sequences(taken), numbers(1, count))
          assert.deepEqual(client.poll(), [])
          const { received, lost } = client.stats()
          assert.deepEqual([received, lost], [count, 0])
        })
      }
    }

    it('what it did not ask for is not delivered, says stats()', async () => {
      write(10)
      await iterator.next()
      await made.arrived(client)
      const before = client.stats()
      assert.deepEqual([before.sequence, before.received], [1, 1])
      await iterator.next()
      const { sequence, received, generation } = client.stats()
      assert.deepEqual([sequence, received], [2, 2])
      assert.equal(generation, before.generation)
    })

    it('alone, again and again: in order', async () => {
      const seen = []
      await iterator.return()
      write(700)
      while (seen.length < 700) {
        const next = client[Symbol.asyncIterator]()
        for (let i = 0; i < 100; i++) {
          const { value } = await within(next.next(), 'the next')
          seen.push(value.sequence)
        }
        await next.return()
      }
      assert.deepEqual(seen, numbers(1, 700))
      assert.equal(client.stats().received, 700)
    })
  })
}

module.exports = { describeUntaken }
