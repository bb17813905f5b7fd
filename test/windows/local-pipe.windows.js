'use strict'
// On Windows: the pipe by which local clients reach a Shield, who else may open
// it, and that no second Shield comes in.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { collect, record, until, within } = require('../helpers/wait.js')
const { discovered } = require('../helpers/websocket-peer.js')

const PIPE = /^\\\\\.\\pipe\\kindly-guard-[0-9a-f]{32}$/

const WITHOUT_ADDON = { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }

describe('on Windows, a Shield’s pipe', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let ring

  beforeEach(() => {
    ring = current()
  })

  const optionsWith = (websocket) => ({
    ...overWebSocket(),
    websocket: { port: 0, ...websocket }
  })
  const start = (websocket) =>
    shieldOf(IpcFactory.createTransport, optionsWith(websocket))

  /** A Shield in another process. */
  async function startElsewhere(websocket, env = process.env) {
    const child = ring.child({ env })
    const socket = await child.call(async (state, options) => {
      state.shield = state.ipc.IpcFactory.createTransport(options)
      await state.shield.ready()
      return state.shield.stats().websocket.socket
    }, optionsWith(websocket))
    return { child, socket }
  }

  /** Opens a pipe to read alone, which is all that others may. */
  async function openToRead(socket) {
    let file = null
    // It is busy until the Shield has taken those before.
    await until(() => {
      try {
        file = fs.openSync(socket, 'r')
      } catch (error) {
        assert.equal(error.code, 'EBUSY')
      }
      return file !== null
    }, 'a place')
    ring.keep({ close: () => fs.closeSync(file) })
    return file
  }

  it('has a name that nobody guesses, told in the discovery file', async () => {
    const first = await start({ port: false })
    const { socket } = first.stats().websocket
    assert.match(socket, PIPE)
    assert.equal(discovered(ring.dir).socket, socket)
    await first.close()
    const next = await start({ port: false })
    assert.notEqual(next.stats().websocket.socket, socket)
    const gone = net.connect(socket)
    const [error] = await within(once(gone, 'error'), 'a refusal')
    assert.equal(error.code, 'ENOENT')
  })

  it('F34 of a killed Shield is gone, and clients find the next', async () => {
    const { child, socket } = await startElsewhere({ port: false })
    const client = await connected(ring, overWebSocket())
    assert.equal(client.stats().socket, socket)
    await child.kill()
    assert.equal(discovered(ring.dir).socket, socket)
    const shield = await start({ port: false })
    const own = shield.stats().websocket.socket
    await until(() => client.stats().socket === own, 'the next Shield')
    const got = collect(client, 1)
    write(shield, 1)
    await got
  })

  for (const [what, env] of Object.entries({
    '': process.env,
    ' without the addon': WITHOUT_ADDON
  })) {
    it(`F33 keeps a second Shield${what} out, with no port at all`, async () => {
      const shield = await start({ port: false })
      await assert.rejects(startElsewhere({ port: false }, env), {
        name: 'IpcError',
        code: 'ERR_RING_LOCKED'
      })
      assert.equal(shield.stats().transport, 'websocket')
      await shield.close()
      await startElsewhere({ port: false }, env)
    })
  }

  it('F33 two without the addon: the first one’s claim, until it is killed', async () => {
    const only = { port: false }
    const { child } = await startElsewhere(only, WITHOUT_ADDON)
    const claim = path.join(ring.dir, 'kindly-guard.claim')
    await assert.rejects(startElsewhere(only, WITHOUT_ADDON), {
      code: 'ERR_RING_LOCKED'
    })
    for (const action of [
      () => fs.unlinkSync(claim),
      () => fs.renameSync(claim, `${claim}.away`),
      () => fs.readFileSync(claim)
    ]) {
      assert.throws(action, { code: 'EBUSY' })
    }
    await child.kill()
    assert(fs.existsSync(claim))
    await startElsewhere(only, WITHOUT_ADDON)
  })

  it('F33 without a claim, the second asks at the first one’s pipe', async () => {
    const only = { port: false }
    const claim = path.join(ring.dir, 'kindly-guard.claim')
    const own = path.join(process.env.LOCALAPPDATA, 'KindlyGuard')
    // Where it should be are directories, or nothing can be made.
    fs.mkdirSync(claim)
    fs.writeFileSync(own, '')
    const { child, socket } = await startElsewhere(only, WITHOUT_ADDON)
    await assert.rejects(startElsewhere(only, WITHOUT_ADDON), (error) => {
      assert.equal(error.code, 'ERR_RING_LOCKED')
      assert(error.message.includes(socket), error.message)
      return true
    })
    await child.kill()
    await startElsewhere(only, WITHOUT_ADDON)
  })

  it('F56 who may only read gets nothing, and is in nobody’s way', async () => {
    const shield = await start({ port: false, handshakeTimeoutMs: 500 })
    const { socket } = shield.stats().websocket
    // More than there may be without a proof.
    const files = []
    while (files.length < 80) files.push(await openToRead(socket))
    const pending = () => shield.stats().websocket.pending
    await until(() => pending() > 0, 'one that is there')
    const client = await connected(ring, overWebSocket())
    assert.equal(client.stats().socket, socket)
    const got = collect(client, 1)
    write(shield, 1)
    await got
    await until(() => pending() === 0, 'the end of all who proved nothing')
    // Each was told that it took too long, and nothing else.
    for (const file of files) {
      const bytes = Buffer.alloc(4096)
      const said = bytes.toString('latin1', 0, fs.readSync(file, bytes))
      assert.match(said, /^(HTTP\/1\.1 408 [^{}]*)?$/)
    }
  })

  it('F58 a stranger under the name of one that is gone: refused', async () => {
    const shield = await start()
    const { url, socket, discoveryFile } = shield.stats().websocket
    const taken = `${socket}-stranger`
    let asked = 0
    const stranger = net.createServer((one) => {
      asked++
      one.on('error', () => {}).resume()
      one.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    })
    ring.keep(stranger.listen(taken))
    await once(stranger, 'listening')
    const elsewhere = fs.mkdtempSync(path.join(ring.dir, 'elsewhere-'))
    const tokenFile = path.join(elsewhere, 'copy')
    const found = JSON.parse(fs.readFileSync(discoveryFile, 'utf8'))
    fs.writeFileSync(tokenFile, JSON.stringify({ ...found, socket: taken }))
    const client = await connected(ring, {
      dir: elsewhere,
      preferShm: false,
      websocket: { tokenFile }
    })
    const moves = record(client, 'transport')
    const got = collect(client, 1)
    write(shield, 1)
    await got
    assert.deepEqual([client.stats().url, asked], [url, 1])
    assert.deepEqual(moves.slice(1), [])
  })

  it('what is no pipe is not connected to', async () => {
    const shield = await start()
    const { url, discoveryFile } = shield.stats().websocket
    const found = JSON.parse(fs.readFileSync(discoveryFile, 'utf8'))
    const elsewhere = fs.mkdtempSync(path.join(ring.dir, 'elsewhere-'))
    const tokenFile = path.join(elsewhere, 'copy')
    // Another machine would be told who the user is.
    for (const socket of ['\\\\host\\pipe\\a', 'C:\\a.sock', '/run/a.sock']) {
      fs.writeFileSync(tokenFile, JSON.stringify({ ...found, socket }))
      const client = await connected(ring, {
        dir: elsewhere,
        preferShm: false,
        websocket: { tokenFile }
      })
      assert.equal(client.stats().url, url)
      await client.close()
    }
  })
})
