'use strict'
// What one client can make of a Shield's memory, of the other clients and of
// the Shield itself: nothing. And that each is told exactly what it missed.

const assert = require('node:assert/strict')
const { IpcFactory, PlatformShm } = require('../lib/index.js')
const { connected } = require('./helpers/factory.js')
const { threat, useRing } = require('./helpers/ring.js')
const { record, sleep, until } = require('./helpers/wait.js')
const {
  Account,
  clientFrame,
  frames,
  LONG_MS,
  Peer
} = require('./helpers/websocket-peer.js')

const MiB = 2 ** 20

// The least that may be asked for.
const MAX_BUFFERED = 64 * 1024

// What one message of the server holds unless a single event is larger.
const MESSAGE = 256 * 1024

const LOGS = {
  'a log in memory': { create: IpcFactory.createTransport, preferShm: false }
}
if (PlatformShm.isAvailable()) {
  LOGS['a log in a ring'] = { create: IpcFactory.createHybridTransport }
}

const turn = () => new Promise(setImmediate)

/** The server's object for the client that came last. */
const subscriberOf = (shield) => [...shield._server._server._subscribers].at(-1)

/**
 * What waits in the server for one client, in bytes: what was given to its
 * socket and has not gone, and what the socket itself admits to.
 */
function meter({ _socket: socket }) {
  const { send } = socket
  let waiting = 0
  socket.send = (data, options, done) => {
    const bytes = Buffer.byteLength(data)
    waiting += bytes
    send.call(socket, data, options, (error) => {
      waiting -= bytes
      done(error)
    })
  }
  return () => Math.max(waiting, socket.bufferedAmount)
}

