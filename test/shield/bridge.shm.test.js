'use strict'
// A ring that somebody else writes, served over WebSocket: what of it depends on
// the instant, in one process. test/cli/bridge.shm.test.js has the processes.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { RingBridge } = require('../../lib/shield/bridge.js')
const { connect } = require('../../lib/websocket/client/connect.js')
const { useBridge } = require('../helpers/bridge.js')
const { write } = require('../helpers/factory.js')
const { noise, threat } = require('../helpers/ring.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { collect, record, until } = require('../helpers/wait.js')
const { discovered, Peer } = require('../helpers/websocket-peer.js')

const PRIORITY = { severity: 'Critical' }

describe('a bridge', () => {
  const { bridgeOf, common, current, overWebSocket, peerOf } = useBridge()
  let ring
  beforeEach(() => {
    ring = current()
  })

  it('F60 carries what the ring does, to the last field', async () => {
    const writer = ring.writer({ maxEvents: 4096 })
    await bridgeOf()
    const byRing = ring.client()
    const live = await overWebSocket()
    const inputs = [
      threat('plain'),
      threat('with its own', { id: 'own', context: { deep: [1, null, 'ü'] } }),
      threat('numbers', { threatType: 4_000_000_000, severity: 250 }),
      threat('NUL\0 and 😀 and \u2028 "\\'.repeat(100), { timestampUs: 1 }),
      threat('', { source: '', blocked: false, context: null }),
      // More slots than a read has at first.
      threat(noise(110_000)),
      threat('the last', PRIORITY)
    ]
    const got = collect(live, inputs.length)
    inputs.forEach((input) => writer.writeThreat(input))
    const threats = await collect(byRing, inputs.length)
    assert.deepEqual(await got, threats)
    const late = await overWebSocket({ from: 'oldest' })
    assert.deepEqual(await collect(late, inputs.length), threats)
  })

  it('says when the writer published each, also in one read', async () => {
    const writer = ring.writer({ maxEvents: 4096 })
    await bridgeOf()
    const peer = await peerOf({ type: 'subscribe' })
    await peer.next('status')
    const before = Number(process.hrtime.bigint())
    write(writer, 3)
    writer.writeThreat(threat(noise(110_000)))
    const after = Number(process.hrtime.bigint())
    write(writer, 1)
    const threats = () => peer.messages.flatMap((one) => one.threats ?? [])
    await until(() => threats().length === 5, 'five')
    const times = threats().map((one) => one.published_ns)
    for (const [i, time] of times.entries()) {
      assert(time >= before && (i === 4 || time <= after), `${i}: ${times}`)
      assert(i === 0 || time >= times[i - 1], `${i}: ${times}`)
    }
    // A time of its own, and not that of the read.
    assert.equal(new Set(times).size, 5)
  })

  it('a writer that takes over at once is no end', async () => {
    const writer = ring.writer()
    const bridge = await bridgeOf()
    const ends = record(bridge, 'end')
    const client = await overWebSocket()
    for (const maxEvents of [1000, 1000, 5000]) {
      const before = client.stats().received
      await writer.close()
      const next = ring.writer({ maxEvents })
      const got = collect(client, 2)
      write(next, 2)
      await got
      assert.equal(client.stats().received, before + 2)
      await next.close()
    }
    assert.deepEqual(ends, [])
    // And now nobody takes over.
    await until(() => ends.length === 1, 'its end')
    assert.equal(bridge.stats().writer, 'gone')
  })

  it('a slot that is damaged is a loss for its clients, too', async () => {
    const writer = ring.writer()
    const bridge = await bridgeOf()
    const client = await overWebSocket()
    const lost = record(client, 'lost')
    const told = record(bridge, 'lost')
    const got = collect(client, 4)
    write(writer, 5)
    // Before the turn in which it is read.
    ring.bytes().alter(2, (slot) => slot.fill(0xff, 60, 70))
    assert.deepEqual(sequences(await got), [1, 2, 4, 5])
    for (const [loss] of [lost, told]) {
      const { reason, from, to, count } = loss
      assert.deepEqual([reason, from, to, count], ['corrupt', 3, 3, 1])
    }
    assert.deepEqual([lost.length, told.length], [1, 1])
    write(writer, 1)
    assert.deepEqual(sequences(await collect(client, 1)), [6])
    // Nothing stands behind this one, and it is passed all the same.
    const next = collect(client, 1)
    write(writer, 1)
    ring.bytes().alter(6, (slot) => slot.fill(0xff, 60, 70))
    await until(() => told.length === 2, 'the second loss')
    assert.equal(bridge.stand.sequence, 7)
    write(writer, 1)
    assert.deepEqual(sequences(await next), [8])
    assert.equal(lost.length, 2)
  })

  it('answers a command for a Shield with an error that says why', async () => {
    ring.writer()
    await bridgeOf()
    const peer = await peerOf({ type: 'toggle_protection' })
    const { code, message } = await peer.next('error')
    assert.equal(code, 'ERR_INVALID_MESSAGE')
    assert.match(
      message,
      /^the command toggle_protection is unknown; .*; this is a bridge to a Shield in another program, which no command reaches$/
    )
    // What is no command gets no such hint.
    peer.say({ type: 'subscribe', from: 'nowhere' })
    assert.doesNotMatch((await peer.next('error')).message, /bridge/)
  })

  it('an old client keeps its connection, and is told what was blocked', async () => {
    const warned = once(process, 'warning')
    const writer = ring.writer()
    const bridge = await bridgeOf({ websocket: { port: 0, auth: 'none' } })
    assert.equal((await warned)[0].code, 'KG_WEBSOCKET_NO_AUTH')
    const { url } = bridge.stats().websocket
    const peer = new Peer(await connect({ url, token: null })).read()
    ring.keep({ close: () => peer.end() })
    for (let i = 0; i < 3; i++) {
      peer.say({ type: 'toggle_protection' })
      assert.match((await peer.next('error')).message, /bridge/)
    }
    write(writer, 2)
    writer.writeThreat(threat('seen only', { blocked: false }))
    await until(() => bridge.stats().passed === 3, 'three')
    peer.say({ type: 'get_status' })
    const status = await peer.next('status')
    assert.equal(status.threats_blocked, 2)
    assert.equal(status.sequence, 3)
  })

  it('counts priority threats on from what the ring has', async () => {
    const writer = ring.writer()
    write(writer, 2)
    writer.writeThreat(threat('one', PRIORITY))
    const bridge = await bridgeOf()
    assert.equal(bridge.stand.priority, 1)
    const peer = await peerOf({ type: 'subscribe' })
    const { next, priority } = await peer.next('status')
    assert.deepEqual([next, priority], [4, 1])
    writer.writeThreat(threat('two', PRIORITY))
    const message = await peer.next('threat')
    assert.equal(message.threats[0].priority_count, 2)
    await bridge.close()
    const { state, sequence, priority: last } = discovered(ring.dir)
    assert.deepEqual([state, sequence, last], ['closed', 4, 2])
  })

  it('is a reliable reader when its options say so', async () => {
    const writer = ring.writer({ overflow: 'reject', maxEvents: 16 })
    await bridgeOf({ reliable: true })
    const client = await overWebSocket()
    assert.equal(writer.stats().readers.length, 1)
    const got = collect(client, 100)
    for (let written = 0; written < 100;) {
      try {
        written = writer.writeThreat(threat(`${written}`))
      } catch (error) {
        assert.equal(error.code, 'ERR_RING_FULL')
        await writer.writable()
      }
    }
    assert.deepEqual(sequences(await got), numbers(1, 100))
    assert.equal(client.stats().lost, 0)
  })

  it('websocket.enabled false leaves it nothing to do', () => {
    ring.writer()
    assert.throws(
      () => new RingBridge({ dir: ring.dir, websocket: { enabled: false } }),
      { code: 'ERR_INVALID_OPTION', message: /websocket\.enabled/ }
    )
  })

  it('leaves nothing behind when it cannot start', async () => {
    ring.writer()
    const first = await bridgeOf()
    const second = new RingBridge(common())
    await assert.rejects(second.start(), { code: 'ERR_RING_LOCKED' })
    await second.close()
    assert.equal(discovered(ring.dir).port, first.stats().websocket.port)
    await overWebSocket()
  })
})
