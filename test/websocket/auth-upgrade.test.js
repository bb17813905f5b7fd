'use strict'
// Which request may become a WebSocket, by its headers alone; and proofs held
// against what the protocol says of them.

const assert = require('node:assert/strict')
const { createHmac } = require('node:crypto')
const { replaceNow } = require('../helpers/clock.js')
const {
  answerChallenge,
  headerValues,
  parseChallenge
} = require('../../lib/websocket/auth.js')
const { Challenger } = require('../../lib/websocket/server/challenger.js')
const {
  judgeUpgrade
} = require('../../lib/websocket/server/upgrade-request.js')

const TOKEN = '0123456789abcdef'.repeat(4)
const LIFETIME = 10_000

const upgrade = (headers, more) => ({
  rawHeaders: ['Host', '127.0.0.1:9955', ...headers],
  ...{ method: 'GET', url: '/', ...more }
})
const judged = (headers = [], more = {}) => judgeUpgrade(upgrade(headers, more))
const ofHost = (...hosts) =>
  judgeUpgrade({
    rawHeaders: hosts.flatMap((host) => ['Host', host]),
    ...{ method: 'GET', url: '/' }
  })

describe('a request to upgrade', () => {
  it('that is good: nothing is wrong with it', () => {
    assert.equal(judged(['Upgrade', 'websocket', 'X-Other', 'origin']), null)
  })

  it('has 64 headers at most', () => {
    const headers = (count) =>
      Array.from({ length: count }, (_, i) => [`X-${i}`, '1']).flat()
    assert.equal(judged(headers(63)), null)
    const refused = { status: 431, reason: 'headers' }
    assert.deepEqual(judged(headers(64)), refused)
  })

  it('F55 comes from no web page', () => {
    const refused = { status: 403, reason: 'origin' }
    for (const name of ['Origin', 'ORIGIN', 'Sec-WebSocket-Origin']) {
      for (const value of ['null', '', 'http://127.0.0.1:9955']) {
        assert.deepEqual(judged([name, value]), refused)
      }
    }
    const both = ['Origin', 'null', 'Sec-WebSocket-Origin', 'null']
    assert.deepEqual(judged(both), refused)
  })

  it('F55 names this machine as its host, once', () => {
    for (const host of [
      ...['127.0.0.1', '127.0.0.1:1', '127.255.255.255:65535', '[::1]'],
      ...['[::1]:9955', 'localhost', 'LocalHost:80', '127.0.0.1:0']
    ]) {
      assert.equal(ofHost(host), null, host)
    }
    const refused = { status: 403, reason: 'host' }
    for (const host of [
      ...['', 'example.com', '128.0.0.1', '10.0.0.1:9955', '0.0.0.0', '::1'],
      ...['[::2]', '[::1', 'localhost.', 'localhost.example.com', '127.1'],
      ...['127.0.0.256', '127.0.0.1.example.com', 'x127.0.0.1', '127.0.0.1:'],
      ...['127.0.0.1:65536', 'localhost:99999', '127.0.0.1:123456'],
      ...['127.0.0.1:x', '127.0.0.1 ', '[::1]:65536', '[127.0.0.1]']
    ]) {
      assert.deepEqual(ofHost(host), refused, host)
    }
    assert.deepEqual(ofHost(), refused)
    assert.deepEqual(ofHost('127.0.0.1', '127.0.0.1'), refused)
  })

  it('is a GET of /, without a body', () => {
    for (const method of ['POST', 'HEAD', 'get', '']) {
      assert.deepEqual(judged([], { method }), {
        ...{ status: 405, reason: 'method', headers: ['Allow: GET'] }
      })
    }
    for (const url of ['', '//', '/x', '/?', '*']) {
      const refused = { status: 404, reason: 'path' }
      assert.deepEqual(judged([], { url }), refused)
    }
    const malformed = { status: 400, reason: 'malformed' }
    for (const name of ['Content-Length', 'Transfer-Encoding']) {
      assert.deepEqual(judged([name, '0']), malformed)
    }
    const both = ['Content-Length', '0', 'Transfer-Encoding', 'chunked']
    assert.deepEqual(judged(both), malformed)
  })

  it('of which several things are wrong: the first of them', () => {
    const bad = { method: 'POST', url: '/x' }
    assert.equal(judged(['Origin', 'x'], bad).reason, 'origin')
    assert.equal(judged(['Host', '127.0.0.1'], bad).reason, 'host')
    assert.equal(judged(['Content-Length', '0'], bad).reason, 'method')
    const path = judged(['Content-Length', '0'], { url: '/x' })
    assert.equal(path.reason, 'path')
  })

  it('a header is found by its name alone, in any case', () => {
    const raw = ['A', 'b', 'B', 'a', 'a', 'c', 'aa', 'd']
    assert.deepEqual(headerValues(raw, 'a'), ['b', 'c'])
    assert.deepEqual(headerValues(raw, 'c'), [])
  })
})

