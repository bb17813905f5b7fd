'use strict'
// A handshake's bounds: how long its header may be, and how long one that was
// refused may take to read why.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')
const {
  answerChallenge,
  createToken,
  parseChallenge
} = require('../../../lib/websocket/auth.js')
const { newHandshakeServer } = require('../../helpers/handshake.js')
const { useClock } = require('../../helpers/clock.js')
const { record, turn, until } = require('../../helpers/wait.js')

const TOKEN = createToken()
const HANDSHAKE_MS = 5000
const LINGER_MS = 500
const MAX_HEADER_BYTES = 8 * 1024
const UPGRADE = [
  'Host: 127.0.0.1',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=='
]

const request = (...headers) =>
  `${['GET / HTTP/1.1', ...headers].join('\r\n')}\r\n\r\n`

describe('the bounds of a handshake', () => {
  const clock = useClock()
  let gate
  let raws

  beforeEach(async () => {
    raws = []
    gate = newHandshakeServer({
      token: TOKEN,
      handshakeTimeoutMs: HANDSHAKE_MS
    })
    gate.refusals = record(gate, 'refused')
    clock.begin()
    gate.port = await gate.listen()
  })

  afterEach(async () => {
    raws.forEach((raw) => raw.destroy())
    await gate.close()
  })

  /** A connection that never hangs up; `answer` is what it got. */
  async function open(data) {
    const raw = net.connect({
      port: gate.port,
      host: '127.0.0.1',
      allowHalfOpen: true
    })
    raws.push(raw)
    raw.answer = ''
    raw.on('error', () => {})
    raw.on('data', (chunk) => {
      raw.answer += chunk
    })
    await once(raw, 'connect')
    raw.write(data)
    return raw
  }

  async function answered(data) {
    const raw = await open(data)
    await until(() => raw.answer.includes('\r\n\r\n'), 'an answer')
    return raw
  }

  const statusOf = ({ answer }) => answer.slice(9, 12)

  async function turns() {
    for (let i = 0; i < 5; i++) await turn()
  }

  it('one that says nothing: 408 when its time is over', async () => {
    const raw = await open('GET / HTTP/1.1\r\n')
    await until(() => gate.stats().pending === 1, 'it is there')
    await turns()
    clock.advance(HANDSHAKE_MS - 1)
    await turns()
    assert.deepEqual(gate.refusals, [])
    clock.advance(1)
    await until(() => raw.answer !== '', 'an answer')
    assert.equal(statusOf(raw), '408')
  })

  it('one that was refused has 500 ms to hang up', async () => {
    const raw = await answered(request('Host: 127.0.0.1'))
    assert.equal(statusOf(raw), '426')
    await turns()
    clock.advance(LINGER_MS - 1)
    await turns()
    assert.equal(gate.stats().pending, 1)
    clock.advance(1)
    await until(() => gate.stats().pending === 0, 'it is gone')
  })

  for (const [size, status] of [
    ['less than 8 KiB', '401'],
    ['more than 8 KiB', '431']
  ]) {
    it(`a header of ${size}: ${status}`, async () => {
      const isLess = status === '401'
      const rest = request(...UPGRADE, 'A: ').length
      // Node does not count the request's first line and what separates.
      const fill = MAX_HEADER_BYTES - rest + (isLess ? 24 : 64)
      const raw = await answered(request(...UPGRADE, `A: ${'a'.repeat(fill)}`))
      assert.equal(statusOf(raw), status)
    })
  }

  it('whatever protocols a client asks for, it is given none', async () => {
    const first = await answered(request(...UPGRADE))
    const [, value] = /^WWW-Authenticate: (.*)\r$/m.exec(first.answer)
    const challenge = parseChallenge(['WWW-Authenticate', value])
    const { authorization } = answerChallenge(TOKEN, challenge, gate.port)
    const raw = await answered(
      request(
        ...UPGRADE,
        'Sec-WebSocket-Protocol: a, b',
        `Authorization: ${authorization}`
      )
    )
    assert.equal(statusOf(raw), '101')
    assert.doesNotMatch(raw.answer, /protocol:/i)
  })

  it('a client that answers no close is left after the same time', async () => {
    gate.clients = record(gate, 'connection')
    const first = await answered(request(...UPGRADE))
    const [, value] = /^WWW-Authenticate: (.*)\r$/m.exec(first.answer)
    const challenge = parseChallenge(['WWW-Authenticate', value])
    const { authorization } = answerChallenge(TOKEN, challenge, gate.port)
    await answered(request(...UPGRADE, `Authorization: ${authorization}`))
    const [client] = gate.clients
    client.close(1001)
    await turns()
    clock.advance(HANDSHAKE_MS - 1)
    await turns()
    assert.equal(gate.stats().connections, 1)
    clock.advance(1)
    await until(() => gate.stats().connections === 0, 'it is gone')
  })

  it('F33 one that proves itself to a Shield that closes gets its proof', async () => {
    const first = await answered(request(...UPGRADE))
    const [, value] = /^WWW-Authenticate: (.*)\r$/m.exec(first.answer)
    const challenge = parseChallenge(['WWW-Authenticate', value])
    const answer = answerChallenge(TOKEN, challenge, gate.port)
    // It was there before.
    const raw = await open('')
    await until(() => gate.stats().pending === 2, 'both')
    gate.stop()
    raw.write(request(...UPGRADE, `Authorization: ${answer.authorization}`))
    await until(() => raw.answer.includes('\r\n\r\n'), 'an answer')
    assert.equal(statusOf(raw), '503')
    const [, proof] = /^KindlyGuard-Proof: (.*)\r$/m.exec(raw.answer)
    assert(answer.isProven(['KindlyGuard-Proof', proof]))
    assert.deepEqual(gate.refusals.at(-1), { status: 503, reason: 'closing' })
  })

  it('a connection that comes behind close() is ended', async () => {
    await gate.close()
    const late = new net.Socket()
    const gone = once(late, 'close')
    gate.accept(late)
    await gone
    assert.equal(gate.stats().pending, 0)
  })
})
