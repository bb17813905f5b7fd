'use strict'
// What may stand in a ring file's header, while it is read and when the next
// writer comes.

const assert = require('node:assert/strict')
const { spy, useNative } = require('../helpers/native.js')
const { threat, useRing } = require('../helpers/ring.js')
const { RingFile, SLOT_BYTES } = require('../helpers/ring-file.js')
const { collect, record, sleep, until } = require('../helpers/wait.js')
const { sequences } = require('../helpers/sequences.js')

const FAR = 2n ** 60n
const ENDLESS = 2n ** 64n - 1n
const LARGE = 65_536

describe('hostile header', () => {
  const made = useNative()
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  describe('while it is read', () => {
    let bytes
    let client

    beforeEach(() => {
      bytes = ring.forge({ capacity: 64 })
      client = ring.client({ from: 1 })
      for (let i = 1; i <= 3; i++) bytes.publish({ details: `${i}` })
      assert.deepEqual(sequences(client.poll()), [1, 2, 3])
    })

    const heads = {
      'back to 0': 0n,
      'back by one': 2n,
      'ahead by 2^60': FAR,
      'ahead by half a ring': 35n,
      'ahead to 2^64-1': ENDLESS
    }
    for (const [name, head] of Object.entries(heads)) {
      it(`F13 head ${name}: corrupt, then exact once healed`, () => {
        const lost = record(client, 'lost')
        bytes.set('head', head)
        for (let i = 0; i < 5; i++) assert.deepEqual(client.poll(), [])
        assert(client.stats().corrupt >= 1)
        bytes.set('head', 3)
        bytes.publish({ details: 'healed' })
        assert.deepEqual(sequences(client.poll()), [4])
        assert.deepEqual(lost, [])
        const stats = client.stats()
        assert.deepEqual([stats.received, stats.lost], [4, 0])
      })

      it(`F13 head ${name}: a new reader of any kind lives`, () => {
        bytes.set('head', head)
        for (const from of ['latest', 'oldest', 1, 3, 100]) {
          const other = ring.client({ from })
          other.poll()
          assert(other.stats().received <= 3)
          other.close()
        }
        bytes.set('head', 3)
        bytes.set('claim', 3)
        assert.equal(ring.client({ from: 1 }).poll().length, 3)
      })
    }

    for (const claim of [0n, 2n, 2n * 64n, FAR, ENDLESS]) {
      it(`F13 a claim of ${claim} hides no event`, () => {
        for (let sequence = 4; sequence <= 6; sequence++) {
          bytes.publish({ details: `${sequence}` })
          bytes.set('claim', claim)
          assert.deepEqual(sequences(client.poll()), [sequence])
        }
        // Only a reader that may be overtaken asks for it.
        assert.equal(client.stats().corrupt, 0)
        // One slot further behind than three quarters of the ring.
        const unread = Array.from({ length: 49 }, (_, i) => 7 + i)
        for (const sequence of unread) {
          bytes.publish({ details: `${sequence}` })
        }
        bytes.set('claim', claim)
        assert.deepEqual(sequences(client.poll()), unread)
        const stats = client.stats()
        assert.deepEqual([stats.received, stats.lost], [6 + 49, 0])
        assert.equal(stats.corrupt, 1)
      })
    }

    for (const last of [0n, 1n, FAR, ENDLESS]) {
      it(`F13 a last sequence of ${last} invents no loss`, () => {
        bytes.publish({ details: '4' })
        bytes.set('lastSequence', last)
        assert.deepEqual(sequences(client.poll()), [4])
        bytes.publish({ sequence: 5, details: '5' })
        bytes.set('lastSequence', last)
        assert.deepEqual(sequences(client.poll()), [5])
        assert.equal(client.stats().lost, 0)
        assert.equal(typeof client.stats().published, 'number')
      })

      it(`F13 a last sequence of ${last} bounds what damage costs`, () => {
        const position = bytes.publish({ details: 'damaged' })
        bytes.alter(position, (slot) => slot.fill(0xff))
        bytes.set('lastSequence', last)
        assert.deepEqual(client.poll(), [])
        bytes.publish({ sequence: 5, details: '5' })
        assert.deepEqual(sequences(client.poll()), [5])
        const { received, lost } = client.stats()
        assert.deepEqual([received, lost], [4, 1])
      })
    }

    for (const moves of [false, true]) {
      const kind = moves ? 'runs away' : 'is far ahead'
      it(`F13 a head that ${kind}, garbage: poll() comes back`, () => {
        const name = 'large'
        const writer = ring.writer({ name, maxEvents: LARGE })
        const other = ring.client({ name })
        const lost = record(other, 'lost')
        for (let i = 0; i < 3; i++) writer.writeThreat(threat())
        assert.equal(other.poll().length, 3)
        const file = new RingFile(writer.stats().path)
        const garbage = Buffer.alloc(SLOT_BYTES * 1024, 0xa5)
        for (let at = 0; at < LARGE; at += 1024) {
          file.putSlot(at, garbage, 0, garbage.length)
        }
        file.set('head', FAR)
        let takes = 0
        const restore = spy(made.readers.at(-1), 'read', () => {
          assert(++takes < 1000, 'poll() does not come back')
          if (moves) file.set('head', FAR + BigInt(takes * LARGE))
        })
        assert.deepEqual(other.poll(), [])
        // A whole ring is looked at in four parts.
        assert(takes < 20, `${takes} looks in one poll()`)
        assert(other.stats().corrupt > 0)
        file.close()
        restore()
        assert.equal(writer.writeThreat(threat('healed')), 4)
        assert.deepEqual(sequences(other.poll()), [4])
        assert.deepEqual(lost, [])
        const { received, sequence } = other.stats()
        assert.deepEqual([received, sequence], [4, 4])
      })
    }

    it('F13 nonsense wakes a waiting reader no more than it must', async () => {
      const seen = record(client, 'threat')
      bytes.set('head', FAR)
      await until(() => client.stats().corrupt > 0, 'the poll thread’s look')
      const { corrupt } = client.stats()
      let drains = 0
      spy(made.readers[0], 'read', () => drains++)
      // Some looks of the poll thread at its file, a fifth of a second each,
      // and more of them on a machine that takes its time.
      const began = performance.now()
      await sleep(600)
      const looks = Math.ceil((performance.now() - began) / 200)
      assert(drains < 15 * looks, `${drains} drains in ${looks} looks`)
      assert(client.stats().corrupt - corrupt < 3 * looks)
      bytes.set('head', 3)
      bytes.publish({ details: 'healed' })
      await until(() => seen.length === 1, 'the next event')
      assert.equal(seen[0].sequence, 4)
    })
  })

  describe('found by the next writer', () => {
    const cases = {
      'head back to 0': { head: 0 },
      'head ahead by 2^60': { head: FAR },
      'head and claim ahead by 2^60': { head: FAR, claim: FAR },
      'claim back to 0': { claim: 0 },
      'claim ahead by more than a batch': { claim: 10n + 5n },
      'claim of 2^64-1': { claim: ENDLESS },
      'head and claim of 2^64-1': { head: ENDLESS, claim: ENDLESS }
    }
    for (const [name, fields] of Object.entries(cases)) {
      it(`F13 ${name}: a new ring, and readers follow`, async () => {
        const first = ring.writer({ maxEvents: 16 })
        const { generation } = first.stats()
        for (let i = 0; i < 10; i++) first.writeThreat(threat())
        first.close()
        const client = ring.client({ from: 1 })
        const lost = record(client, 'lost')
        assert.equal((await collect(client, 10)).length, 10)
        const bytes = ring.bytes()
        for (const [key, value] of Object.entries(fields)) {
          bytes.set(key, value)
        }
        const second = ring.writer({ maxEvents: 16 })
        assert.notEqual(second.stats().generation, generation)
        assert.equal(second.writeThreat(threat('anew')), 1)
        const [one] = await collect(client, 1)
        assert.equal(one.details, 'anew')
        assert.equal(one.id, `${second.stats().generation}-1`)
        assert.deepEqual(lost, [
          {
            ...{ count: null, from: null, to: null, priority: null },
            ...{ generation, reason: 'replaced' }
          }
        ])
        const stats = client.stats()
        assert.deepEqual([stats.received, stats.lost], [11, 0])
        assert.equal(stats.generation, second.stats().generation)
      })
    }

    it('F13 a damaged last slot: a new ring, and readers follow', async () => {
      const first = ring.writer({ maxEvents: 16 })
      for (let i = 0; i < 3; i++) first.writeThreat(threat())
      first.close()
      const client = ring.client()
      const lost = record(client, 'lost')
      ring.bytes().alter(2, (slot) => {
        slot[100] ^= 1
      })
      const second = ring.writer({ maxEvents: 16 })
      second.writeThreat(threat('anew'))
      assert.equal((await collect(client, 1))[0].details, 'anew')
      assert.deepEqual(
        lost.map(({ count, reason }) => [count, reason]),
        [[null, 'replaced']]
      )
    })

    it('F13 another geometry: a new ring whose account is exact', async () => {
      const first = ring.writer({ maxEvents: 16 })
      const { generation } = first.stats()
      const client = ring.client()
      const lost = record(client, 'lost')
      for (let i = 0; i < 3; i++) first.writeThreat(threat(`${i}`))
      assert.equal((await collect(client, 1))[0].sequence, 1)
      first.close()
      const second = ring.writer({ maxEvents: 32 })
      second.writeThreat(threat('anew'))
      // The old ring is drained first.
      const threats = await collect(client, 3)
      assert.deepEqual(sequences(threats), [2, 3, 1])
      assert.deepEqual(lost, [])

      first.close()
      await client.close()
      const late = ring.client({ from: 1 })
      assert.deepEqual(sequences(late.poll()), [1])
      second.close()
      const bytes = ring.bytes()
      assert.equal(bytes.get('predecessorSequence'), 3n)
      assert.equal(
        bytes.get('predecessorGeneration').toString(16).padStart(16, '0'),
        generation
      )
    })

    it('F13 a claim ahead by less than a batch is a death, no damage', () => {
      const first = ring.writer({ maxEvents: 16 })
      for (let i = 0; i < 10; i++) first.writeThreat(threat())
      const { generation } = first.stats()
      first.close()
      ring.bytes().set('claim', 14)
      const client = ring.client({ from: 1 })
      const second = ring.writer({ maxEvents: 16 })
      assert.equal(second.stats().generation, generation)
      assert.equal(second.writeThreat(threat()), 11)
      assert.equal(ring.bytes().get('claim'), 14n)
      assert.deepEqual(sequences(client.poll()).at(-1), 11)
    })
  })

  describe('near the end of a number', () => {
    /** A ring as if everything before had been written. */
    function forgeAt({ position, sequence }) {
      const bytes = RingFile.create(ring.file, {
        capacity: 16,
        claim: position,
        head: position
      })
      bytes.publish({ sequence, details: 'forged' })
      bytes.close()
    }

    it('F6 sequence 2^53-1 is the last: ERR_SEQUENCE_EXHAUSTED', async () => {
      const last = Number.MAX_SAFE_INTEGER
      forgeAt({ position: 3n, sequence: BigInt(last - 3) })
      const client = ring.client()
      const writer = ring.writer({ maxEvents: 16 })
      assert.equal(writer.writeThreat(threat('a')), last - 2)
      const before = writer.stats()
      const bytes = ring.fingerprint()
      assert.throws(() => writer.writeThreats([threat(), threat(), threat()]), {
        name: 'IpcError',
        code: 'ERR_SEQUENCE_EXHAUSTED'
      })
      assert.deepEqual(writer.stats(), before)
      assert.deepEqual(ring.fingerprint(), bytes)
      assert.equal(writer.writeThreats([threat('b'), threat('c')]), last)
      for (let i = 0; i < 3; i++) {
        assert.throws(() => writer.writeThreat(threat()), {
          name: 'IpcError',
          code: 'ERR_SEQUENCE_EXHAUSTED'
        })
      }
      const { generation } = writer.stats()
      const threats = await collect(client, 3)
      assert.deepEqual(sequences(threats), [last - 2, last - 1, last])
      assert.equal(threats[2].id, `${generation}-${last}`)
      assert.deepEqual(client.poll(), [])
      const { received, lost, corrupt, sequence } = client.stats()
      assert.deepEqual([received, lost, corrupt, sequence], [3, 0, 0, last])
      writer.close()
      assert.throws(
        () => ring.writer({ maxEvents: 16 }).writeThreat(threat()),
        {
          code: 'ERR_SEQUENCE_EXHAUSTED'
        }
      )
    })

    for (const bits of [31, 32, 48]) {
      it(`F6 sequences across 2^${bits}`, async () => {
        const start = 2 ** bits - 100
        forgeAt({ position: 7n, sequence: BigInt(start) })
        const client = ring.client()
        const writer = ring.writer({ maxEvents: 16 })
        const { generation } = writer.stats()
        for (let i = 1; i <= 200; i++) {
          assert.equal(writer.writeThreat(threat(`${i}`)), start + i)
          const [one] = await collect(client, 1)
          assert.equal(one.sequence, start + i)
          assert.equal(one.details, `${i}`)
          assert.equal(one.id, `${generation}-${start + i}`)
        }
        for (let i = 0; i < 50; i++) writer.writeThreat(threat())
        const lost = record(client, 'lost')
        assert.equal(client.poll().length, 16)
        assert.deepEqual(
          lost.map(({ count, from, to }) => [count, from, to]),
          [[34, start + 201, start + 234]]
        )
      })
    }

    for (const bits of [32n, 53n, 62n]) {
      it(`F6 positions across 2^${bits} wake and order as any`, async () => {
        forgeAt({ position: 2n ** bits - 60n, sequence: 1000n })
        const client = ring.client()
        const seen = record(client, 'threat')
        const writer = ring.writer({ maxEvents: 16 })
        for (let i = 1; i <= 120; i++) {
          writer.writeThreat(threat(`${i}`))
          await until(() => seen.length === i, `event ${i}`)
          assert.equal(seen[i - 1].sequence, 1000 + i)
        }
        const { lost, corrupt } = client.stats()
        assert.deepEqual([lost, corrupt], [0, 0])
      })
    }
  })
})
