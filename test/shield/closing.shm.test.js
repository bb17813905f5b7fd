'use strict'
// What is freed when the promise of close() is fulfilled, not later: mappings,
// descriptors, locks, listeners.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const net = require('node:net')
const { once } = require('node:events')
const { IpcFactory, ShmClient, SharedMemoryIpc } = require('../../lib/index.js')
const { connected, useFactory, write } = require('../helpers/factory.js')

describe('right behind close()', () => {
  const { current, shared, shieldOf } = useFactory()
  let ring

  beforeEach(() => {
    ring = current()
  })

  /** What this process holds of the test's directory. */
  function held() {
    const mappings = fs
      .readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .filter((line) => line.includes(ring.dir))
    const open = fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const target = fs.readlinkSync(`/proc/self/fd/${fd}`)
        return target.startsWith(ring.dir) ? [target] : []
      } catch {
        return []
      }
    })
    return [...mappings, ...open]
  }

  async function errorOf(socket) {
    const [error] = await once(socket, 'error')
    return error.code
  }

  const shields = {
    createHybridTransport: () =>
      shieldOf(IpcFactory.createHybridTransport, shared()),
    createTransport: () => shieldOf(IpcFactory.createTransport, shared()),
    SharedMemoryIpc: async () => new SharedMemoryIpc({ dir: ring.dir })
  }
  for (const [name, make] of Object.entries(shields)) {
    it(`F50 a Shield by ${name}: nothing is mapped, open or locked`, async () => {
      const shield = await make()
      write(shield, 3)
      assert.notDeepEqual(held(), [])
      await shield.close()
      assert.deepEqual(held(), [])
      await new SharedMemoryIpc({ dir: ring.dir }).close()
    })
  }

  it('F50 a Shield: nothing listens, and its socket has no file', async () => {
    const shield = await shieldOf(IpcFactory.createHybridTransport, shared())
    const { port, socket } = shield.stats().websocket
    assert(fs.existsSync(socket))
    await shield.close()
    assert.equal(fs.existsSync(socket), false)
    const refused = await errorOf(net.connect(port, '127.0.0.1'))
    assert.equal(refused, 'ECONNREFUSED')
  })

  const clients = {
    'that polls a ring': async () => new ShmClient({ dir: ring.dir }),
    'that waits for a ring': async () => {
      const client = new ShmClient({ dir: ring.dir })
      client.on('threat', () => {})
      client.pollThreats(() => {})
      return client
    },
    'of both transports': () => connected(ring, shared())
  }
  for (const [name, open] of Object.entries(clients)) {
    it(`F50 a client ${name}: nothing is mapped or open`, async () => {
      const child = ring.child()
      await child.call((state, dir) => {
        state.writer = new state.ipc.SharedMemoryIpc({ dir })
      }, ring.dir)
      const client = await open()
      assert.notDeepEqual(held(), [])
      await client.close()
      assert.deepEqual(held(), [])
    })
  }
})
