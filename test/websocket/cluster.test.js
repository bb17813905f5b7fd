'use strict'
// The workers of a cluster: each Shield has a port of its own. Were it shared,
// a client would come to one of them and know the token of another.

const assert = require('node:assert/strict')
const cluster = require('node:cluster')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { connected } = require('../helpers/factory.js')
const { useRing } = require('../helpers/ring.js')
const { collect, within } = require('../helpers/wait.js')

const LIBRARY = require.resolve('../../lib/index.js')

describe('Shields in the workers of a cluster', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
    const main = path.join(ring.dir, 'worker.js')
    fs.writeFileSync(
      main,
      `const { IpcFactory } = require(${JSON.stringify(LIBRARY)})
      const shield = IpcFactory.createTransport(JSON.parse(process.env.OPTIONS))
      shield.ready().then(() => {
        const { port } = shield.stats().websocket
        const moved = shield.stats().errors.websocket?.code ?? null
        shield.writeThreat({
          threatType: 'Unknown',
          severity: 'Low',
          source: 'worker',
          details: String(process.pid)
        })
        process.send({ port, moved })
      })
      setInterval(() => {}, 1000)`
    )
    cluster.setupPrimary({ exec: main })
  })

  /** A Shield over WebSocket alone, in a directory of its own. */
  async function start(name, port) {
    const dir = path.join(ring.dir, name)
    fs.mkdirSync(dir, { mode: 0o700 })
    const options = {
      dir,
      preferShm: false,
      websocket: { port, socket: false }
    }
    const worker = cluster.fork({ OPTIONS: JSON.stringify(options) })
    ring.keep({
      async close() {
        worker.process.kill('SIGKILL')
        await once(worker, 'exit')
      }
    })
    const [told] = await within(once(worker, 'message'), 'its start')
    return { ...told, options, pid: worker.process.pid }
  }

  it('that ask for one port: the first has it, and its clients come to it', async () => {
    const first = await start('first', 0)
    const second = await start('second', first.port)
    assert.equal(first.moved, null)
    assert.notEqual(second.port, first.port)
    assert.equal(second.moved, 'ERR_WEBSOCKET_PORT')
    for (const { options, pid } of [first, second]) {
      for (let i = 0; i < 2; i++) {
        const client = await connected(ring, { ...options, from: 'oldest' })
        const [{ details }] = await collect(client, 1)
        assert.equal(details, String(pid))
      }
    }
  })

  it('that ask for any: each has its own', async () => {
    const first = await start('first', 0)
    const second = await start('second', 0)
    assert.notEqual(second.port, first.port)
    assert.deepEqual([first.moved, second.moved], [null, null])
  })
})
