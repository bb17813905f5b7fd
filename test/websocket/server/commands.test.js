'use strict'
// What a client may say to a Shield, what the Shield answers, and what it makes
// of anything else.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { record, until } = require('../../helpers/wait.js')
const { Account, LONG_MS } = require('../../helpers/websocket-peer.js')
const { LOGS, useShield } = require('../../helpers/websocket-shield.js')

for (const [where, { create, ...preference }] of Object.entries(LOGS)) {
  describe(`what a Shield on WebSocket is told, with ${where}`, () => {
    const {
      peer,
      publish,
      published,
      readAll,
      reader,
      startShield,
      subscribed
    } = useShield(create, preference)
    let shield

    const start = async (options) => {
      shield = await startShield(options)
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
      'no priority': [
        ...['1', 1.5, -1, 2 ** 32, {}, true].map((priority) =>
          subscribe({ from: 1, priority })
        )
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
      publish(1)
      one.say({ type: 'subscribe' })
      assert.equal((await one.next('status')).next, 2)
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

    // --- Where it begins ------------------------------------------------------------

    const OTHER = 'f0f0f0f0f0f0f0f0'
    const lossOf = (from, to, generation, reason, priority = null) => ({
      count: to - from + 1,
      from,
      to,
      priority,
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
      // Before the first there are none.
      const priority = next === 1 ? 0 : null
      return {
        before,
        next,
        losses:
          next < oldest
            ? [lossOf(next, oldest - 1, generation, reason, priority)]
            : [],
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
        priority: null,
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
        const status = await one.next('status')
        const { type, next, priority, shm, boot, ...rest } = status
        assert.equal(type, 'status')
        assert.deepEqual(rest, fields)
        assert.equal(next, command.from)
        // Of what comes before the one that is next.
        assert.equal(priority, next === undefined ? undefined : 0)
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

/** What no command may change. */
function stateOf(shield) {
  const { generation, sequence, published, transport, error, errors, shm } =
    shield.stats()
  return { generation, sequence, published, transport, error, errors, shm }
}
