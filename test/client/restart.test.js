'use strict'
// A client of IpcFactory whose Shield is killed or closed, and the next Shield.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const net = require('node:net')
const { IpcFactory } = require('../../lib/index.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { collect, record, sleep, until } = require('../helpers/wait.js')

describe('factory', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let ring

  beforeEach(() => {
    ring = current()
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

    it('after many failed attempts: it never gives up', async () => {
      const client = ring.keep(await IpcFactory.createClient(overWebSocket()))
      const attempts = new Set() // the error of each
      await until(() => {
        attempts.add(client.stats().errors.websocket)
        return attempts.size > 9
      }, 'nine attempts')
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

    /** A way to the port that `target` tells, which can stand still. */
    async function way(target) {
      const sockets = new Set()
      const server = net.createServer((near) => {
        const far = net.connect(target(), '127.0.0.1')
        for (const socket of [near, far]) {
          sockets.add(socket)
          socket.on('error', () => {})
        }
        near.pipe(far).pipe(near)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const cut = () => sockets.forEach((socket) => socket.destroy())
      ring.keep({
        close: () => {
          cut()
          server.close()
        }
      })
      return {
        url: `ws://127.0.0.1:${server.address().port}`,
        stop: () => sockets.forEach((socket) => socket.unpipe()),
        cut
      }
    }

    it('after close, told by the discovery file: an exact loss', async () => {
      const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
      const { discoveryFile: tokenFile } = shield.stats().websocket
      let { port } = shield.stats().websocket
      const { url, stop, cut } = await way(() => port)
      const options = { ...overWebSocket(), websocket: { url, tokenFile } }
      const client = await connected(ring, options)
      const { generation } = shield.stats()
      write(shield, 2)
      assert.deepEqual(sequences(await collect(client, 2)), [1, 2])
      // It goes on without this client, to whom nothing comes any more.
      stop()
      write(shield, 5)
      cut()
      await shield.close()
      const lost = record(client, 'lost')
      const next = await shieldOf(IpcFactory.createTransport, overWebSocket())
      ;({ port } = next.stats().websocket)
      write(next, 1)
      assert.deepEqual(sequences(await collect(client, 1)), [1])
      assert.deepEqual(lost, [
        {
          count: 5,
          from: 3,
          to: 7,
          priority: 0,
          generation,
          reason: 'replaced'
        }
      ])
      const { received, lost: count } = client.stats()
      assert.deepEqual([received, count], [3, 5])
    })
  })
})
