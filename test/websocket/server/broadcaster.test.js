'use strict'
// How what is published becomes messages, how long one turn of the event loop
// is, and how long clients are waited for.

const assert = require('node:assert/strict')
const { createToken } = require('../../../lib/websocket/auth.js')
const { connect } = require('../../../lib/websocket/client/connect.js')
const { checkWebSocket } = require('../../../lib/options/websocket.js')
const { Broadcaster } = require('../../../lib/websocket/server/broadcaster.js')
const { useClock } = require('../../helpers/clock.js')
const { numbers } = require('../../helpers/sequences.js')
const { turn, until } = require('../../helpers/wait.js')
const { LONG_MS, Peer, threatOf } = require('../../helpers/websocket-peer.js')

const GENERATION = '0123456789abcdef'
const MESSAGE_EVENTS = 64
const MESSAGE_BYTES = 256 * 1024
const PUMP_MS = 5
const CLOSE_MS = 1000

describe('a server that broadcasts', () => {
  const clock = useClock()
  let broadcaster
  let history

  beforeEach(() => {
    history = {
      generation: GENERATION,
      predecessor: null,
      sequence: 0,
      start: 1,
      begins: 1,
      isRing: false,
      priorityBefore: () => 0
    }
    const options = checkWebSocket({
      port: 0,
      heartbeatMs: LONG_MS,
      stallTimeoutMs: LONG_MS
    })
    const token = createToken()
    broadcaster = new Broadcaster(history, options, token)
    broadcaster.token = token
  })

  afterEach(() => broadcaster.close())

  /** A client that is live. */
  async function live() {
    const port = await broadcaster.listen()
    const url = `ws://127.0.0.1:${port}`
    const { token } = broadcaster
    const peer = new Peer(await connect({ url, token })).read()
    peer.say({ type: 'subscribe' })
    await until(() => broadcaster.stats().live === 1, 'it is live')
    return peer
  }

  /** Publishes texts, all at once or one by one. */
  function publish(texts, atOnce = false) {
    const first = history.sequence + 1
    history.sequence += texts.length
    if (atOnce) {
      broadcaster.publish(
        first,
        texts,
        texts.map(() => 0)
      )
    } else {
      texts.forEach((text, i) => broadcaster.publish(first + i, [text], [0]))
    }
  }

  const textsFrom = (from, count) =>
    numbers(from, from + count - 1).map((n) => JSON.stringify(threatOf(n)))

  /** How many threats each message had, when all have come. */
  async function sizes(peer) {
    const threats = () =>
      peer.messages
        .filter(({ type }) => type === 'threat')
        .map((m) => m.threats)
    await until(
      () => threats().flat().at(-1)?.sequence === history.sequence,
      'the last one'
    )
    assert.deepEqual(
      threats()
        .flat()
        .map(({ sequence }) => sequence),
      numbers(1, history.sequence)
    )
    return threats().map(({ length }) => length)
  }

  it('the first of a turn goes at once, the others together', async () => {
    const peer = await live()
    publish(textsFrom(1, 5))
    assert.deepEqual(await sizes(peer), [1, 4])
  })

  it('64 are a message, and the rest of the turn another', async () => {
    const peer = await live()
    publish(textsFrom(1, 1 + 2 * MESSAGE_EVENTS + 3))
    assert.deepEqual(await sizes(peer), [1, MESSAGE_EVENTS, MESSAGE_EVENTS, 3])
  })

  it('a turn later it begins anew', async () => {
    const peer = await live()
    publish(textsFrom(1, 2))
    await turn()
    await turn()
    publish(textsFrom(3, 2))
    assert.deepEqual(await sizes(peer), [1, 1, 1, 1])
  })

  /** As many texts as have so much of length. */
  function textsOfLength(total, from) {
    const texts = textsFrom(from, 2)
    const missing = total - texts.join('').length
    const longer = threatOf(from + 1, { details: 'x'.repeat(missing) })
    const length = JSON.stringify(longer).length - texts[1].length
    const details = 'x'.repeat(missing - (length - missing))
    texts[1] = JSON.stringify(threatOf(from + 1, { details }))
    assert.equal(texts.join('').length, total)
    return texts
  }

  for (const [length, expected] of [
    [MESSAGE_BYTES, [1, 2, 1]],
    [MESSAGE_BYTES - 1, [1, 3]]
  ]) {
    it(`${length} characters in a turn: ${expected.join(' and ')}`, async () => {
      const peer = await live()
      publish(textsFrom(1, 1))
      publish(textsOfLength(length, 2))
      publish(textsFrom(4, 1))
      assert.deepEqual(await sizes(peer), expected)
    })
  }

  it('a batch that is longer than a message is several', async () => {
    const peer = await live()
    publish(
      [1, 2, 3].map((n) =>
        JSON.stringify(threatOf(n, { details: 'x'.repeat(MESSAGE_BYTES) }))
      ),
      true
    )
    assert.deepEqual(await sizes(peer), [1, 1, 1])
  })

  it('F71 who is sent the history is served for 5 ms in a turn, in order', async () => {
    const pumped = []
    const subscriptions = numbers(1, 2 * PUMP_MS + 2).map((number) => ({
      pump() {
        pumped.push(number)
        // It takes a millisecond.
        clock.advance(1)
      }
    }))
    clock.begin()
    subscriptions.forEach((each) => broadcaster.pumpLater(each))
    assert.deepEqual(pumped, [])
    await turn()
    assert.deepEqual(pumped, numbers(1, PUMP_MS))
    await turn()
    assert.deepEqual(pumped, numbers(1, 2 * PUMP_MS))
    await turn()
    await turn()
    assert.deepEqual(pumped, numbers(1, 2 * PUMP_MS + 2))
  })

  it('closes when its clients have everything, or after a second', async () => {
    clock.begin()
    let leaves = 0
    broadcaster.subscribers.add({ leave: () => leaves++ })
    let isClosed = false
    const closed = broadcaster.close().then(() => {
      isClosed = true
    })
    assert.equal(leaves, 1)
    clock.advance(CLOSE_MS - 1)
    await turn()
    assert.equal(isClosed, false)
    clock.advance(1)
    await closed
    broadcaster.subscribers.clear()
  })

  it('that is closed before it listens says so', async () => {
    const listening = broadcaster.listen()
    const closing = broadcaster.close()
    await assert.rejects(listening, { code: 'ERR_CLOSED' })
    await closing
    await assert.rejects(broadcaster.listen(), { code: 'ERR_CLOSED' })
  })

  it('F57 beats and looks for those that are stalled, by its options', async () => {
    const options = checkWebSocket({
      port: 0,
      heartbeatMs: 100,
      stallTimeoutMs: 1001
    })
    broadcaster = new Broadcaster(history, options, createToken())
    clock.begin()
    await broadcaster.listen()
    const told = { beats: 0, looks: 0 }
    const subscriber = {
      beat: () => told.beats++,
      isStalled() {
        told.looks++
        return told.looks === 2
      },
      evict: () => broadcaster.subscribers.delete(subscriber)
    }
    broadcaster.subscribers.add(subscriber)
    clock.advance(99)
    assert.equal(told.beats, 0)
    clock.advance(1)
    assert.equal(told.beats, 1)
    // Four times in the time that it may take, rounded up.
    clock.advance(150)
    assert.equal(told.looks, 0)
    clock.advance(1)
    assert.equal(told.looks, 1)
    clock.advance(250)
    assert.equal(broadcaster.stats().evicted, 0)
    clock.advance(1)
    assert.equal(broadcaster.stats().evicted, 1)
    assert.equal(told.beats, 5)
  })
})
