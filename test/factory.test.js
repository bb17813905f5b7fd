'use strict'
// What IpcFactory chooses and tells, from the first moment on: before there is
// a Shield, when it dies, and when there would be two.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const net = require('node:net')
const { once } = require('node:events')
const path = require('node:path')
const { WebSocketServer } = require('ws')
const { IpcFactory, PlatformShm, SharedMemoryIpc } = require('../lib/index.js')
const { threat, useRing } = require('./helpers/ring.js')
const { connected, useHome } = require('./helpers/factory.js')
const { ShieldClaim } = require('../lib/shield-claim.js')
const { places } = require('../lib/websocket-finder.js')
const { writeDiscovery } = require('../lib/websocket-discovery.js')
const { collect, record, sleep, until, within } = require('./helpers/wait.js')

const HAS_SHM = PlatformShm.isAvailable()
const sequences = (threats) => threats.map(({ sequence }) => sequence)

/** A port on which nobody listens. */
async function unusedPort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function numbers(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

describe('factory', () => {
  const current = useRing()
  useHome()
  let ring
  let common

  beforeEach(() => {
    ring = current()
    common = { dir: ring.dir, websocket: { port: 0 } }
  })

  const overWebSocket = () => ({ ...common, preferShm: false })

  async function shieldOf(create, options) {
    const shield = ring.keep(create(options))
    await shield.ready()
    return shield
  }

  function write(shield, count) {
    for (let i = 0; i < count; i++) shield.writeThreat(threat(`${i}`))
  }

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

  describe('never two Shields', () => {
    const creates = {
      createTransport: () => IpcFactory.createTransport(common),
      createHybridTransport: () => IpcFactory.createHybridTransport(common),
      'createTransport over WebSocket': () =>
        IpcFactory.createTransport(overWebSocket())
    }
    if (HAS_SHM) {
      creates.SharedMemoryIpc = () => new SharedMemoryIpc({ dir: ring.dir })
    }
    for (const [first, createFirst] of Object.entries(creates)) {
      for (const [second, createSecond] of Object.entries(creates)) {
        it(`F33 ${second} beside a ${first}: ERR_RING_LOCKED`, async () => {
          const shield = ring.keep(createFirst())
          await shield.ready?.()
          const { generation } = shield.stats()
          // With the addon at once, without it when the other has answered.
          await assert.rejects(
            async () => {
              const refused = ring.keep(createSecond())
              await refused.ready()
            },
            { name: 'IpcError', code: 'ERR_RING_LOCKED' }
          )
          write(shield, 1)
          assert.equal(shield.stats().generation, generation)
          await shield.close()
          const next = ring.keep(createSecond())
          await next.ready?.()
          write(next, 1)
        })
      }
    }

    /** A Shield without the addon in a process of its own. */
    async function withoutAddon(options) {
      const child = ring.child({
        env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
      })
      await child.call(async (state, more) => {
        state.shield = state.ipc.IpcFactory.createTransport(more)
        await state.shield.ready()
        return state.shield.stats().generation
      }, options)
      return child
    }

    async function assertLocked(create, options) {
      let shield
      try {
        shield = ring.keep(create(options))
      } catch (error) {
        // The addon's lock says so at once.
        assert.equal(error.code, 'ERR_RING_LOCKED')
        return
      }
      await assert.rejects(shield.ready(), { code: 'ERR_RING_LOCKED' })
      assert.equal(shield.stats().transport, 'none')
      assert.throws(() => shield.writeThreat(threat()), {
        code: 'ERR_RING_LOCKED'
      })
      await shield.close()
    }

    it('F33 beside one that has as many clients as it takes', async () => {
      const websocket = { port: 0, maxClients: 1 }
      const options = { ...overWebSocket(), websocket }
      await shieldOf(IpcFactory.createTransport, options)
      await connected(ring, options)
      const child = ring.child({
        env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
      })
      await assert.rejects(
        child.call(async (state, more) => {
          await state.ipc.IpcFactory.createTransport(more).ready()
        }, options),
        { code: 'ERR_RING_LOCKED' }
      )
    })

    it('F39 beside one that is stopped, its files gone or not', async () => {
      const child = await withoutAddon(overWebSocket())
      process.kill(child.pid, 'SIGSTOP')
      try {
        await assertLocked(IpcFactory.createTransport, overWebSocket())
        fs.unlinkSync(path.join(ring.dir, 'kindly-guard.json'))
        await assertLocked(IpcFactory.createTransport, common)
        await assertLocked(IpcFactory.createHybridTransport, common)
      } finally {
        process.kill(child.pid, 'SIGCONT')
      }
      await child.kill()
      await shieldOf(IpcFactory.createHybridTransport, common)
    })

    it('F24 files that are cleaned away while it lives come back', async () => {
      const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
      const files = ['kindly-guard.json', 'kindly-guard.shield'].map((name) =>
        path.join(ring.dir, name)
      )
      files.forEach((file) => fs.unlinkSync(file))
      await until(() => files.every((file) => fs.existsSync(file)), 'both')
      await assertLocked(IpcFactory.createTransport, common)
      assert.equal(shield.isHealthy(), true)
      const client = await connected(ring, overWebSocket())
      const got = collect(client, 1)
      write(shield, 1)
      assert.equal((await got)[0].sequence, 1)
    })

    it('F28 a socket in a directory that others reach says nothing', async () => {
      const socket = net.createServer()
      socket.listen(path.join(ring.dir, 'kindly-guard.shield'))
      await once(socket, 'listening')
      fs.chmodSync(ring.dir, 0o755)
      try {
        const shield = await shieldOf(IpcFactory.createHybridTransport, common)
        assert.equal(shield.stats().transport, 'websocket')
        assert.equal(shield.writeThreat(threat()), 1)
        await shield.close()
      } finally {
        fs.chmodSync(ring.dir, 0o700)
        socket.close()
      }
    })

    it('looks that overlap take the place back once', async () => {
      const claim = new ShieldClaim({ dir: ring.dir })
      try {
        const endTurn = await claim.take()
        fs.unlinkSync(path.join(ring.dir, 'kindly-guard.shield'))
        const looks = [claim.look(), claim.look()]
        // Both wait for it, as while another Shield starts.
        await sleep(50)
        endTurn?.()
        looks.push(claim.look())
        await Promise.all(looks)
        assert.equal(claim.isHeld, true)
        const other = new ShieldClaim({ dir: ring.dir })
        await assert.rejects(other.take(), { code: 'ERR_RING_LOCKED' })
      } finally {
        claim.free()
      }
    })

    it('no server without a proof keeps the one that holds the lock out', async () => {
      // A Shield that asked for no token was killed, and its port is taken by
      // somebody else.
      const stranger = new WebSocketServer({ host: '127.0.0.1', port: 0 })
      await once(stranger, 'listening')
      try {
        writeDiscovery(ring.dir, 'kindly-guard', {
          version: 1,
          state: 'live',
          port: stranger.address().port,
          host: '127.0.0.1',
          auth: 'none',
          generation: '0123456789abcdef',
          dir: null,
          pid: process.pid,
          startedAt: new Date().toISOString()
        })
        const shield = await shieldOf(IpcFactory.createHybridTransport, common)
        assert.equal(shield.writeThreat(threat()), 1)
      } finally {
        stranger.close()
      }
    })

    it('F37 of 12 that start at once without the addon exactly one wins', async () => {
      const env = { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
      const children = numbers(1, 12).map(() => ring.child({ env }))
      // All are up before the first begins.
      await Promise.all(children.map((child) => child.call(() => {})))
      for (let round = 0; round < 3; round++) {
        const outcomes = await Promise.all(
          children.map((child) =>
            child
              .call(async (state, options) => {
                state.shield = state.ipc.IpcFactory.createTransport(options)
                await state.shield.ready()
              }, overWebSocket())
              .then(
                () => 'won',
                ({ code }) => code
              )
          )
        )
        assert.deepEqual(outcomes.sort(), [
          ...numbers(1, 11).map(() => 'ERR_RING_LOCKED'),
          'won'
        ])
        await Promise.all(
          children.map((child) => child.call((state) => state.shield.close()))
        )
      }
    })

    it('F33 one that was refused publishes nothing and says why', async () => {
      await shieldOf(IpcFactory.createTransport, overWebSocket())
      const child = ring.child({
        env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
      })
      const told = await child.call(async ({ ipc }, options) => {
        const shield = ipc.IpcFactory.createTransport(options)
        const errors = []
        shield.on('error', ({ code }) => errors.push(code))
        const ready = await shield.ready().catch(({ code }) => code)
        let written
        try {
          written = shield.writeThreat({})
        } catch ({ code }) {
          written = code
        }
        const { transport, error } = shield.stats()
        await shield.close()
        return { ready, errors, written, transport, code: error.code }
      }, overWebSocket())
      assert.deepEqual(told, {
        ready: 'ERR_RING_LOCKED',
        errors: ['ERR_RING_LOCKED'],
        written: 'ERR_RING_LOCKED',
        transport: 'none',
        code: 'ERR_RING_LOCKED'
      })
    })
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

  describe('F59 the Shield restarts', () => {
    /** Publishes `count` threats over WebSocket alone, in a child. */
    async function startShield(count) {
      const child = ring.child({
        env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
      })
      await child.call(
        async (state, { options, count: most }) => {
          state.shield = state.ipc.IpcFactory.createTransport(options)
          await state.shield.ready()
          for (let i = 1; i <= most; i++) {
            state.shield.writeThreat({
              threatType: 'Unknown',
              severity: 'Low',
              source: 'shield',
              details: `${i}`
            })
          }
        },
        { options: overWebSocket(), count }
      )
      return child
    }

    it('after kill -9, again and again: each stream whole, the loss told', async () => {
      const ROUNDS = 10
      const client = ring.keep(await IpcFactory.createClient(overWebSocket()))
      await until(() => client.stats().errors.websocket !== null, 'a try')
      const streams = new Map()
      const lost = record(client, 'lost')
      client.on('threat', ({ id, sequence, details }) => {
        const [generation] = id.split('-')
        const stream = streams.get(generation) ?? []
        streams.set(generation, stream)
        stream.push(sequence)
        assert.equal(details, `${sequence}`)
      })
      for (let round = 1; round <= ROUNDS; round++) {
        const child = await startShield(round)
        await until(
          () => [...streams.values()].at(-1)?.length === round,
          `the ${round} of round ${round}`
        )
        await child.kill()
      }
      assert.equal(streams.size, ROUNDS)
      ;[...streams.values()].forEach((stream, i) => {
        assert.deepEqual(stream, numbers(1, i + 1))
      })
      // Whether a Shield that was killed had more to say nobody can know.
      assert.deepEqual(
        lost.map(({ count, generation, reason }) => ({
          count,
          generation,
          reason
        })),
        [...streams.keys()].slice(0, -1).map((generation) => ({
          count: null,
          generation,
          reason: 'replaced'
        }))
      )
    })

    it('after a million failed attempts: it never gives up', async () => {
      const client = ring.keep(await IpcFactory.createClient(overWebSocket()))
      await until(() => client.stats().errors.websocket !== null, 'a try')
      client._source.websocket._line._failures = 1_000_000
      const got = collect(client, 1)
      const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
      write(shield, 1)
      assert.deepEqual(sequences(await got), [1])
    })

    it('a client that was closed does not come back', async () => {
      const first = await shieldOf(IpcFactory.createTransport, overWebSocket())
      const client = await connected(ring, overWebSocket())
      client.on('threat', () => {})
      await client.close()
      await until(() => first.stats().websocket.clients === 0, 'its end')
      await first.close()
      const next = await shieldOf(IpcFactory.createTransport, overWebSocket())
      await sleep(200)
      assert.equal(next.stats().websocket.admitted, 0)
    })

    it('after close: goes on with the next one, nothing lost', async () => {
      const first = await shieldOf(IpcFactory.createTransport, overWebSocket())
      const client = await connected(ring, overWebSocket())
      const lost = record(client, 'lost')
      const got = collect(client, 5)
      write(first, 3)
      await until(() => client.stats().received === 3, 'three')
      await first.close()
      await until(() => client.stats().transport === 'connecting', 'the end')
      const second = await shieldOf(IpcFactory.createTransport, overWebSocket())
      write(second, 2)
      assert.deepEqual(sequences(await got), [1, 2, 3, 1, 2])
      assert.deepEqual(lost, [])
    })

    it('after close, told by the discovery file: an exact loss', async () => {
      const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
      const client = await connected(ring, overWebSocket())
      const { generation } = shield.stats()
      write(shield, 2)
      assert.deepEqual(sequences(await collect(client, 2)), [1, 2])
      // It goes on without this client, which holds still.
      const { _line: line } = client._source.websocket
      line._socket.pause()
      write(shield, 5)
      line._socket.terminate()
      await shield.close()
      const lost = record(client, 'lost')
      const next = await shieldOf(IpcFactory.createTransport, overWebSocket())
      write(next, 1)
      assert.deepEqual(sequences(await collect(client, 1)), [1])
      assert.deepEqual(lost, [
        { count: 5, from: 3, to: 7, generation, reason: 'replaced' }
      ])
      const { received, lost: count } = client.stats()
      assert.deepEqual([received, count], [3, 5])
    })
  })

  it('a copy of the discovery file alone says where the Shield is', async () => {
    const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    const { url, discoveryFile } = shield.stats().websocket
    const elsewhere = fs.mkdtempSync(path.join(ring.dir, 'elsewhere-'))
    const tokenFile = path.join(elsewhere, 'copy')
    fs.copyFileSync(discoveryFile, tokenFile)
    fs.chmodSync(tokenFile, 0o600)
    const options = { dir: elsewhere, websocket: { tokenFile } }
    const client = await connected(ring, options)
    const got = collect(client, 1)
    write(shield, 1)
    assert.equal((await got)[0].sequence, 1)
    assert.equal(client.stats().url, url)
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
