'use strict'
// A Shield that has as many clients as it takes, and no socket: it proves by its
// refusal that it lives, and a stranger who refuses alike proves nothing.

const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { IpcFactory } = require('../../lib/index.js')
const { createToken } = require('../../lib/websocket/auth.js')
const { connect } = require('../../lib/websocket/client/connect.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { connected, useFactory } = require('../helpers/factory.js')
const { discovered } = require('../helpers/websocket-peer.js')

describe('beside a Shield that is full', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let ring
  let options

  beforeEach(() => {
    ring = current()
    const websocket = { port: 0, maxClients: 1, socket: false }
    options = { ...overWebSocket(), websocket }
  })

  /** A Shield in another process, without the addon and thus without a lock. */
  async function otherShield() {
    const child = ring.child({
      env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
    })
    await child.call(async (state, more) => {
      state.shield = state.ipc.IpcFactory.createTransport(more)
      await state.shield.ready()
    }, options)
    return child
  }

  async function refusal({ port, token }) {
    try {
      const socket = await connect({ url: `ws://127.0.0.1:${port}`, token })
      socket.terminate()
    } catch (error) {
      return error
    }
    return assert.fail('it is not full')
  }

  it('F33 no other one starts: its refusal is a proof', async () => {
    await otherShield()
    await connected(ring, options)
    const { status, isProven } = await refusal(discovered(ring.dir))
    assert.deepEqual([status, isProven], [503, true])
    const second = ring.keep(IpcFactory.createTransport(options))
    await assert.rejects(second.ready(), { code: 'ERR_RING_LOCKED' })
  })

  it('F33 one that knows no token gets no proof', async () => {
    await otherShield()
    await connected(ring, options)
    const { port } = discovered(ring.dir)
    const { status, isProven } = await refusal({ port, token: createToken() })
    assert.deepEqual([status, isProven], [401, undefined])
  })

  it('F58 a stranger that refuses as it does keeps nobody out', async () => {
    const child = await otherShield()
    const record = discovered(ring.dir)
    await child.kill()
    // Its port is somebody else's now, who says what it would have said.
    const stranger = http.createServer()
    stranger.on('upgrade', (_request, socket) => {
      socket.end(
        'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n'
      )
    })
    stranger.listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    try {
      const { port } = stranger.address()
      writeDiscovery(ring.dir, 'kindly-guard', { ...record, port })
      const { status, isProven } = await refusal({ ...record, port })
      assert.deepEqual([status, isProven], [503, undefined])
      const shield = await shieldOf(IpcFactory.createTransport, options)
      assert.equal(shield.stats().transport, 'websocket')
    } finally {
      stranger.close()
    }
  })
})
