'use strict'
// Going on where somebody left off: `after`.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { collect, record, sleep, until } = require('../../helpers/wait.js')
const { numbers, sequences } = require('../../helpers/sequences.js')

function describeAfter(pair) {
  describe('after', () => {
    const CAPACITY = 64
    let made
    let generation

    beforeEach(async () => {
      made = await pair({ maxEvents: CAPACITY })
      ;({ generation } = made.shield.stats())
    })

    function write(count) {
      for (let i = 0; i < count; i++) made.shield.writeThreat(threat(`${i}`))
    }

    it('the last event of a window that closed: what came since', async () => {
      const window = await made.open()
      write(20)
      await collect(window, 13)
      const { generation: seen, sequence } = window.stats()
      await window.close()
      write(5)
      const after = { generation: seen, sequence }
      const client = await made.open({ after })
      const lost = record(client, 'lost')
      assert.deepEqual(sequences(await collect(client, 12)), numbers(14, 25))
      assert.deepEqual(lost, [])
      assert.equal(client.stats().lost, 0)
    })

    it('a threat as it came, whatever is gone since: exactly the rest', async () => {
      const severities = ['Low', 'Critical', 'High', 'Critical', 'Medium']
      const writeMixed = (count) => {
        for (let i = 0; i < count; i++) {
          const severity = severities[i % severities.length]
          made.shield.writeThreat(threat(`${i}`, { severity }))
        }
      }
      const window = await made.open()
      writeMixed(20)
      const seen = await collect(window, 20)
      assert.deepEqual(
        seen.map((one) => one.priority).slice(0, 6),
        [0, 1, 1, 2, 2, 2]
      )
      await window.close()
      writeMixed(500)
      for (const after of [seen[0], seen[12], seen[19], { ...seen[7] }]) {
        assert.equal(after.generation, generation)
        const client = await made.open({ after })
        const lost = record(client, 'lost')
        const rest = []
        client.on('threat', (one) => rest.push(one))
        await until(() => rest.at(-1)?.sequence === 520, 'the last')
        const { length } = rest
        assert.equal(
          lost.reduce((sum, { count }) => sum + count, length),
          520 - after.sequence
        )
        // All of the priority threats came, or are told of.
        const isPriority = ({ severity }) => severity === 'Critical'
        assert.equal(
          lost.reduce((sum, one) => sum + one.priority, 0) +
            rest.filter(isPriority).length,
          208 - after.priority
        )
        assert.equal(rest.at(-1).priority, 208)
        await client.close()
      }
    })

    it('any event that the ring holds: the next one first', async () => {
      write(50)
      for (const sequence of [0, 1, 24, 49]) {
        const client = await made.open({ after: { generation, sequence } })
        const threats = await collect(client, 50 - sequence)
        assert.deepEqual(sequences(threats), numbers(sequence + 1, 50))
        assert.equal(client.stats().lost, 0)
      }
    })

    it('the newest event: what comes', async () => {
      write(50)
      const after = { generation, sequence: 50 }
      const client = await made.open({ after })
      const seen = record(client, 'threat')
      await sleep(20)
      assert.deepEqual(seen, [])
      write(2)
      await until(() => seen.length === 2, 'both')
      assert.deepEqual(sequences(seen), [51, 52])
      const { received, lost } = client.stats()
      assert.deepEqual({ received, lost }, { received: 2, lost: 0 })
    })

    it('an event that is gone: first the loss, to the unit', async () => {
      write(100)
      const client = await made.open({ after: { generation, sequence: 10 } })
      const order = []
      client.on('lost', (loss) => order.push(loss))
      client.on('threat', ({ sequence }) => order.push(sequence))
      await until(() => order.at(-1) === 100, 'the last')
      assert.deepEqual(order, [
        {
          ...{ count: 26, from: 11, to: 36, priority: null },
          ...{ generation, reason: 'overwritten' }
        },
        ...numbers(37, 100)
      ])
      const { received, lost } = client.stats()
      assert.equal(received + lost, 90)
    })

    it('a generation that nobody knows: a loss without a number', async () => {
      write(10)
      const other = '0123456789abcdef'
      const after = { generation: other, sequence: 7 }
      const client = await made.open({ after })
      const lost = record(client, 'lost')
      assert.deepEqual(sequences(await collect(client, 10)), numbers(1, 10))
      const nobody = { count: null, from: null, to: null, priority: null }
      assert.deepEqual(lost, [
        { ...nobody, generation: other, reason: 'replaced' }
      ])
      const { received, lost: counted, sequence } = client.stats()
      assert.deepEqual([received, counted, sequence], [10, 0, 10])
    })

    it('the same place for two, each from there', async () => {
      write(30)
      const after = { generation, sequence: 20 }
      const both = [await made.open({ after }), await made.open({ after })]
      for (const client of both) {
        assert.deepEqual(sequences(await collect(client, 10)), numbers(21, 30))
      }
    })
  })
}

module.exports = { describeAfter }
