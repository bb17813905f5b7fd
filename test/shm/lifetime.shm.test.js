'use strict'
// How long things live: objects, threads, processes.

const assert = require('node:assert/strict')
const { threat, useRing } = require('../helpers/ring.js')
const { sleep, until, within } = require('../helpers/wait.js')

describe('lifetime', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  /** Runs `main` and expects that it ends by itself with 0. */
  async function endsByItself(main) {
    const program = ring.program(main)
    const { code, signal, stderr, stdout } = await within(
      program.exited,
      'the end of a program that nothing holds'
    )
    assert.deepEqual(
      { code, signal, stderr },
      { code: 0, signal: null, stderr: '' }
    )
    return stdout
  }

  describe('F50 what is never closed does not hold the process', () => {
    it('a writer', () =>
      endsByItself((ipc, { dir }) => {
        new ipc.SharedMemoryIpc({ dir })
      }))

    const clients = {
      'a client': () => {},
      'a client that polled': (client) => client.poll(),
      "a client with on('threat')": (client) => client.on('threat', () => {}),
      'a client with every listener': (client) => {
        for (const event of ['threat', 'lost', 'writer', 'error', 'close']) {
          client.on(event, () => {})
        }
      },
      'a client whose pollThreats ended': (client) =>
        client.pollThreats(() => false),
      'a client whose iteration ended': async (client) => {
        for await (const one of client) if (one) break
      }
    }
    for (const [name, use] of Object.entries(clients)) {
      it(name, async () => {
        ring.writer().writeThreat(threat())
        const program = ring.program(
          (ipc, { dir, source }) => {
            const uses = new Function(`return (${source})`)()
            uses(new ipc.ShmClient({ dir, from: 'oldest' }))
          },
          { source: String(use) }
        )
        const { code, stderr } = await within(program.exited, 'its end')
        assert.deepEqual([code, stderr], [0, ''])
      })
    }

    const holders = {
      pollThreats: (client, signal) =>
        client.pollThreats(() => true, { signal }).then(() => 'ended'),
      'for await': async (client, signal) => {
        const iterator = client[Symbol.asyncIterator]()
        signal.addEventListener('abort', () => iterator.return())
        for await (const one of iterator) console.log(one.sequence)
      }
    }
    for (const [name, hold] of Object.entries(holders)) {
      it(`but ${name} holds it until it ends`, async () => {
        ring.writer()
        const program = ring.program(
          (ipc, { dir, source }) => {
            const holds = new Function(`return (${source})`)()
            const controller = new AbortController()
            holds(new ipc.ShmClient({ dir }), controller.signal)
            console.log('holding')
            process.once('SIGUSR2', () => controller.abort())
            // A signal handler alone does not hold a process either.
          },
          { source: String(hold) }
        )
        await until(() => program.stdout.includes('holding'), 'it holds')
        await sleep(400)
        assert.equal(program.running, true)
        process.kill(program.pid, 'SIGUSR2')
        const { code, stderr } = await within(program.exited, 'its end')
        assert.deepEqual([code, stderr], [0, ''])
      })
    }

    it('but a callback that waits holds it, from the first event', async () => {
      ring.writer().writeThreat(threat())
      const program = ring.program((ipc, { dir }) => {
        const client = new ipc.ShmClient({ dir, from: 'oldest' })
        client.pollThreats(() => {
          console.log('waiting')
          return new Promise(() => {})
        })
      })
      await until(() => program.stdout.includes('waiting'), 'it waits')
      await sleep(400)
      assert.equal(program.running, true)
    })

    it('process.exit with events pending', async () => {
      const writer = ring.writer()
      const program = ring.program((ipc, { dir }) => {
        const client = new ipc.ShmClient({ dir })
        client.on('threat', () => {})
        client.pollThreats(async () => {
          console.log('one')
          await new Promise(() => {})
        })
        process.once('SIGUSR2', () => process.exit(5))
        console.log('ready')
      })
      await until(() => program.stdout.includes('ready'), 'it reads')
      for (let i = 0; i < 500; i++) writer.writeThreat(threat())
      await until(() => program.stdout.includes('one'), 'it waits')
      process.kill(program.pid, 'SIGUSR2')
      const { code, stderr } = await within(program.exited, 'its end')
      assert.deepEqual([code, stderr], [5, ''])
    })
  })
})
