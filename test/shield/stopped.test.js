'use strict'
// A Shield that is stopped, and whose socket takes no more connections: it
// lives, so no other one may start.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { useFactory } = require('../helpers/factory.js')

// More than a queue of connections holds anywhere: see listen(2), somaxconn.
const MOST_QUEUED = 100_000

describe('a Shield that is stopped', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let ring
  let sockets

  beforeEach(() => {
    ring = current()
    sockets = []
  })

  afterEach(() => sockets.forEach((socket) => socket.destroy()))

  /** Connects until the queue is full. @returns {Promise<string>} the error */
  async function fillQueue(file) {
    while (sockets.length < MOST_QUEUED) {
      const socket = net.connect(file)
      // It is reset when the Shield goes.
      socket.on('error', () => {})
      sockets.push(socket)
      try {
        await once(socket, 'connect')
      } catch (error) {
        return error.code
      }
    }
    return assert.fail('the queue has no end')
  }

  it('F39 with a full queue of connections: ERR_RING_LOCKED', async () => {
    const child = ring.child({
      env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
    })
    // Without a port, nothing but the socket says that it is there.
    const options = { ...overWebSocket(), websocket: { port: false } }
    await child.call(async (state, more) => {
      state.shield = state.ipc.IpcFactory.createTransport(more)
      await state.shield.ready()
    }, options)
    child.signal('SIGSTOP')
    try {
      const code = await fillQueue(path.join(ring.dir, 'kindly-guard.sock'))
      assert.equal(code, 'EAGAIN')
      const second = ring.keep(IpcFactory.createTransport(options))
      await assert.rejects(second.ready(), { code: 'ERR_RING_LOCKED' })
      assert.equal(second.stats().transport, 'none')
    } finally {
      child.signal('SIGCONT')
    }
    await child.kill()
    await shieldOf(IpcFactory.createTransport, options)
  })
})
