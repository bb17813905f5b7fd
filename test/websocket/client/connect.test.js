'use strict'
// A client and what listens where it calls: a server of handshakes, or a
// stranger.

const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const http = require('node:http')
const net = require('node:net')
const {
  answerChallenge,
  createToken,
  parseChallenge
} = require('../../../lib/websocket/auth.js')
const { connect } = require('../../../lib/websocket/client/connect.js')
const { checkWebSocket } = require('../../../lib/options/websocket.js')
const { newHandshakeServer } = require('../../helpers/handshake.js')
const { record, until, within } = require('../../helpers/wait.js')

const TOKEN = createToken()
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const hex = (bytes) => randomBytes(bytes).toString('hex')

/** A frame as a server sends it. */
function frame(payload) {
  const head = [0x81, Buffer.byteLength(payload)]
  return Buffer.concat([Buffer.from(head), Buffer.from(payload)])
}

/** A 101 as a real server gives it, as far as RFC 6455 goes. */
function switching(request, more = []) {
  const [, key] = /^Sec-WebSocket-Key: (.*)\r$/im.exec(request)
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...more,
    '\r\n'
  ].join('\r\n')
}

const challenge = (nonce) =>
  `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ${nonce}\r\n` +
  'Connection: close\r\nContent-Length: 0\r\n\r\n'
const asking = () => challenge(`KindlyGuard nonce="${hex(54)}"`)
const isProof = (request) => /^authorization:/im.test(request)
const proofIn = (request) => /proof="([0-9a-f]+)"/.exec(request)[1]

