'use strict'
// One client of a server, without a socket: when it is stalled, how it is told
// to go, and what waits for it.

const assert = require('node:assert/strict')
const { EventEmitter } = require('node:events')
const { SendBuffer } = require('../../../lib/websocket/server/send-buffer.js')
const { Subscriber } = require('../../../lib/websocket/server/subscriber.js')
const { useClock } = require('../../helpers/clock.js')

const GENERATION = '0123456789abcdef'
const STALL_MS = 1000
const CLOSE_MS = 1000
const REASON_BYTES = 123
const FRAME_BYTES = 10
const MAX_BYTES = 1000

/** A connection that takes what it is sent when the test says so. */
class Socket extends EventEmitter {
  sent = []
  pings = 0
  pongs = 0
  closes = []
  isTerminated = false
  #taken = []

  send(data, _options, taken) {
    this.sent.push(String(data))
    this.#taken.push(taken)
  }

  pong(_data, _mask, taken) {
    this.pongs++
    this.#taken.push(taken)
  }

  takeAll() {
    this.#taken.splice(0).forEach((taken) => taken())
  }

  ping() {
    this.pings++
  }

  close(code, reason) {
    this.closes.push({ code, reason })
  }

  terminate() {
    this.isTerminated = true
  }

  pause() {}

  resume() {}

  get errors() {
    return this.sent.map(JSON.parse).filter(({ type }) => type === 'error')
  }
}

