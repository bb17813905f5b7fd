'use strict'
// What IpcFactory chooses and tells at the Shield's end, from before it listens
// until it is closed.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const net = require('node:net')
const { once } = require('node:events')
const path = require('node:path')
const { IpcFactory, PlatformShm } = require('../../lib/index.js')
const { threat } = require('../helpers/ring.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { sequences } = require('../helpers/sequences.js')
const { places } = require('../../lib/websocket/locate.js')
const { collect, record, sleep, until, within } = require('../helpers/wait.js')

const HAS_SHM = PlatformShm.isAvailable()

describe('factory', () => {
  const { current, overWebSocket, shared, shieldOf } = useFactory()
  let ring
  let common

  beforeEach(() => {
    ring = current()
    common = shared()
  })

  describe('the Shield’s end', () => {
    it('createTransport: shared memory where it is, else WebSocket', async () => {
      const shield = ring.keep(IpcFactory.createTransport(common))
      const changes = record(shield, 'transport')
      await shield.ready()
      assert.equal(shield.isShmActive(), HAS_SHM)
      const stats = shield.stats()
      assert.equal(stats.transport, HAS_SHM ? 'shm' : 'websocket')
      assert.equal(stats.shm !== null, HAS_SHM)
      assert.equal(stats.websocket === null, HAS_SHM)
      assert.equal(
        stats.errors.shm?.code,
        HAS_SHM ? undefined : 'ERR_SHM_UNAVAILABLE'
      )
      await until(() => changes.length > 0, 'the event')
      assert.deepEqual(
        [changes[0].from, changes[0].to],
        [null, stats.transport]
      )
      if (!HAS_SHM) assert.match(changes[0].reason, /not available/)
      assert.equal(shield.isHealthy(), true)
      await shield.close()
      assert.equal(shield.isHealthy(), false)
      assert.equal(shield.isShmActive(), false)
    })

    it('createTransport without preferShm: WebSocket', async () => {
      const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
      assert.equal(shield.isShmActive(), false)
      assert.equal(shield.stats().transport, 'websocket')
      assert(!fs.existsSync(ring.file))
    })

    it('createHybridTransport: both, or the one that there is', async () => {
      const shield = await shieldOf(IpcFactory.createHybridTransport, common)
      const stats = shield.stats()
      assert.equal(stats.transport, HAS_SHM ? 'hybrid' : 'websocket')
      assert.match(stats.websocket.url, /^ws:\/\/127\.0\.0\.1:\d+$/)
      assert.deepEqual(stats.errors.websocket, null)
      assert.equal(shield.isHealthy(), true)
    })

    it('without WebSocket, what is wrong with shared memory is thrown', () => {
      fs.chmodSync(ring.dir, 0o755)
      assert.throws(
        () =>
          IpcFactory.createHybridTransport({
            dir: ring.dir,
            websocket: { enabled: false }
          }),
        { code: HAS_SHM ? 'ERR_UNSAFE_PATH' : 'ERR_SHM_UNAVAILABLE' }
      )
      fs.chmodSync(ring.dir, 0o700)
    })

    it('a port that is taken: another one, which is published', async () => {
      const stranger = net.createServer().listen(0, '127.0.0.1')
      await once(stranger, 'listening')
      const { port } = stranger.address()
      try {
        const shield = ring.keep(
          IpcFactory.createHybridTransport({
            dir: ring.dir,
            websocket: { port }
          })
        )
        const changes = record(shield, 'transport')
        await shield.ready()
        const { websocket, errors } = shield.stats()
        assert.notEqual(websocket.port, port)
        assert.equal(errors.websocket.code, 'ERR_WEBSOCKET_PORT')
        assert(errors.websocket.message.includes(`${port}`))
        await until(
          () => changes.some(({ reason }) => reason.includes(`${port}`)),
          'the event that says so'
        )
        const client = await connected(ring, { ...overWebSocket() })
        write(shield, 1)
        assert.equal((await collect(client, 1))[0].sequence, 1)
      } finally {
        stranger.close()
      }
    })

    it('published before it listens is there for who comes', async () => {
      const shield = ring.keep(IpcFactory.createTransport(overWebSocket()))
      write(shield, 3)
      const client = await connected(ring, {
        ...overWebSocket(),
        from: 'oldest'
      })
      assert.deepEqual(sequences(await collect(client, 3)), [1, 2, 3])
    })

    it('F52 every method after close', async () => {
      const shield = await shieldOf(IpcFactory.createHybridTransport, common)
      write(shield, 2)
      const closed = record(shield, 'close')
      const closing = shield.close()
      assert.equal(shield.close(), closing)
      assert.throws(() => shield.writeThreat(threat()), { code: 'ERR_CLOSED' })
      assert.throws(() => shield.writeThreats([]), { code: 'ERR_CLOSED' })
      assert.equal(shield.closed, true)
      await closing
      assert.equal(closed.length, 1)
      const { published, sequence, transport } = shield.stats()
      assert.deepEqual([published, sequence, transport], [2, 2, 'none'])
      await shield.ready()
    })

    it('closed before it listens: says so, and leaves nothing', async () => {
      const shield = IpcFactory.createTransport(overWebSocket())
      const changes = record(shield, 'transport')
      const errors = record(shield, 'error')
      const starting = shield.ready()
      await shield.close()
      await assert.rejects(starting, { code: 'ERR_CLOSED' })
      await sleep(100)
      assert.deepEqual([changes, errors], [[], []])
      assert.equal(shield.isHealthy(), false)
      assert.deepEqual(
        fs.readdirSync(ring.dir).filter((name) => name.endsWith('.json')),
        []
      )
      // The next one finds nobody.
      await shieldOf(IpcFactory.createTransport, overWebSocket())
    })

    it('a server that cannot start is tried again', async () => {
      // Something stands in every place of the discovery file.
      const blocked = places({ dir: ring.dir }).map(({ dir, name }) =>
        path.join(dir, `${name}.json`)
      )
      for (const file of blocked) {
        fs.mkdirSync(file, { recursive: true, mode: 0o700 })
      }
      const shield = ring.keep(IpcFactory.createHybridTransport(common))
      const errors = record(shield, 'error')
      try {
        if (HAS_SHM) await shield.ready()
        else await assert.rejects(shield.ready(), { code: 'ERR_UNSAFE_PATH' })
        assert.equal(shield.stats().transport, HAS_SHM ? 'shm' : 'none')
        assert.equal(shield.stats().errors.websocket.code, 'ERR_UNSAFE_PATH')
      } finally {
        blocked.forEach((file) => fs.rmdirSync(file))
      }
      await until(() => Boolean(shield.stats().websocket?.url), 'the server')
      await shield.ready()
      const { transport, errors: now } = shield.stats()
      assert.equal(transport, HAS_SHM ? 'hybrid' : 'websocket')
      assert.equal(now.websocket, null)
      assert.equal(errors.length, 1)
      const client = await connected(ring, overWebSocket())
      const got = collect(client, 1)
      write(shield, 1)
      assert.equal((await got)[0].sequence, 1)
    })

    it('its stats count both transports together', async () => {
      const shield = await shieldOf(IpcFactory.createHybridTransport, common)
      const client = await connected(ring, overWebSocket())
      client.on('threat', () => {})
      write(shield, 5)
      await until(() => client.stats().received === 5, 'five')
      const { published, sequence, websocket } = shield.stats()
      assert.deepEqual([published, sequence], [5, 5])
      assert.deepEqual([websocket.admitted, websocket.live], [1, 1])
      assert.deepEqual(websocket.refused, {})
    })

    it('a process that publishes and returns ends by itself', async () => {
      const program = ring.program(
        async ({ IpcFactory: factory }, { options }) => {
          const shield = factory.createHybridTransport(options)
          await shield.ready()
          shield.writeThreat({
            threatType: 'Unknown',
            severity: 'Low',
            source: '',
            details: ''
          })
          console.log('published')
        },
        { options: common }
      )
      const { code, stdout } = await within(program.exited, 'its end')
      assert.deepEqual([code, stdout], [0, 'published\n'])
    })
  })
})
