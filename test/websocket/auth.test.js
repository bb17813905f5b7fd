'use strict'
// What proves that somebody knows the token, on paper and over a connection.

const assert = require('node:assert/strict')
const http = require('node:http')
const { inspect } = require('node:util')
const { isLoopback } = require('../../lib/base/loopback.js')
const {
  Challenger,
  answerChallenge,
  createToken,
  headerValues,
  isToken,
  parseChallenge
} = require('../../lib/websocket/auth.js')
const { newHandshakeServer } = require('../helpers/handshake.js')
const { within } = require('../helpers/wait.js')

const PORT = 9955
const TOKEN = createToken()
const REASONS = ['malformed', 'foreign', 'expired', 'wrong', 'replayed']

const asked = (challenger) =>
  parseChallenge(['WWW-Authenticate', challenger.challenge()])
const authorization = (value) => ['Authorization', value]

/** The two nonces and the proof in an Authorization. */
function parts(value) {
  const [nonce, challenge, proof] = value.match(/[0-9a-f]{64,}/g)
  return { nonce, challenge, proof }
}

const join = ({ nonce, challenge, proof }) =>
  `KindlyGuard nonce="${nonce}", challenge="${challenge}", proof="${proof}"`

/** Another digit, at an index from the front or, if negative, the end. */
function altered(digits, index = 0) {
  const at = index < 0 ? digits.length + index : index
  const digit = digits[at] === '0' ? '1' : '0'
  return digits.slice(0, at) + digit + digits.slice(at + 1)
}

/** The same Authorization with one part changed. */
const change = (key, how) => (value) => {
  const all = parts(value)
  return join({ ...all, [key]: how(all[key]) })
}

/** Changes of a good Authorization that all make it a bad one. */
const SPOILED = {
  empty: () => '',
  'another scheme': (value) => value.replace('KindlyGuard', 'Bearer'),
  'the scheme in lower case': (value) => value.toLowerCase(),
  'a digit in upper case': change('nonce', (nonce) => nonce.replace(/./, 'A')),
  'truncated by a character': (value) => value.slice(0, -1),
  'half of it': (value) => value.slice(0, value.length / 2),
  'a truncated proof': change('proof', (proof) => proof.slice(2)),
  'no proof': (value) => value.replace(/, proof=.*/, ''),
  'an empty proof': change('proof', () => ''),
  'zeros as proof': change('proof', () => '0'.repeat(64)),
  'one more byte of proof': change('proof', (proof) => `${proof}00`),
  'another first digit of proof': change('proof', (proof) => altered(proof)),
  'another last digit of proof': change('proof', (proof) => altered(proof, -1)),
  'one more part': (value) => `${value}, more="1"`,
  'twice in one header': (value) => `${value}, ${value}`,
  'another order': (value) => value.replace(/(n.*?"), (c.*?"),/, '$2, $1,'),
  'no quotes': (value) => value.replaceAll('"', ''),
  'a tab': (value) => value.replace(', ', ',\t'),
  'the token itself': () => `Bearer ${TOKEN}`,
  'another client nonce': change('nonce', (nonce) => altered(nonce)),
  'a challenge that expires later': change('challenge', (nonce) =>
    altered(nonce, 2)
  ),
  'a challenge with another MAC': change('challenge', (nonce) =>
    altered(nonce, -1)
  )
}

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