describe('a client of a WebSocket server', () => {
  const clock = useClock()
  let socket
  let subscriber

  function open(limits = {}, history = {}) {
    socket = new Socket()
    subscriber = new Subscriber(socket, {
      boot: null,
      threatsBlocked: () => 0,
      stateChanged() {},
      pumpLater: assert.fail,
      history: {
        generation: GENERATION,
        sequence: 0,
        start: 1,
        begins: 1,
        predecessor: null,
        priorityBefore: () => null,
        ...history
      },
      limits: {
        auth: 'token',
        heartbeatMs: 100,
        stallTimeoutMs: STALL_MS,
        maxBufferedBytes: MAX_BYTES,
        ...limits
      }
    })
  }

  beforeEach(() => {
    clock.begin()
    open()
  })

  const say = (command) =>
    socket.emit('message', Buffer.from(JSON.stringify(command)), false)
  const isStalled = () => subscriber.isStalled(performance.now())

  /** It is not stalled for so long, and then it is. */
  function assertStallsIn(milliseconds) {
    clock.advance(milliseconds - 1)
    assert.equal(isStalled(), false)
    clock.advance(1)
    assert.equal(isStalled(), true)
  }

  it('F57 that answers no ping is stalled, to the millisecond', () => {
    clock.advance(5)
    subscriber.beat()
    assert.equal(socket.pings, 1)
    // A second ping does not begin it anew.
    clock.advance(400)
    subscriber.beat()
    assertStallsIn(STALL_MS - 400)
  })

  it('F57 that was not asked is never stalled, nor one that answers', () => {
    clock.advance(10 * STALL_MS)
    assert.equal(isStalled(), false)
    subscriber.beat()
    socket.emit('pong')
    clock.advance(10 * STALL_MS)
    assert.equal(isStalled(), false)
    subscriber.beat()
    assertStallsIn(STALL_MS)
  })

  it('F57 that takes nothing is stalled since then, and asked nothing', () => {
    say({ type: 'get_status' })
    while (!subscriber.stats().isFull) {
      subscriber.beat()
      subscriber.subscription.pause()
    }
    const { pings } = socket
    subscriber.beat()
    assert.equal(socket.pings, pings)
    assertStallsIn(STALL_MS)
    socket.takeAll()
    assert.equal(isStalled(), false)
  })

  it('F71 that commands too much is stalled, unless it is an old one', () => {
    for (const [auth, expected] of [
      ['token', true],
      ['none', false]
    ]) {
      open({ auth, maxBufferedBytes: 1e6 })
      for (let i = 0; i < 1000; i++) say({ type: 'get_status' })
      clock.advance(STALL_MS)
      assert.equal(isStalled(), expected, auth)
    }
  })

  it('F71 what it was asked behind its commands is asked anew', () => {
    open({ auth: 'none', maxBufferedBytes: 1e6 })
    subscriber.beat()
    for (let i = 0; i < 65; i++) say({ type: 'get_status' })
    // Its answer would come behind them.
    clock.advance(50)
    subscriber.beat()
    assertStallsIn(STALL_MS)
  })

  it('F56 what it says when it has to go is not run', () => {
    say({ type: 'what' })
    say({ type: 'what' })
    const { length } = socket.sent
    say({ type: 'get_status' })
    subscriber.beat()
    assert.deepEqual([socket.sent.length, socket.pings], [length, 0])
  })

  it('F57 evicted: told why, closed with 1013, ended in a second', () => {
    subscriber.beat()
    clock.advance(STALL_MS)
    subscriber.evict()
    const message = `nothing was taken for ${STALL_MS} ms`
    assert.deepEqual(socket.errors, [
      { type: 'error', code: 'ERR_EVICTED', message }
    ])
    assert.deepEqual(socket.closes, [{ code: 1013, reason: message }])
    clock.advance(CLOSE_MS - 1)
    assert.equal(socket.isTerminated, false)
    clock.advance(1)
    assert.equal(socket.isTerminated, true)
    // Once is enough.
    subscriber.evict()
    say({ type: 'get_status' })
    assert.deepEqual([socket.closes.length, socket.errors.length], [1, 1])
    assert.equal(isStalled(), false)
  })

  it('F71 evicted for its commands: that is what it is told', () => {
    open({ maxBufferedBytes: 1e6 })
    for (let i = 0; i < 1000; i++) say({ type: 'get_status' })
    clock.advance(STALL_MS)
    subscriber.evict()
    assert.equal(
      socket.closes[0].reason,
      `too many commands came for ${STALL_MS} ms`
    )
  })

  it('F56 a second mistake: closed with 1008', () => {
    say({ type: 'what' })
    assert.equal(socket.closes.length, 0)
    say({ type: 'what' })
    assert.equal(socket.closes[0].code, 1008)
    assert.equal(socket.errors.length, 2)
  })

  it('F56 a command while answers are not read: a mistake, and a second one', () => {
    open({ maxBufferedBytes: 1 })
    say({ type: 'get_status' })
    say({ type: 'get_status' })
    assert.match(socket.errors[0].message, /answers are not read/)
    say({ type: 'get_status' })
    assert.equal(socket.closes[0].code, 1008)
  })

  it('a ping is answered, unless answers are not read', () => {
    open({ maxBufferedBytes: FRAME_BYTES + 1 })
    socket.emit('ping', Buffer.from('p'))
    assert.equal(socket.pongs, 1)
    socket.emit('ping', Buffer.from('p'))
    assert.equal(socket.pongs, 1)
    socket.takeAll()
    socket.emit('ping', Buffer.from('p'))
    assert.equal(socket.pongs, 2)
  })

  it('F61 a history that cannot be read: told, closed with 1011', () => {
    const history = {
      sequence: 5,
      cursor() {
        throw Object.assign(new Error('r'.repeat(REASON_BYTES - 1) + 'é'), {
          code: 'ERR_SYSTEM'
        })
      }
    }
    open({}, history)
    say({ type: 'subscribe', from: 'oldest' })
    const [{ code, reason }] = socket.closes
    // As many bytes as a close frame takes, and no half of a character.
    assert.deepEqual([code, reason], [1011, 'r'.repeat(REASON_BYTES - 1)])
    assert.equal(socket.errors[0].code, 'ERR_SYSTEM')
  })

  it('the longest reason that fits is whole', () => {
    const whole = 'r'.repeat(REASON_BYTES - 2) + 'é'
    open(
      {},
      {
        sequence: 5,
        cursor() {
          throw new Error(whole)
        }
      }
    )
    say({ type: 'subscribe', from: 'oldest' })
    assert.equal(socket.closes[0].reason, whole)
  })

  describe('what waits for it', () => {
    it('F57 is counted with its frames, full at the limit, free at half', () => {
      let freed = 0
      const buffer = new SendBuffer(socket, MAX_BYTES, () => freed++)
      buffer.send('x'.repeat(MAX_BYTES - FRAME_BYTES - 1))
      assert.deepEqual([buffer.bytes, buffer.isFull()], [MAX_BYTES - 1, false])
      assert.equal(buffer.fullSince, null)
      socket.takeAll()
      assert.deepEqual([buffer.bytes, freed], [0, 0])

      const half = MAX_BYTES / 2
      buffer.send('x'.repeat(half - FRAME_BYTES))
      buffer.send(Buffer.alloc(half - FRAME_BYTES))
      clock.advance(3)
      assert.equal(buffer.isFull(), true)
      clock.advance(3)
      assert.deepEqual([buffer.isFull(), buffer.fullSince], [true, 3])
      socket.takeAll()
      assert.deepEqual([buffer.bytes, buffer.fullSince, freed], [0, null, 1])
    })

    it('F57 more than a half is not free', () => {
      const taken = []
      const lazy = { send: (_data, _options, done) => taken.push(done) }
      let freed = 0
      const buffer = new SendBuffer(lazy, MAX_BYTES, () => freed++)
      const sizes = [MAX_BYTES / 2, 1, MAX_BYTES / 2]
      sizes.forEach((size) => buffer.send('x'.repeat(size)))
      assert.equal(buffer.isFull(), true)
      taken[0]()
      // Half of it, and what the two frames and the one byte are.
      assert.equal(buffer.bytes, MAX_BYTES / 2 + 1 + 2 * FRAME_BYTES)
      assert.equal(freed, 0)
      taken[1]()
      assert.equal(freed, 0)
      taken[2]()
      assert.equal(freed, 1)
    })
  })
})
