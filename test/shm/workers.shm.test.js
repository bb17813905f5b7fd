'use strict'
// Worker threads that load the addon, and their ends.

const assert = require('node:assert/strict')
const { Worker } = require('node:worker_threads')
const { LIBRARY } = require('../helpers/child.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, until, within } = require('../helpers/wait.js')

describe('workers', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  let running = []

  afterEach(async () => {
    await Promise.all(running.map((worker) => worker.terminate()))
    running = []
  })

  /** A worker that runs `main(ipc, dir, parentPort)`, and stays. */
  function work(main) {
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
       const ipc = require(workerData.library)
       setInterval(() => {}, 1000)
       ;(${main})(ipc, workerData.dir, parentPort)`,
      { eval: true, workerData: { library: LIBRARY, dir: ring.dir } }
    )
    running.push(worker)
    return worker
  }

  /** Rejects when the worker fails before `count` messages came. */
  function messages(worker, count) {
    return within(
      new Promise((resolve, reject) => {
        const all = []
        worker.on('error', reject)
        worker.on('message', (message) => {
          if (all.push(message) === count) resolve(all)
        })
      }),
      `${count} messages of a worker`
    )
  }

  const readers = {
    'inside a callback': (ipc, dir, port) => {
      const client = new ipc.ShmClient({ dir })
      client.on('threat', ({ sequence }) => {
        port.postMessage(sequence)
        for (;;);
      })
      client.isHealthy()
      port.postMessage('ready')
    },
    'with events pending': (ipc, dir, port) => {
      const client = new ipc.ShmClient({ dir })
      client.pollThreats(async ({ sequence }) => {
        port.postMessage(sequence)
        await new Promise(() => {})
      })
      port.postMessage('ready')
    },
    'while it closes': (ipc, dir, port) => {
      const client = new ipc.ShmClient({ dir })
      client.on('threat', ({ sequence }) => {
        client.close()
        port.postMessage(sequence)
      })
      port.postMessage('ready')
    }
  }
  for (const [name, main] of Object.entries(readers)) {
    it(`F43 F44 one terminated ${name}, 50 times`, async () => {
      const writer = ring.writer()
      const client = ring.client()
      let seen = 0
      client.on('threat', () => seen++)
      for (let i = 0; i < 10; i++) {
        const workers = Array.from({ length: 5 }, () => work(main))
        await Promise.all(workers.map((worker) => messages(worker, 1)))
        const read = workers.map((worker) => messages(worker, 1))
        for (let n = 0; n < 50; n++) writer.writeThreat(threat())
        const first = await Promise.all(read)
        assert.deepEqual(
          first.map(([sequence]) => sequence),
          first.map(() => i * 50 + 1)
        )
        await within(
          Promise.all(workers.map((worker) => worker.terminate())),
          'the end of the workers'
        )
      }
      await until(() => seen === 500, 'all of them here')
      assert.equal(client.stats().lost, 0)
    })
  }

  // Each for ever, or until its process has nothing left to do.
  const beginnings = {
    'of its beginning': ({ ShmClient }, dir) => {
      const client = new ShmClient({ dir })
      client.pollThreats(() => {})
    },
    'as reliable readers come and go': ({ ShmClient }, dir) => {
      for (;;) {
        const client = new ShmClient({ dir, reliable: true })
        client.on('threat', () => {})
        client.stats()
        client.close()
      }
    },
    'as constructors throw': ({ ShmClient, SharedMemoryIpc }, dir) => {
      for (;;) {
        for (const Class of [ShmClient, SharedMemoryIpc]) {
          try {
            new Class({ dir: `${dir}/no/where` })
          } catch (error) {
            if (error.code === undefined) throw error
          }
        }
      }
    },
    'as writers come and go': ({ SharedMemoryIpc }, dir) => {
      for (;;) {
        const options = { dir, name: 'own', overflow: 'reject' }
        const writer = new SharedMemoryIpc(options)
        const type = { threatType: 1, severity: 1, source: 's' }
        writer.writeThreat({ ...type, details: 'd' })
        writer.stats()
        writer.close()
      }
    }
  }
  for (const [name, main] of Object.entries(beginnings)) {
    it(`F43 one terminated at any moment ${name}`, async () => {
      // In a process of its own: what goes wrong there ends all of it.
      const program = ring.program(
        async (_ipc, { dir, library, source }) => {
          const { once } = require('node:events')
          const { setTimeout: pause } = require('node:timers/promises')
          const threads = require('node:worker_threads')
          const script = `
            const { workerData } = require('node:worker_threads')
            ;(${source})(require(workerData.library), workerData.dir)`
          for (let i = 0; i < 40; i++) {
            const worker = new threads.Worker(script, {
              eval: true,
              workerData: { dir, library }
            })
            // A lock that the one before left behind would be one.
            worker.on('error', (error) => console.log(error))
            await once(worker, 'online')
            await pause(Math.random() * 40)
            await worker.terminate()
          }
          console.log('all are gone')
        },
        { library: LIBRARY, source: String(main) }
      )
      const writer = ring.writer()
      writer.writeThreat(threat('x'))
      const { code, signal, stdout, stderr } = await program.exited
      assert.deepEqual(
        { code, signal, stdout, stderr },
        { code: 0, signal: null, stdout: 'all are gone\n', stderr: '' }
      )
      assert.deepEqual(writer.stats().readers, [])
    }).timeout(180_000)
  }

  it('F45 one that loads the addon first, and ends by itself', async () => {
    ring.writer().writeThreat(threat())
    const program = ring.program(
      async (_ipc, { dir, library }) => {
        const { Worker: Thread } = require('node:worker_threads')
        const script = `const { workerData } = require('node:worker_threads')
          const { ShmClient } = require(workerData.library)
          const client = new ShmClient({ dir: workerData.dir, from: 1 })
          client.on('threat', () => {})
          client.pollThreats(() => false)`
        for (let i = 0; i < 10; i++) {
          const worker = new Thread(script, {
            eval: true,
            workerData: { dir, library }
          })
          await new Promise((resolve, reject) => {
            worker.on('exit', resolve)
            worker.on('error', reject)
          })
        }
        console.log('ten')
      },
      { library: LIBRARY }
    )
    const { code, stdout } = await within(program.exited, 'its end')
    assert.deepEqual([code, stdout], [0, 'ten\n'])
  })

  it('F45 a writer in one, readers here and in another', async () => {
    const writing = work((ipc, dir, port) => {
      const writer = new ipc.SharedMemoryIpc({ dir })
      port.postMessage('ready')
      port.on('message', (details) => {
        const type = { threatType: 1, severity: 1, source: 'worker' }
        writer.writeThreat({ ...type, details })
      })
    })
    await messages(writing, 1)
    const reading = work((ipc, dir, port) => {
      const client = new ipc.ShmClient({ dir })
      client.on('threat', ({ details }) => port.postMessage(details))
      port.postMessage('ready')
    })
    await messages(reading, 1)
    const client = ring.client()
    const there = messages(reading, 100)
    for (let i = 0; i < 100; i++) writing.postMessage(`${i}`)
    const here = await collect(client, 100)
    assert.deepEqual(
      here.map(({ details }) => details),
      await there
    )
    await writing.terminate()
    // Its end frees the lock.
    await until(() => client.stats().writer === 'gone', 'the lock is free')
    assert.equal(ring.writer().writeThreat(threat()), 101)
    await reading.terminate()
  })
})
