'use strict'
// A client that takes nothing in for a while, and one that is closed while it
// connects, by sockets of the test's.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { createToken } = require('../../../lib/websocket/auth.js')
const {
  ReconnectingSocket
} = require('../../../lib/websocket/client/reconnecting-socket.js')
const { newHandshakeServer } = require('../../helpers/handshake.js')
const { record, until, within } = require('../../helpers/wait.js')

describe('a client’s connection', () => {
  let gate
  let socket
  let told
  let place
  let attempts

  beforeEach(async () => {
    const token = createToken()
    gate = newHandshakeServer({ token })
    gate.clients = record(gate, 'connection')
    const port = await gate.listen()
    place = { url: `ws://127.0.0.1:${port}`, token, isGiven: false }
    told = { opened: 0, failed: [], messages: [], alive: 0 }
    attempts = 0
    socket = new ReconnectingSocket(
      () => {
        attempts++
        return place
      },
      {
        opened: () => told.opened++,
        message: (data) => told.messages.push(String(data)),
        failed: (error) => told.failed.push(error),
        alive: () => told.alive++
      },
      { handshakeTimeoutMs: 10_000 }
    )
  })

  afterEach(async () => {
    socket.close()
    await gate.close()
  })

  async function open() {
    const before = told.opened
    socket.connect()
    await until(() => told.opened === before + 1, 'a connection')
    return gate.clients.at(-1)
  }

  it('is one, however often it is asked for', async () => {
    socket.connect()
    socket.connect()
    await until(() => told.opened === 1, 'a connection')
    socket.connect()
    socket.hurry()
    assert.equal(gate.stats().admitted, 1)
  })

  it('F57 takes nothing in while it is paused, and all of it then', async () => {
    const server = await open()
    socket.pause()
    server.send('one')
    server.ping()
    server.send('two')
    await new Promise((resolve) => {
      server.send('three', resolve)
    })
    assert.deepEqual(told.messages, [])
    socket.resume()
    await until(() => told.messages.length === 3, 'all of them')
    assert.deepEqual(told.messages, ['one', 'two', 'three'])
    assert.equal(told.alive, 1)
  })

  it('F57 that is lost while it is paused is made anew by resume()', async () => {
    await open()
    socket.pause()
    socket.fail(new Error('lost'))
    assert.equal(socket.isOpen, false)
    // No attempt is made, nor one that could be hurried.
    socket.hurry()
    assert.equal(attempts, 1)
    socket.resume()
    assert.equal(attempts, 2)
    await until(() => told.opened === 2, 'another one')
    assert.deepEqual(
      told.failed.map(({ message }) => message),
      ['lost']
    )
  })

  it('F57 no silence counts while it is paused', async () => {
    await open()
    socket.pause()
    const { setTimeout: real } = globalThis
    let timers = 0
    globalThis.setTimeout = (...args) => {
      timers++
      return real(...args)
    }
    try {
      socket.watch(60_000)
      assert.equal(timers, 0)
      socket.resume()
      socket.watch(60_000)
      assert.equal(timers, 1)
    } finally {
      globalThis.setTimeout = real
    }
  })

  it('that comes when the client is closed is ended', async () => {
    const admitted = once(gate, 'connection')
    socket.connect()
    // In the turn in which the server lets it in, it has not got its answer.
    const [server] = await within(admitted, 'that it is let in')
    const gone = once(server, 'close')
    socket.close()
    await within(gone, 'its end')
    assert.deepEqual([told.opened, told.failed], [0, []])
  })

  it('F57 frames that nobody makes: told, and come back from', async () => {
    const server = await open()
    server._socket.write(Buffer.from('8300', 'hex'))
    await until(() => told.failed.length === 1, 'its fault')
    assert.match(told.failed[0].message, /Invalid WebSocket frame/)
    await until(() => told.opened === 2, 'another one')
  })
})
