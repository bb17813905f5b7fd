'use strict'
// Whether there is another Shield, where nothing but its server can say so.

const assert = require('node:assert/strict')
const { MemoryHistory } = require('../../lib/shield/memory-history.js')
const { checkWebSocket } = require('../../lib/options/websocket.js')
const { WebSocketService } = require('../../lib/shield/websocket-service.js')
const { useRing } = require('../helpers/ring.js')
const { Peer } = require('../helpers/websocket-peer.js')

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
})
