'use strict'
// The token, which is what keeps other users out: nothing shows it.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { inspect } = require('node:util')
const { IpcFactory } = require('../lib/index.js')
const { useFactory } = require('./helpers/factory.js')
const { until } = require('./helpers/wait.js')

/** Everything that a log may say of a value. */
function shown(value) {
  const wide = { maxArrayLength: null, maxStringLength: null }
  const texts = [
    inspect(value),
    inspect(value, { ...wide, depth: Infinity }),
    inspect(value, { ...wide, depth: Infinity, showHidden: true }),
    inspect(value, { ...wide, depth: Infinity, getters: true }),
    String(value),
    JSON.stringify(value)
  ]
  if (value instanceof Error) {
    texts.push(value.message, value.stack, JSON.stringify({ ...value }))
    texts.push(JSON.stringify(value, Object.getOwnPropertyNames(value)))
  }
  return texts
}

describe('secrets', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let shield
  let file
  let token

  beforeEach(async () => {
    const { createHybridTransport } = IpcFactory
    shield = await shieldOf(createHybridTransport, overWebSocket())
    file = shield.stats().websocket.discoveryFile
    ;({ token } = JSON.parse(fs.readFileSync(file, 'utf8')))
    assert.match(token, /^[0-9a-f]{64}$/)
  })

  function assertSecret(value, what) {
    for (const text of shown(value)) {
      // Nor a part of it.
      for (const part of [token.slice(0, 16), token.slice(-16)]) {
        assert.equal(text?.includes(part) ?? false, false, what)
      }
    }
  }

  const open = async (options) =>
    current().keep(await IpcFactory.createClient(options))

  /** Why a client of these options does not connect. */
  async function failure(options) {
    const client = await open(options)
    const error = await until(
      () => client.stats().errors.websocket,
      'the reason'
    )
    assertSecret(client, 'the client')
    assertSecret(client.stats(), 'its stats')
    return error
  }

  it('F73 a Shield and a client show no token', async () => {
    const client = await open(overWebSocket())
    await until(() => client.stats().transport === 'websocket', 'a client')
    client.on('threat', () => {})
    for (const [what, value] of Object.entries({
      shield,
      client,
      'the Shield’s stats': shield.stats(),
      'the client’s stats': client.stats()
    })) {
      assertSecret(value, what)
    }
  })

  it('F73 a closed Shield and its client show no token', async () => {
    const client = await open(overWebSocket())
    await until(() => client.stats().transport === 'websocket', 'a client')
    await shield.close()
    await until(() => client.stats().errors.websocket, 'the end')
    assertSecret(shield, 'the Shield')
    assertSecret(client.stats(), 'the client’s stats')
  })

  const files = {
    'is no JSON': () => `{ "token": "${token}", `,
    'is the token and more': () => `${token} and more`,
    'has a token of capitals': () => token.toUpperCase(),
    'lacks a digit': () => token.slice(1),
    'has another field wrong': () =>
      JSON.stringify({ ...JSON.parse(fs.readFileSync(file)), port: -1 })
  }
  for (const [name, make] of Object.entries(files)) {
    it(`F73 a token file that ${name}: the error shows none of it`, async () => {
      const tokenFile = path.join(current().dir, 'token')
      const content = make()
      fs.writeFileSync(tokenFile, content, { mode: 0o600 })
      const websocket = { tokenFile, url: 'ws://127.0.0.1:1' }
      const error = await failure({ ...overWebSocket(), websocket })
      assert.equal(error.code, 'ERR_DISCOVERY_INVALID')
      assertSecret(error, 'the error')
      const text = inspect(error, { depth: Infinity, showHidden: true })
      assert.equal(text.toLowerCase().includes(token.slice(1, 20)), false)
    })
  }

  it('F73 a token that is wrong shows neither itself nor the right one', async () => {
    const tokenFile = path.join(current().dir, 'token')
    const wrong = token.replace(/./g, (digit) => (digit === '0' ? '1' : '0'))
    fs.writeFileSync(tokenFile, wrong, { mode: 0o600 })
    const { url } = shield.stats().websocket
    const websocket = { tokenFile, url }
    const error = await failure({ ...overWebSocket(), websocket })
    assertSecret(error, 'the error')
    assert.equal(inspect(error, { depth: Infinity }).includes(wrong), false)
  })
})
