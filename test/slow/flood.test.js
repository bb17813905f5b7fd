'use strict'
// A flood of a million threats hides none of the 20 Critical ones among them
// from a client over WebSocket that is slow, whether the Shield has a ring or
// not. Over shared memory, test/shm/priority.shm.test.js says the same.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { PlatformShm } = require('../../lib/index.js')
const { connected } = require('../helpers/factory.js')
const { useRing } = require('../helpers/ring.js')
const { sleep, until } = require('../helpers/wait.js')

const FLOOD = 1_000_000
const CRITICAL = 20
const EVERY = FLOOD / CRITICAL

const TIMEOUT_MS = 300_000
const DEADLINE_MS = 240_000

const LOGS = { 'a log in memory': false }
if (PlatformShm.isAvailable()) LOGS['a log in a ring'] = true

/** A Shield that floods when the file `begin` is there, and waits for `end`. */
async function flood(ipc, { dir, preferShm, count, every }) {
  const { existsSync } = require('node:fs')
  const { setTimeout: wait } = require('node:timers/promises')
  const shield = ipc.IpcFactory.createHybridTransport({ dir, preferShm })
  await shield.ready()
  process.stdout.write('open')
  const file = async (name) => {
    while (!existsSync(`${dir}/${name}`)) await wait(5)
  }
  await file('begin')
  const low = { threatType: 1, severity: 'Low', source: 'a', details: 'b' }
  const critical = { ...low, severity: 'Critical' }
  for (let last = 0; last < count; last += 100) {
    const list = Array.from({ length: 100 }, (_, i) =>
      (last + i + 1) % every === 501 ? critical : low
    )
    shield.writeThreats(list)
    if (last % 5000 === 0) await new Promise(setImmediate)
  }
  await file('end')
  await shield.close()
}

describe('a flood over WebSocket', function () {
  this.timeout(TIMEOUT_MS)
  const current = useRing()

  for (const [name, preferShm] of Object.entries(LOGS)) {
    it(`F88 20 Critical in 1,000,000, ${name}, a slow client: all arrive`, async () => {
      const ring = current()
      const program = ring.program(flood, {
        preferShm,
        count: FLOOD,
        every: EVERY
      })
      const touch = (file) => fs.writeFileSync(path.join(ring.dir, file), '')
      await until(() => program.stdout === 'open', 'a Shield')
      const client = await connected(ring, {
        dir: ring.dir,
        preferShm: false,
        from: 1
      })
      const critical = []
      const wrong = []
      let next = 1
      let missing = 0
      client.on('lost', ({ count, from, to, priority }) => {
        if (from !== next || to !== from + count - 1) wrong.push(from)
        next = to + 1
        missing += count
        // Null would be one that nobody counted.
        if (priority !== 0) wrong.push(`${priority} of ${from} to ${to}`)
      })
      client.pollThreats(async ({ sequence, severity }) => {
        if (sequence !== next) wrong.push(sequence)
        next = sequence + 1
        if (severity === 'Critical') critical.push(sequence)
        // A slow one.
        if (sequence % 100 === 0) await sleep(5)
      })
      touch('begin')
      await until(() => next > FLOOD, 'the last one', DEADLINE_MS)
      touch('end')
      assert.deepEqual(wrong, [])
      assert.deepEqual(
        critical,
        Array.from({ length: CRITICAL }, (_, i) => i * EVERY + 501)
      )
      const { received, lost, rescued, corrupt, priority } = client.stats()
      assert.equal(received + lost, FLOOD)
      assert.equal(lost, missing)
      assert(lost > FLOOD / 2, `only ${lost} were lost`)
      assert.deepEqual([corrupt, priority], [0, CRITICAL])
      assert(rescued > 0)
    })
  }
})