describe('WebSocket proofs over a connection', () => {
  let gate
  let port

  beforeEach(async () => {
    gate = newHandshakeServer({ token: TOKEN })
    port = await gate.listen()
  })
  afterEach(() => gate.close())

  /** @returns {Promise<{ status, rawHeaders, data }>} until it is closed */
  function upgrade(headers) {
    const request = http.request({
      host: '127.0.0.1',
      port,
      agent: false,
      headers: [
        ...['Host', `127.0.0.1:${port}`, 'Upgrade', 'websocket'],
        ...['Connection', 'Upgrade', 'Sec-WebSocket-Version', '13'],
        ...['Sec-WebSocket-Key', 'MDEyMzQ1Njc4OWFiY2RlZg==', ...headers]
      ]
    })
    const answer = new Promise((resolve, reject) => {
      request.on('error', reject)
      request.on('upgrade', ({ statusCode, rawHeaders }, socket, head) => {
        socket.destroy()
        resolve({ status: statusCode, rawHeaders, data: String(head) })
      })
      request.on('response', (response) => {
        const { statusCode, rawHeaders } = response
        let data = ''
        response.on('data', (chunk) => {
          data += chunk
        })
        response.on('end', () =>
          resolve({ status: statusCode, rawHeaders, data })
        )
      })
    })
    request.end()
    return within(answer, 'an answer')
  }

  async function prove(token = TOKEN, named = port) {
    const challenge = parseChallenge((await upgrade([])).rawHeaders)
    return answerChallenge(token, challenge, named)
  }

  /** 401, a line, a challenge that was not seen before, and no client. */
  async function assert401(headers, before) {
    const { status, data, rawHeaders } = await upgrade(headers)
    assert.equal(status, 401)
    assert.equal(data, 'Unauthorized\n')
    assert.deepEqual(headerValues(rawHeaders, 'kindlyguard-proof'), [])
    const challenge = parseChallenge(rawHeaders)
    assert.notEqual(challenge, null)
    assert.notEqual(challenge, before)
    return challenge
  }

  it('F55 with the token: 101 and the proof of the server', async () => {
    gate.on('connection', (client) => client.send('data'))
    const { authorization: value, isProven } = await prove()
    const { status, rawHeaders } = await upgrade(authorization(value))
    assert.equal(status, 101)
    assert(isProven(rawHeaders))
    assert.equal(gate.stats().admitted, 1)
    assert.deepEqual(gate.stats().refused, {})
  })

  it('F55 missing, wrong, truncated, twice, replayed, elsewhere', async () => {
    gate.on('connection', (client) => client.send('data'))
    const refused = []
    gate.on('refused', (one) => refused.push(one))
    const first = await assert401([])
    await assert401([], first)
    assert.equal(gate.stats().challenged, 2)
    assert.deepEqual(refused, [])

    const wrong = await prove(createToken())
    await assert401(authorization(wrong.authorization))
    const relayed = await prove(TOKEN, port ^ 1)
    await assert401(authorization(relayed.authorization))
    const used = authorization((await prove()).authorization)
    await assert401([...used, ...used])
    assert.equal((await upgrade(used)).status, 101)
    await assert401(used)
    for (const spoil of Object.values(SPOILED)) {
      const { authorization: value } = await prove()
      await assert401(authorization(spoil(value)))
    }

    const { admitted, refused: counts } = gate.stats()
    assert.equal(admitted, 1)
    const total = Object.values(counts).reduce((sum, one) => sum + one, 0)
    assert.equal(total, Object.keys(SPOILED).length + 4)
    assert.equal(refused.length, total)
    assert(refused.every(({ status }) => status === 401))
    assert.deepEqual(
      new Set(refused.map(({ reason }) => reason)),
      new Set(
        ['malformed', 'wrong', 'replayed', 'foreign'].map(
          (one) => `token-${one}`
        )
      )
    )
  })

  it('a gate for tokens has one', () => {
    for (const options of [
      ...[undefined, null, '', 'secret', TOKEN.slice(2)].map((token) => ({
        token
      })),
      { host: 'localhost' },
      { host: '0.0.0.0' },
      { auth: 'None' }
    ]) {
      assert.throws(() => newHandshakeServer({ token: TOKEN, ...options }), {
        code: 'ERR_INVALID_OPTION',
        message: new RegExp(`option (websocket[.])?${Object.keys(options)[0]}:`)
      })
    }
    assert(!inspect(gate, { depth: 9, showHidden: true }).includes(TOKEN))
  })
})
