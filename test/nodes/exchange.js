'use strict'
// A Shield in one runtime and a client in another, each a process: every threat,
// once, in order, with all of its text.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { usePeers } = require('./processes.js')

const COUNT = 300

/**
 * In a `describe`.
 * @typedef {object} Exchange
 * @property {'node' | 'bun' | 'deno'} shield
 * @property {'node' | 'bun' | 'deno'} client
 * @property {'hybrid' | 'websocket'} serves
 * @property {'shm' | 'websocket'} by
 * @property {object} [options] of the client
 * @property {string} [how] in words
 * @param {string} number of the fault, as in a title
 * @param {Exchange[]} exchanges
 */
function describeExchange(number, exchanges) {
  const start = usePeers()
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })

  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  async function serve(runtime, serves) {
    // Room for all of them, however late a client comes.
    const options = { dir, maxEvents: 8192, websocket: { port: 0 } }
    const shield = start(runtime, { role: 'serve', options, count: COUNT })
    assert.equal((await shield.next()).transport, serves)
    return shield
  }

  function take(runtime, count, more) {
    const options = { dir, from: 'oldest', ...more }
    return start(runtime, { role: 'take', options, count })
  }

  /** What a client tells when it has all. */
  async function account(client) {
    for (;;) {
      const told = await client.next()
      if (told.received !== undefined) return told
    }
  }

  for (const { shield, client, serves, by, options, how } of exchanges) {
    const title = `a client in ${client}, a Shield in ${shield}`

    it(`${number} ${title}, by ${how ?? by}: exact`, async () => {
      const server = await serve(shield, serves)
      const reader = take(client, 2 * COUNT, options)
      server.go()
      await server.next()
      server.go()
      const { latencies, ...told } = await account(reader)
      const exact = { received: 2 * COUNT, lost: 0, wrong: 0 }
      assert.deepEqual(told, { transport: by, ...exact })
      // Bun and Deno have clocks of their own, but for the addon's.
      assert.equal(latencies > 0, by === 'shm', `${latencies} latencies`)
      assert.deepEqual(await reader.end(), { code: 0, signal: null })
      assert.deepEqual(await server.end(), { code: 0, signal: null })
    })

    it(`${number} ${title}, by ${how ?? by}: killed, another`, async () => {
      const first = await serve(shield, serves)
      const reader = take(client, 2 * COUNT, options)
      first.go()
      // Or it would lose what was in the memory of the first.
      assert.deepEqual(await reader.next(), { half: COUNT })
      await first.kill()
      const second = await serve(shield, serves)
      second.go()
      const { received, lost, wrong } = await account(reader)
      assert.deepEqual([received, lost, wrong], [2 * COUNT, 0, 0])
      assert.deepEqual(await reader.end(), { code: 0, signal: null })
      assert.deepEqual(await second.end(), { code: 0, signal: null })
    })
  }
}

module.exports = { describeExchange }
