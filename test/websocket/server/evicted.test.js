'use strict'
// Whom a Shield parts with: who takes nothing, who does not live, and who
// floods it. Each is told why, and where to go on.

const assert = require('node:assert/strict')
const { IS_WINDOWS } = require('../../helpers/system.js')
const { record, sleep, turn, until } = require('../../helpers/wait.js')
const {
  Account,
  clientFrame,
  frames
} = require('../../helpers/websocket-peer.js')
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
  describe(`whom a Shield on WebSocket parts with, with ${where}`, () => {
    const {
      evicted,
      isBlocked,
      publish,
      published,
      publishUntil,
      publishUntilEvicted,
      readAll,
      reader,
      startShield,
      subscribed
    } = useShield(create, preference)
    let shield

    const start = async (options) => {
      shield = await startShield(options)
    }

    // --- Who is parted with ----------------------------------------------------

    /**
     * Does `offend` with a new client until the server has parted with it, and
     * gives what the client can read of that then. The server gives it a
     * second, which a busy machine may not have: so it is tried again, and also
     * when `offend` resolves with false. With `mayBeReset` it need not have read
     * anything.
     */
    async function partedWith(offend, mayBeReset = false) {
      for (let tries = 0; tries < 5; tries++) {
        const one = await subscribed()
        one.stop()
        const isDone = await offend(one)
        one.read()
        const { code } = await one.closed()
        const isRead = code !== 1006 || mayBeReset
        if (isRead && isDone !== false) return one
      }
      return assert.fail('no reason was ever read')
    }

    it('F57 one that takes nothing for long: evicted with a reason', async () => {
      await start({ websocket: { stallTimeoutMs: 250 } })
      const account = new Account()
      let gone // by now, all of this had been overwritten
      const one = await partedWith(async () => {
        gone = null
        await publishUntilEvicted(() => {
          gone = published()
          publish(1100)
        })
        // It may be evicted in the very turn that it is found to be full in.
        return gone !== null
      })
      const why = 'nothing was taken for 250 ms'
      assert.deepEqual(one.close, { code: 1013, reason: why })
      account.take(one.messages)
      assert.deepEqual(account.errors, [
        { type: 'error', code: 'ERR_EVICTED', message: why }
      ])
      assert(account.next > gone, 'it was told what it had lost by then')
      assert.equal(account.losses.at(-1).to, account.next - 1)
      // What it was told so far is where it goes on.
      const { generation, next } = account
      const again = await subscribed({ from: next, generation })
      await readAll(again, account)
      const { first, received, lost } = account
      assert.equal(received + lost, published() - first + 1)
    })

    it('F57 an evicted client counts once, however long it stays', async () => {
      await start({ websocket: { stallTimeoutMs: 50 } })
      await subscribed().then((one) => one.stop())
      await publishUntilEvicted()
      await until(() => shield.stats().websocket.clients === 0, 'it is gone')
      assert.equal(evicted(), 1)
    })

    it('F57 F59 an IpcClient that is evicted comes back: exact', async () => {
      await start({ websocket: { stallTimeoutMs: 50 } })
      const client = await reader()
      const moves = record(client, 'transport')
      const losses = record(client, 'lost')
      // Nobody consumes, so it stops reading when it has enough.
      await publishUntil(isBlocked)
      // It may be evicted in the very turn that it is found to be full in.
      await publishUntilEvicted(() => {}, 0)
      await until(() => shield.stats().websocket.clients === 0, 'it is gone')
      publish(2000)
      let next = 1
      losses.splice(0)
      client.on('lost', ({ count, from, to, reason }) => {
        assert.deepEqual([from, count], [next, to - from + 1])
        assert.equal(reason, 'overwritten')
        next = to + 1
      })
      client.on('threat', ({ sequence, details }) => {
        assert.equal(sequence, next)
        assert(details.startsWith(`${sequence} `))
        next++
      })
      await until(() => next === published() + 1, 'the last one')
      publish(5)
      await until(() => next === published() + 1, 'what is new')
      const { received, lost, transport, errors } = client.stats()
      assert.equal(received + lost, published())
      assert(lost > 0)
      assert.equal(transport, 'websocket')
      assert.equal(errors.websocket, null)
      assert.deepEqual(
        moves.slice(-2).map(({ to }) => to),
        ['connecting', 'websocket']
      )
    })

    it('F57 one that is not subscribed is evicted without a loss', async () => {
      await start({ websocket: { stallTimeoutMs: 50 } })
      publish(2000)
      const one = await partedWith(async (offender) => {
        const before = evicted()
        const subscriber = subscriberOf(shield)
        let heard = 0
        const hear = () => heard++
        socketOf(shield).on('message', hear).on('ping', hear)
        offender.say({ type: 'unsubscribe' })
        // As many answers as may wait, and not a command more: that would be a
        // mistake. A ping makes the server look at what waits.
        for (let said = 1; evicted() === before;) {
          const { bufferedBytes } = subscriber.stats()
          if (isBlocked()) {
            await sleep(5)
          } else if (bufferedBytes >= MAX_BUFFERED) {
            offender.socket.ping()
            said++
          } else {
            const count = bufferedBytes < MAX_BUFFERED / 2 ? 50 : 1
            for (let i = 0; i < count; i++) offender.say({ type: 'get_status' })
            said += count
          }
          while (heard < said) await turn()
        }
      })
      assert.equal(one.close.code, 1013)
      const types = new Set(one.messages.map(({ type }) => type))
      assert.deepEqual([...types].sort(), ['error', 'status'])
    })

    // --- Who floods --------------------------------------------------------------

    const FLOODS = {
      commands: frames(500, clientFrame('{"type":"get_status"}')),
      subscribes: frames(
        500,
        clientFrame('{"type":"subscribe","from":"oldest"}')
      ),
      'both in turn': frames(
        250,
        Buffer.concat([
          clientFrame('{"type":"subscribe","from":"latest"}'),
          clientFrame('{"type":"unsubscribe"}')
        ])
      ),
      'what is no command': frames(500, clientFrame('{')),
      // The answer to each is as long as the question. One in hundred looks
      // like an answer to a ping, so that the client seems to be well.
      pings: frames(
        5,
        Buffer.concat([
          frames(100, clientFrame('x'.repeat(125), 9)),
          clientFrame('', 10)
        ])
      )
    }
    for (const [what, flood] of Object.entries(FLOODS)) {
      it(`F57 a flood of ${what}, no answer read: bounded, ended`, async () => {
        await start({ websocket: { stallTimeoutMs: 200 } })
        const other = await reader()
        const seen = record(other, 'threat')
        publish(500)
        let most = 0
        const one = await partedWith(async (offender) => {
          const socket = socketOf(shield)
          const waiting = meter(socket)
          for (let bytes = 0; socket.readyState === 1; bytes += flood.length) {
            assert(bytes < 256 * MiB, `goes on for ever, ${most} bytes wait`)
            await offender.pour(flood)
            await turn()
            most = Math.max(most, waiting())
            const bound = MAX_BUFFERED + MESSAGE + 8192
            assert(most <= bound, `${most} bytes waited`)
          }
          // Who is sent more than he reads resets the connection when he ends
          // it, and on Windows the other end then reads nothing more.
        }, IS_WINDOWS)
        const isSaid = { 1008: 'ERR_INVALID_MESSAGE', 1013: 'ERR_EVICTED' }
        const errors = one.messages.filter(({ type }) => type === 'error')
        if (one.close.code !== 1006) {
          assert.equal(errors.at(-1).code, isSaid[one.close.code])
        }
        publish(5)
        await until(() => seen.length === 505, 'all, over there')
        assert.equal(other.stats().lost, 0)
        await until(() => shield.stats().websocket.clients === 1, 'it is gone')
      })
    }

    // --- Who does not live -------------------------------------------------------

    it('F57 one that answers no ping is evicted, one that does stays', async () => {
      await start({ websocket: { heartbeatMs: 100, stallTimeoutMs: 1000 } })
      const [mute, well] = [await subscribed(), await subscribed()]
      mute.socket.pong = () => {}
      let pings = 0
      well.socket.on('ping', () => pings++)
      const { code, reason } = await mute.closed()
      assert.deepEqual([code, reason], [1013, 'nothing was taken for 1000 ms'])
      const beats = mute.messages.filter(({ type }) => type === 'heartbeat')
      assert(beats.length > 0)
      pings = 0
      await until(() => pings > 2, 'some beats more')
      assert.equal(well.close, null)
      assert.equal(shield.stats().websocket.clients, 1)
      publish(2)
      const { received } = await readAll(well, new Account())
      assert.equal(received, 2)
      const beat = await well.next('heartbeat')
      const { generation } = shield.stats()
      assert.deepEqual(beat, { type: 'heartbeat', generation, sequence: 2 })
    })
  })
}
