'use strict'
// What a client takes of a server, how long it waits for it, and what it
// believes, just below and just above each bound.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { mock } = require('node:test')
const net = require('node:net')
const { bootId } = require('../../../lib/base/boot-id.js')
const { createToken } = require('../../../lib/websocket/auth.js')
const { connect } = require('../../../lib/websocket/client/connect.js')
const { MOST_EVENT_BYTES } = require('../../../lib/threat/limits.js')
const { newHandshakeServer } = require('../../helpers/handshake.js')
const { useClock } = require('../../helpers/clock.js')
const { record, turn, until, within } = require('../../helpers/wait.js')
const { useLiar } = require('../../helpers/websocket-lies.js')
const { threatOf } = require('../../helpers/websocket-peer.js')

const TOKEN = createToken()
const LEAST_EVENT_BYTES = 4096
const MAX_FRAGMENTS = 16 * 1024

describe('what a client over WebSocket takes', () => {
  const clock = useClock()
  let gate

  beforeEach(async () => {
    gate = newHandshakeServer({ token: TOKEN })
    gate.clients = record(gate, 'connection')
    gate.port = await gate.listen()
  })

  afterEach(() => gate.close())

  /** A client, and the server's end of its connection. */
  async function open(options) {
    const url = `ws://127.0.0.1:${gate.port}`
    const client = await connect({ url, token: TOKEN, ...options })
    client.errors = record(client, 'error')
    client.messages = record(client, 'message')
    client.resume()
    return { client, server: gate.clients.at(-1) }
  }

  /** Not once(), which an 'error' rejects. */
  const gone = (client) =>
    new Promise((resolve) => {
      client.on('close', resolve)
    })

  /** The beginning of a message that has so many bytes. */
  function header(length) {
    const bytes = Buffer.alloc(10)
    bytes[0] = 0x81
    bytes[1] = 127
    bytes.writeBigUInt64BE(BigInt(length), 2)
    return bytes
  }

  // Six bytes of JSON for each byte of text, and one MiB.
  const limits = {
    least: [LEAST_EVENT_BYTES, LEAST_EVENT_BYTES * 6 + 2 ** 20],
    most: [MOST_EVENT_BYTES, MOST_EVENT_BYTES * 6 + 2 ** 20]
  }
  for (const [which, [maxEventBytes, limit]] of Object.entries(limits)) {
    for (const [length, isTaken] of [
      [limit, true],
      [limit + 1, false]
    ]) {
      it(`F63 with the ${which} maxEventBytes, ${length} bytes: ${isTaken}`, async () => {
        const { client, server } = await open({ maxEventBytes })
        const closed = gone(client)
        server._socket.end(header(length))
        await within(closed, 'its end')
        const isRefused = client.errors.some(({ message }) =>
          message.includes('payload size')
        )
        assert.equal(isRefused, !isTaken)
      })
    }
  }

  for (const [count, isTaken] of [
    [MAX_FRAGMENTS, true],
    [MAX_FRAGMENTS + 1, false]
  ]) {
    it(`F56 a message in ${count} pieces: ${isTaken}`, async () => {
      const { client, server } = await open({})
      const pieces = Buffer.alloc(count * 3)
      for (let i = 0; i < count; i++) {
        pieces[3 * i] = (i === 0 ? 1 : 0) | (i === count - 1 ? 0x80 : 0)
        pieces[3 * i + 1] = 1
        pieces[3 * i + 2] = 0x20
      }
      server._socket.write(pieces)
      await until(
        () => client.messages.length + client.errors.length > 0,
        'what it makes of it'
      )
      assert.deepEqual(
        [client.messages.length, client.errors.length],
        isTaken ? [1, 0] : [0, 1]
      )
      client.terminate()
    })
  }

  it('F57 a server that says good-bye and stays: left after 30 s', async () => {
    const { client, server } = await open({})
    const closed = gone(client)
    let isClosed = false
    // It reads no answer, and does not hang up.
    server._socket.removeAllListeners('data').pause()
    closed.then(() => {
      isClosed = true
    })
    clock.begin()
    server._socket.write(Buffer.from('880203e8', 'hex'))
    await until(() => client.readyState === client.CLOSING, 'its answer')
    // The answer goes out before the clock is set.
    for (let i = 0; i < 10; i++) await turn()
    clock.advance(29_999)
    await turn()
    assert.equal(isClosed, false)
    clock.advance(1)
    await within(closed, 'its end')
  })

  it('F57 a server that never answers: given up after 5 s', async () => {
    const silent = net.createServer((socket) =>
      socket.on('error', () => {}).resume()
    )
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const url = `ws://127.0.0.1:${silent.address().port}`
    try {
      clock.begin()
      const connecting = connect({ url, token: TOKEN })
      let error = null
      connecting.catch((reason) => {
        error = reason
      })
      await once(silent, 'connection')
      clock.advance(4999)
      await turn()
      assert.equal(error, null)
      clock.advance(1)
      await until(() => error !== null, 'that it gives up')
      assert.equal(error.code, 'ERR_WEBSOCKET_UNREACHABLE')
      assert.match(error.message, / in 5000 ms/)
    } finally {
      silent.close()
    }
  })
})

describe('what a client over WebSocket believes', () => {
  const { liar, reader } = useLiar()

  afterEach(() => mock.restoreAll())

  for (const [heartbeatMs, patience] of [
    [3_600_000, [9_000_000]],
    [3_600_001, []]
  ]) {
    it(`F57 a heartbeat every ${heartbeatMs} ms: ${patience.length > 0}`, async () => {
      const delays = []
      const real = globalThis.setTimeout
      mock.method(globalThis, 'setTimeout', (action, delay, ...rest) => {
        delays.push(delay)
        return real(action, delay, ...rest)
      })
      await liar((connection) => {
        connection.status({ next: 1, heartbeatMs }).heartbeat(7)
      })
      const client = await reader()
      await until(() => client.stats().published === 7, 'the heartbeat')
      assert.deepEqual(
        [...new Set(delays.filter((delay) => delay > 1_000_000))],
        patience
      )
    })
  }

  const HOUR_NS = 3_600_000_000_000
  for (const [latency, count] of [
    [HOUR_NS - 1, 1],
    [HOUR_NS, 0]
  ]) {
    it(`F57 a latency of ${latency} ns: ${count > 0}`, async () => {
      const now = 2 * HOUR_NS
      await liar((connection, command) => {
        connection.serve(command, 0).status({ boot: bootId() })
        connection.threats([threatOf(1, { published_ns: now - latency })])
      })
      mock.method(process.hrtime, 'bigint', () => BigInt(now))
      const client = await reader()
      await until(() => client.stats().received === 1, 'the threat')
      assert.equal(client.stats().latency.count, count)
    })
  }

  it('F57 the first 120 characters of why a server closes', async () => {
    const reason = `${'r'.repeat(120)}xyz`
    await liar((connection, command) => {
      connection.serve(command, 0)
      if (connection.number === 1) connection.socket.close(1001, reason)
    })
    const client = await reader()
    const told = await until(
      () =>
        client.moves.find(({ to, from }) => from && to === 'connecting')
          ?.reason,
      'why it went'
    )
    assert(told.includes('r'.repeat(120)), told)
    assert(!told.includes('x'), told)
  })
})
