'use strict'
// The wake file wakes the event loop without the poll thread. Whatever happens to
// it, every event arrives.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, sleep, until, within } = require('../helpers/wait.js')

/** Writes one event after the other, each when the one before has arrived. */
async function oneByOne(shield, client, count, before = () => {}) {
  const received = []
  const polled = client.pollThreats(({ details }) => {
    received.push(details)
    return received.length < count
  })
  for (let i = 0; i < count; i++) {
    await before(i)
    shield.writeThreat(threat(`${i}`))
    await until(() => received.length > i, `event ${i}`)
  }
  await within(polled, 'the end of pollThreats')
  assert.deepEqual(
    received,
    Array.from({ length: count }, (_, i) => `${i}`)
  )
  assert.equal(client.stats().lost, 0)
}

describe('wake file', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  for (const spinMicros of [0, 50, 2000]) {
    it(`wakes a client that spins ${spinMicros} µs, at any pace`, async () => {
      const shield = ring.writer()
      const client = ring.client({ spinMicros })
      await oneByOne(shield, client, 60, (i) => sleep([0, 1, 3, 12][i % 4]))
      // Without a thread that waits on the ring, only the wake file is signalled.
      assert(shield.stats().bells > 0)
    })
  }

  for (const spinMicros of [0, 50]) {
    it(`F24 is removed again and again, spinning ${spinMicros} µs`, async () => {
      const shield = ring.writer()
      const client = ring.client({ spinMicros })
      await oneByOne(shield, client, 12, (i) => {
        if (i % 2 === 1) fs.unlinkSync(ring.wakeFile)
        return until(() => fs.existsSync(ring.wakeFile), 'another wake file')
      })
    })
  }

  it('F27 cannot be made: the poll thread waits instead', async () => {
    fs.mkdirSync(ring.wakeFile)
    const shield = ring.writer()
    await oneByOne(shield, ring.client({ spinMicros: 0 }), 12)
    await oneByOne(shield, ring.client(), 12)
    assert(fs.statSync(ring.wakeFile).isDirectory())
  })

  it('F24 is gone while a client sleeps, and so is its writer', async () => {
    const child = ring.child()
    await child.call((state, dir) => {
      state.shield = new state.ipc.SharedMemoryIpc({ dir })
    }, ring.dir)
    const client = ring.client({ spinMicros: 0 })
    const collected = collect(client, 1)
    await sleep(50)
    await child.kill()
    fs.unlinkSync(ring.wakeFile)
    ring.writer().writeThreat(threat('from the next writer'))
    assert.equal((await collected)[0].details, 'from the next writer')
  })

  it('a client that nobody reads from is not woken for the others', async () => {
    const shield = ring.writer()
    const idle = ring.client({ spinMicros: 0 })
    const [first] = await Promise.all([
      collect(idle, 1),
      sleep(20).then(() => shield.writeThreat(threat('first')))
    ])
    assert.equal(first[0].details, 'first')
    const reading = ring.client({ spinMicros: 0 })
    await oneByOne(shield, reading, 30, () => sleep(2))
    // It hears again, and has missed nothing.
    const rest = await collect(idle, 30)
    assert.deepEqual(
      rest.map(({ sequence }) => sequence),
      Array.from({ length: 30 }, (_, i) => i + 2)
    )
    await oneByOne(shield, idle, 5, () => sleep(2))
  })

  it('eight clients in two processes, each told of every event', async () => {
    const shield = ring.writer()
    const children = [ring.child(), ring.child()]
    for (const child of children) {
      await child.call((state, dir) => {
        state.counts = [0, 0, 0, 0]
        state.counts.forEach((_, i) => {
          const client = new state.ipc.ShmClient({
            dir,
            spinMicros: i % 2 === 0 ? 0 : 50
          })
          client.pollThreats(({ sequence }) => {
            if (sequence === state.counts[i] + 1) state.counts[i]++
          })
        })
      }, ring.dir)
    }
    for (let i = 1; i <= 100; i++) {
      shield.writeThreat(threat(`${i}`))
      if (i % 3 === 0) await sleep(i % 7)
    }
    for (const child of children) {
      await until(
        async () =>
          (await child.call((state) => state.counts)).every((n) => n === 100),
        'all events'
      )
    }
  })
})
