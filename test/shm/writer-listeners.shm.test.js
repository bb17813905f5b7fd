'use strict'
// What a listener of a ring's writer throws is an uncaught exception, and no
// answer of the writer's.

const assert = require('node:assert/strict')
const { useRing } = require('../helpers/ring.js')

describe("what a writer's listeners throw", () => {
  const current = useRing()

  it('F47 of error, by the heartbeat: no answer of isHealthy()', async () => {
    const ring = current()
    const child = ring.child()
    const told = await child.call(
      async ({ ipc, sleep, require: load }, dir) => {
        const fs = load('node:fs')
        const uncaught = []
        process.on('uncaughtException', ({ message }) => uncaught.push(message))
        const shield = new ipc.SharedMemoryIpc({ dir })
        shield.on('error', () => {
          throw new Error('no')
        })
        // What is in the ring's place cannot be replaced by one.
        const { path } = shield.stats()
        fs.rmSync(path)
        fs.mkdirSync(path)
        const healthy = shield.isHealthy()
        await sleep(1)
        await shield.close()
        return { healthy, uncaught }
      },
      ring.dir
    )
    assert.deepEqual(told, { healthy: false, uncaught: ['no'] })
  })
})
