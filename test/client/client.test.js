'use strict'
// What IpcFactory chooses and tells at the extension's end: before there is a
// Shield, while there is one, and where its files are not where they belong.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const net = require('node:net')
const { once } = require('node:events')
const path = require('node:path')
const {
  IpcFactory,
  PlatformShm,
  SharedMemoryIpc
} = require('../../lib/index.js')
const { threat } = require('../helpers/ring.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { places } = require('../../lib/websocket/locate.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { collect, record, sleep, until, within } = require('../helpers/wait.js')

const HAS_SHM = PlatformShm.isAvailable()

/** A port on which nobody listens. */
async function unusedPort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

describe('factory', () => {
  const { current, overWebSocket, shared, shieldOf } = useFactory()
  let ring
  let common

  beforeEach(() => {
    ring = current()
    common = shared()
  })

  describe('the extension’s end', () => {
    it('F32 started first: connecting, then everything', async () => {
      const client = ring.keep(await IpcFactory.createClient(common))
      const changes = record(client, 'transport')
      const writers = record(client, 'writer')
      const got = collect(client, 20)
      await sleep(50)
      assert.equal(client.stats().transport, 'connecting')
      assert.equal(client.isHealthy(), false)
      assert.equal(client.stats().writer, 'gone')
      if (HAS_SHM) assert.equal(client.stats().errors.shm.code, 'ERR_NO_RING')
      await until(() => client.stats().errors.websocket !== null, 'a try')
      assert.equal(
        client.stats().errors.websocket.code,
        'ERR_WEBSOCKET_UNREACHABLE'
      )
      const shield = await shieldOf(IpcFactory.createHybridTransport, common)
      write(shield, 20)
      // From the first one on: nothing of a new Shield is old.
      assert.deepEqual(sequences(await got), numbers(1, 20))
      await until(() => client.isHealthy(), 'health')
      await until(() => writers.length > 0, "the 'writer' event")
      assert.equal(writers[0], 'live')
      assert.equal(client.isShmActive(), client.stats().transport === 'shm')
      assert.equal(changes.at(-1).to, client.stats().transport)
    })

    it('F32 started first, over WebSocket: the Shield’s first on', async () => {
      const client = ring.keep(await IpcFactory.createClient(overWebSocket()))
      await until(() => client.stats().errors.websocket !== null, 'a try')
      const shield = ring.keep(IpcFactory.createTransport(overWebSocket()))
      write(shield, 5)
      await shield.ready()
      write(shield, 5)
      assert.deepEqual(sequences(await collect(client, 10)), numbers(1, 10))
    })

    if (HAS_SHM) {
      it('F32 what an earlier Shield left in the ring is not new', async () => {
        const before = new SharedMemoryIpc({ dir: ring.dir })
        write(before, 5)
        await before.close()
        const over = ring.keep(await IpcFactory.createClient(overWebSocket()))
        const client = ring.keep(await IpcFactory.createClient(common))
        await until(() => over.stats().errors.websocket !== null, 'a try')
        const shield = ring.keep(IpcFactory.createHybridTransport(common))
        write(shield, 3)
        for (const one of [client, over]) {
          assert.deepEqual(sequences(await collect(one, 3)), [6, 7, 8])
          assert.equal(one.stats().lost, 0)
        }
      })
    }

    it('from latest at a Shield that runs: nothing of before', async () => {
      const shield = await shieldOf(IpcFactory.createHybridTransport, common)
      write(shield, 10)
      for (const options of [common, overWebSocket()]) {
        const client = await connected(ring, options)
        const got = collect(client, 1)
        const last = shield.writeThreat(threat())
        assert.deepEqual(sequences(await got), [last])
        assert.equal(client.stats().lost, 0)
      }
    })

    it('createClient without WebSocket and without addon says so', async () => {
      const child = ring.child({
        env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
      })
      const code = await child.call(
        ({ ipc }, dir) =>
          ipc.IpcFactory.createClient({
            dir,
            websocket: { enabled: false }
          }).catch((error) => error.code),
        ring.dir
      )
      assert.equal(code, 'ERR_SHM_UNAVAILABLE')
    })

    it('a wrong option rejects, and is named', async () => {
      await assert.rejects(IpcFactory.createClient({ port: 1 }), {
        name: 'TypeError',
        code: 'ERR_INVALID_OPTION',
        message: /'port' is unknown/
      })
      await assert.rejects(
        IpcFactory.createClient({ websocket: { host: 'localhost' } }),
        { code: 'ERR_INVALID_OPTION', message: /websocket\.host/ }
      )
    })

    it('F50 an idle one does not hold the process, a poll does', async () => {
      const program = ring.program(
        async ({ IpcFactory: factory }, { options, polls }) => {
          const client = await factory.createClient(options)
          client.on('threat', () => {})
          client.on('transport', () => {})
          if (polls) client.pollThreats(() => true)
          console.log('idle')
        },
        { options: overWebSocket(), polls: false }
      )
      const { code, stdout } = await within(program.exited, 'its end')
      assert.deepEqual([code, stdout], [0, 'idle\n'])
      const polling = ring.program(
        async ({ IpcFactory: factory }, { options }) => {
          const client = await factory.createClient(options)
          console.log('polls')
          await client.pollThreats(() => false)
          console.log('polled')
        },
        { options: overWebSocket() }
      )
      await until(() => polling.stdout.includes('polls'), 'its poll')
      await sleep(100)
      assert.equal(polling.running, true)
      const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
      write(shield, 1)
      const ended = await within(polling.exited, 'its end')
      assert.deepEqual([ended.code, ended.stdout], [0, 'polls\npolled\n'])
    })

    it('closing while it connects: nothing more happens', async () => {
      const client = await IpcFactory.createClient(overWebSocket())
      const seen = record(client, 'transport')
      const polled = client.pollThreats(() => true)
      await within(client.close(), 'close')
      await within(polled, 'the poll')
      const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
      write(shield, 1)
      await sleep(100)
      assert.deepEqual(seen, [])
      assert.equal(client.stats().received, 0)
      assert.equal(shield.stats().websocket.admitted, 0)
      assert.equal(client.stats().transport, 'connecting')
      await assert.rejects(
        client.pollThreats(() => true),
        {
          code: 'ERR_CLOSED'
        }
      )
    })
  })

  it('a copy of the discovery file alone says where the Shield is', async () => {
    const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    const { url, socket, discoveryFile } = shield.stats().websocket
    const elsewhere = fs.mkdtempSync(path.join(ring.dir, 'elsewhere-'))
    const tokenFile = path.join(elsewhere, 'copy')
    fs.copyFileSync(discoveryFile, tokenFile)
    fs.chmodSync(tokenFile, 0o600)
    const options = { dir: elsewhere, websocket: { tokenFile } }
    const client = await connected(ring, options)
    const got = collect(client, 1)
    write(shield, 1)
    assert.equal((await got)[0].sequence, 1)
    assert.deepEqual(
      [client.stats().socket, client.stats().url],
      [socket, null]
    )
    // Where the socket cannot be seen, the port it also names.
    const websocket = { tokenFile, socket: false }
    const other = await connected(ring, { dir: elsewhere, websocket })
    assert.deepEqual([other.stats().socket, other.stats().url], [null, url])
    // The bare token does not.
    const { token } = JSON.parse(fs.readFileSync(discoveryFile, 'utf8'))
    fs.writeFileSync(tokenFile, token)
    const lost = ring.keep(await IpcFactory.createClient(options))
    await until(() => lost.stats().errors.websocket !== null, 'a try')
    const { code, message } = lost.stats().errors.websocket
    assert.equal(code, 'ERR_DISCOVERY_INVALID')
    assert.match(message, /websocket\.url/)
  })

  it('a file of a Shield that was killed, newer than that of the one that lives', async () => {
    const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    const { discoveryFile } = shield.stats().websocket
    const live = JSON.parse(fs.readFileSync(discoveryFile, 'utf8'))
    // In another place, as when this user's runtime directory came later.
    const [, { dir, name }] = places({ dir: ring.dir })
    const file = writeDiscovery(dir, name, {
      ...live,
      port: await unusedPort(),
      startedAt: new Date(Date.now() + 60_000).toISOString()
    })
    try {
      const client = await connected(ring, overWebSocket())
      const got = collect(client, 1)
      write(shield, 1)
      assert.equal((await got)[0].sequence, 1)
      // The other file is no reason not to say that this one is over.
      await shield.close()
      const { state, sequence } = JSON.parse(
        fs.readFileSync(discoveryFile, 'utf8')
      )
      assert.deepEqual([state, sequence], ['closed', 1])
    } finally {
      fs.unlinkSync(file)
    }
  })

  it('a tunnel that comes later: what was there before stays unsaid', async () => {
    const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    write(shield, 5)
    const { discoveryFile, port } = shield.stats().websocket
    const way = await unusedPort()
    const client = ring.keep(
      await IpcFactory.createClient({
        dir: ring.dir,
        preferShm: false,
        websocket: {
          url: `ws://127.0.0.1:${way}`,
          tokenFile: discoveryFile
        }
      })
    )
    const seen = record(client, 'threat')
    const lost = record(client, 'lost')
    await until(() => client.stats().errors.websocket !== null, 'a try')
    const tunnel = net.createServer((near) => {
      const far = net.connect(port, '127.0.0.1')
      near.pipe(far).pipe(near)
      for (const socket of [near, far]) socket.on('error', () => {})
    })
    tunnel.listen(way, '127.0.0.1')
    try {
      await until(() => client.stats().transport === 'websocket', 'a client')
      write(shield, 1)
      await until(() => seen.length > 0, 'a threat')
      assert.deepEqual(sequences(seen), [6])
      assert.deepEqual(lost, [])
    } finally {
      tunnel.close()
    }
  })

  it('a token file and a URL, where the discovery file is out of sight', async () => {
    const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    const { url, discoveryFile } = shield.stats().websocket
    const tokenFile = path.join(ring.dir, 'token')
    fs.copyFileSync(discoveryFile, tokenFile)
    fs.chmodSync(tokenFile, 0o600)
    const elsewhere = fs.mkdtempSync(path.join(ring.dir, 'elsewhere-'))
    const client = await connected(ring, {
      dir: elsewhere,
      websocket: { url, tokenFile }
    })
    const got = collect(client, 1)
    write(shield, 1)
    assert.equal((await got)[0].sequence, 1)
    assert.equal(client.stats().url, url)
  })
})
