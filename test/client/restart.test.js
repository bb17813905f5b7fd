'use strict'
// A client of IpcFactory whose Shield is killed or closed, and the next Shield.

const assert = require('node:assert/strict')
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
})
