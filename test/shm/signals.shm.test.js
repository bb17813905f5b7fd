'use strict'
// F65: the process around us handles SIGBUS itself, before us, after us, and
// not any more. A ring that is cut short ends nobody, and the host's listener
// gets what is meant for it.

const assert = require('node:assert/strict')
const { LIBRARY } = require('../helpers/child.js')
const { useRing } = require('../helpers/ring.js')
const { within } = require('../helpers/wait.js')

// What the process does, one after the other.
const ORDERS = [
  ['open', 'cut'],
  ['on', 'open', 'cut'],
  ['open', 'on', 'cut'],
  ['open', 'on', 'cut idle'],
  ['open', 'on', 'off', 'cut'],
  ['open', 'on', 'off', 'cut idle'],
  ['on', 'open', 'off', 'cut'],
  ['on', 'open', 'off', 'on', 'cut', 'off', 'cut', 'on', 'cut idle'],
  ['open', 'on', 'on', 'cut', 'off', 'cut', 'off', 'cut'],
  ['open', 'cut', 'on', 'cut', 'off', 'cut idle']
]

/** Runs in a process of its own, which prints what came of it. */
async function main(ipc, { dir, steps }) {
  const fs = require('node:fs')
  const { setTimeout: sleep } = require('node:timers/promises')
  const file = `${dir}/kindly-guard.shm`
  const threat = { threatType: 1, severity: 1, source: '', details: '' }
  const listeners = []
  let heard = 0
  let shield, client
  let received = 0
  let published = 0
  let cuts = 0
  const until = async (condition) => {
    while (!condition()) await sleep(5)
  }
  const write = () => {
    shield.writeThreat(threat)
    published++
  }
  const actions = {
    on() {
      const listener = () => heard++
      listeners.push(listener)
      process.on('SIGBUS', listener)
    },
    off: () => process.removeListener('SIGBUS', listeners.pop()),
    async open() {
      shield = new ipc.SharedMemoryIpc({ dir, maxEvents: 64 })
      client = new ipc.ShmClient({ dir })
      client.on('threat', () => received++)
      write()
      await until(() => received === published)
    },
    async cut() {
      cuts++
      fs.truncateSync(file, 0)
      write()
      await until(() => shield.stats().replaced === cuts)
      await until(() => received + client.stats().lost === published)
    },
    // Timers and threads find it.
    async 'cut idle'() {
      cuts++
      fs.truncateSync(file, 0)
      await until(() => shield.stats().replaced === cuts)
      write()
      await until(() => received + client.stats().lost === published)
    }
  }
  for (const step of steps) await actions[step]()
  if (listeners.length > 0) {
    process.kill(process.pid, 'SIGBUS')
    await until(() => heard === listeners.length)
  }
  // A fault would have been told to a listener, again and again.
  await sleep(50)
  console.log(JSON.stringify({ heard, cuts, listeners: listeners.length }))
  client.close()
  shield.close()
  for (const listener of listeners) process.removeListener('SIGBUS', listener)
}

describe('F65 SIGBUS of the host', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  for (const steps of ORDERS) {
    it(`${steps.join(', ')}: everybody lives`, async () => {
      const program = ring.program(main, { steps })
      const ended = within(program.exited, 'its end')
      const { code, signal, stdout, stderr } = await ended
      assert.deepEqual([code, signal, stderr], [0, null, ''])
      const { heard, cuts, listeners } = JSON.parse(stdout)
      assert.equal(heard, listeners)
      assert.equal(cuts, steps.filter((step) => step.startsWith('cut')).length)
    })
  }

  it('the addon was loaded by a worker that is gone', async () => {
    const program = ring.program(
      async (_ipc, { dir, library, file }) => {
        const fs = require('node:fs')
        const { Worker } = require('node:worker_threads')
        const { once } = require('node:events')
        const loads = `
          const ipc = require(${JSON.stringify(library)})
          const shield = new ipc.SharedMemoryIpc({ dir: ${JSON.stringify(dir)} })
          const client = new ipc.ShmClient({ dir: ${JSON.stringify(dir)} })
          require('node:worker_threads').parentPort.postMessage('open')
          setInterval(() => {}, 1000)`
        for (let i = 0; i < 3; i++) {
          const worker = new Worker(loads, { eval: true })
          await once(worker, 'message')
          await worker.terminate()
        }
        // The handler that the worker's addon installed must still be there.
        let heard = 0
        process.on('SIGBUS', () => heard++)
        process.kill(process.pid, 'SIGBUS')
        while (heard === 0) await new Promise(setImmediate)
        const ipc = require(library)
        const shield = new ipc.SharedMemoryIpc({ dir })
        fs.truncateSync(file, 0)
        const sequence = shield.writeThreat({
          threatType: 1,
          severity: 1,
          source: '',
          details: ''
        })
        console.log(heard, sequence, shield.stats().replaced)
        shield.close()
        process.removeAllListeners('SIGBUS')
      },
      { library: LIBRARY, file: ring.file },
      { bare: true }
    )
    const { code, signal, stdout, stderr } = await program.exited
    assert.deepEqual([code, signal, stderr], [0, null, ''])
    assert.equal(stdout.trim(), '1 1 1')
  })

  it('a worker was the only one, and SIGBUS is sent to the process', async () => {
    const program = ring.program(
      async (_ipc, { dir, library }) => {
        const { Worker } = require('node:worker_threads')
        const { once } = require('node:events')
        const worker = new Worker(
          `const ipc = require(${JSON.stringify(library)})
           new ipc.SharedMemoryIpc({ dir: ${JSON.stringify(dir)} }).close()
           require('node:worker_threads').parentPort.postMessage('open')`,
          { eval: true }
        )
        const exited = once(worker, 'exit')
        await once(worker, 'message')
        await exited
        process.kill(process.pid, 'SIGBUS')
        // Whichever thread gets it, this one does not end the process before.
        setTimeout(() => {}, 20_000)
      },
      { library: LIBRARY },
      { bare: true }
    )
    // As without us, and not by a jump to where the addon was.
    const { signal } = await program.exited
    assert.equal(signal, 'SIGBUS')
  })
})
