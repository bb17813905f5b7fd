'use strict'
// Never two Shields in one directory, whatever made the one and the other.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const net = require('node:net')
const { once } = require('node:events')
const path = require('node:path')
const { WebSocketServer } = require('ws')
const {
  IpcFactory,
  PlatformShm,
  SharedMemoryIpc
} = require('../../lib/index.js')
const { threat } = require('../helpers/ring.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { numbers } = require('../helpers/sequences.js')
const { SingleInstance } = require('../../lib/shield/single-instance.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { IS_WINDOWS } = require('../helpers/system.js')
const { collect, until } = require('../helpers/wait.js')

const HAS_SHM = PlatformShm.isAvailable()

// Those by which others find a Shield. The pipe of Windows is no file.
const FILES = IS_WINDOWS
  ? ['kindly-guard.json']
  : ['kindly-guard.json', 'kindly-guard.sock']

describe('factory', () => {
  const { current, overWebSocket, shared, shieldOf } = useFactory()
  let ring
  let common

  beforeEach(() => {
    ring = current()
    common = shared()
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
      const files = FILES.map((name) => path.join(ring.dir, name))
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
      socket.listen(path.join(ring.dir, 'kindly-guard.sock'))
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

    it('checks that overlap take the place back once', async () => {
      const claim = new SingleInstance({ dir: ring.dir })
      const other = new SingleInstance({ dir: ring.dir })
      try {
        await claim.take(false)
        fs.unlinkSync(path.join(ring.dir, 'kindly-guard.sock'))
        await Promise.all([claim.check(false), claim.check(false)])
        await claim.check(false)
        assert.equal(claim.isHeld, true)
        await assert.rejects(other.take(false), { code: 'ERR_RING_LOCKED' })
      } finally {
        claim.free()
        other.free()
      }
    })

    /** A socket in the place of the Shield's, at which somebody listens. */
    async function intrude() {
      const made = path.join(ring.dir, 'other')
      const server = net.createServer((socket) => socket.destroy())
      server.listen(made)
      await once(server, 'listening')
      ring.keep(server)
      fs.chmodSync(made, 0o600)
      fs.renameSync(made, path.join(ring.dir, 'kindly-guard.sock'))
    }

    it('F33 without the addon, who does not reach itself any more gives way', async () => {
      const child = await withoutAddon(overWebSocket())
      await intrude()
      const ended = await until(
        () =>
          child.call(({ shield }) => {
            const { transport, error } = shield.stats()
            return transport === 'none' && error.code
          }),
        'its end'
      )
      assert.equal(ended, 'ERR_RING_LOCKED')
    })

    it('F33 without the addon, one whose socket was removed is asked at its port', async () => {
      const child = await withoutAddon(overWebSocket())
      const socket = path.join(ring.dir, 'kindly-guard.sock')
      for (let i = 0; i < 5; i++) {
        fs.unlinkSync(socket)
        const second = await withoutAddon(overWebSocket()).catch((e) => e)
        assert.equal(second.code, 'ERR_RING_LOCKED')
        await until(() => fs.existsSync(socket), 'it is back')
      }
      const { transport } = await child.call(({ shield }) => shield.stats())
      assert.equal(transport, 'websocket')
    })

    it('F33 without the addon, one that nobody could ask gives way', async () => {
      const websocket = { port: false }
      const options = { ...overWebSocket(), websocket }
      const child = await withoutAddon(options)
      // Stopped, it cannot put its socket back.
      child.signal('SIGSTOP')
      fs.unlinkSync(path.join(ring.dir, 'kindly-guard.sock'))
      const second = await withoutAddon(options)
      child.signal('SIGCONT')
      const ends = (one) =>
        one.call(({ shield }) => shield.stats().error?.code ?? null)
      await until(() => ends(child), 'the end of the first')
      assert.equal(await ends(child), 'ERR_RING_LOCKED')
      assert.equal(await ends(second), null)
    })

    it('F69 no start takes a name that another user could hold', async () => {
      // The abstract namespace of Linux has no owners. Those of this process:
      const names = () => {
        const own = fs
          .readdirSync('/proc/self/fd')
          .map((fd) => {
            try {
              return fs.readlinkSync(`/proc/self/fd/${fd}`)
            } catch {
              return '' // The descriptor of this listing.
            }
          })
          .map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1])
        return fs
          .readFileSync('/proc/net/unix', 'latin1')
          .split('\n')
          .map((line) => line.trim().split(/ +/))
          .filter(([, , , , , , inode]) => own.includes(inode))
          .map(([, , , , , , , name = '']) => name)
          .filter((name) => name.startsWith('@'))
      }
      const shield = ring.keep(IpcFactory.createTransport(overWebSocket()))
      let isReady = false
      const ready = shield.ready().then(() => {
        isReady = true
      })
      while (!isReady) {
        assert.deepEqual(names(), [])
        await new Promise(setImmediate)
      }
      await ready
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
})
