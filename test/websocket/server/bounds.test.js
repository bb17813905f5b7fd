'use strict'
// What one client can make of a Shield's memory and of the other clients:
// nothing. And that each is told exactly what it missed.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../../../lib/index.js')
const { record, turn, until } = require('../../helpers/wait.js')
const { Account, LONG_MS } = require('../../helpers/websocket-peer.js')
const {
  LOGS,
  MAX_BUFFERED,
  MESSAGE,
  meter,
  MiB,
  socketOf,
  subscriberOf,
  useShield
} = require('../../helpers/websocket-shield.js')

for (const [where, { create, ...preference }] of Object.entries(LOGS)) {
  describe(`WebSocket bounds, with ${where}`, () => {
    const {
      evicted,
      isBlocked,
      peer,
      publish,
      published,
      publishUntil,
      readAll,
      reader,
      ring,
      startShield,
      subscribed
    } = useShield(create, preference)
    let shield

    const start = async (options) => {
      shield = await startShield(options)
    }

    // --- Who does not read ---------------------------------------------------

    it('F57 one that never reads: bounded, and told exactly', async () => {
      await start()
      const other = await reader()
      const seen = record(other, 'threat')
      const one = await subscribed()
      const account = new Account().take(one.messages)
      one.stop()
      const waiting = meter(socketOf(shield))
      let most = 0
      const look = () => {
        most = Math.max(most, waiting())
      }
      await publishUntil(isBlocked, look)
      const blockedAt = published()
      await publishUntil(() => published() > blockedAt + 2000, look)
      // A message, and the event that makes it one too large.
      const bound = MAX_BUFFERED + MESSAGE + 8192
      assert(most <= bound, `${most} bytes waited`)
      assert(isBlocked())

      const { received, lost, losses } = await readAll(one, account)
      assert.equal(received + lost, published())
      assert(lost > 0)
      for (const { reason } of losses) assert.equal(reason, 'overwritten')
      assert.equal(one.close, null)
      assert.equal(evicted(), 0)
      // It keeps up again, and the other one never noticed.
      publish(3)
      await readAll(one, account)
      await until(() => seen.length === published(), 'all, over there')
      assert.equal(other.stats().lost, 0)
    })

    it('F57 bytes are bytes: text of three for each character', async () => {
      const SIZE = 4000
      await start()
      const one = await subscribed()
      const account = new Account().take(one.messages)
      one.stop()
      const waiting = meter(socketOf(shield))
      let most = 0
      while (!isBlocked()) {
        publish(1, SIZE, '漢')
        await turn()
        most = Math.max(most, waiting())
      }
      assert(most <= MAX_BUFFERED + 3 * SIZE + 1024, `${most} bytes waited`)
      const { received, lost } = await readAll(one, account)
      assert.equal(received + lost, published())
    })

    for (const [what, size, options] of [
      ['small events', 0, {}],
      ['large events', 300_000, { maxEvents: 65_536 }]
    ]) {
      it(`F57 64 ${what} at once, not read: one message waits`, async () => {
        await start(options)
        publish(64, size)
        const one = (await peer()).read()
        const waiting = meter(socketOf(shield))
        let most = 0
        one.stop().say({ type: 'subscribe', from: 1 })
        while (subscriberOf(shield).sent === 0) await turn()
        most = Math.max(most, waiting())
        const bound = MAX_BUFFERED + Math.max(MESSAGE, size) + 8192
        assert(most <= bound, `${most} bytes waited`)
        const { received } = await readAll(one, new Account())
        assert.equal(received, 64)
      })
    }

    it('F57 memory does not grow with what is read, or is not', async () => {
      const child = ring().child({
        execArgv: ['--expose-gc', '--max-semi-space-size=1']
      })
      await child.call(shieldOver, {
        create: create.name,
        dir: ring().dir,
        maxEvents: 1024,
        ...preference,
        websocket: {
          port: 0,
          heartbeatMs: LONG_MS,
          stallTimeoutMs: LONG_MS,
          maxBufferedBytes: MAX_BUFFERED
        }
      })
      // What was sent is not kept either: this one reads, and forgets.
      const { socket } = await subscribed()
      socket.removeAllListeners('message')
      const readers = []
      for (let i = 0; i < 4; i++) readers.push(await subscribed())
      const accounts = readers.map((one) => {
        one.stop()
        return new Account().take(one.messages)
      })
      // With all buffers full already, and the log.
      const before = await child.call(publishOver, 32 * MiB)
      const after = await child.call(publishOver, 64 * MiB)
      // Since Node 24 the process keeps up to 33 MiB of what was freed, and then
      // no more, however much is published.
      for (const [key, most] of [
        ['rss', 48],
        ['heap', 16]
      ]) {
        const grown = (after[key] - before[key]) / MiB
        assert(grown < most, `${key}: ${grown} MiB more`)
      }
      assert(after.sequence > 20_000)
      for (const [i, one] of readers.entries()) {
        one.read()
        const account = accounts[i]
        await until(() => {
          account.take(one.messages)
          return account.next === after.sequence + 1
        }, 'the last one')
        assert.equal(account.received + account.lost, after.sequence)
        assert(account.lost > 10_000)
      }
    })

    // --- How many ----------------------------------------------------------------

    it('F57 no more than maxClients: 503, the others unharmed', async () => {
      await start({ websocket: { maxClients: 2 } })
      const inside = [await subscribed(), await subscribed()]
      for (let i = 1; i <= 5; i++) {
        const { code, status } = await peer().catch((error) => error)
        assert.deepEqual([code, status], ['ERR_WEBSOCKET_REFUSED', 503])
        const { refused, connections } = shield.stats().websocket
        assert.deepEqual([refused.clients, connections], [i, 2])
      }
      // A client is told why, too, and comes in when there is room.
      const late = ring().keep(
        await IpcFactory.createClient({ dir: ring().dir, preferShm: false })
      )
      const seen = record(late, 'threat')
      await until(
        () => late.stats().errors.websocket !== null,
        'it was refused'
      )
      const { transport, errors } = late.stats()
      assert.equal(transport, 'connecting')
      assert.equal(errors.websocket.code, 'ERR_WEBSOCKET_REFUSED')
      assert.match(errors.websocket.message, /503/)
      publish(3)
      for (const one of inside) {
        await readAll(one, new Account())
        assert.equal(one.close, null)
      }
      inside[0].end()
      await until(() => late.stats().transport === 'websocket', 'there is room')
      publish(1)
      await until(() => seen.length > 0, 'the next one')
      assert.equal(seen[0].sequence, 4)
    })
  })
}

// --- Functions of their arguments alone, for another process -----------------------

async function shieldOver(state, { create, ...options }) {
  state.shield = state.ipc.IpcFactory[create](options)
  await state.shield.ready()
}

/** Publishes so many bytes, and says what is in use then. */
async function publishOver({ shield, sleep: pause }, bytes) {
  for (let done = 0; done < bytes; done += 16 * 4000) {
    for (let i = 0; i < 16; i++) {
      shield.writeThreat({
        threatType: 'PathTraversal',
        severity: 'Low',
        source: 'shield',
        details: `${shield.stats().sequence + 1} ${'x'.repeat(4000)}`
      })
    }
    await new Promise(setImmediate)
  }
  for (let i = 0; i < 4; i++) {
    global.gc()
    await pause(20)
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed + external, ...shield.stats() }
}
