'use strict'
// A flood leaves the event loop its turns, with every kind of consumer.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { within } = require('../../helpers/wait.js')

const COUNT = 50_000

// The consumers that do nothing but count; each resolves with the last event.
const consumers = {
  'pollThreats with a callback': (client, count) =>
    client.pollThreats(() => count() < COUNT),
  'pollThreats with an async callback': (client, count) =>
    client.pollThreats(async () => count() < COUNT),
  'pollThreats with a callback that awaits': (client, count) =>
    client.pollThreats(async () => {
      await null
      return count() < COUNT
    }),
  'two pollThreats with async callbacks': (client, count) =>
    Promise.all([
      client.pollThreats(async ({ sequence }) => sequence < COUNT),
      client.pollThreats(async () => count() < COUNT)
    ]),
  'for await': async (client, count) => {
    for await (const one of client) if (one && count() === COUNT) break
  },
  "on('threat')": (client, count) =>
    new Promise((resolve) => {
      client.on('threat', () => {
        if (count() === COUNT) resolve()
      })
    })
}

function describeTurns(pair) {
  describe('turns of the event loop', () => {
    for (const [name, consume] of Object.entries(consumers)) {
      it(`a flood over ${name} leaves it some`, async () => {
        const { shield, open } = await pair({ maxEvents: 65_536 })
        const client = await open()
        const list = Array.from({ length: COUNT / 5 }, () => threat('x'))
        for (let i = 0; i < 5; i++) shield.writeThreats(list)
        let turns = 0
        let seen = 0
        let turning = true
        const turn = () => {
          turns++
          if (turning) setImmediate(turn)
        }
        setImmediate(turn)
        try {
          await within(
            consume(client, () => ++seen),
            'the last of the flood'
          )
        } finally {
          turning = false
        }
        assert.equal(seen, COUNT)
        // One for every 1024 events, or more of them.
        assert(turns > 40, `${turns} turns in ${COUNT} events`)
        assert.equal(client.stats().lost, 0)
      })
    }
  })
}

module.exports = { describeTurns }
