'use strict'
// What was taken at once, as a list: `on('threats')`.

const assert = require('node:assert/strict')
const { replaceNow } = require('../../helpers/clock.js')
const { threat } = require('../../helpers/ring.js')
const { collect, record, until, within } = require('../../helpers/wait.js')
const { numbers, sequences } = require('../../helpers/sequences.js')

const list = (count) => Array.from({ length: count }, (_, i) => threat(`${i}`))

function describeBatches(pair) {
  describe('threats', () => {
    let made

    beforeEach(async () => {
      made = await pair({ maxEvents: 1024 })
    })

    it('brings everything once, in order, in lists', async () => {
      const client = await made.open()
      const batches = record(client, 'threats')
      for (let i = 0; i < 30; i++) made.shield.writeThreats(list(20))
      await until(() => batches.flat().length === 600, 'all')
      assert.deepEqual(sequences(batches.flat()), numbers(1, 600))
      assert(batches.every((batch) => batch.length >= 1 && batch.length <= 256))
      assert(batches.length < 600, 'every list has one')
      const { received, lost } = client.stats()
      assert.deepEqual({ received, lost }, { received: 600, lost: 0 })
    })

    it('a list that was written at once comes at once', async () => {
      const client = await made.open()
      const batches = record(client, 'threats')
      // The clock stands: what was taken for as long as another process had the
      // CPU would rightly come in two lists.
      const stopped = performance.now()
      const restore = replaceNow(() => stopped)
      try {
        for (let i = 0; i < 3; i++) {
          made.shield.writeThreats(list(100))
          await until(() => batches.flat().length === (i + 1) * 100, 'a list')
        }
      } finally {
        restore()
      }
      const lengths = batches.map(({ length }) => length)
      assert.deepEqual(lengths, [100, 100, 100])
      assert.deepEqual(
        batches[2].map(({ details }) => details),
        list(100).map(({ details }) => details)
      )
    })

    it('a list belongs to the listener: nobody fills it again', async () => {
      const client = await made.open()
      const batches = record(client, 'threats')
      made.shield.writeThreat(threat('first'))
      await until(() => batches.length === 1, 'the first')
      const [first] = batches
      made.shield.writeThreat(threat('second'))
      await until(() => batches.length === 2, 'the second')
      assert.deepEqual(sequences(first), [1])
    })

    it('every consumer beside it gets every event', async () => {
      const client = await made.open()
      const batches = record(client, 'threats')
      const threats = record(client, 'threat')
      const polled = []
      const polling = client.pollThreats((one) => {
        polled.push(one)
        return one.sequence < 300
      })
      for (let i = 0; i < 15; i++) made.shield.writeThreats(list(20))
      await within(polling, 'all of pollThreats')
      await until(() => batches.flat().length === 300, 'all of the lists')
      const all = numbers(1, 300)
      assert.deepEqual(sequences(batches.flat()), all)
      assert.deepEqual(sequences(threats), all)
      assert.deepEqual(sequences(polled), all)
      assert.equal(client.stats().received, 300)
    })

    it('poll gives its threats to it, too, before it returns', async () => {
      const client = await made.open()
      made.shield.writeThreats(list(10))
      await made.arrived(client)
      const batches = record(client, 'threats')
      const polled = client.poll(4)
      assert.deepEqual(sequences(polled), [1, 2, 3, 4])
      assert.deepEqual(sequences(batches.flat()), [1, 2, 3, 4])
      await until(() => batches.flat().length === 10, 'the rest')
      assert.deepEqual(sequences(batches.flat()), numbers(1, 10))
    })

    it('comes before the loss that lies behind it', async () => {
      const client = await made.open()
      const order = []
      client.on('threats', (batch) => order.push(...sequences(batch)))
      client.on('lost', ({ from, to }) => order.push([from, to]))
      // The loop is blocked all the while, so much of it is overwritten.
      made.shield.writeThreats(list(10))
      await until(() => order.length === 10, 'the first')
      for (let i = 0; i < 30_000; i++) made.shield.writeThreat(threat('x'))
      await until(() => order.at(-1) === 30_010, 'the last')
      let next = 1
      for (const one of order) {
        const [from, to] = Array.isArray(one) ? one : [one, one]
        assert.equal(from, next)
        next = to + 1
      }
      const { received, lost } = client.stats()
      assert(lost > 0, 'nothing was lost')
      assert.equal(received + lost, 30_010)
    })

    it('one that closes its client gets what was taken', async () => {
      const client = await made.open()
      const batches = record(client, 'threats')
      const closed = new Promise((resolve) => {
        client.on('threat', ({ sequence }) => {
          if (sequence === 7) client.close().then(resolve)
        })
      })
      made.shield.writeThreats(list(20))
      await within(closed, 'the end')
      assert.equal(client.stats().received, 7)
      // Who closed was in the middle of the seventh.
      assert.deepEqual(sequences(batches.flat()), numbers(1, 7))
    })

    it('F48 one that polls takes nothing from its order', async () => {
      const client = await made.open()
      const seen = []
      const polled = []
      for (let i = 0; i < 4; i++) made.shield.writeThreats(list(200))
      await made.arrived(client)
      client.on('threats', (batch) => {
        seen.push(...sequences(batch))
        if (seen.at(-1) < 800) polled.push(...sequences(client.poll(1)))
      })
      await until(() => seen.at(-1) === 800, 'the last')
      assert.deepEqual(seen, numbers(1, 800))
      assert.deepEqual(polled, [])
      const { received, lost } = client.stats()
      assert.deepEqual({ received, lost }, { received: 800, lost: 0 })
    })

    for (const how of ['event', 'poll']) {
      it(`F48 one that closes its client, by ${how}: no error`, async () => {
        const client = await made.open()
        const errors = record(client, 'error')
        const batches = []
        for (let i = 0; i < 4; i++) made.shield.writeThreats(list(200))
        await made.arrived(client)
        let closed
        client.on('threats', (batch) => {
          batches.push(batch)
          closed = client.close()
        })
        const polled = how === 'poll' ? client.poll(800) : []
        await until(() => client.closed, 'the end')
        await within(closed, 'the end of it')
        const { received, error } = client.stats()
        assert.equal(batches.flat().length, received)
        if (how === 'poll') assert.equal(polled.length, received)
        assert.deepEqual([errors, error], [[], null])
      })
    }

    it('nobody who listens: the next consumer goes on', async () => {
      const client = await made.open()
      const batches = []
      const listener = (batch) => {
        batches.push(batch)
        client.off('threats', listener)
      }
      client.on('threats', listener)
      made.shield.writeThreats(list(3))
      await until(() => batches.length === 1, 'a list')
      made.shield.writeThreats(list(3))
      const rest = await collect(client, 3)
      assert.deepEqual(sequences([...batches.flat(), ...rest]), numbers(1, 6))
    })

    it('a listener alone does not hold its process', async () => {
      const program = made.program(
        async (ipc, { source, options }) => {
          const open = new Function(`return (${source})`)()
          const client = await open(ipc, options)
          client.on('threats', () => {})
          console.log('listening')
        },
        { source: String(made.remote.open), options: made.remote.options }
      )
      const { code, stdout, stderr } = await within(program.exited, 'its end')
      assert.deepEqual([code, stdout, stderr], [0, 'listening\n', ''])
    })
  })
}

module.exports = { describeBatches }
