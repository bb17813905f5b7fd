'use strict'
// Who is in nobody's way: connections that say nothing, and clients that say too
// much.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../../../lib/index.js')
const { connect } = require('../../../lib/websocket/client/connect.js')
const { newHandshakeServer } = require('../../helpers/handshake.js')
const { createToken } = require('../../../lib/websocket/auth.js')
const { useFactory, write } = require('../../helpers/factory.js')
const { numbers } = require('../../helpers/sequences.js')
const { until, within } = require('../../helpers/wait.js')
const {
  clientFrame,
  discovered,
  frames,
  Peer
} = require('../../helpers/websocket-peer.js')

const LONG_MS = 60_000

describe('a Shield’s server and a crowd', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let ring

  beforeEach(() => {
    ring = current()
  })

  /** In another process: connections that say nothing and come back. */
  function crowd(state, { port, count }) {
    const { connect: open } = state.require('node:net')
    state.opened = 0
    state.sockets = new Set()
    const one = () => {
      const socket = open(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.on('connect', () => {
        state.opened++
      })
      socket.on('close', () => {
        state.sockets.delete(socket)
        one()
      })
      state.sockets.add(socket)
    }
    for (let i = 0; i < count; i++) one()
  }

  it('F67 seventy that say nothing and come back: who has the token gets in', async () => {
    const token = createToken()
    const gate = newHandshakeServer({ token, handshakeTimeoutMs: LONG_MS })
    ring.keep(gate)
    const port = await gate.listen()
    const child = ring.child()
    await child.call(crowd, { port, count: 70 })
    const isCrowded = async () =>
      (await child.call(({ opened }) => opened)) > 200
    await until(isCrowded, 'the crowd')
    for (const i of numbers(1, 30)) {
      const socket = await connect({ url: `ws://127.0.0.1:${port}`, token })
      socket.terminate()
      assert.equal(gate.stats().admitted, i)
    }
    const { pending, refused } = gate.stats()
    assert(refused.crowded > 0)
    assert(pending < 1100, `${pending} wait`)
  })

  it('F67 the oldest gives way, and is closed', async () => {
    const token = createToken()
    const gate = newHandshakeServer({ token, handshakeTimeoutMs: LONG_MS })
    ring.keep(gate)
    const port = await gate.listen()
    const child = ring.child()
    await child.call((state, at) => {
      const { connect: open } = state.require('node:net')
      state.closed = []
      state.sockets = Array.from({ length: 64 }, (_, i) => {
        const socket = open(at, '127.0.0.1')
        socket.on('error', () => {})
        socket.on('close', () => state.closed.push(i))
        return socket
      })
    }, port)
    await until(() => gate.stats().pending === 64, '64 are in')
    const closed = () => child.call((state) => state.closed)
    assert.deepEqual(await closed(), [])
    for (const late of numbers(1, 5)) {
      await child.call((state, at) => {
        const { connect: open } = state.require('node:net')
        state.sockets.push(open(at, '127.0.0.1'))
      }, port)
      await until(
        async () => (await closed()).length === late,
        `${late} gave way`
      )
    }
    assert.deepEqual(await closed(), [0, 1, 2, 3, 4])
    assert.equal(gate.stats().pending, 64)
    assert.deepEqual(gate.stats().refused, { crowded: 5 })
  })

  const COMMANDS = 200_000
  const FLOODS = {
    get_status: '{"type":"get_status"}',
    subscribe: '{"type":"subscribe","from":"oldest"}',
    'foreign commands': '{"type":"toggle_protection"}'
  }
  for (const [what, text] of Object.entries(FLOODS)) {
    it(`F71 ${COMMANDS} ${what}: the Shield answers, others are served`, async () => {
      const options = {
        ...overWebSocket(),
        websocket: { port: 0, auth: 'none' }
      }
      const child = ring.child()
      await child.call(async (state, more) => {
        state.shield = state.ipc.IpcFactory.createTransport(more)
        await state.shield.ready()
      }, options)
      const publish = () =>
        child.call(({ shield }) =>
          shield.writeThreat({
            threatType: 1,
            severity: 1,
            source: 's',
            details: 'd'
          })
        )
      const { port } = discovered(ring.dir)
      const url = `ws://127.0.0.1:${port}`
      const flooder = new Peer(await connect({ url })).read()
      const other = new Peer(await connect({ url })).read()
      ring.keep({ close: () => [flooder, other].forEach((one) => one.end()) })
      other.say({ type: 'subscribe', from: 'latest' })
      await other.next('status')
      flooder.pour(frames(COMMANDS, clientFrame(text)))
      await until(() => flooder.messages.length > 0, 'the first answer')
      for (const sequence of numbers(1, 50)) {
        await publish()
        const { threats } = await other.next('threat')
        assert.equal(threats[0].sequence, sequence)
        other.say({ type: 'get_status' })
        assert.equal((await other.next('status')).sequence, sequence)
      }
      // Not because its commands were all done before.
      const answers = flooder.messages.length
      assert(answers < COMMANDS / 20, `${answers} answers`)
      assert.equal(flooder.close, null)
      const { clients } = await child.call(
        ({ shield }) => shield.stats().websocket
      )
      assert.equal(clients, 2)
    })
  }

  it('F71 what comes in a turn is bounded for pings, too', async () => {
    const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    const peer = (await Peer.connect(ring.dir)).read()
    let pongs = 0
    peer.socket.on('pong', () => pongs++)
    ring.keep({ close: () => peer.end() })
    const PINGS = 20_000
    peer.pour(frames(PINGS, clientFrame('', 9)))
    await until(() => pongs > 0, 'a pong')
    const other = (await Peer.connect(ring.dir)).read()
    ring.keep({ close: () => other.end() })
    other.say({ type: 'subscribe', from: 'latest' })
    await other.next('status')
    for (const sequence of numbers(1, 20)) {
      write(shield, 1)
      const { threats } = await other.next('threat')
      assert.equal(threats[0].sequence, sequence)
    }
    assert(pongs < PINGS / 10, `${pongs} pongs`)
    assert.equal(peer.close, null)
  })

  it('commands that waited are all answered', async () => {
    await shieldOf(IpcFactory.createTransport, overWebSocket())
    const peer = (await Peer.connect(ring.dir)).read()
    ring.keep({ close: () => peer.end() })
    peer.pour(frames(150, clientFrame('{"type":"get_status"}')))
    await until(() => peer.messages.length >= 150, 'every answer')
    peer.say({ type: 'subscribe', from: 'latest' })
    await until(() => peer.messages.length === 151, 'the last one')
    assert.equal(peer.messages.at(-1).next, 1)
  })

  it('a Shield that closes listens no more, and lets nobody in', async () => {
    const token = createToken()
    const gate = newHandshakeServer({ token, handshakeTimeoutMs: LONG_MS })
    ring.keep(gate)
    const port = await gate.listen()
    const url = `ws://127.0.0.1:${port}`
    const inside = await connect({ url, token })
    // A handshake that has begun gets an answer.
    const net = require('node:net')
    const begun = net.connect(port, '127.0.0.1')
    let answer = ''
    begun.on('data', (chunk) => {
      answer += chunk
    })
    begun.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`)
    await until(() => gate.stats().pending === 1, 'it has begun')
    gate.stop()
    await assert.rejects(connect({ url, token }), {
      code: 'ERR_WEBSOCKET_UNREACHABLE',
      isAbsent: true
    })
    begun.write(
      'Upgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'
    )
    await until(() => answer.includes('\r\n\r\n'), 'an answer')
    assert.match(answer, /^HTTP\/1\.1 401 /)
    begun.destroy()
    // Who was in stays until close().
    assert.equal(gate.stats().connections, 1)
    inside.terminate()
  })

  it('a Shield that closes while a client reads on refuses the others', async () => {
    const websocket = { port: 0, maxBufferedBytes: 65536 }
    const options = { ...overWebSocket(), websocket }
    const shield = await shieldOf(IpcFactory.createTransport, options)
    const { url, token } = {
      url: shield.stats().websocket.url,
      token: discovered(ring.dir).token
    }
    const slow = (await Peer.connect(ring.dir)).stop()
    ring.keep({ close: () => slow.end() })
    slow.say({ type: 'subscribe', from: 'oldest' })
    await until(() => shield.stats().websocket.live === 1, 'it is in')
    for (let i = 0; i < 500; i++) {
      shield.writeThreat({
        threatType: 1,
        severity: 1,
        source: 's',
        details: 'd'.repeat(20_000)
      })
    }
    assert.equal(shield.stats().websocket.live, 0)
    let isClosed = false
    const closed = shield.close().then(() => {
      isClosed = true
    })
    await assert.rejects(connect({ url, token }), {
      code: 'ERR_WEBSOCKET_UNREACHABLE'
    })
    assert.equal(isClosed, false, 'the slow one is still waited for')
    await within(closed, 'close()')
  })
})
