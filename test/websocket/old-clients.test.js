'use strict'
// Clients of the older Shield, which know no token: with auth 'none' they are
// served as they were.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')
const WebSocket = require('ws')
const { IpcFactory } = require('../../lib/index.js')
const { threat } = require('../helpers/ring.js')
const { useFactory } = require('../helpers/factory.js')
const { numbers } = require('../helpers/sequences.js')
const { until, within } = require('../helpers/wait.js')

describe('F85 an old client, with auth none', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let shield
  let warnings

  const warned = (warning) => warnings.push(warning)

  beforeEach(async () => {
    warnings = []
    process.on('warning', warned)
    shield = await start({})
  })

  afterEach(() => process.off('warning', warned))

  function start(websocket) {
    return shieldOf(IpcFactory.createTransport, {
      ...overWebSocket(),
      websocket: { port: 0, auth: 'none', ...websocket }
    })
  }

  /** What such a client does: a WebSocket to a name, and JSON. */
  async function open(host = 'localhost') {
    const { port } = shield.stats().websocket
    const socket = new WebSocket(`ws://${host}:${port}`)
    current().keep({ close: () => socket.terminate() })
    socket.messages = []
    socket.on('message', (data) => socket.messages.push(JSON.parse(data)))
    await within(once(socket, 'open'), 'the connection')
    return socket
  }

  const say = (socket, value) => socket.send(JSON.stringify(value))

  async function next(socket, type) {
    const isIt = (message) => message.type === type
    await until(() => socket.messages.some(isIt), `a message: ${type}`)
    return socket.messages.splice(0, socket.messages.findIndex(isIt) + 1).at(-1)
  }

  it('is warned of, once', async () => {
    await until(() => warnings.length > 0, 'the warning')
    assert.deepEqual(
      warnings.map(({ name, code }) => ({ name, code })),
      [{ name: 'SecurityWarning', code: 'KG_WEBSOCKET_NO_AUTH' }]
    )
  })

  for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST']) {
    it(`at ${host}`, async () => {
      const socket = await open(host)
      say(socket, { type: 'get_status' })
      assert.equal((await next(socket, 'status')).sequence, 0)
    })
  }

  it('a bare subscribe begins with what comes next', async () => {
    shield.writeThreat(threat('before'))
    const socket = await open()
    say(socket, { type: 'subscribe' })
    await next(socket, 'status')
    shield.writeThreat(threat('after'))
    const { threats } = await next(socket, 'threat')
    const [{ id, timestamp, ...rest }] = threats
    assert.equal(threats.length, 1)
    assert.equal(rest.details, 'after')
    assert.equal(rest.severity, 'High')
    assert.equal(rest.threat_type, 'InjectionAttempt')
    assert.equal(rest.blocked, true)
    assert.equal(rest.source, 'test')
    assert(id.length > 0 && !Number.isNaN(Date.parse(timestamp)))
  })

  it('the status says how much was blocked', async () => {
    const socket = await open()
    shield.writeThreats([threat('a'), threat('b', { blocked: false })])
    shield.writeThreat(threat('c'))
    say(socket, { type: 'get_status' })
    const status = await next(socket, 'status')
    assert.equal(status.protection_enabled, true)
    assert.equal(status.threats_blocked, 2)
  })

  it('a command that is not ours: an error, and the connection stays', async () => {
    const socket = await open()
    say(socket, { type: 'subscribe' })
    await next(socket, 'status')
    for (const sequence of numbers(1, 20)) {
      say(socket, { type: 'toggle_protection', enabled: false })
      const { code, message } = await next(socket, 'error')
      assert.equal(code, 'ERR_INVALID_MESSAGE')
      assert.match(message, /toggle_protection is unknown/)
      shield.writeThreat(threat('x'))
      const { threats } = await next(socket, 'threat')
      assert.equal(threats[0].sequence, sequence)
    }
    say(socket, { type: 'get_status' })
    assert.equal((await next(socket, 'status')).protection_enabled, true)
  })

  it('what is no command at all ends it when it repeats, as ever', async () => {
    const socket = await open()
    socket.send('{')
    await next(socket, 'error')
    socket.send('{')
    const [code] = await within(once(socket, 'close'), 'the end')
    assert.equal(code, 1008)
  })

  it('F53 a web page is refused, whatever it calls this machine', async () => {
    const { port } = shield.stats().websocket
    for (const host of ['localhost', '127.0.0.1']) {
      const socket = new WebSocket(`ws://${host}:${port}`, {
        origin: 'http://localhost'
      })
      const [error] = await within(once(socket, 'error'), 'a refusal')
      assert.match(error.message, /403/)
    }
  })

  it('with a token, neither old clients nor their status are served', async () => {
    await shield.close()
    shield = await start({ auth: 'token' })
    const { port } = shield.stats().websocket
    const socket = new WebSocket(`ws://localhost:${port}`)
    const [error] = await within(
      once(socket, 'error'),
      'a refusal, or no such address'
    )
    assert.match(`${error.message} ${error.code}`, /401|ECONNREFUSED/)
    const other = net.connect(port, '::1')
    const [refused] = await within(once(other, 'error'), 'nobody there')
    assert.match(refused.code, /^E/)
  })

  it('a port that another has at ::1 is served at 127.0.0.1 alone', async () => {
    const taken = net.createServer().listen(0, '::1')
    await once(taken, 'listening')
    const { port } = taken.address()
    try {
      await shield.close()
      shield = await start({ port })
      assert.equal(shield.stats().websocket.port, port)
      const socket = await open('127.0.0.1')
      say(socket, { type: 'get_status' })
      await next(socket, 'status')
    } finally {
      taken.close()
    }
  })
})
