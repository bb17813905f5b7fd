'use strict'
// A history that lies: a ring is memory that others may write.

const assert = require('node:assert/strict')
const { checkWebSocket } = require('../../../lib/options/websocket.js')
const { createToken } = require('../../../lib/websocket/auth.js')
const { connect } = require('../../../lib/websocket/client/connect.js')
const { Broadcaster } = require('../../../lib/websocket/server/broadcaster.js')
const { record, until } = require('../../helpers/wait.js')
const { LONG_MS, Peer, threatOf } = require('../../helpers/websocket-peer.js')

const GENERATION = '0123456789abcdef'
const MAX = Number.MAX_SAFE_INTEGER

describe('a Shield’s server and a history that lies', () => {
  const opened = []

  afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())))

  /** A server of a history with this cursor, and a client of it. */
  async function serve(cursor, more = {}) {
    const token = createToken()
    const history = {
      isRing: true,
      generation: GENERATION,
      predecessor: null,
      sequence: 1000,
      start: 1,
      begins: 1,
      priorityBefore: () => null,
      cursor: () => ({ goBack() {}, close() {}, ...cursor }),
      ...more
    }
    const options = checkWebSocket({
      port: 0,
      heartbeatMs: LONG_MS,
      stallTimeoutMs: LONG_MS,
      maxBufferedBytes: 65536
    })
    const broadcaster = new Broadcaster(history, options, token)
    opened.push(broadcaster)
    const url = `ws://127.0.0.1:${await broadcaster.listen()}`
    const peer = new Peer(await connect({ url, token })).read()
    opened.push({ close: () => peer.end() })
    return { broadcaster, history, peer }
  }

  const nothing = (more) => ({
    generation: GENERATION,
    losses: [],
    texts: [],
    before: null,
    priorities: [],
    isRescued: false,
    more
  })

  /** Counts the reads in each turn of the event loop. */
  function meter() {
    const turns = [0]
    let timer = null
    return {
      turns,
      count() {
        turns[turns.length - 1]++
        timer ??= setImmediate(() => {
          timer = null
          turns.push(0)
        })
      }
    }
  }

  it('F62 an end that runs away: few reads in each turn, and others are served', async () => {
    const { turns, count } = meter()
    let reads = 0
    // It runs away until the answer is there.
    let isEndless = true
    const { broadcaster, peer } = await serve({
      read() {
        count()
        reads++
        return nothing(isEndless)
      }
    })
    peer.say({ type: 'subscribe', from: 'oldest' })
    await until(() => reads > 0, 'the first read')
    peer.say({ type: 'get_status' })
    await until(
      () => peer.messages.filter(({ type }) => type === 'status').length === 2,
      'an answer while the history is read'
    )
    isEndless = false
    const [subscriber] = broadcaster.subscribers
    await until(() => subscriber.stats().state === 'early', 'the end')
    assert(Math.max(...turns) <= 8, `${Math.max(...turns)} reads in a turn`)
    assert.equal(broadcaster.stats().clients, 1)
  })

  it('F62 each of many that are sent the history has its turn', async () => {
    let reads = 0
    const { broadcaster, peer } = await serve({
      read() {
        reads++
        return nothing(true)
      }
    })
    peer.say({ type: 'subscribe', from: 'oldest' })
    await until(() => reads > 100, 'that it reads')
    // The history grows no more than that: an unsubscribe ends it.
    peer.say({ type: 'unsubscribe' })
    peer.say({ type: 'get_status' })
    await until(() => peer.messages.length >= 2, 'an answer')
    const before = reads
    await until(() => broadcaster.stats().live === 0, 'nobody is live')
    assert(reads - before < 10, 'it reads no more')
  })

  const forged = (name) => () => {
    throw Object.assign(new RangeError(`${name}: position out of range`), {
      code: 'ERR_RING_CORRUPT'
    })
  }

  it('F61 a place that cannot be gone back to: told, nothing thrown', async () => {
    const uncaught = record(process, 'uncaughtExceptionMonitor')
    const text = JSON.stringify({
      ...threatOf(1),
      details: 'x'.repeat(300_000)
    })
    const { peer } = await serve({
      read: () => ({
        ...nothing(true),
        // The second does not fit behind the first.
        texts: [text, text],
        priorities: [0, 0]
      }),
      goBack: forged('goBack')
    })
    peer.stop()
    peer.say({ type: 'subscribe', from: 'oldest' })
    peer.read()
    const { code } = await peer.next('error')
    assert.equal(code, 'ERR_RING_CORRUPT')
    assert.equal((await peer.closed()).code, 1011)
    assert.deepEqual(uncaught, [])
  })

  it('F61 while the Shield publishes: the publisher does not see it', async () => {
    let isForged = false
    const { broadcaster, history, peer } = await serve({
      read: () => (isForged ? forged('read')() : nothing(false))
    })
    peer.say({ type: 'subscribe', from: 5000 })
    await until(() => peer.messages.length > 0, 'its status')
    isForged = true
    history.sequence = 1001
    broadcaster.historyGrew()
    assert.equal((await peer.next('error')).code, 'ERR_RING_CORRUPT')
  })

  for (const sequence of [MAX + 1, 2 ** 64, -1, 0.5, NaN, Infinity]) {
    it(`F61 a predecessor that ended at ${sequence}: how much is unknown`, async () => {
      const other = 'f0f0f0f0f0f0f0f0'
      const { peer } = await serve(
        { read: () => nothing(false) },
        { predecessor: { generation: other, sequence } }
      )
      peer.say({ type: 'subscribe', from: 5, generation: other })
      const [first] = await until(
        () => peer.messages.length > 1 && peer.messages,
        'what is said of it'
      )
      assert.deepEqual(
        [first.type, first.count, first.reason],
        ['lost', null, 'replaced']
      )
    })
  }

  it('F61 losses at the end of all numbers', async () => {
    let reads = 0
    const loss = {
      count: MAX,
      from: 1,
      to: MAX,
      generation: GENERATION,
      reason: 'overwritten'
    }
    const { peer } = await serve({
      read: () =>
        reads++ === 0 ? { ...nothing(true), losses: [loss] } : nothing(false)
    })
    peer.say({ type: 'subscribe', from: 1 })
    const { count, to } = await peer.next('lost')
    assert.deepEqual([count, to], [MAX, MAX])
    peer.say({ type: 'get_status' })
    assert.equal((await peer.next('status')).sequence, 1000)
  })
})
