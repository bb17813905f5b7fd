'use strict'
// How long a Shield without the kernel's lock waits before it looks again for
// one that started at the same instant.

const assert = require('node:assert/strict')
const { LIBRARY } = require('../helpers/child.js')
const { useFactory } = require('../helpers/factory.js')
const { within } = require('../helpers/wait.js')

const SETTLE_MS = 50

describe('a Shield without the lock', () => {
  const { current } = useFactory()

  /** How long one waits, each time, until it is ready. */
  async function waitsOf(websocket) {
    const program = current().program(
      async (_ipc, { dir, library, options }) => {
        process.env.KINDLY_GUARD_IPC_NO_NATIVE = '1'
        const timers = require('node:timers/promises')
        const { setTimeout: real } = timers
        const waits = []
        timers.setTimeout = (delay, ...args) => {
          waits.push(delay)
          return real(delay, ...args)
        }
        const { IpcFactory } = require(library)
        const shield = IpcFactory.createTransport({ dir, websocket: options })
        await shield.ready()
        await shield.close()
        console.log(JSON.stringify(waits))
      },
      { library: LIBRARY, options: { port: 0, ...websocket } },
      { bare: true }
    )
    const { code, stdout, stderr } = await within(program.exited, 'its end')
    assert.deepEqual([code, stderr], [0, ''])
    return JSON.parse(stdout)
  }

  it('F37 looks again behind 50 ms for its socket', async () => {
    assert.deepEqual(await waitsOf({}), [SETTLE_MS])
  })

  it('F37 looks again behind 50 ms for its discovery file, without a socket', async () => {
    assert.deepEqual(await waitsOf({ socket: false }), [SETTLE_MS])
  })
})
