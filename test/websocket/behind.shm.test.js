'use strict'
// A WebSocket client that does not keep up is sent what the ring holds. When
// another ring takes the place of that one meanwhile, the client gets the rest
// of it, or an exact loss, before anything of the next.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { IpcFactory } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')
const { Peer } = require('../helpers/websocket-peer.js')

// More than the kernel keeps for a connection, so deflated that one look into
// the ring finds more than the server has room for.
const COUNT = 1500
const FILLING = 'x'.repeat(20_000)

describe('behind, and another ring comes', () => {
  const current = useRing()
  let ring
  let shield
  let peer
  let generation

  beforeEach(async () => {
    ring = current()
    shield = ring.keep(
      IpcFactory.createHybridTransport({
        dir: ring.dir,
        maxEvents: 16_384,
        websocket: { port: 0, maxBufferedBytes: '64KB' }
      })
    )
    await shield.ready()
    peer = await Peer.connect(ring.dir)
    peer.say({ type: 'subscribe', from: 'latest' })
    await until(() => shield.stats().websocket.live === 1, 'one who is live')
    for (let i = 0; i < COUNT; i++) shield.writeThreat(threat(FILLING))
    await until(() => shield.stats().websocket.live === 0, 'one behind')
    ;({ generation } = shield.stats())
  })

  afterEach(() => peer.end())

  /** What the peer is told, in order, up to the first of the next ring. */
  async function account() {
    const events = []
    peer.read()
    await until(() => {
      for (const message of peer.messages.splice(0)) {
        const { type, threats, from, to, reason } = message
        const ours = message.generation === generation ? 'this' : 'next'
        if (type === 'threat') {
          events.push(...threats.map(({ sequence: at }) => [ours, at, at]))
        } else if (type === 'lost') {
          events.push([ours, from, to, reason])
        } else if (type === 'status' && message.next !== undefined) {
          events.push([ours, message.next, 'begins'])
        }
      }
      return events.some(([ours, at, to]) => ours === 'next' && at === to)
    }, 'the first of the next ring')
    assert.deepEqual(events.shift(), ['this', 1, 'begins'])
    assert.deepEqual(events.splice(-2), [
      ['next', 1, 'begins'],
      ['next', 1, 1]
    ])
    return events
  }

  it('F24 all of the one that was unlinked, then the next', async () => {
    fs.unlinkSync(ring.file)
    assert(shield.isHealthy())
    assert.equal(shield.writeThreat(threat('of the next')), 1)
    assert.deepEqual(
      await account(),
      Array.from({ length: COUNT }, (_, i) => ['this', i + 1, i + 1])
    )
  })

  it('F22 the loss of what was cut off, then the next', async () => {
    fs.truncateSync(ring.file, 0)
    assert.equal(shield.writeThreat(threat('of the next')), 1)
    const events = await account()
    const loss = events.pop()
    const came = events.length
    assert(came < COUNT, 'it was behind')
    assert.deepEqual(
      events,
      Array.from({ length: came }, (_, i) => ['this', i + 1, i + 1])
    )
    assert.deepEqual(loss, ['this', came + 1, COUNT, 'replaced'])
  })
})
