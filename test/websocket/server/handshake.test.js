'use strict'
// Who gets in: raw connections that say anything at all.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')
const {
  answerChallenge,
  createToken,
  parseChallenge
} = require('../../../lib/websocket/auth.js')
const { newHandshakeServer } = require('../../helpers/handshake.js')
const { record, until, within } = require('../../helpers/wait.js')

const TOKEN = createToken()
const KEY = 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=='
const UPGRADE = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  KEY
]
const LONG_MS = 60_000

const text = (lines) => `${lines.join('\r\n')}\r\n\r\n`
const get = (...headers) => text(['GET / HTTP/1.1', ...headers])
const good = (port) => [`Host: 127.0.0.1:${port}`, ...UPGRADE]
const fill = (count, header) => Array.from({ length: count }, header)

/** A connection that keeps what it gets; what goes wrong with it is no matter. */
class Raw {
  constructor(port, host = '127.0.0.1') {
    this.received = Buffer.alloc(0)
    this.socket = net.connect({ port, host, allowHalfOpen: true })
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
    })
    this.socket.on('end', () => {
      this.ended = true
    })
    this.closed = new Promise((resolve) => {
      this.socket.on('end', () => resolve(this.answer))
      this.socket.on('close', () => resolve(this.answer))
    })
  }

  get answer() {
    return this.received.toString('latin1')
  }

  send(data) {
    this.socket.write(data)
    return this
  }
}

/** A frame as a client sends it, with a mask of zeros. */
function frame(payload, { opcode = 1, fin = true, length } = {}) {
  const size = length ?? payload.length
  const head = Buffer.alloc(size < 126 ? 6 : 8)
  head[0] = (fin ? 0x80 : 0) | opcode
  head[1] = 0x80 | (size < 126 ? size : 126)
  if (size >= 126) head.writeUInt16BE(size, 2)
  return Buffer.concat([head, Buffer.from(payload)])
}

