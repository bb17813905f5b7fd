'use strict'
// A client that spins looks in each turn of its event loop: nobody has to wake
// it, and what else the loop has to do gets its turn.

const assert = require('node:assert/strict')
const { setImmediate: turn } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')
const { LIBRARY } = require('../helpers/child.js')
const { threat, useRing } = require('../helpers/ring.js')
const { sleep, until, within } = require('../helpers/wait.js')

// Longer than any of these tests waits for something.
const LONG_MICROS = 1_000_000

describe('spinning', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  /** Two events in a row, behind which a client that spins does so. */
  async function startSpinning(shield, received) {
    for (const details of ['first', 'second']) {
      const count = received()
      shield.writeThreat(threat(details))
      await until(() => received() > count, `the ${details} event`)
    }
  }

  it('needs no bell while it spins, and one when it sleeps', async () => {
    const child = ring.child()
    await child.call((state, dir) => {
      state.shield = new state.ipc.SharedMemoryIpc({ dir })
    }, ring.dir)
    const write = (details) =>
      child.call((state, text) => {
        state.shield.writeThreat({
          threatType: 1,
          severity: 1,
          source: 'test',
          details: text
        })
        return state.shield.stats().bells
      }, details)
    const client = ring.client({ spinMicros: LONG_MICROS })
    const received = []
    client.on('threat', ({ details }) => received.push(details))
    const expected = []
    const bells = []
    let stalls = 0
    for (let i = 0; i < 50; i++) {
      const before = performance.now()
      bells.push(await write(`${i}`))
      expected.push(`${i}`)
      await until(() => received.length > i, `event ${i}`)
      if (performance.now() - before > LONG_MICROS / 4000) stalls++
    }
    assert.deepEqual(received, expected)
    // Spins behind the second event that wakes it. One more may have been in
    // the ring before it slept for the first time, and woke nobody. A machine
    // that let an event wait for so long that it slept owes it two again.
    const rung = bells.at(-1)
    assert.ok(rung - bells[2] <= 2 * stalls, `${bells}, ${stalls} stalls`)

    const file = ring.bytes()
    await until(() => (file.get('waiters') & 3n) !== 0n, 'a client that sleeps')
    assert.equal(await write('asleep'), rung + 1)
    await until(() => received.includes('asleep'), 'the event that woke it')
  })

  it('leaves their turns to timers, immediates and promises', async () => {
    const shield = ring.writer()
    const client = ring.client({ spinMicros: LONG_MICROS })
    let received = 0
    client.on('threat', () => received++)
    await startSpinning(shield, () => received)
    const turns = { timers: 0, immediates: 0 }
    for (let i = 0; i < 20; i++) {
      await sleep(1)
      turns.timers++
      await turn()
      turns.immediates++
      shield.writeThreat(threat(`${i}`))
      await until(() => received === i + 3, `event ${i}`)
    }
    assert.deepEqual(turns, { timers: 20, immediates: 20 })
    assert.equal(client.stats().lost, 0)
  })

  it('does not hold the process open', async () => {
    const program = ring.program(
      (ipc, { dir, input, micros }) => {
        const shield = new ipc.SharedMemoryIpc({ dir })
        const client = new ipc.ShmClient({ dir, spinMicros: micros })
        let left = 3
        const holds = setInterval(() => {}, 1000)
        client.on('threat', () => {
          if (--left > 0) {
            // Behind the drain that this is in.
            setTimeout(() => shield.writeThreat(input), 5)
          } else {
            clearInterval(holds)
            // Comes only when the loop goes on without it.
            setTimeout(() => console.log('late'), micros / 2000).unref()
          }
        })
        shield.writeThreat(input)
      },
      { input: threat(), micros: LONG_MICROS }
    )
    const { code, stdout } = await within(program.exited, 'its end')
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' })
  })

  it('F43 is closed, or its worker terminated, while it spins', async () => {
    const shield = ring.writer()
    for (let i = 0; i < 10; i++) {
      const client = ring.client({ spinMicros: LONG_MICROS })
      let received = 0
      client.on('threat', () => received++)
      await startSpinning(shield, () => received)
      const worker = new Worker(
        `const { parentPort, workerData } = require('node:worker_threads')
         const { ShmClient } = require(workerData.library)
         const { dir, spinMicros } = workerData
         const client = new ShmClient({ dir, spinMicros })
         client.pollThreats(() => parentPort.postMessage('got'))
         parentPort.postMessage('ready')`,
        {
          eval: true,
          workerData: {
            library: LIBRARY,
            dir: ring.dir,
            spinMicros: LONG_MICROS
          }
        }
      )
      let told = 0
      worker.on('message', () => told++)
      await until(() => told === 1, 'a worker that polls')
      await startSpinning(shield, () => told)
      await within(worker.terminate(), 'the end of the worker')
      await within(client.close(), 'the end of the client')
    }
  })
})
