'use strict'
// A batch that is larger than any message: in parts, and whole all the same.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../../../lib/index.js')
const { noise, threat, useRing } = require('../../helpers/ring.js')
const { until } = require('../../helpers/wait.js')
const { Peer } = require('../../helpers/websocket-peer.js')

const KILOBYTES = 1024

// What one message of the server holds unless a single event is larger.
const MESSAGE_BYTES = 256 * KILOBYTES

describe('a large batch over WebSocket', () => {
  const current = useRing()

  for (const preferShm of [true, false]) {
    it(`in several messages, ${preferShm ? 'with' : 'no'} ring`, async () => {
      const ring = current()
      const shield = ring.keep(
        IpcFactory.createHybridTransport({
          dir: ring.dir,
          maxEvents: 65_536,
          preferShm,
          websocket: { port: 0, maxBufferedBytes: '64MB' }
        })
      )
      await shield.ready()
      const peer = (await Peer.connect(ring.dir)).read()
      const sizes = []
      peer.socket.on('message', (data) => sizes.push(data.length))
      peer.say({ type: 'subscribe', from: 'latest' })
      await peer.next('status')
      await until(() => shield.stats().websocket.live === 1, 'one who is live')
      sizes.length = 0
      peer.messages.length = 0
      const details = noise(50 * KILOBYTES)
      shield.writeThreats(Array.from({ length: 40 }, () => threat(details)))
      shield.writeThreat(threat('behind it'))
      const came = () => peer.messages.flatMap(({ threats = [] }) => threats)
      await until(() => came().length === 41, 'all of it')
      assert.deepEqual(
        came().map(({ sequence }) => sequence),
        Array.from({ length: 41 }, (_, i) => i + 1)
      )
      assert.equal(came().at(-1).details, 'behind it')
      const most = Math.max(...sizes)
      assert(most < MESSAGE_BYTES + 2 * details.length, `${most} bytes`)
      peer.end()
    })
  }
})
