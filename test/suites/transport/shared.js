'use strict'
// What several consumers of one client share.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { collect, record, until } = require('../../helpers/wait.js')

const CONTEXT = { list: [1, { deep: [] }], text: 'text' }

/** Everything in it that somebody could change, `value` included. */
function* objectsIn(value) {
  if (typeof value !== 'object' || value === null) return
  yield value
  for (const inner of Object.values(value)) yield* objectsIn(inner)
}

function describeShared(pair) {
  describe('what is shared', () => {
    const input = () =>
      threat('details', { context: CONTEXT, threatType: 99, severity: 99 })

    it('F86 by default, what one listener edits is what others get', async () => {
      const { shield, open } = await pair()
      const client = await open()
      const seen = []
      client.on('threat', (one) => {
        one.details = 'edited'
      })
      client.on('threat', ({ details }) => seen.push(details))
      shield.writeThreat(input())
      await until(() => seen.length === 1, 'the event')
      assert.deepEqual(seen, ['edited'])
    })

    it('F86 with freeze, nobody edits anything, by any way', async () => {
      const { shield, open, arrived } = await pair()
      const client = await open({ freeze: true })
      const threats = record(client, 'threat')
      const batches = record(client, 'threats')
      const polled = collect(client, 1)
      const iterator = client[Symbol.asyncIterator]()
      const next = iterator.next()
      shield.writeThreat(input())
      const [one] = await polled
      const { value } = await next
      await until(() => batches.length === 1, 'the batch')
      for (const same of [threats[0], batches[0][0], value]) {
        assert.equal(same, one)
      }
      assert.deepEqual(one.context, CONTEXT)
      assert.deepEqual([one.threatTypeCode, one.severityCode], [99, 99])
      const all = [...objectsIn(batches[0])]
      assert.equal(all.length, 6)
      for (const object of all) assert(Object.isFrozen(object))
      assert.throws(() => {
        one.details = 'edited'
      }, TypeError)
      assert.throws(() => one.context.list[1].deep.push(1), TypeError)
      await iterator.return()
      client.removeAllListeners()

      shield.writeThreat(input())
      await arrived(client)
      const [pulled] = client.poll()
      assert(Object.isFrozen(pulled.context.list[1].deep))
    })

    it('F86 with freeze, a loss as well', async () => {
      const { shield, open } = await pair({ maxEvents: 16 })
      for (let i = 0; i < 40; i++) shield.writeThreat(threat(`${i}`))
      const client = await open({ from: 1, freeze: true })
      const losses = record(client, 'lost')
      client.on('threat', () => {})
      await until(() => losses.length > 0, 'the loss')
      assert(Object.isFrozen(losses[0]))
    })
  })
}

module.exports = { describeShared }
