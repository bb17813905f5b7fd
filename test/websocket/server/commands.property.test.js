'use strict'
// A Shield whose clients say anything: each message is answered or refused, its
// state is what it was, and who behaves is served.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { nearly, anything } = require('../../helpers/near-valid.js')
const { record, until } = require('../../helpers/wait.js')
const { LOGS, useShield } = require('../../helpers/websocket-shield.js')

const COMMANDS = [
  { type: 'subscribe', from: 'oldest', generation: '0123456789abcdef' },
  { type: 'subscribe', from: 3 },
  { type: 'unsubscribe' },
  { type: 'get_status' }
]

// Enough for a client to be sent everything, and to be thrown out.
const said = fc.array(
  fc.oneof(
    fc.constantFrom(...COMMANDS),
    fc.constantFrom(...COMMANDS).chain((one) => nearly(one)),
    anything
  ),
  { minLength: 1, maxLength: 5 }
)

function stateOf(shield) {
  const { generation, sequence, published, transport } = shield.stats()
  return { generation, sequence, published, transport }
}

for (const [where, { create, ...preference }] of Object.entries(LOGS)) {
  describe(`a Shield that is told anything, with ${where}, property`, () => {
    const { peer, publish, reader, startShield } = useShield(create, preference)

    it('F56 each is answered or refused, nothing changes', async () => {
      const shield = await startShield()
      publish(10)
      const before = stateOf(shield)
      await fc.assert(
        fc.asyncProperty(said, async (messages) => {
          const one = (await peer()).read()
          for (const message of messages) {
            one.say(JSON.stringify(message) ?? '')
          }
          // Each that is understood is behind those before it.
          one.say({ type: 'get_status' })
          const isDone = ({ type, next }) =>
            type === 'status' && next === undefined
          await until(
            () => one.close !== null || one.messages.some(isDone),
            'an answer, or the end'
          )
          for (const { type } of one.messages) {
            assert.match(type, /^(status|threat|lost|error|heartbeat)$/)
          }
          assert(one.close === null || one.close.code === 1008)
          one.end()
          assert.deepEqual(stateOf(shield), before)
        })
      )
      const client = await reader({ from: 'oldest' })
      const seen = record(client, 'threat')
      publish(1)
      await until(() => seen.length === 11, 'all of them')
      assert.equal(client.stats().lost, 0)
    })
  })
}