describe('WebSocket gate', () => {
  const opened = []

  /** A server that listens; those who got in are in `clients`. */
  async function open(options = {}) {
    const gate = newHandshakeServer({
      token: TOKEN,
      handshakeTimeoutMs: LONG_MS,
      ...options
    })
    gate.clients = record(gate, 'connection')
    gate.refusals = record(gate, 'refused')
    opened.push(gate)
    gate.port = await gate.listen()
    return gate
  }

  afterEach(() => Promise.all(opened.splice(0).map((gate) => gate.close())))

  /** What a raw client gets until the other side ends it. */
  async function exchange({ port }, data, host) {
    const raw = new Raw(port, host)
    const answer = await within(raw.send(data).closed, 'the end')
    raw.socket.destroy()
    return answer
  }

  /** The header that proves that this client knows the token. */
  async function proof(gate) {
    const answer = await exchange(gate, get(...good(gate.port)))
    const [, value] = /^WWW-Authenticate: (.*)\r$/m.exec(answer)
    const challenge = parseChallenge(['WWW-Authenticate', value])
    const { authorization } = answerChallenge(TOKEN, challenge, gate.port)
    return `Authorization: ${authorization}`
  }

  /** One plain HTTP error with one line, and nothing after it. */
  function assertError(answer, status, what = '') {
    const match = /^HTTP\/1\.1 (\d+) [^]*?\r\n\r\n([ '\-\w]+\n)$/.exec(answer)
    assert(match, `no plain error: ${what} ${answer}`)
    assert.equal(match[1], `${status}`, `${what}: ${answer}`)
    assert.match(answer, /^Connection: close\r$/m)
    assert.match(
      answer,
      new RegExp(`^Content-Length: ${match[2].length}\\r$`, 'm')
    )
  }

  async function assertRefused(gate, data, status, reason, what) {
    const before = gate.refusals.length
    assertError(await exchange(gate, data), status, what)
    assert.deepEqual(gate.refusals.slice(before), [{ status, reason }], what)
  }

  /** Somebody who knows the token gets in, and out again. */
  async function assertWorks(gate) {
    const { length } = gate.clients
    const raw = new Raw(gate.port)
    raw.send(get(...good(gate.port), await proof(gate)))
    await until(() => raw.answer !== '', 'an answer')
    assert.match(raw.answer, /^HTTP\/1\.1 101 /)
    assert.equal(gate.clients.length, length + 1)
    raw.socket.destroy()
    await until(() => gate.stats().connections === 0, 'the client is gone')
  }

  describe('F53 any Origin is refused, with a proof too', () => {
    const values = [
      ...[
        '',
        ' null',
        ' http://localhost',
        ' https://127.0.0.1',
        ' a\r\nOrigin: b'
      ],
      ...[
        ' ws://127.0.0.1:9955',
        ' https://evil.example',
        ' vscode-webview://a'
      ]
    ]
    for (const origin of [
      ...values.map((value) => `Origin:${value}`),
      'oRIGIN: file://',
      'Sec-WebSocket-Origin: http://localhost'
    ]) {
      it(JSON.stringify(origin), async () => {
        const gate = await open()
        const headers = [...good(gate.port), await proof(gate)]
        for (const all of [
          [origin, ...headers],
          [...headers, ...fill(50, (_, i) => `X${i}: 1`), origin]
        ]) {
          await assertRefused(gate, get(...all), 403, 'origin')
        }
        assert.equal(gate.stats().admitted, 0)
        // The very same request without it is good.
        const raw = new Raw(gate.port).send(get(...headers))
        await until(() => gate.stats().admitted === 1, 'it is in')
        raw.socket.destroy()
      })
    }

    it('also without a token, which is said loudly and once', async () => {
      const warnings = record(process, 'warning')
      const gate = await open({ auth: 'none', token: undefined })
      const headers = good(gate.port)
      await assertRefused(gate, get('Origin: null', ...headers), 403, 'origin')
      const [, ...rest] = headers
      const named = get(`Host: evil.example:${gate.port}`, ...rest)
      await assertRefused(gate, named, 403, 'host')
      const raws = [1, 2].map(() => new Raw(gate.port).send(get(...headers)))
      await until(() => gate.clients.length === 2, 'both are in')
      for (const { socket } of raws) socket.destroy()
      assert.deepEqual(
        warnings.map(({ name, code }) => ({ name, code })),
        [{ name: 'SecurityWarning', code: 'KG_WEBSOCKET_NO_AUTH' }]
      )
      assert.equal(gate.stats().challenged, 0)
    })
  })

  describe('F54 the Host', () => {
    const names =
      'localhost. localhost.evil.example xlocalhost localhost:65536 ' +
      'localhost:x localhost@evil.example evil.example 127.0.0.1.nip.io ' +
      '127.0.0.1.evil.example:9955 evil.example#127.0.0.1 [::1].evil.example'
    const malformed =
      'user@127.0.0.1 127.0.0.1@evil.example 127.0.0.1:9955@evil.example ' +
      '127.0.0.1:x 127.0.0.1: 127.0.0.1:65536 127.0.0.1:-1 127.0.0.1:80:80 ' +
      '127.0.0.1:99550000000000000000 127.0.0.1,127.0.0.1 127.0.0.1/ ' +
      '127.0.0.1\\ 127.0.0.1. ::1 [::1 [::1%25lo] [127.0.0.1] \u00e9\u00ff ' +
      '%31%32%37.0.0.1 127.0.0.01 127.0.0.256 127.1 2130706433 0x7f.0.0.1'
    const others = '0.0.0.0 10.0.0.1 128.0.0.1 [::] [::2] [::ffff:127.0.0.1]'
    const refused = [names, malformed, others].join(' ').split(' ')
    refused.push('', '127.0.0.1, 127.0.0.1', '127.0.0.1 x')
    it(`refused, ${refused.length} of them`, async () => {
      const gate = await open()
      const last = await proof(gate)
      for (const host of refused) {
        const data = Buffer.from(
          get(`Host: ${host}`, ...UPGRADE, last),
          'latin1'
        )
        await assertRefused(gate, data, 403, 'host', host)
      }
      assert.equal(gate.stats().refused.host, refused.length)
      await assertWorks(gate)
    })

    it('must be there, and once', async () => {
      const gate = await open()
      const last = await proof(gate)
      const host = `Host: 127.0.0.1:${gate.port}`
      const hosts = [[], [host, host], [host, 'hOST: evil.example']]
      for (const headers of [...hosts, ['Host: evil.example', host]]) {
        const data = get(...headers, ...UPGRADE, last)
        await assertRefused(gate, data, 403, 'host', headers.join())
      }
      await assertWorks(gate)
    })

    it('a literal or localhost with any port, for forwarding', async () => {
      const gate = await open()
      const hosts = ['127.0.0.1', '127.0.0.1:1', '127.1.2.3:65535', '[::1]']
      const named = ['localhost', 'localhost:1', 'LocalHost:65535']
      for (const host of [...hosts, '[::1]:8080', ...named]) {
        const headers = [`Host: ${host}`, ...UPGRADE, await proof(gate)]
        const { length } = gate.clients
        const raw = new Raw(gate.port).send(get(...headers))
        await until(() => gate.clients.length > length, host)
        raw.socket.destroy()
      }
    })

    it('a target that names somebody else, or any but /', async () => {
      const gate = await open()
      const headers = [...good(gate.port), await proof(gate)]
      const targets =
        'http://evil.example/ http://127.0.0.1/ /?token=1 /? // /./ /%2f ' +
        '/kindly-guard *'
      for (const target of targets.split(' ')) {
        const data = text([`GET ${target} HTTP/1.1`, ...headers])
        await assertRefused(gate, data, 404, 'path', target)
      }
      await assertWorks(gate)
    })

    it('of an IPv6 gate', async () => {
      const gate = await open({ host: '::1' })
      const host = `Host: [::1]:${gate.port}`
      const answer = await exchange(gate, get(host, ...UPGRADE), '::1')
      assertError(answer, 401)
    })
  })

  describe('F56 what is no handshake', () => {
    const hello = Buffer.concat([
      Buffer.from('16030100c8010000c40303', 'hex'),
      Buffer.alloc(300, 7)
    ])
    const headers = ['Host: 127.0.0.1', ...UPGRADE]
    const rest = headers.slice(1)
    const post = ['POST / HTTP/1.1', headers[0], 'Content-Length: 4']
    const short = (count) => fill(count, () => 'a:')
    const long = 'x'.repeat(16384)
    const cases = {
      '431 headers': {
        'thousands of headers': get(...fill(5000, (_, i) => `x${i}: 1`)),
        'thousands in an upgrade': get(...headers, ...short(5000)),
        'more than anybody needs': get(...headers, ...short(60)),
        'without end': get(...short(9000)),
        'a header of 16 KiB': get(`X: ${long}`, ...headers),
        'a name of 16 KiB': get(`${long}: x`, ...headers),
        'a target of 16 KiB': text([`GET /${long} HTTP/1.1`, ...headers])
      },
      '400 malformed': {
        garbage: Buffer.alloc(4096, 0xf5),
        zeros: Buffer.alloc(4096),
        'a TLS ClientHello': hello,
        'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        'a frame': frame('{}'),
        'a broken header': get('Host 127.0.0.1', ...rest),
        'a bare CR': get('X: a\rb', ...headers),
        'a NUL': get('X: a\0b', ...headers),
        'two lengths': get(
          'Content-Length: 1',
          'Content-Length: 2',
          ...headers
        ),
        'a body': `${get('Content-Length: 4', ...headers)}body`,
        'a body in chunks': get('Transfer-Encoding: chunked', ...headers)
      },
      '405 method': {
        'a POST that upgrades': text(['POST / HTTP/1.1', ...headers]),
        'a POST': `${text(post)}body`,
        'a POST that asks first': text([...post, 'Expect: 100-continue']),
        'a POST that expects the unknown': text([...post, 'Expect: x']),
        'a preflight': text(['OPTIONS / HTTP/1.1', headers[0], 'Origin: a']),
        'a CONNECT': text(['CONNECT 10.0.0.1:80 HTTP/1.1', headers[0]])
      },
      '426 upgrade': {
        'a page': get(headers[0]),
        'no Connection asks for it': get(headers[0], 'Upgrade: websocket')
      }
    }
    for (const [expected, requests] of Object.entries(cases)) {
      const [status, reason] = expected.split(' ')
      for (const [what, data] of Object.entries(requests)) {
        it(`${expected}: ${what}`, async () => {
          const gate = await open()
          await assertRefused(gate, data, Number(status), reason)
          assert.equal(gate.stats().admitted + gate.stats().challenged, 0)
          await assertWorks(gate)
        })
      }
    }

    it('400 after the proof: what ws refuses', async () => {
      const gate = await open()
      const [host, upgrade, connection, version] = good(gate.port)
      for (const lines of [
        [upgrade, connection, version],
        [upgrade, connection, version, `${KEY}A`],
        [upgrade, connection, version, KEY, KEY],
        [upgrade, connection, KEY],
        [upgrade, connection, version.replace('13', '7'), KEY],
        [upgrade.replace('websocket', 'h2c'), connection, version, KEY],
        [upgrade, connection, version, KEY, 'Sec-WebSocket-Protocol: ,']
      ]) {
        const data = get(host, ...lines, await proof(gate))
        await assertRefused(gate, data, 400, 'malformed', lines.join())
      }
      await assertWorks(gate)
    })

    it('one answer to many requests in one packet', async () => {
      const gate = await open()
      const upgrade = get(...good(gate.port), await proof(gate))
      const page = get('Host: 127.0.0.1')
      for (const data of [
        page + page + page,
        page + upgrade,
        page + upgrade + page
      ]) {
        const answer = await exchange(gate, data)
        // The later ones may end it before the first answer is out.
        if (answer !== '') assertError(answer, 426)
      }
      assert.equal(gate.stats().admitted, 0)
      assert.deepEqual(gate.stats().refused, { upgrade: 3 })
      await assertWorks(gate)
    })

    it('a handshake and a frame, byte by byte', async () => {
      const gate = await open()
      const request = get(...good(gate.port), await proof(gate))
      const raw = new Raw(gate.port)
      raw.socket.setNoDelay()
      for (const byte of request) {
        raw.send(byte)
        await new Promise(setImmediate)
      }
      await until(() => gate.clients.length === 1, 'it is in')
      const messages = record(gate.clients[0], 'message')
      for (const byte of frame('{"type":"get_status"}')) {
        raw.send(Buffer.of(byte))
        await new Promise(setImmediate)
      }
      await until(() => messages.length === 1, 'the message')
      assert.equal(String(messages[0]), '{"type":"get_status"}')
      raw.socket.destroy()
    })

    it('a frame glued to the request is not lost', async () => {
      const gate = await open()
      const messages = []
      gate.on('connection', (client) => {
        client.on('message', (data) => messages.push(String(data)))
      })
      const request = get(...good(gate.port), await proof(gate))
      const glued = Buffer.concat([Buffer.from(request), frame('first')])
      const raw = new Raw(gate.port).send(glued)
      raw.send(frame('second'))
      await until(() => messages.length === 2, 'both')
      assert.deepEqual(messages, ['first', 'second'])
      raw.socket.destroy()
    })

    it('a frame glued to a refused request goes nowhere', async () => {
      const gate = await open()
      const glued = Buffer.concat([
        Buffer.from(get(...good(gate.port))),
        frame('{}'),
        Buffer.alloc(1 << 20)
      ])
      assertError(await exchange(gate, glued), 401)
      assert.equal(gate.clients.length, 0)
    })
  })

  describe('F57 who takes long', () => {
    const HASTE = { handshakeTimeoutMs: 200 }
    for (const [what, begin] of Object.entries({
      'says nothing': '',
      'stops in a header': get(...good(1)).slice(0, 60),
      'stops before the last line': get(...good(1)).slice(0, -2),
      'stops in a body': text(['POST / HTTP/1.1', 'Content-Length: 9']).slice(
        0,
        -4
      )
    })) {
      it(`${what}: 408, closed`, async () => {
        const gate = await open(HASTE)
        await assertRefused(gate, begin, 408, 'slow')
        await until(() => gate.stats().pending === 0, 'it is gone')
      })
    }

    it('drips a header at a time, for ever: closed all the same', async () => {
      const gate = await open(HASTE)
      const raw = new Raw(gate.port).send('GET / HTTP/1.1\r\n')
      const drip = setInterval(() => raw.send('a: b\r\n'), 20)
      assertError(await within(raw.closed, 'the end'), 408)
      await until(() => gate.stats().pending === 0, 'it is gone')
      clearInterval(drip)
      raw.socket.destroy()
    })

    it('is refused and does not hang up: closed', async () => {
      const gate = await open()
      const raw = new Raw(gate.port).send(get('Host: 127.0.0.1'))
      const drip = setInterval(() => raw.send('x'), 20)
      assertError(await within(raw.closed, 'the end'), 426)
      await until(() => gate.stats().pending === 0, 'it is gone')
      clearInterval(drip)
      raw.socket.destroy()
    })

    it('closes its half, before or in a request: closed', async () => {
      const gate = await open()
      for (const begin of ['', 'GET', get(...good(1)).slice(0, 60)]) {
        const raw = new Raw(gate.port)
        raw.socket.end(begin)
        await within(raw.closed, `the end after ${begin}`)
        raw.socket.destroy()
      }
      await until(() => gate.stats().pending === 0, 'all are gone')
      assert.equal(gate.stats().admitted, 0)
    })

    it('close() ends handshakes and clients at once', async () => {
      const gate = await open()
      const inside = new Raw(gate.port)
      inside.send(get(...good(gate.port), await proof(gate)))
      const begun = new Raw(gate.port).send('GET / HT')
      await until(() => gate.stats().connections === 1, 'one is in')
      await until(() => gate.stats().pending >= 1, 'one has begun')
      assert.equal(gate.close(), gate.close())
      await within(gate.close(), 'close')
      const { connections, pending } = gate.stats()
      assert.deepEqual([connections, pending], [0, 0])
      await within(Promise.all([inside.closed, begun.closed]), 'both ends')
      for (const { socket } of [inside, begun]) socket.destroy()
    })
  })

  describe('F56 five thousand hostile handshakes', () => {
    const CROWD = 32
    let child
    let messages

    /** What the child is: a gate that tells who got in, and what it costs. */
    async function remote(file, token) {
      const { setTimeout: pause } = require('node:timers/promises')
      const { newHandshakeServer: listen } = require(file)
      const gate = listen({ token, handshakeTimeoutMs: 3000 })
      gate.on('connection', () => process.send({ inside: true }))
      process.on('message', async () => {
        while (gate.stats().pending > 0) await pause(5)
        for (let i = 0; i < 4; i++) {
          global.gc()
          await pause(20)
        }
        const { rss, heapUsed, external } = process.memoryUsage()
        const stats = gate.stats()
        process.send({ memory: { rss, heap: heapUsed + external, stats } })
      })
      process.send({ port: await gate.listen() })
    }

    beforeEach(() => {
      const file = JSON.stringify(require.resolve('../../helpers/handshake.js'))
      const script = `(${remote})(${file}, '${TOKEN}')`
      // V8 lets its young generation grow with the traffic and keeps it; kept
      // small, the resident memory shows what stays of the handshakes.
      const flags = ['--expose-gc', '--max-semi-space-size=1', '-e', script]
      child = spawn(process.execPath, flags, {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc']
      })
      messages = record(child, 'message')
    })
    afterEach(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    })

    /** The value of the next message over there that has one of this key. */
    async function told(key) {
      const message = await until(() => {
        assert.equal(child.exitCode, null, 'the child lives')
        return messages.find((one) => key in one)
      }, key)
      messages.splice(messages.indexOf(message), 1)
      return message[key]
    }

    function measure() {
      child.send('measure')
      return told('memory')
    }

    const digits = (count) => randomBytes(count / 2).toString('hex')
    const forged = () =>
      `Authorization: KindlyGuard nonce="${digits(64)}", ` +
      `challenge="${digits(108)}", proof="${digits(64)}"`
    const say = (status, data) => async (gate, i) => {
      const bytes = data(gate.port, i)
      let answer
      // Nothing at all means that too many are at it just now, and a 408 that
      // one of both processes had no turn for as long as a handshake may take.
      do {
        assert.equal(child.exitCode ?? child.signalCode, null, 'it lives')
        answer = await exchange(gate, bytes)
      } while (answer === '' || (status !== 408 && / 408 /.test(answer)))
      assertError(answer, status, `${i}`)
    }
    const leave = (how) => (gate) => {
      const raw = new Raw(gate.port)
      const gone = new Promise((resolve) => {
        raw.socket.on('close', resolve)
      })
      how(raw.socket, get(...good(gate.port)))
      return within(gone, 'its close').then(() => assert.equal(raw.answer, ''))
    }
    const KINDS = [
      say(401, (port) => get(...good(port))),
      say(401, (port) => get(...good(port), forged())),
      say(401, (port) => get(...good(port)) + frame('{}').toString('latin1')),
      say(403, (port, i) =>
        get(`Origin: http://${i}`, ...good(port), forged())
      ),
      say(403, (port, i) => get(`Host: ${i}.example`, ...UPGRADE)),
      say(404, (port, i) => text([`GET /${i} HTTP/1.1`, ...good(port)])),
      say(405, (port) => text(['DELETE / HTTP/1.1', ...good(port)])),
      say(426, () => get('Host: 127.0.0.1')),
      say(431, () => get(...fill(900, (_, i) => `x${i}: ${i}-${i}`))),
      say(400, () => randomBytes(2048).fill(0xf5, 0, 1)),
      say(400, () => Buffer.from('16030100c8010000c403030000', 'hex')),
      leave((socket, data) => {
        socket.on('connect', () => socket.resetAndDestroy())
        socket.write(data.slice(0, 40))
      }),
      leave((socket) => socket.on('connect', () => socket.destroy())),
      leave((socket, data) => {
        socket.write(data.slice(0, -2), () => socket.destroy())
      })
    ]
    const slow = say(408, (port) => get(...good(port)).slice(0, -2))

    async function flood(gate, count) {
      let next = 0
      const one = async () => {
        while (next < count) {
          const i = next++
          const act = i % 500 === 99 ? slow : KINDS[i % KINDS.length]
          await act(gate, i)
        }
      }
      await Promise.all(fill(CROWD, one))
    }

    it('none gets in or a byte of data, and no memory stays', async function () {
      this.timeout(600_000)
      const gate = { port: await told('port') }
      await flood(gate, 1000)
      let before
      let after = await measure()
      const grown = (key) => (after[key] - before[key]) / 2 ** 20
      const isMore = () => grown('heap') >= 8 || grown('rss') >= 8
      // What stays of handshakes is as much behind each flood; what an allocator
      // keeps for the next one is not.
      let floods = 0
      do {
        before = after
        await flood(gate, 4000)
        after = await measure()
      } while (isMore() && ++floods < 3)
      const more = (key) => `${key}: ${grown(key)} MiB more`
      assert(!isMore(), `${more('heap')}, ${more('rss')}`)

      const { admitted, connections, pending } = after.stats
      assert.deepEqual([admitted, connections, pending], [0, 0, 0])
      assert.deepEqual(messages, [])
      const { refused, challenged } = after.stats
      for (const reason of [
        ...['origin', 'host', 'path', 'method', 'upgrade', 'headers'],
        ...['malformed', 'token-foreign']
      ]) {
        assert(refused[reason] >= 100, `${reason}: ${refused[reason]}`)
      }
      assert(challenged > 400)
      assert(refused.slow >= 10)
      // It still is what it was: a client that knows the token gets in.
      const value = await proof(gate)
      const raw = new Raw(gate.port).send(get(...good(gate.port), value))
      await until(() => raw.answer !== '', 'an answer')
      assert.match(raw.answer, /^HTTP\/1\.1 101 /)
      raw.socket.destroy()
      await told('inside')
    })
  })
})
