'use strict'
// A batch that is larger than any message: in parts, and whole all the same.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../../../lib/index.js')
const { noise, threat, useRing } = require('../../helpers/ring.js')
const { collect, until } = require('../../helpers/wait.js')
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

describe('F63 an event that is more than a client takes, over WebSocket', () => {
  const current = useRing()

  // A character that is six bytes of JSON.
  const ESCAPED = '\u0001'
  // Its JSON is longer than the longest message that the client takes.
  const huge = ESCAPED.repeat(1.3 * 2 ** 20)
  const inSlot = ESCAPED.repeat(256)

  for (const preferShm of [true, false]) {
    const where = preferShm ? 'a ring' : 'no ring'

    const start = async () => {
      const ring = current()
      const shield = ring.keep(
        IpcFactory.createHybridTransport({
          dir: ring.dir,
          maxEvents: 32_768,
          maxEventBytes: '8MB',
          preferShm,
          websocket: { port: 0, maxBufferedBytes: '64MB' }
        })
      )
      await shield.ready()
      return shield
    }

    const clientOf = async (more) => {
      const { dir, keep } = current()
      const options = { dir, preferShm: false, from: 'oldest', ...more }
      return keep.call(current(), await IpcFactory.createClient(options))
    }

    /** What comes as it is published, and what from the history. */
    async function both(shield, threats, more) {
      const now = await clientOf(more)
      const live = collect(now, threats.length)
      await until(() => shield.stats().websocket.live === 1, 'one who is live')
      threats.forEach((each) => shield.writeThreat(each))
      const late = await clientOf(more)
      const lists = [await live, await collect(late, threats.length)]
      assert.equal(shield.stats().websocket.admitted, 2)
      return lists
    }

    it(`comes cut, and the connection stays, with ${where}`, async () => {
      const context = { context: true }
      const shield = await start()
      const list = await both(shield, [
        threat('before'),
        threat(huge, { id: 'own', context }),
        threat('behind')
      ])
      const { generation } = shield.stats()
      for (const [before, event, behind] of list) {
        assert.equal(before.details, 'before')
        assert.equal(event.details, inSlot)
        assert.equal(event.cut, true)
        assert.equal(event.id, `${generation}-2`)
        assert.equal(event.context, undefined)
        assert.equal(behind.details, 'behind')
        assert.equal(behind.cut, undefined)
      }
    })

    it(`is counted to the byte, as in a ring, with ${where}`, async () => {
      const shield = await start()
      const bytes = 4096 - 'test'.length
      const list = await both(
        shield,
        [
          threat(ESCAPED.repeat(bytes)),
          threat(ESCAPED.repeat(bytes + 1)),
          threat(ESCAPED.repeat(bytes - 8), { id: 'id', context: ['é'] }),
          threat(ESCAPED.repeat(bytes - 7), { id: 'id', context: ['é'] }),
          threat('last', { severity: 99 })
        ],
        { maxEventBytes: 4096 }
      )
      for (const threats of list) {
        const cut = threats.map((each) => each.cut ?? false)
        assert.deepEqual(cut, [false, true, false, true, false])
        assert.equal(threats[3].severity, 'High')
        assert.equal(threats[4].severityCode, 99)
      }
    })
  }
})
