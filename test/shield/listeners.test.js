'use strict'
// What a listener of a Shield throws is an uncaught exception, and no answer of
// the Shield's.

const assert = require('node:assert/strict')
const { useRing } = require('../helpers/ring.js')

describe("what a Shield's listeners throw", () => {
  const current = useRing()

  it('F47 of error, by a second Shield: ready() says why all the same', async () => {
    const ring = current()
    const child = ring.child({
      env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
    })
    const told = await child.call(async ({ ipc, sleep }, dir) => {
      const options = { dir, websocket: { port: 0 } }
      const uncaught = []
      process.on('uncaughtException', ({ message }) => uncaught.push(message))
      const first = ipc.IpcFactory.createTransport(options)
      await first.ready()
      const second = ipc.IpcFactory.createTransport(options)
      second.on('error', () => {
        throw new Error('no')
      })
      const code = await second.ready().catch((error) => error.code)
      await sleep(1)
      await Promise.all([first.close(), second.close()])
      return { code, uncaught }
    }, ring.dir)
    assert.deepEqual(told, { code: 'ERR_RING_LOCKED', uncaught: ['no'] })
  })
})
