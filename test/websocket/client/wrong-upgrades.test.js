'use strict'
// Servers that answer 101 and do not mean it: nothing of what they send is taken.

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const net = require('node:net')
const { once } = require('node:events')
const { createToken } = require('../../../lib/websocket/auth.js')
const { connect } = require('../../../lib/websocket/client/connect.js')

// RFC 6455, section 1.3.
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
// A frame with the text 'x'.
const FRAME = Buffer.from('810178', 'hex')

const acceptOf = (key) =>
  createHash('sha1')
    .update(key + GUID)
    .digest('base64')

describe('a client over WebSocket and a wrong upgrade', () => {
  let server
  let sockets
  let url
  let answer // the header lines behind the status, of a key

  beforeEach(async () => {
    sockets = []
    server = net.createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      let request = ''
      socket.on('data', (chunk) => {
        request += chunk
        if (!request.includes('\r\n\r\n')) return
        const [, key] = /^Sec-WebSocket-Key: (.*)\r$/im.exec(request)
        const lines = ['HTTP/1.1 101 Switching Protocols', ...answer(key)]
        socket.write(
          Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), FRAME])
        )
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `ws://127.0.0.1:${server.address().port}`
  })

  afterEach(async () => {
    sockets.forEach((socket) => socket.destroy())
    server.close()
    await once(server, 'close')
  })

  const good = (key) => [
    'Connection: Upgrade',
    'Upgrade: WebSocket',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`
  ]

  it('the control: a right one, of any case', async () => {
    answer = good
    const socket = await connect({ url })
    const message = once(socket, 'message')
    socket.resume()
    assert.equal(String((await message)[0]), 'x')
    socket.terminate()
  })

  const wrongs = {
    'to something else': [
      (key) =>
        good(key).map((each) => each.replace(/^Upgrade: .*/, 'Upgrade: h2c')),
      'it upgrades to something else'
    ],
    'that answers another key': [
      (key) => good(`${key}x`),
      'its answer is not to this key'
    ],
    'without an answer to the key': [
      (key) => good(key).slice(0, 2),
      'its answer is not to this key'
    ],
    'with a protocol': [
      (key) => [...good(key), 'Sec-WebSocket-Protocol: a'],
      'it answers what nobody asked for'
    ],
    'with an extension': [
      (key) => [...good(key), 'Sec-WebSocket-Extensions: permessage-deflate'],
      'it answers what nobody asked for'
    ]
  }
  for (const [what, [lines, why]] of Object.entries(wrongs)) {
    it(`F58 ${what}: refused`, async () => {
      answer = lines
      await assert.rejects(connect({ url }), (error) => {
        assert.equal(error.code, 'ERR_WEBSOCKET_REFUSED')
        assert.equal(error.cause.message, why)
        return true
      })
    })
  }

  it('F58 before anybody was asked for a proof: a stranger', async () => {
    answer = good
    await assert.rejects(connect({ url, token: createToken() }), {
      code: 'ERR_WEBSOCKET_REFUSED',
      message: /who asks for no proof/
    })
  })

  it('that nobody waits for any more: the reason of that', async () => {
    answer = good
    const reason = new Error('never mind')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(connect({ url, signal }), reason)
    assert.equal(sockets.length, 0)
    const later = new AbortController()
    const onSocket = () => later.abort(reason)
    await assert.rejects(
      connect({ url, signal: later.signal, onSocket }),
      reason
    )
    // In the instant in which it is connected, and has asked nothing.
    const atOnce = new AbortController()
    const whenConnected = (socket) =>
      socket.once('connect', () => atOnce.abort(reason))
    await assert.rejects(
      connect({ url, signal: atOnce.signal, onSocket: whenConnected }),
      reason
    )
  })
})
