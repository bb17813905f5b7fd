'use strict'
// What proves that somebody knows the token, over a connection.

const assert = require('node:assert/strict')
const http = require('node:http')
const { inspect } = require('node:util')
const {
  answerChallenge,
  createToken,
  headerValues,
  parseChallenge
} = require('../../lib/websocket/auth.js')
const { newHandshakeServer } = require('../helpers/handshake.js')
const { authorization, SPOILED, TOKEN } = require('../helpers/proofs.js')
const { within } = require('../helpers/wait.js')

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
