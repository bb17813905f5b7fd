'use strict'
// What proves that somebody knows the token, on paper.

const assert = require('node:assert/strict')
const { inspect } = require('node:util')
const { isLoopback } = require('../../lib/base/loopback.js')
const {
  answerChallenge,
  createToken,
  isToken,
  parseChallenge
} = require('../../lib/websocket/auth.js')
const { Challenger } = require('../../lib/websocket/server/challenger.js')
const {
  altered,
  authorization,
  join,
  parts,
  SPOILED,
  TOKEN
} = require('../helpers/proofs.js')

const PORT = 9955
const REASONS = ['malformed', 'foreign', 'expired', 'wrong', 'replayed']

const asked = (challenger) =>
  parseChallenge(['WWW-Authenticate', challenger.challenge()])

describe('WebSocket proofs', () => {
  let now
  let challenger

  beforeEach(() => {
    now = 1_000_000
    challenger = new Challenger(TOKEN, { now: () => now })
  })

  const good = (token = TOKEN, port = PORT) =>
    answerChallenge(token, asked(challenger), port)
  const admit = (...headers) => challenger.admit(headers.flat(), PORT)

  function assertReason(answer, reason) {
    assert.deepEqual(answer, { proof: null, reason })
  }

  it('F55 both sides prove that they know the token', () => {
    const { authorization: value, isProven } = good()
    assertReason(admit(['Host', '127.0.0.1']), 'missing')
    const { proof, reason } = admit(authorization(value))
    assert.equal(reason, null)
    assert(isProven(['Upgrade', 'websocket', 'KindlyGuard-Proof', proof]))
    const { nonce, challenge } = parts(value)
    assert.equal(nonce.length, 64)
    assert.equal(challenge.length, 108)
    assert(!`${value}${proof}`.includes(TOKEN))
  })

  for (const [what, spoil] of Object.entries(SPOILED)) {
    it(`F55 ${what}: refused, and uses nothing up`, () => {
      const value = good().authorization
      const { proof, reason } = admit(authorization(spoil(value)))
      assert.equal(proof, null)
      assert(REASONS.includes(reason), reason)
      assert.equal(challenger.remembered, 0)
      assert.equal(admit(authorization(value)).reason, null)
    })
  }

  it('F55 two headers: refused, though both are good', () => {
    const values = [good().authorization, good().authorization]
    assertReason(admit(...values.map(authorization)), 'malformed')
    const [first] = values
    const other = ['aUTHORIZATION', 'Basic eDp5']
    assertReason(admit(authorization(first), other), 'malformed')
  })

  it('F55 another token, another port: wrong', () => {
    assertReason(
      admit(authorization(good(createToken()).authorization)),
      'wrong'
    )
    for (const port of [PORT - 1, PORT + 1, 99, 995, 80, 0]) {
      const value = good(TOKEN, port).authorization
      assertReason(admit(authorization(value)), 'wrong')
    }
  })

  it('F55 a proof is good once', () => {
    const value = authorization(good().authorization)
    assert.equal(admit(value).reason, null)
    for (let i = 0; i < 3; i++) assertReason(admit(value), 'replayed')
    // Nor is the challenge, with another nonce of the client.
    const { challenge } = parts(value[1])
    const again = answerChallenge(TOKEN, challenge, PORT).authorization
    assertReason(admit(authorization(again)), 'replayed')
  })

  it('F55 a role cannot be sent back', () => {
    const { authorization: value, isProven } = good()
    const { proof } = parts(value)
    assert(!isProven(['KindlyGuard-Proof', proof]), "the client's own")
    const answer = admit(authorization(value))
    const { nonce, challenge } = parts(good().authorization)
    const reflected = join({ nonce, challenge, proof: answer.proof })
    assertReason(admit(authorization(reflected)), 'wrong')
    assert(isProven(['KindlyGuard-Proof', answer.proof]))
  })

  it('F55 the proof of the server is parsed as strictly', () => {
    const { authorization: value, isProven } = good()
    const { proof } = admit(authorization(value))
    const header = ['KindlyGuard-Proof', proof]
    for (const headers of [
      [],
      [...header, ...header],
      [...header, 'kindlyguard-proof', ''],
      ['KindlyGuard-Proof', ''],
      ['KindlyGuard-Proof', proof.slice(2)],
      ['KindlyGuard-Proof', `${proof}00`],
      ['KindlyGuard-Proof', proof.toUpperCase()],
      ['KindlyGuard-Proof', altered(proof)],
      ['KindlyGuard-Proof', altered(proof, -1)],
      ['KindlyGuard-Proof', `${proof}, ${proof}`],
      ['Proof', proof]
    ]) {
      assert(!isProven(headers), inspect(headers))
    }
    assert(isProven(header))
  })

  it('F55 an expired challenge, to the millisecond', () => {
    const first = authorization(good().authorization)
    const second = authorization(good().authorization)
    now += 10_000
    assert.equal(admit(first).reason, null)
    now += 1
    assertReason(admit(second), 'expired')
    now += 1e9
    assertReason(admit(second), 'expired')
  })

  it('F55 a challenge lives for ten seconds unless something else is said', () => {
    const usual = new Challenger(TOKEN, { now: () => now })
    const answers = [1, 2].map(() => {
      const challenge = asked(usual)
      const answer = answerChallenge(TOKEN, challenge, PORT)
      return authorization(answer.authorization)
    })
    now += 10_000
    assert.equal(usual.admit(answers[0], PORT).reason, null)
    now += 1
    assertReason(usual.admit(answers[1], PORT), 'expired')
  })

  it('F55 the challenge of another server, or of the one before', () => {
    const other = new Challenger(TOKEN, { now: () => now })
    const value = answerChallenge(TOKEN, asked(other), PORT).authorization
    assertReason(admit(authorization(value)), 'foreign')
    assert.equal(other.admit(authorization(value), PORT).reason, null)
  })

  it('F55 challenges need no memory; used ones are forgotten in time', () => {
    const seen = new Set()
    for (let i = 0; i < 5000; i++) seen.add(asked(challenger))
    assert.equal(seen.size, 5000)
    assert.equal(challenger.remembered, 0)
    for (let i = 0; i < 100; i++) admit(authorization(good().authorization))
    assert.equal(challenger.remembered, 100)
    now += 20_003
    challenger.challenge()
    assert.equal(challenger.remembered, 0)
  })

  it('F55 a used challenge stays used until it expires, at any time', () => {
    // In odd steps, so that every phase of forgetting is met.
    const used = []
    let replayed = 0
    for (let i = 0; i < 400; i++) {
      now += 37 + ((i * 7919) % 977)
      const value = authorization(good().authorization)
      assert.equal(admit(value).reason, null)
      used.push(value)
      for (const old of used.slice(-60)) {
        const { reason } = admit(old)
        assert(reason === 'replayed' || reason === 'expired', reason)
        replayed += reason === 'replayed'
      }
      assert(challenger.remembered < 200, `${challenger.remembered}`)
    }
    assert(replayed > 5000, `${replayed}`)
  })

  it('a challenge is taken only as it is made, and only once', () => {
    const value = challenger.challenge()
    const header = ['WWW-Authenticate', value]
    assert.equal(parseChallenge(header).length, 108)
    for (const headers of [
      [],
      [...header, ...header],
      [...header, 'www-authenticate', 'Basic realm="x"'],
      ['WWW-Authenticate', ''],
      ['WWW-Authenticate', 'Basic realm="x"'],
      ['WWW-Authenticate', value.toUpperCase()],
      ['WWW-Authenticate', `${value} `],
      ['WWW-Authenticate', value.replace(/..."$/, '"')],
      ['WWW-Authenticate', value.replace(/"$/, '00"')],
      ['WWW-Authenticate', `${value}, ${value}`]
    ]) {
      assert.equal(parseChallenge(headers), null, inspect(headers))
    }
  })

  it('a token is 256 bits, fresh, and never shown', () => {
    assert.match(TOKEN, /^[0-9a-f]{64}$/)
    assert.notEqual(createToken(), createToken())
    const all = { depth: Infinity, showHidden: true }
    assert(!inspect(challenger, all).includes(TOKEN))
    const long = [`${TOKEN}0`, `${TOKEN}\n`, [TOKEN], Buffer.alloc(32)]
    const other = ['G', 'A'].map((digit) => TOKEN.replace(/./, digit))
    for (const bad of [null, '', TOKEN.slice(1), ...long, ...other]) {
      assert(!isToken(bad), inspect(bad))
      assert.throws(
        () => new Challenger(bad),
        ({ code, message }) =>
          code === 'ERR_INVALID_OPTION' && !message.includes(TOKEN.slice(1))
      )
    }
  })

  it('a loopback address is a literal', () => {
    assert(['127.0.0.1', '127.255.0.9', '::1'].every((one) => isLoopback(one)))
    const bad =
      'localhost 127.0.0.1.example 127.0.0.01 127.1 0127.0.0.1 0x7f.0.0.1 ' +
      '127.0.0.256 128.0.0.1 0.0.0.0 [::1] :: ::ffff:127.0.0.1 ::1%lo '
    for (const address of [...bad.split(' '), null, ['127.0.0.1']]) {
      assert(!isLoopback(address), inspect(address))
    }
  })
})