describe('a proof, as the protocol says', () => {
  let now
  let challenger

  beforeEach(() => {
    now = 5000
    challenger = new Challenger(TOKEN, { now: () => now })
  })

  /** Another hand's: HMAC over the parts, a line each. */
  const hmac = (role, nonce, challenge, where) =>
    createHmac('sha256', Buffer.from(TOKEN, 'hex'))
      .update('kindly-guard-ipc websocket proof 1\n')
      .update(`${role}\n${nonce}\n${challenge}\n${where}`)
      .digest('hex')

  const asked = () =>
    parseChallenge(['WWW-Authenticate', challenger.challenge()])

  const used = (challenge = asked()) => [
    'Authorization',
    answerChallenge(TOKEN, challenge, 1).authorization
  ]

  it('F55 of a client and of a server: what another hand computes', () => {
    const nonce = 'ab'.repeat(32)
    for (const where of [9955, 'socket']) {
      const challenge = asked()
      const proof = hmac('client', nonce, challenge, where)
      const value =
        `KindlyGuard nonce="${nonce}", challenge="${challenge}", ` +
        `proof="${proof}"`
      const answer = challenger.admit(['Authorization', value], where)
      assert.deepEqual(answer, {
        ...{ proof: hmac('server', nonce, challenge, where), reason: null }
      })
      const own = answerChallenge(TOKEN, challenge, where)
      const [, ownNonce] = /nonce="([0-9a-f]{64})"/.exec(own.authorization)
      const expected = hmac('client', ownNonce, challenge, where)
      assert(own.authorization.endsWith(`proof="${expected}"`))
      const server = hmac('server', ownNonce, challenge, where)
      assert(own.isProven(['KindlyGuard-Proof', server]))
    }
  })

  it('a challenge says when it expires, rounded up', () => {
    const expiry = () => Number.parseInt(asked().slice(0, 12), 16)
    assert.equal(expiry(), 15_000)
    now = 5000.25
    assert.equal(expiry(), 15_001)
  })

  it('is admitted by the clock that there is', () => {
    const restore = replaceNow(() => now)
    try {
      challenger = new Challenger(TOKEN)
      const late = used()
      assert.equal(challenger.admit(used(), 1).reason, null)
      now += LIFETIME + 1
      assert.equal(challenger.admit(late, 1).reason, 'expired')
    } finally {
      restore()
    }
  })

  it('what is no token: said without showing it', () => {
    assert.throws(() => answerChallenge('secret', asked(), 1), {
      name: 'TypeError',
      code: 'ERR_INVALID_OPTION',
      message: 'option token: expected 64 lower-case hex digits'
    })
  })

  it('F55 a used challenge is held until it has expired, and not longer', () => {
    challenger.admit(used(), 1)
    // Not yet old enough to be put aside.
    now += LIFETIME + 1
    challenger.challenge()
    challenger.admit(used(), 1)
    assert.equal(challenger.remembered, 2)
    // One that has been put aside counts, too, and so does a newer one.
    now += 1
    challenger.challenge()
    challenger.admit(used(), 1)
    assert.equal(challenger.remembered, 3)
    now += LIFETIME + 2
    challenger.challenge()
    assert.equal(challenger.remembered, 1)
  })

  it('F55 after two lives of a challenge all are forgotten at once', () => {
    for (const [later, left] of [
      [2 * (LIFETIME + 1), 1],
      [2 * (LIFETIME + 1) + 1, 0]
    ]) {
      challenger = new Challenger(TOKEN, { now: () => now })
      challenger.admit(used(), 1)
      now += later
      challenger.challenge()
      assert.equal(challenger.remembered, left)
    }
  })

  it('F55 looked at in its last millisecond, it is not put aside too soon', () => {
    challenger.admit(used(), 1)
    now += LIFETIME + 1
    challenger.challenge()
    now += LIFETIME + 1
    challenger.challenge()
    assert.equal(challenger.remembered, 1)
  })
})