for (const [where, { create, ...preference }] of Object.entries(LOGS)) {
  describe(`WebSocket bounds, with ${where}`, () => {
    const ring = useRing()
    let shield

    /** A Shield that waits for nobody unless `websocket` says so. */
    async function start({ websocket, ...more } = {}) {
      shield = ring().keep(
        create({
          dir: ring().dir,
          maxEvents: 1024,
          ...preference,
          ...more,
          websocket: {
            port: 0,
            heartbeatMs: LONG_MS,
            stallTimeoutMs: LONG_MS,
            maxBufferedBytes: MAX_BUFFERED,
            ...websocket
          }
        })
      )
      await shield.ready()
      return shield
    }

    /** A client by hand, gone after the test. */
    async function peer() {
      const one = await Peer.dial(ring().dir)
      ring().keep({ close: () => one.end() })
      return one
    }

    async function subscribed(command = { from: 'latest' }) {
      const one = (await peer()).read()
      one.say({ type: 'subscribe', ...command })
      await until(() => one.messages.length > 0, 'its status')
      return one
    }

    const reader = (options) =>
      connected(ring(), { dir: ring().dir, preferShm: false, ...options })

    const isBlocked = () =>
      ![null, undefined].includes(subscriberOf(shield)?._outbox.fullSince)
    const evicted = () => shield.stats().websocket.evicted
    const published = () => shield.stats().sequence

    /** Publishes so many, each of `size` bytes or somewhat more. */
    function publish(count, size = 0, fill = 'x') {
      for (let i = 0; i < count; i++) {
        const { sequence } = shield.stats()
        shield.writeThreat(threat(`${sequence + 1} ${fill.repeat(size)}`))
      }
    }

    /** Publishes for as long as it takes, and calls `look` at every turn. */
    async function publishUntil(condition, look = () => {}) {
      for (let bytes = 0; !condition(); bytes += 16 * 4000) {
        assert(bytes < 256 * MiB, 'the system’s buffers have an end')
        publish(16, 4000)
        await turn()
        look()
      }
    }

    /**
     * Publishes whenever the last client would take it, until one is evicted.
     * @param {() => void} [meanwhile] called now and then while it would not
     */
    async function publishUntilEvicted(meanwhile = () => {}) {
      for (const before = evicted(); evicted() === before;) {
        if (isBlocked()) {
          meanwhile()
          await sleep(5)
        } else {
          publish(16, 4000)
          await turn()
        }
      }
    }

    /** Reads on until it has the last one that was published. */
    async function readAll(one, account) {
      one.read()
      await until(() => {
        account.take(one.messages)
        return account.next === published() + 1
      }, 'the last one')
      return account
    }

    // --- Who does not read ---------------------------------------------------

    it('F57 one that never reads: bounded, and told exactly', async () => {
      await start()
      const other = await reader()
      const seen = record(other, 'threat')
      const one = await subscribed()
      const account = new Account().take(one.messages)
      one.stop()
      const waiting = meter(subscriberOf(shield))
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
      const waiting = meter(subscriberOf(shield))
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
        const waiting = meter(subscriberOf(shield))
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
      for (const key of ['rss', 'heap']) {
        const grown = (after[key] - before[key]) / MiB
        assert(grown < 16, `${key}: ${grown} MiB more`)
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

    // --- Who is parted with ----------------------------------------------------

    /**
     * Does `offend` with a new client until the server has parted with it, and
     * gives what the client can read of that then. The server gives it a
     * second, which a busy machine may not have: so it is tried again.
     */
    async function partedWith(offend) {
      for (let tries = 0; tries < 5; tries++) {
        const one = await subscribed()
        one.stop()
        await offend(one)
        one.read()
        const { code } = await one.closed()
        if (code !== 1006) return one
      }
      return assert.fail('no reason was ever read')
    }

    it('F57 one that takes nothing for long: evicted with a reason', async () => {
      await start({ websocket: { stallTimeoutMs: 50 } })
      const account = new Account()
      let gone // by now, all of this had been overwritten
      const one = await partedWith(() =>
        publishUntilEvicted(() => {
          gone = published()
          publish(1100)
        })
      )
      const why = 'nothing was taken for 50 ms'
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
      await publishUntil(() => client._source.websocket.isFull)
      await publishUntilEvicted()
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
        subscriber._socket.on('message', hear).on('ping', hear)
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
          const { _socket: socket } = subscriberOf(shield)
          const waiting = meter({ _socket: socket })
          for (let bytes = 0; socket.readyState === 1; bytes += flood.length) {
            assert(bytes < 256 * MiB, `goes on for ever, ${most} bytes wait`)
            await offender.pour(flood)
            await turn()
            most = Math.max(most, waiting())
            const bound = MAX_BUFFERED + MESSAGE + 8192
            assert(most <= bound, `${most} bytes waited`)
          }
        })
        const isSaid = { 1008: 'ERR_INVALID_MESSAGE', 1013: 'ERR_EVICTED' }
        const errors = one.messages.filter(({ type }) => type === 'error')
        assert.equal(errors.at(-1).code, isSaid[one.close.code])
        publish(5)
        await until(() => seen.length === 505, 'all, over there')
        assert.equal(other.stats().lost, 0)
        await until(() => shield.stats().websocket.clients === 1, 'it is gone')
      })
    }

    // --- Who says what is wrong --------------------------------------------------

    const subscribe = (more) => JSON.stringify({ type: 'subscribe', ...more })
    const named = (generation) => subscribe({ from: 1, generation })
    const WRONG = {
      'no JSON': ['', '{', '{"type":"get_status"', 'subscribe', '\0', '{}{}'],
      'no object': ['null', 'true', '1', '"get_status"', '[]', '[{}]'],
      'no type': ['{}', '{"type":1}', '{"type":null}', '{"type":["x"]}'],
      'no command': [
        ...['', 'Subscribe', 'write', 'threat', 'shutdown', '__proto__'].map(
          (type) => JSON.stringify({ type })
        ),
        // What is told of them has to be cut where it goes into a close frame.
        ...['constructor', 'toString', 'x'.repeat(16_000)].map((type) =>
          JSON.stringify({ type })
        ),
        ...['é', '€', '😀'].map((character) =>
          JSON.stringify({ type: character.repeat(100) })
        )
      ],
      'no from': [
        subscribe({}),
        ...[0, -1, 1.5, '1', 'newest', '', null, [], [1], {}, true].map(
          (from) => subscribe({ from })
        ),
        ...['9007199254740994', '1e999', '-0'].map(
          (from) => `{"type":"subscribe","from":${from}}`
        )
      ],
      'no generation': [
        ...[null, 1, '', 'x', '0'.repeat(15), '0'.repeat(17), {}].map(named),
        named('0123456789ABCDEF'),
        named('0123456789abcdeg')
      ],
      'binary data': [Buffer.from(subscribe({ from: 'latest' })), Buffer.of()]
    }
    for (const [what, messages] of Object.entries(WRONG)) {
      it(`F56 ${what}: one error, and the end when it repeats`, async () => {
        await start()
        publish(10)
        const before = stateOf(shield)
        const other = await reader({ from: 'oldest' })
        const seen = record(other, 'threat')
        for (const wrong of messages) {
          const show = String(wrong).slice(0, 60)
          const one = (await peer()).read()
          const error = await one.say(wrong).next('error')
          assert.equal(error.code, 'ERR_INVALID_MESSAGE', show)
          assert(error.message.length < 200, error.message)
          // It is a mistake, no more.
          one.say({ type: 'get_status' })
          assert.equal((await one.next('status')).sequence, 10, show)
          assert.deepEqual(one.messages, [], show)
          one.say(wrong)
          assert.equal((await one.next('error')).code, error.code, show)
          assert.equal((await one.closed()).code, 1008, show)
          assert.deepEqual(one.messages, [], show)
        }
        assert.deepEqual(stateOf(shield), before)
        publish(1)
        await until(() => seen.length === 11, 'all, over there')
      })
    }

    it('F56 what is known is enough: other fields do not matter', async () => {
      await start()
      const one = (await peer()).read()
      one.say({ type: 'get_status', from: {}, generation: 1, __proto__: null })
      assert.equal((await one.next('status')).next, undefined)
      one.say({ type: 'subscribe', from: 'latest', to: 5 })
      assert.equal((await one.next('status')).next, 1)
      assert.equal(one.close, null)
    })

    it('F56 an oversized message: closed with 1009', async () => {
      await start()
      const [one, other] = [await subscribed(), await subscribed()]
      // To the byte: the longest one is read, and is no command.
      const longest = JSON.stringify({ type: 'x'.repeat(16_384 - 11) })
      assert.equal(longest.length, 16_384)
      await one.say(longest).next('error')
      one.say(`${longest} `)
      assert.equal((await one.closed()).code, 1009)
      // The length alone is enough: none of it has to come.
      const header = Buffer.from([
        0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0
      ])
      other.pour(header)
      assert.equal((await other.closed()).code, 1009)
      await until(() => shield.stats().websocket.clients === 0, 'both are gone')
    })

    // --- How many, and whether they live ------------------------------------------

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

    // --- Where it begins ------------------------------------------------------------

    const OTHER = 'f0f0f0f0f0f0f0f0'
    const lossOf = (from, to, generation, reason) => ({
      count: to - from + 1,
      from,
      to,
      generation,
      reason
    })

    /** All that comes of one subscribe until the last that was published. */
    async function answerTo(command) {
      const one = (await peer()).read()
      one.say({ type: 'subscribe', ...command })
      const got = { before: [], losses: [], sequences: [] }
      await until(
        () => {
          for (const { type, ...rest } of one.messages.splice(0)) {
            if (type === 'lost') {
              ;(got.next === undefined ? got.before : got.losses).push(rest)
            } else if (type === 'threat') {
              got.sequences.push(
                ...rest.threats.map(({ sequence }) => sequence)
              )
            } else {
              assert.equal(type, 'status')
              assert.equal(got.next, undefined, 'one status')
              Object.assign(got, { next: rest.next, status: rest })
            }
          }
          const last = got.sequences.at(-1) ?? got.next - 1
          return last >= published()
        },
        `the answer to ${JSON.stringify(command)}`
      )
      one.end()
      return got
    }

    /** What must come of it, for a log of 64 slots with one event in each. */
    function expected(next, { before = [], reason = 'overwritten' } = {}) {
      const last = published()
      const oldest = Math.max(1, last - 63)
      const generation = shield.stats().generation
      const begin = Math.max(next, oldest)
      return {
        before,
        next,
        losses:
          next < oldest ? [lossOf(next, oldest - 1, generation, reason)] : [],
        sequences: Array.from({ length: last - begin + 1 }, (_, i) => begin + i)
      }
    }

    async function assertAnswer(command, ...outcome) {
      const { status, ...got } = await answerTo(command)
      assert.deepEqual(got, expected(...outcome), JSON.stringify(command))
      const { generation, sequence } = shield.stats()
      assert.equal(status.generation, generation)
      assert.equal(status.sequence, sequence)
    }

    it('subscribe begins where it is told to, and says where', async () => {
      await start({ maxEvents: 64 })
      const { generation } = shield.stats()
      for (const count of [0, 10, 90]) {
        publish(count)
        const last = published()
        const before = stateOf(shield)
        for (const more of [{}, { generation }]) {
          const joining = { reason: 'before-join' }
          await assertAnswer({ from: 'oldest', ...more }, 1, joining)
          await assertAnswer({ from: 'start', ...more }, 1)
          await assertAnswer({ from: 'latest', ...more }, last + 1)
          for (const from of [1, 2, last - 63, last, last + 1]) {
            if (from > 0) await assertAnswer({ from, ...more }, from)
          }
        }
        assert.deepEqual(stateOf(shield), before)
      }
    })

    it('subscribe from a sequence to come waits for it', async () => {
      await start({ maxEvents: 64 })
      publish(10)
      const ahead = await subscribed({ from: 13 })
      const never = await subscribed({ from: Number.MAX_SAFE_INTEGER })
      for (const one of [ahead, never]) {
        assert.deepEqual(
          one.messages.map(({ type }) => type),
          ['status']
        )
      }
      publish(2)
      shield.writeThreats([threat('13 a'), threat('14 b')])
      publish(70)
      const account = await readAll(ahead, new Account())
      const { received, lost, first } = account
      assert.deepEqual([first, received + lost], [13, published() - 12])
      assert.equal(never.messages[0].next, Number.MAX_SAFE_INTEGER)
      assert.equal(never.messages.length, 1)
    })

    it('subscribe for an unknown generation: lost, nobody knows how many', async () => {
      await start({ maxEvents: 64 })
      publish(90)
      const unknown = {
        count: null,
        from: null,
        to: null,
        generation: OTHER,
        reason: 'replaced'
      }
      for (const from of [1, 50, 1000, 'latest', 'oldest', 'start']) {
        await assertAnswer({ from, generation: OTHER }, 1, {
          before: [unknown]
        })
      }
    })

    it('F59 subscribe for the generation before: lost, exactly', async () => {
      // Another size, so that the ring is replaced, too.
      await start({ maxEvents: 32 })
      const { generation: old } = shield.stats()
      publish(40)
      await shield.close()
      await start({ maxEvents: 64 })
      assert.notEqual(shield.stats().generation, old)
      for (const count of [0, 10, 90]) {
        publish(count)
        for (const from of [1, 20, 40]) {
          const before = [lossOf(from, 40, old, 'replaced')]
          await assertAnswer({ from, generation: old }, 1, { before })
        }
        // It had everything.
        await assertAnswer({ from: 41, generation: old }, 1)
      }
    })

    it('F59 the same when the Shield was replaced once more', async () => {
      await start({ maxEvents: 32 })
      const { generation: first } = shield.stats()
      publish(40)
      await shield.close()
      await start({ maxEvents: 64 })
      const { generation: second } = shield.stats()
      publish(10)
      await shield.close()
      await start({ maxEvents: 64 })
      publish(5)
      const { generation: third } = shield.stats()
      const { next } = await answerTo({ from: 'start' })
      assert.equal(next, third === second ? 11 : 1)
      const got = await answerTo({ from: 20, generation: first })
      if (third === second) {
        // The ring goes on, and what was published to it is still in it.
        const before = [lossOf(20, 40, first, 'replaced')]
        const { status, ...rest } = got
        assert.deepEqual(rest, expected(1, { before }))
        assert.equal(status.sequence, 15)
      } else {
        // Nobody remembers the first one.
        assert.equal(got.before[0].count, null)
        assert.equal(got.before[0].generation, first)
        assert.equal(got.next, 1)
      }
    })

    it('unsubscribe ends the flow, subscribe begins it again', async () => {
      await start({ maxEvents: 64 })
      const one = await subscribed()
      const account = new Account()
      publish(3)
      await readAll(one, account)
      for (let round = 0; round < 3; round++) {
        one.say({ type: 'unsubscribe' }).say({ type: 'get_status' })
        const { next, sequence } = await one.next('status')
        assert.deepEqual([next, sequence], [undefined, published()])
        publish(5)
        shield.writeThreats([threat('a'), threat('b')])
        one.say({ type: 'get_status' })
        assert.equal((await one.next('status')).sequence, published())
        assert.deepEqual(one.messages, [])
        const missed = published() - 7
        one.say({ type: 'subscribe', from: missed + 1 })
        assert.equal((await one.next('status')).next, missed + 1)
        await until(() => {
          const threats = one.messages.flatMap(({ threats: list }) => list)
          return threats.length === 7
        }, 'what it missed')
        one.messages.splice(0)
      }
      // Twice is no mistake, and the last one counts.
      one.say({ type: 'unsubscribe' }).say({ type: 'unsubscribe' })
      one.say({ type: 'subscribe', from: 'oldest' })
      one.say({ type: 'subscribe', from: 'latest' })
      await one.next('status')
      assert.equal((await one.next('status')).next, published() + 1)
      publish(1)
      const { threats } = await one.next('threat')
      assert.deepEqual(
        threats.map(({ sequence }) => sequence),
        [published()]
      )
      assert.equal(one.close, null)
    })

    it('get_status answers, in a stream and without one', async () => {
      await start()
      publish(4)
      const one = (await peer()).read()
      const { generation } = shield.stats()
      const fields = { generation, sequence: 4, heartbeatMs: LONG_MS }
      for (const command of [
        { type: 'get_status' },
        { type: 'subscribe', from: 5 }
      ]) {
        one.say(command)
        const { type, next, shm, boot, ...rest } = await one.next('status')
        assert.equal(type, 'status')
        assert.deepEqual(rest, fields)
        assert.equal(next, command.from)
        assert.equal(shm, shield.stats().shm !== null)
        assert(boot === null || boot.length > 0)
      }
      one.say({ type: 'get_status' })
      assert.equal((await one.next('status')).next, undefined)
      publish(1)
      const { threats } = await one.next('threat')
      assert.equal(threats[0].sequence, 5)
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

/** What no command may change. */
function stateOf(shield) {
  const { generation, sequence, published, transport, error, errors, shm } =
    shield.stats()
  return { generation, sequence, published, transport, error, errors, shm }
}