describe('WebSocket connect', () => {
  const running = []

  async function open(options = {}) {
    const gate = newHandshakeServer({ token: TOKEN, ...options })
    running.push(gate)
    gate.clients = record(gate, 'connection')
    gate.port = await gate.listen()
    gate.url = `ws://127.0.0.1:${gate.port}`
    return gate
  }

  /**
   * Somebody else who listens. `answer(socket, request)` is called once for
   * each connection, with its request; `received` is all that came.
   */
  async function stranger(answer) {
    const server = net.createServer()
    const sockets = new Set()
    const one = { server, sockets, received: '', requests: [] }
    server.on('connection', (socket) => {
      sockets.add(socket)
      let request = ''
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
      socket.on('data', (chunk) => {
        const wasWhole = request.includes('\r\n\r\n')
        request += chunk.toString('latin1')
        one.received += chunk.toString('latin1')
        if (!wasWhole && request.includes('\r\n\r\n')) {
          one.requests.push(request)
          answer(socket, request)
        }
      })
    })
    one.close = () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => {
        server.close(resolve)
      })
    }
    running.push(one)
    await new Promise((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    one.port = server.address().port
    one.url = `ws://127.0.0.1:${one.port}`
    return one
  }

  afterEach(() => Promise.all(running.splice(0).map((one) => one.close())))

  async function rejected(options, code) {
    const opened = connect({ handshakeTimeoutMs: 10_000, ...options })
    const error = await within(
      opened.then(
        () => assert.fail('it connected'),
        (reason) => reason
      ),
      'a refusal'
    )
    assert.equal(error.name, 'IpcError', error.stack)
    assert.equal(error.code, code, error.message)
    assert(!error.message.includes(TOKEN))
    return error
  }

  describe('a gate', () => {
    it('is believed, and what it sends at once is not lost', async () => {
      const gate = await open()
      gate.on('connection', (client) => {
        for (let i = 0; i < 100; i++) client.send(`${i}`)
        client.on('message', (data) => client.send(`echo ${data}`))
      })
      const socket = await connect({ url: gate.url, token: TOKEN })
      assert(socket.isPaused)
      assert.equal(socket.readyState, socket.OPEN)
      assert.equal(socket.extensions, '')
      // However late its listener is.
      await until(() => gate.clients.length === 1, 'it is in')
      await new Promise(setImmediate)
      const messages = record(socket, 'message')
      socket.resume()
      socket.send('more')
      await until(() => messages.length === 101, 'all messages')
      const expected = Array.from({ length: 100 }, (_, i) => `${i}`)
      assert.deepEqual(messages.map(String), [...expected, 'echo more'])
      socket.terminate()
    })

    it('F58 at a forwarded port, when told the real one', async () => {
      const gate = await open()
      const forward = await stranger(() => {})
      forward.server.removeAllListeners('connection')
      forward.server.on('connection', (socket) => {
        const on = net.connect(gate.port, '127.0.0.1')
        for (const end of [socket, on]) end.on('error', () => {})
        socket.pipe(on).pipe(socket)
        forward.sockets.add(socket).add(on)
      })
      const { port } = gate
      const socket = await connect({ url: forward.url, token: TOKEN, port })
      assert.equal(gate.stats().admitted, 1)
      socket.terminate()
      // And when not, this is a relay.
      const options = { url: forward.url, token: TOKEN }
      const error = await rejected(options, 'ERR_WEBSOCKET_REFUSED')
      assert.equal(error.status, 401)
      assert.equal(gate.stats().admitted, 1)
      assert.deepEqual(gate.stats().refused, { 'token-wrong': 1 })
    })

    it('on IPv6', async () => {
      const gate = await open({ host: '::1' })
      const url = `ws://[::1]:${gate.port}/`
      const socket = await connect({ url, token: TOKEN })
      assert.equal(gate.stats().admitted, 1)
      socket.terminate()
    })

    it("auth 'none' on both sides: in one step", async () => {
      const quiet = record(process, 'warning')
      const gate = await open({ auth: 'none', token: undefined })
      const socket = await connect({ url: gate.url })
      assert.deepEqual(gate.stats().challenged, 0)
      socket.terminate()
      await until(() => quiet.length === 1, 'the warning')
      // One that has a token does not talk to a server that asks for none.
      await rejected({ url: gate.url, token: TOKEN }, 'ERR_WEBSOCKET_REFUSED')
      const asks = await open()
      const error = await rejected({ url: asks.url }, 'ERR_WEBSOCKET_REFUSED')
      assert.equal(error.status, 401)
    })

    it('F55 with another token: refused, told with the status', async () => {
      const gate = await open()
      const options = { url: gate.url, token: createToken() }
      const error = await rejected(options, 'ERR_WEBSOCKET_REFUSED')
      assert.equal(error.status, 401)
      assert.deepEqual(gate.clients, [])
    })

    it('is full: 503, until somebody leaves', async () => {
      const gate = await open({ maxClients: 2 })
      const options = { url: gate.url, token: TOKEN }
      const [first, second] = [await connect(options), await connect(options)]
      const error = await rejected(options, 'ERR_WEBSOCKET_REFUSED')
      assert.equal(error.status, 503)
      assert.deepEqual(gate.stats().refused, { clients: 1 })
      first.terminate()
      await until(() => gate.stats().connections === 1, 'one left')
      const third = await connect(options)
      assert.equal(gate.stats().connections, 2)
      for (const socket of [second, third]) socket.terminate()
    })

    for (const [what, code, send] of [
      ['a message over the limit', 1009, (one) => one.send('x'.repeat(16385))],
      [
        'pieces that together are over it',
        1009,
        (one) => {
          for (let i = 0; i < 5; i++) one.send('x'.repeat(4096), { fin: false })
        }
      ],
      [
        'a message of 65 tiny pieces',
        1008,
        (one) => {
          for (let i = 0; i < 65; i++) one.send('x', { fin: i === 64 })
        }
      ],
      [
        'what is no UTF-8',
        1007,
        (one) => one.send(Buffer.of(0xff, 0xfe), { binary: false })
      ]
    ]) {
      it(`F56 ${what}: closed with ${code}, and nothing else`, async () => {
        const gate = await open()
        const messages = []
        gate.on('connection', (client) => {
          client.on('message', (data) => messages.push(data))
        })
        const options = { url: gate.url, token: TOKEN }
        const [bad, fine] = [await connect(options), await connect(options)]
        const closes = record(bad, 'close')
        bad.resume()
        send(bad)
        await until(() => closes.length === 1, 'it is closed')
        assert.equal(closes[0], code)
        assert.deepEqual(messages, [])
        await until(() => gate.stats().connections === 1, 'it is gone')
        fine.send('x'.repeat(16384))
        await until(() => messages.length === 1, 'the other is served')
        fine.terminate()
      })
    }

    it('F56 a message of 64 pieces and 16 KiB is taken', async () => {
      const gate = await open()
      const messages = []
      gate.on('connection', (client) => {
        client.on('message', (data) => messages.push(String(data)))
      })
      const socket = await connect({ url: gate.url, token: TOKEN })
      for (let i = 0; i < 64; i++) {
        socket.send('x'.repeat(256), { fin: i === 63 })
      }
      await until(() => messages.length === 1, 'it is taken')
      assert.equal(messages[0], 'x'.repeat(16384))
      socket.terminate()
    })

    it('whose port is taken moves, and says so', async () => {
      const taken = await stranger(() => {})
      const gate = await open({ port: taken.port })
      assert.notEqual(gate.port, taken.port)
      assert.deepEqual(gate.moved, { from: taken.port, code: 'EADDRINUSE' })
      const socket = await connect({ url: gate.url, token: TOKEN })
      socket.terminate()
      assert.equal((await open()).moved, null)
    })

    it('that closes ends its clients; it listens once', async () => {
      const gate = await open()
      assert.equal(await gate.listen(), gate.port)
      const socket = await connect({ url: gate.url, token: TOKEN })
      const closes = record(socket, 'close')
      socket.resume()
      await gate.close()
      assert.equal(gate.stats().connections, 0)
      await until(() => closes.length === 1, 'the client knows')
      const options = { url: gate.url, token: TOKEN }
      await rejected(options, 'ERR_WEBSOCKET_UNREACHABLE')
      const never = newHandshakeServer({ token: TOKEN })
      await never.close()
      await assert.rejects(never.listen(), { code: 'ERR_CLOSED' })
      // Closed while it begins to listen, it holds no port.
      const begun = newHandshakeServer({ token: TOKEN })
      const port = begun.listen()
      await begun.close()
      const url = `ws://127.0.0.1:${await port}`
      await rejected({ url, token: TOKEN }, 'ERR_WEBSOCKET_UNREACHABLE')
    })
  })

  describe('F58 a stranger', () => {
    const status = (line, ...headers) =>
      [`HTTP/1.1 ${line}`, ...headers, 'Content-Length: 0', '\r\n'].join('\r\n')
    const say = (text) => (socket) => socket.end(text)
    /** Asks for a proof, and does `then` with it. */
    const ask = (then) => (socket, request) =>
      isProof(request) ? then(socket, request) : socket.end(asking())
    const nonce = `KindlyGuard nonce="${hex(54)}"`

    const REFUSED = {
      'lets anybody in at once': (socket, request) =>
        socket.write(switching(request) + frame('{"type":"threat"}')),
      'lets in with a proof that nobody asked for': (socket, request) =>
        socket.write(switching(request, [`KindlyGuard-Proof: ${hex(32)}`])),
      'says 200': say(status('200 OK')),
      'says 401 and nothing else': say(status('401 Unauthorized')),
      'asks for a password': say(challenge('Basic realm="x"')),
      'asks with a short nonce': say(challenge('KindlyGuard nonce="ab"')),
      'asks with a long nonce': say(challenge(nonce.replace(/"$/, 'ab"'))),
      'asks in upper case': say(challenge(nonce.toUpperCase())),
      'asks twice': say(challenge(`${nonce}\r\nWWW-Authenticate: ${nonce}`)),
      'asks with 403': say(challenge(nonce).replace('401', '403')),
      'asks with 407': say(challenge(nonce).replace('401', '407')),
      'sends on to another place': say(
        status('302 Found', 'Location: ws://127.0.0.1:1/')
      ),
      'sends on for ever': say(status('307 Temporary Redirect', 'Location: /')),
      'says garbage': say(randomBytes(4096).fill(0xf5, 0, 8)),
      'speaks TLS': say(Buffer.from('15030100020228', 'hex')),
      'sends headers without end': (socket) => {
        socket.write('HTTP/1.1 401 Unauthorized\r\n')
        const pour = () => {
          while (!socket.destroyed && socket.write('x: '.repeat(999) + '\r\n'));
        }
        socket.on('drain', pour)
        pour()
      },
      'sends a body without end': (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const pour = () => {
          while (!socket.destroyed && socket.write('x'.repeat(65536)));
        }
        socket.on('drain', pour)
        pour()
      },
      'takes the proof and lets in without one': ask((socket, request) =>
        socket.write(switching(request) + frame('{"type":"threat"}'))
      ),
      'sends the proof back': ask((socket, request) =>
        socket.write(
          switching(request, [`KindlyGuard-Proof: ${proofIn(request)}`])
        )
      ),
      'makes a proof up': ask((socket, request) =>
        socket.write(switching(request, [`KindlyGuard-Proof: ${hex(32)}`]))
      ),
      'gives an empty proof': ask((socket, request) =>
        socket.write(switching(request, ['KindlyGuard-Proof:']))
      ),
      'asks again and again': ask((socket) => socket.end(asking()))
    }
    for (const [what, answer] of Object.entries(REFUSED)) {
      it(`that ${what}: refused, and learns nothing`, async () => {
        const other = await stranger(answer)
        const gate = await open()
        const options = { url: other.url, token: TOKEN }
        await rejected(options, 'ERR_WEBSOCKET_REFUSED')
        await until(() => other.sockets.size === 0, 'it hung up')
        await assertNothingGiven(other, gate)
      })
    }

    const UNREACHABLE = {
      'hangs up': (socket) => socket.destroy(),
      'hangs up when it has the proof': ask((socket) => socket.destroy()),
      'never answers': () => {},
      'never answers the proof': ask(() => {}),
      'says 100 and 102 for ever': (socket) => {
        const drip = () => {
          socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n')
        }
        const timer = setInterval(drip, 20)
        socket.on('close', () => clearInterval(timer))
      },
      'drips its answer': (socket) => {
        socket.write('HTTP/1.1 401 Unauthorized\r\n')
        const timer = setInterval(() => socket.write('a'), 20)
        socket.on('close', () => clearInterval(timer))
      }
    }
    for (const [what, answer] of Object.entries(UNREACHABLE)) {
      it(`that ${what}: given up, and learns nothing`, async () => {
        const other = await stranger(answer)
        const gate = await open()
        const options = {
          url: other.url,
          token: TOKEN,
          // Long enough for the request to be there before, on any machine.
          handshakeTimeoutMs: 1000
        }
        await rejected(options, 'ERR_WEBSOCKET_UNREACHABLE')
        await until(() => other.sockets.size === 0, 'it hung up')
        await assertNothingGiven(other, gate)
      })
    }

    /** Neither the token, nor a proof that opens the real server. */
    async function assertNothingGiven({ received, requests }, gate) {
      assert(requests.length >= 1 && requests.length <= 2, `${requests.length}`)
      assert(!received.includes(TOKEN))
      assert(!received.includes(Buffer.from(TOKEN, 'hex').toString('latin1')))
      assert(!received.includes(Buffer.from(TOKEN, 'hex').toString('base64')))
      // Nothing is sent but upgrade requests, and not a frame.
      assert.equal(requests.join(''), received)
      assert(!/^origin:/im.test(received))
      assert.equal(isProof(requests[0]), false)
      for (const request of requests.filter(isProof)) {
        const [, value] = /^authorization: (.*)\r$/im.exec(request)
        assert.equal((await knock(gate, value)).statusCode, 401)
      }
      assert.equal(gate.stats().admitted, 0)
    }

    /** @returns {Promise<{ statusCode, rawHeaders }>} the gate's answer */
    function knock({ port }, value) {
      const answer = new Promise((resolve, reject) => {
        const headers = {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
          ...(value === undefined ? {} : { Authorization: value })
        }
        const options = { host: '127.0.0.1', port, headers, agent: false }
        const request = http.get(options, (response) => {
          response.resume()
          resolve(response)
        })
        request.on('upgrade', (response, socket) => {
          socket.destroy()
          resolve(response)
        })
        request.on('error', reject)
      })
      return within(answer, 'an answer')
    }

    it('that hands on the challenge of the real server', async () => {
      const gate = await open()
      const real = parseChallenge((await knock(gate)).rawHeaders)
      const other = await stranger((socket, request) =>
        isProof(request)
          ? socket.destroy()
          : socket.end(challenge(`KindlyGuard nonce="${real}"`))
      )
      const options = { url: other.url, token: TOKEN }
      await rejected(options, 'ERR_WEBSOCKET_UNREACHABLE')
      assert(isProof(other.requests[1]))
      await assertNothingGiven(other, gate)
      assert.deepEqual(gate.stats().refused, { 'token-wrong': 1 })
      // The check can fail: what is meant for this port is taken.
      const { authorization } = answerChallenge(TOKEN, real, gate.port)
      assert.equal((await knock(gate, authorization)).statusCode, 101)
    })

    it('that relays everything: refused by both sides', async () => {
      const gate = await open()
      const relay = await stranger((socket, request) => {
        const on = net.connect(gate.port, '127.0.0.1')
        on.on('error', () => {})
        on.pipe(socket)
        on.write(request, 'latin1')
      })
      const options = { url: relay.url, token: TOKEN }
      const error = await rejected(options, 'ERR_WEBSOCKET_REFUSED')
      assert.equal(error.status, 401)
      assert.equal(isProof(relay.requests[1]), true)
      assert.deepEqual(gate.stats().refused, { 'token-wrong': 1 })
      assert.equal(gate.stats().admitted, 0)
    })

    it('whose 101 brings frames: they are never looked at', async () => {
      const frames = [frame('threat'), Buffer.of(0x89, 1, 65)]
      const glue = (socket, request) =>
        socket.write(
          Buffer.concat([Buffer.from(switching(request)), ...frames])
        )
      const other = await stranger(ask(glue))
      const options = { url: other.url, token: TOKEN }
      await rejected(options, 'ERR_WEBSOCKET_REFUSED')
      await until(() => other.sockets.size === 0, 'it hung up')
      // A client that had looked would have answered the ping.
      assert.equal(other.requests.join(''), other.received)
      // Without a token it is believed, nothing is lost, and the ping answered.
      const believed = await stranger(glue)
      const socket = await connect({ url: believed.url })
      const messages = record(socket, 'message')
      socket.resume()
      await until(() => messages.length === 1, 'the message')
      const [{ length }] = believed.requests
      await until(() => believed.received.length > length, 'the pong')
      socket.terminate()
    })

    it('nobody at all', async () => {
      const { url, close } = await stranger(() => {})
      await close()
      const options = { url, token: TOKEN }
      const error = await rejected(options, 'ERR_WEBSOCKET_UNREACHABLE')
      assert.equal(error.cause.code, 'ECONNREFUSED')
    })
  })

  describe('its options', () => {
    it('an abort ends it, before and during', async () => {
      const other = await stranger(() => {})
      const reason = new Error('enough')
      const controller = new AbortController()
      const { signal } = controller
      const options = { url: other.url, token: TOKEN, signal }
      const opened = connect(options)
      const failed = assert.rejects(opened, reason)
      await until(() => other.requests.length === 1, 'the request')
      controller.abort(reason)
      await within(failed, 'its end')
      await until(() => other.sockets.size === 0, 'it hung up')
      await assert.rejects(connect(options), reason)
      assert.equal(other.requests.length, 1)
    })

    it('a URL is an address of this machine and nothing more', () => {
      for (const url of [
        ...['ws://localhost:1', 'ws://example.com:1', 'ws://10.0.0.1:1', ''],
        ...[
          'wss://127.0.0.1:1',
          'http://127.0.0.1:1',
          'ws+unix:///tmp/s',
          null
        ],
        ...['ws://a@127.0.0.1:1', 'ws://a:b@127.0.0.1:1', 'ws://127.0.0.1:0'],
        ...['ws://127.0.0.1:1/x', 'ws://127.0.0.1:1/?a', 'ws://127.0.0.1:1/#a'],
        ...['ws://0.0.0.0:1', 'ws://[::]:1', 'ws://[::ffff:127.0.0.1]:1']
      ]) {
        assert.throws(() => checkWebSocket({ url, auth: 'none' }), {
          code: 'ERR_INVALID_OPTION',
          message: /option websocket[.]url/
        })
      }
    })

    it('a token is one', () => {
      for (const token of ['', 'secret', `${TOKEN} `, TOKEN.slice(2), 5]) {
        assert.throws(() => answerChallenge(token, hex(54), 1), {
          code: 'ERR_INVALID_OPTION',
          message: 'option token: expected 64 lower-case hex digits'
        })
      }
    })
  })
})
