'use strict'
// Whether there is another Shield, where nothing but its server can say so.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')
const path = require('node:path')
const { MemoryHistory } = require('../../lib/shield/memory-history.js')
const { checkWebSocket } = require('../../lib/options/websocket.js')
const { WebSocketService } = require('../../lib/shield/websocket-service.js')
const { useRing } = require('../helpers/ring.js')
const { within } = require('../helpers/wait.js')
const { Peer } = require('../helpers/websocket-peer.js')
const { IS_WINDOWS, socketPath } = require('../helpers/system.js')

const LAST = { generation: '0123456789abcdef', sequence: 0 }

describe('a Shield’s server', () => {
  const current = useRing()

  for (const auth of ['token', 'none']) {
    it(`F33 that has as many clients as it takes, auth ${auth}: ERR_RING_LOCKED`, async () => {
      const { dir } = current()
      const { generation } = LAST
      const log = new MemoryHistory({ generation, predecessor: null })
      const make = () =>
        new WebSocketService(
          log,
          { dir },
          checkWebSocket({ port: 0, maxClients: 1, auth })
        )
      const first = make()
      const second = make()
      let peer
      try {
        await first.start(false)
        peer = (await Peer.connect(dir)).read()
        await assert.rejects(second.start(false), { code: 'ERR_RING_LOCKED' })
        assert.equal(first.stats().refused.clients, 1)
      } finally {
        peer?.end()
        await second.close(LAST)
        await first.close(LAST)
      }
    })
  }

  it('that cannot listen keeps no client of its socket waiting', async () => {
    const { dir } = current()
    const { generation } = LAST
    const service = new WebSocketService(
      new MemoryHistory({ generation, predecessor: null }),
      { dir },
      // No address of this machine.
      {
        ...checkWebSocket({ port: 0, handshakeTimeoutMs: 3_600_000 }),
        host: '192.0.2.1'
      },
      { path: path.join(dir, 'kindly-guard.sock'), error: null }
    )
    const local = net.createServer((socket) => {
      service.broadcaster.accept(socket)
    })
    const address = IS_WINDOWS
      ? socketPath(path.basename(dir))
      : path.join(dir, 'by-hand.sock')
    local.listen(address)
    await once(local, 'listening')
    const client = net.connect(address)
    try {
      await once(local, 'connection')
      await assert.rejects(service.start(true), { code: 'ERR_SYSTEM' })
      await within(once(client.resume(), 'close'), 'the end of the connection')
    } finally {
      client.destroy()
      local.close()
      await service.close(LAST)
    }
  })
})
