'use strict'
// The Unix socket that local clients use: where it is, who gets in, and when
// the port has to do.

const assert = require('node:assert/strict')
const cluster = require('node:cluster')
const fs = require('node:fs')
const net = require('node:net')
const { once } = require('node:events')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const {
  answerChallenge,
  parseChallenge
} = require('../../lib/websocket/auth.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { collect, record, until, within } = require('../helpers/wait.js')
const { GONE, IS_WINDOWS, socketPath } = require('../helpers/system.js')
const { discovered } = require('../helpers/websocket-peer.js')

const UPGRADE = [
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=='
]

describe('a Shield’s Unix socket', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let ring

  beforeEach(() => {
    ring = current()
  })

  const optionsWith = (websocket, more) => ({
    ...overWebSocket(),
    ...more,
    websocket: { port: 0, ...websocket }
  })

  const start = (websocket, more) =>
    shieldOf(IpcFactory.createTransport, optionsWith(websocket, more))

  const fileIn = (dir) => path.join(dir, 'kindly-guard.sock')

  /** A client gets what the Shield publishes; says by which way. */
  async function wayOf(shield, options) {
    const client = await connected(ring, options)
    const got = collect(client, 1)
    write(shield, 1)
    await got
    const { url, socket } = client.stats()
    await client.close()
    return { url, socket }
  }

  /** The first line of what a server answers to these headers. */
  async function statusOf(address, ...headers) {
    const socket = net.connect(address)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
      if (answer.includes('\r\n\r\n')) socket.destroy()
    })
    socket.write(`GET / HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
    await within(once(socket, 'close'), 'an answer')
    return answer
  }

  it('stands beside the discovery file', async () => {
    const shield = await start()
    const { socket, discoveryFile } = shield.stats().websocket
    assert.equal(socket, fileIn(ring.dir))
    assert.equal(path.dirname(socket), path.dirname(discoveryFile))
    const stat = fs.lstatSync(socket)
    assert(stat.isSocket())
    assert.equal(stat.mode & 0o777, 0o600)
    assert.deepEqual(await wayOf(shield, overWebSocket()), {
      url: null,
      socket
    })
    assert.deepEqual(
      fs.readdirSync(ring.dir).filter((name) => name.startsWith('.')),
      []
    )
  })

  it('is told by the discovery file, and is used by who wants it', async () => {
    const shield = await start()
    const { socket, url, port } = shield.stats().websocket
    const found = discovered(ring.dir)
    assert.deepEqual([found.socket, found.port], [socket, port])
    const used = { url: null, socket }
    assert.deepEqual(await wayOf(shield, overWebSocket()), used)
    // Who does not want it has the port.
    const none = optionsWith({ socket: false })
    assert.deepEqual(await wayOf(shield, none), { url, socket: null })
  })

  it('in a directory of any name', async () => {
    // Windows has no colon in names.
    const name = IS_WINDOWS ? 'a b;c#é%20' : 'a b:c?d#é%20'
    const dir = path.join(ring.dir, name)
    const shield = await start({ port: false }, { dir })
    const { socket } = shield.stats().websocket
    if (!IS_WINDOWS) assert.equal(socket, fileIn(dir))
    const options = optionsWith({}, { dir })
    assert.deepEqual(await wayOf(shield, options), { url: null, socket })
  })

  it('is not there with `socket: false`', async () => {
    const shield = await start({ socket: false })
    const { socket, socketError, url } = shield.stats().websocket
    assert.deepEqual([socket, socketError], [null, null])
    assert.equal(discovered(ring.dir).socket, null)
    assert.equal(fs.existsSync(fileIn(ring.dir)), false)
    const used = { url, socket: null }
    assert.deepEqual(await wayOf(shield, overWebSocket()), used)
  })

  it('is the only way in with `port: false`', async () => {
    const shield = await start({ port: false })
    const { socket, url, port } = shield.stats().websocket
    assert.deepEqual([url, port], [null, null])
    assert.equal(discovered(ring.dir).port, null)
    const used = { url: null, socket }
    assert.deepEqual(await wayOf(shield, overWebSocket()), used)
    const client = ring.keep(
      await IpcFactory.createClient(optionsWith({ socket: false }))
    )
    await until(() => client.stats().errors.websocket !== null, 'its error')
    const { code, message } = client.stats().errors.websocket
    assert.equal(code, 'ERR_WEBSOCKET_UNREACHABLE')
    assert.match(message, /websocket\.socket is false/)
  })

  it('whose path would be too long: the port serves, and stats() say why', async () => {
    const long = path.join(ring.dir, 'd'.repeat(100))
    const shield = await start({}, { dir: long })
    const { socket, socketError, url } = shield.stats().websocket
    assert.equal(socket, null)
    assert.equal(socketError.code, 'ERR_INVALID_OPTION')
    assert.match(socketError.message, /the path of a socket 100 at most/)
    assert.equal(discovered(long).socket, null)
    // Neither it nor one whose path was cut.
    const { stdout } = await sockets(ring.dir)
    assert.deepEqual(stdout, [])
    const used = { url, socket: null }
    const options = optionsWith({}, { dir: long })
    assert.deepEqual(await wayOf(shield, options), used)
    await shield.close()
    const none = ring.keep(
      IpcFactory.createTransport(optionsWith({ port: false }, { dir: long }))
    )
    await assert.rejects(none.ready(), {
      name: 'RangeError',
      code: 'ERR_INVALID_OPTION',
      message: /100 at most/
    })
  })

  /** The sockets anywhere below a directory. */
  async function sockets(dir) {
    const found = fs
      .readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isSocket())
    return { stdout: found.map(({ name }) => name) }
  }

  it('up to the longest path that fits', async () => {
    const rest = 99 - Buffer.byteLength(fileIn(ring.dir))
    const dir = path.join(ring.dir, 'd'.repeat(rest))
    const shield = await start({}, { dir })
    const socket = fileIn(dir)
    assert.equal(Buffer.byteLength(socket), 100)
    assert.equal(shield.stats().websocket.socket, socket)
    const options = optionsWith({}, { dir })
    assert.deepEqual(await wayOf(shield, options), { url: null, socket })
  })

  it('can be given to a client, with the token', async () => {
    const shield = await start({ port: false })
    const { socket, discoveryFile } = shield.stats().websocket
    const elsewhere = fs.mkdtempSync(path.join(ring.dir, 'elsewhere-'))
    const { token } = discovered(ring.dir)
    const bare = path.join(elsewhere, 'token')
    fs.writeFileSync(bare, token, { mode: 0o600 })
    for (const tokenFile of [bare, discoveryFile]) {
      const websocket = { socket, tokenFile }
      const options = { dir: elsewhere, preferShm: false, websocket }
      assert.deepEqual(await wayOf(shield, options), { url: null, socket })
    }
  })

  for (const [what, make] of Object.entries({
    absent: () => {},
    refused: async (file) => {
      // As one that a killed Shield left.
      const made = `${file}.x`
      const server = net.createServer().listen(made)
      ring.keep(server)
      await once(server, 'listening')
      fs.linkSync(made, file)
      server.close()
      await once(server, 'close')
    },
    'another’s': async (address) => {
      const server = net.createServer((socket) => socket.destroy())
      ring.keep(server.listen(address))
      await once(server, 'listening')
    }
  })) {
    it(`that is ${what}, as in another container: the port serves`, async () => {
      const shield = await start()
      const { url, discoveryFile } = shield.stats().websocket
      // Seen from a place where it has another name.
      const elsewhere = fs.mkdtempSync(path.join(ring.dir, 'elsewhere-'))
      const file = IS_WINDOWS
        ? socketPath(path.basename(elsewhere))
        : fileIn(elsewhere)
      await make(file)
      const tokenFile = path.join(elsewhere, 'copy')
      const found = JSON.parse(fs.readFileSync(discoveryFile, 'utf8'))
      fs.writeFileSync(tokenFile, JSON.stringify({ ...found, socket: file }), {
        mode: 0o600
      })
      const websocket = { tokenFile }
      const options = { dir: elsewhere, preferShm: false, websocket }
      assert.deepEqual(await wayOf(shield, options), { url, socket: null })
    })
  }

  it('F55 F58 its proof is of no use at the port, nor the port’s here', async () => {
    const shield = await start()
    const { socket, port } = shield.stats().websocket
    const { token } = discovered(ring.dir)
    const ways = [
      [{ path: socket }, 'socket'],
      [{ host: '127.0.0.1', port }, port]
    ]
    for (const [address, own] of ways) {
      for (const [, word] of ways) {
        const asked = await statusOf(address, ...UPGRADE)
        const [, value] = /^WWW-Authenticate: (.*)\r$/m.exec(asked)
        const challenge = parseChallenge(['WWW-Authenticate', value])
        const { authorization } = answerChallenge(token, challenge, word)
        const answer = await statusOf(
          address,
          ...UPGRADE,
          `Authorization: ${authorization}`
        )
        const status = word === own ? 101 : 401
        assert(answer.startsWith(`HTTP/1.1 ${status} `), `${own} ${word}`)
      }
    }
    const { refused } = shield.stats().websocket
    assert.deepEqual(refused, { 'token-wrong': 2 })
  })

  it('F53 F54 asks for no less than the port', async () => {
    const shield = await start()
    const { socket } = shield.stats().websocket
    const [, ...rest] = UPGRADE
    for (const [status, ...headers] of [
      [403, 'Origin: null', ...UPGRADE],
      [403, 'Host: evil.example', ...rest],
      [426, 'Host: localhost'],
      [401, ...UPGRADE]
    ]) {
      const answer = await statusOf({ path: socket }, ...headers)
      assert(answer.startsWith(`HTTP/1.1 ${status} `), answer)
    }
  })

  it('is gone when close() returns, before the next Shield can start', async () => {
    const shield = await start()
    const { socket } = shield.stats().websocket
    const closed = shield.close()
    assert.equal(fs.existsSync(socket), false)
    const next = await start()
    await closed
    assert.equal(next.stats().websocket.socket, socket)
    assert.equal(fs.existsSync(socket), true)
  })

  it('that is another’s by now stays when its Shield closes', async () => {
    const shield = await start()
    const { socket } = shield.stats().websocket
    fs.unlinkSync(socket)
    fs.writeFileSync(socket, 'something else')
    await shield.close()
    assert.equal(fs.readFileSync(socket, 'utf8'), 'something else')
  })

  it('that is removed comes back, and clients stay', async () => {
    const shield = await start({ port: false })
    const { socket } = shield.stats().websocket
    const client = await connected(ring, overWebSocket())
    const moves = record(client, 'transport')
    fs.unlinkSync(socket)
    await until(() => fs.existsSync(socket), 'the socket')
    const used = { url: null, socket }
    assert.deepEqual(await wayOf(shield, overWebSocket()), used)
    assert.equal(client.stats().transport, 'websocket')
    assert.deepEqual(moves.slice(1), [])
  })

  it('F34 of a killed Shield is no Shield, and is replaced', async () => {
    const child = ring.child()
    await child.call(
      async (state, options) => {
        state.shield = state.ipc.IpcFactory.createTransport(options)
        await state.shield.ready()
      },
      optionsWith({ port: false })
    )
    const socket = fileIn(ring.dir)
    const before = fs.lstatSync(socket).ino
    await child.kill()
    assert.equal(fs.lstatSync(socket).ino, before)
    const shield = await start({ port: false })
    const used = { url: null, socket }
    assert.deepEqual(await wayOf(shield, overWebSocket()), used)
  })

  it('of a cluster’s worker ends with the worker', async () => {
    const worker = path.join(ring.dir, 'worker.js')
    fs.writeFileSync(
      worker,
      `const { IpcFactory } = require(${JSON.stringify(
        require.resolve('../../lib/index.js')
      )})
      const shield = IpcFactory.createTransport(${JSON.stringify(
        optionsWith({ port: false })
      )})
      shield.ready().then(() => process.send('ready'))
      setInterval(() => {}, 1000)`
    )
    cluster.setupPrimary({ exec: worker })
    const one = cluster.fork()
    let address
    try {
      await within(once(one, 'message'), 'its start')
      ;({ socket: address } = discovered(ring.dir))
      const socket = net.connect(address)
      await within(once(socket, 'connect'), 'a connection')
      socket.destroy()
    } finally {
      one.process.kill('SIGKILL')
      await once(one, 'exit')
    }
    // Nobody holds it: this process, the primary, least of all.
    const socket = net.connect(address)
    const [error] = await within(once(socket, 'error'), 'a refusal')
    assert.equal(error.code, GONE)
  })
})
