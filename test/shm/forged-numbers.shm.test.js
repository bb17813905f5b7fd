'use strict'
// Sequences and positions of a file at, past and far from their limits, in
// rings that take each other's place under a reader: nothing is thrown out of
// what nobody called, no loss is larger than a stream can be, and what comes
// behind it is delivered.

const assert = require('node:assert/strict')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { READ } = require('../../lib/shm/native-constants.js')
const { spy, useNative } = require('../helpers/native.js')
const { threat, useRing } = require('../helpers/ring.js')
const { moveRing, RingFile, seal } = require('../helpers/ring-file.js')
const { collect, record, until } = require('../helpers/wait.js')

const MOST = Number.MAX_SAFE_INTEGER
const LAST = BigInt(MOST)
const LIMITS = [LAST - 1n, LAST, LAST + 1n, 2n ** 60n, 2n ** 64n - 1n]

const A = 0xan
const B = 0xbn
const C = 0xcn
const nameOf = (generation) => generation.toString(16).padStart(16, '0')

describe('forged numbers', () => {
  const made = useNative()
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  /** Puts a ring in the place of the one that is there, in one step. */
  function place(generation, fields = {}, events = []) {
    const file = path.join(ring.dir, 'next')
    const next = RingFile.create(file, { generation, ...fields })
    for (const event of events) next.publish(event)
    next.close()
    moveRing(file, ring.file)
    return ring.bytes()
  }

  /** A ring whose last event has the sequence of all that there can be. */
  const placeAtTheEnd = () =>
    place(A, { claim: 3, head: 3 }, [{ sequence: LAST, details: 'the end' }])

  /** What comes out, by whatever way, as a list that grows. */
  function listen(client, how) {
    const seen = []
    if (how === 'listener') {
      client.on('threat', ({ details }) => seen.push(details))
    }
    const look = () => {
      if (how === 'poll') {
        seen.push(...client.poll().map(({ details }) => details))
      }
      return seen
    }
    const came = (details) =>
      until(() => look().includes(details), `the event ${details}`)
    const isIn = (generation) =>
      until(
        () => {
          look()
          return client.stats().generation === nameOf(generation)
        },
        `the ring ${nameOf(generation)}`
      )
    return { came, isIn, seen }
  }

  /** No loss is larger than any stream, and all of them stand in stats(). */
  function assertPossible(client, losses) {
    for (const { count, from, to } of losses) {
      if (count === null) continue
      assert(from >= 1 && to >= from && to <= MOST, `${from} to ${to}`)
      assert.equal(count, to - from + 1)
    }
    const sum = losses.reduce((all, { count }) => all + (count ?? 0), 0)
    assert.equal(client.stats().lost, sum)
  }

  for (const how of ['poll', 'listener']) {
    it(`F61 A, B and A again behind the last sequence: ${how}`, async () => {
      placeAtTheEnd()
      const client = ring.client()
      const losses = record(client, 'lost')
      const { came, isIn, seen } = listen(client, how)
      place(B, {}, [{ details: 'of B' }])
      await came('of B')
      placeAtTheEnd()
      await isIn(A)
      place(C, {}, [{ details: 'of C' }])
      await came('of C')
      assert.deepEqual(seen, ['of B', 'of C'])
      assertPossible(client, losses)
      assert.equal(client.stats().error, null)
    })

    for (const to of LIMITS) {
      it(`F61 a predecessor that ended at ${to}: ${how}`, async () => {
        const events = ['1', '2', '3'].map((details) => ({ details }))
        place(A, {}, events)
        const client = ring.client({ from: 1 })
        const losses = record(client, 'lost')
        const { came, isIn, seen } = listen(client, how)
        await came('3')
        const claims = { predecessorGeneration: A, predecessorSequence: to }
        place(B, claims, [{ details: 'of B' }])
        await came('of B')
        const bytes = place(A, {}, events)
        await isIn(A)
        if (to > LAST) {
          // That is no sequence, so nobody knows what was lost.
          assert.deepEqual(
            losses.map(({ count }) => count),
            [null, null]
          )
        }
        // Told as lost already, where that was a sequence.
        bytes.publish({ details: 'again' })
        if (to >= LAST) await came('again')
        place(C, {}, [{ details: 'of C' }])
        await came('of C')
        const others = seen.filter((details) => details !== 'again')
        assert.deepEqual(others, ['1', '2', '3', 'of B', 'of C'])
        assertPossible(client, losses)
      })
    }

    for (const last of [0n, ...LIMITS]) {
      it(`F61 a last sequence of ${last} beside damage: ${how}`, async () => {
        const damaged = () => {
          const bytes = place(A, { claim: 3, head: 3 })
          bytes.set('lastSequence', last)
          return bytes
        }
        damaged()
        const client = ring.client()
        const losses = record(client, 'lost')
        const { came, isIn, seen } = listen(client, how)
        place(B, {}, [{ details: 'of B' }])
        await came('of B')
        const bytes = damaged()
        await isIn(A)
        assert(client.stats().sequence <= MOST)
        place(C, {}, [{ details: 'of C' }])
        await came('of C')
        assert.deepEqual(seen, ['of B', 'of C'])
        assertPossible(client, losses)
        assert.equal(bytes.get('lastSequence'), last)
      })
    }
  }

  it('F61 a saved position at the last sequence: what is new comes', () => {
    const bytes = place(A, {}, [{ details: 'old' }])
    const after = { generation: nameOf(A), sequence: MOST }
    const client = ring.client({ after })
    assert.deepEqual(client.poll(), [])
    bytes.publish({ details: 'new' })
    assert.deepEqual(
      client.poll().map(({ details }) => details),
      ['new']
    )
    assert.equal(client.stats().lost, 0)
  })

  describe('of time', () => {
    // A machine that has been up for 104 days is at 2^53 nanoseconds.
    useNative((reader) => {
      const { setBuffers, read } = reader
      let fields
      Object.defineProperties(reader, {
        setBuffers: {
          value(slots, given) {
            fields = given
            return setBuffers.call(this, slots, given)
          }
        },
        read: {
          value(onDetails) {
            const events = read.call(this, onDetails)
            fields[READ.NOW_NS] = 2 ** 60
            fields[READ.TIMED_FROM] = 0
            return events
          }
        }
      })
    })

    for (const publishNs of [1n, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n]) {
      it(`F61 published at ${publishNs} ns, up for years`, async () => {
        const bytes = ring.forge()
        const client = ring.client({ from: 1 })
        const seen = record(client, 'threat')
        bytes.publish({ publishNs, details: '1' })
        await until(() => seen.length === 1, 'the event')
        bytes.publish({ publishNs, details: '2' })
        await until(() => seen.length === 2, 'the next')
        assert.equal(client.stats().latency.count, 0)
      })
    }
  })

  for (const preferShm of [true, false]) {
    const way = preferShm ? 'the ring' : 'WebSocket'
    it(`F61 more priority events than there are, over ${way}`, async () => {
      const { dir } = ring
      const shield = ring.keep(
        IpcFactory.createHybridTransport({
          dir,
          maxEvents: 16,
          websocket: { port: 0 }
        })
      )
      await shield.ready()
      for (let i = 1; i <= 20; i++) shield.writeThreat(threat(`${i}`))
      const bytes = ring.bytes()
      for (let position = 4; position < 20; position++) {
        bytes.alter(position, (slot) => {
          slot.writeUInt32LE(1000, 380)
          seal(slot)
        })
      }
      const client = ring.keep(
        await IpcFactory.createClient({ dir, preferShm, from: 'oldest' })
      )
      const losses = record(client, 'lost')
      const threats = await collect(client, 16)
      assert.equal(threats[0].details, '5')
      const [{ count, priority, reason }] = losses
      assert.deepEqual([count, priority, reason], [4, null, 'before-join'])
    })
  }

  describe('a ring that always has more', () => {
    let bytes
    let client
    let reads

    beforeEach(() => {
      bytes = ring.forge({ capacity: 64 })
      client = ring.client({ from: 1 })
      bytes.publish()
      reads = 0
      const [reader] = made.readers
      spy(reader, 'read', () => {
        assert(++reads < 20_000, 'it does not end')
        bytes.publish()
      })
      // Whoever has read everything, and would wait.
      spy(reader, 'arm', () => bytes.publish())
    })

    it('F62 poll() of any number comes back with no more than it held', () => {
      const threats = client.poll(MOST)
      assert(threats.length > 0)
      assert(threats.length <= 64, `${threats.length} at once`)
      assert.equal(client.stats().lost, 0)
      // And goes on where it stopped.
      assert.equal(client.poll(1)[0].sequence, threats.at(-1).sequence + 1)
    })

    const ways = {
      "on('threat')": (stop) => client.on('threat', stop),
      "on('threats')": (stop) => client.on('threats', stop),
      pollThreats: (stop) => client.pollThreats(stop),
      'for await': async (stop) => {
        for await (const one of client) stop(one)
      }
    }
    for (const [name, consume] of Object.entries(ways)) {
      it(`F62 ${name} leaves the event loop its turns`, async () => {
        let turns = 0
        let isDone = false
        const turn = () => {
          turns++
          if (!isDone) setImmediate(turn)
        }
        turn()
        consume(() => {
          isDone = client.stats().received >= 1500
          if (isDone) client.close()
        })
        await until(() => isDone, '1500 events')
        assert(turns > 3, `${turns} turns`)
      })
    }
  })
})
