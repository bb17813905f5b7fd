'use strict'
// What may stand in a ring file that no writer of ours wrote: its slots.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { crc32c } = require('../helpers/crc32c.js')
const { seal, SLOT_BYTES } = require('../helpers/ring-file.js')
const { threat, useRing } = require('../helpers/ring.js')
const { record, until } = require('../helpers/wait.js')
const { sequences } = require('../helpers/sequences.js')

/** Reads all from the oldest on, in a client of its own. */
function readAll(ring) {
  const client = ring.client({ from: 'oldest' })
  const lost = record(client, 'lost')
  const threats = client.poll(1000)
  const { received, corrupt } = client.stats()
  client.close()
  return { threats, lost, received, corrupt }
}

/** Says that of ten events `gone` and no other is lost. */
function assertOnlyLost(read, gone, what) {
  const rest = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].filter((n) => !gone.includes(n))
  assert.deepEqual(sequences(read.threats), rest, what)
  assert.deepEqual(
    read.threats.map(({ details }) => details),
    rest.map((n) => `details ${n}`),
    what
  )
  const told = read.lost.flatMap(({ from, to, count, reason }) => {
    assert.equal(reason, 'corrupt', what)
    assert.equal(to - from + 1, count, what)
    return Array.from({ length: count }, (_, i) => from + i)
  })
  assert.deepEqual(told, gone, what)
  assert(read.corrupt > 0, what)
}

describe('hostile slots', () => {
  const current = useRing()
  let ring
  let bytes

  /** Ten events, one slot each, by the real writer. */
  function writeTen() {
    const writer = ring.writer({ maxEvents: 16 })
    for (let i = 1; i <= 10; i++) writer.writeThreat(threat(`details ${i}`))
    writer.close()
    bytes = ring.bytes()
  }

  function forgeEmpty(options) {
    bytes = ring.forge(options)
  }

  beforeEach(() => {
    ring = current()
  })

  it('the forger agrees with the writer about every byte', () => {
    writeTen()
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
    for (let i = 0n; i < 10n; i++) {
      const slot = bytes.slot(i)
      assert.deepEqual(seal(Buffer.from(slot)), slot)
    }
    const written = readAll(ring)
    assert.equal(written.corrupt, 0)
    bytes.publish({ details: 'forged', threatType: 5, severity: 2 })
    const { threats } = readAll(ring)
    assert.deepEqual(threats.slice(0, 10), written.threats)
    const { generation } = ring.client().stats()
    assert.deepEqual(threats[10], {
      sequence: 11,
      id: `${generation}-11`,
      timestampUs: 1_700_000_000_000_000,
      threatType: 'PathTraversal',
      severity: 'Medium',
      source: '',
      details: 'forged',
      blocked: false,
      generation,
      priority: threats[9].priority
    })
  })

  it('F7 all-zero slots are no events', () => {
    forgeEmpty()
    bytes.set('claim', 10)
    bytes.set('lastSequence', 10)
    bytes.set('head', 10)
    const client = ring.client({ from: 'oldest' })
    const lost = record(client, 'lost')
    assert.deepEqual(client.poll(), [])
    assert.deepEqual(lost, [
      {
        count: 10,
        from: 1,
        to: 10,
        priority: null,
        generation: '0123456789abcdef',
        reason: 'corrupt'
      }
    ])
    assert(client.stats().corrupt >= 1)
    bytes.publish({ details: 'a real one' })
    assert.deepEqual(sequences(client.poll()), [11])
    assert.equal(client.stats().lost, 10)
  })

  it('F9 every single flipped bit of a slot is found', async () => {
    writeTen()
    const good = bytes.slot(4)
    for (let bit = 0; bit < SLOT_BYTES * 8; bit++) {
      const bad = Buffer.from(good)
      bad[bit >> 3] ^= 1 << (bit & 7)
      bytes.putSlot(4, bad)
      assertOnlyLost(readAll(ring), [5], `bit ${bit}`)
      // Closing ends with the loop's turn: a client is woken by one of a user's
      // 128 watches, which other files of tests need at the same time.
      if (bit % 16 === 0) await new Promise(setImmediate)
    }
  })

  it('F9 property: any one or two flipped bits, anywhere', async () => {
    writeTen()
    const place = fc.tuple(fc.nat(9), fc.nat(SLOT_BYTES * 8 - 1))
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(place, {
          minLength: 1,
          maxLength: 2,
          selector: String
        }),
        async (places) => {
          // As above.
          await new Promise(setImmediate)
          const flip = () => {
            for (const [position, bit] of places) {
              bytes.alter(position, (slot) => {
                slot[bit >> 3] ^= 1 << (bit & 7)
              })
            }
          }
          flip()
          const read = readAll(ring)
          flip()
          const gone = [...new Set(places.map(([position]) => position + 1))]
          assertOnlyLost(
            read,
            gone.sort((a, b) => a - b),
            String(places)
          )
        }
      ),
      { numRuns: 500 }
    )
    assert.equal(readAll(ring).corrupt, 0)
  })

  it('F9 a bit in any continuation slot costs the whole event', () => {
    forgeEmpty({ capacity: 64 })
    bytes.publish({ details: 'before' })
    bytes.publish({ details: 'cut', tail: Buffer.alloc(5 * 340, 1) })
    bytes.publish({ details: 'behind' })
    for (let position = 1; position <= 6; position++) {
      for (const at of [0, 8, 24, 26, 36, 40, 379, 380]) {
        const flip = (slot) => {
          slot[at] ^= 0x10
        }
        bytes.alter(position, flip)
        const { threats, lost, corrupt } = readAll(ring)
        bytes.alter(position, flip)
        assert.deepEqual(sequences(threats), [1, 3])
        assert.deepEqual(
          lost.map(({ from, to, reason }) => [from, to, reason]),
          [[2, 2, 'corrupt']]
        )
        assert(corrupt >= 1)
      }
    }
  })

  it('F8 slots in each other’s place', () => {
    writeTen()
    const [four, five] = [bytes.slot(4), bytes.slot(5)]
    bytes.putSlot(4, five)
    bytes.putSlot(5, four)
    assertOnlyLost(readAll(ring), [5, 6])
    bytes.putSlot(4, four)
    assertOnlyLost(readAll(ring), [6])
  })

  it('F8 valid slots of the lap before and of one to come', () => {
    writeTen()
    for (const position of [4 - 16, 4 + 16, 4 + 2 ** 32]) {
      const slot = bytes.slot(4)
      bytes.forge(4, { position })
      assertOnlyLost(readAll(ring), [5], `position ${position}`)
      bytes.putSlot(4, slot)
    }
    assert.equal(readAll(ring).corrupt, 0)
  })

  it('F10 swapped bytes and swapped fields', () => {
    writeTen()
    const slot = bytes.slot(4)
    for (let at = 0; at < SLOT_BYTES - 1; at++) {
      if (slot[at] === slot[at + 1]) continue
      bytes.alter(4, (bad) => {
        ;[bad[at], bad[at + 1]] = [bad[at + 1], bad[at]]
      })
      assertOnlyLost(readAll(ring), [5], `bytes ${at} and ${at + 1}`)
      bytes.putSlot(4, slot)
    }
    bytes.alter(4, (bad) => {
      // Sequence and position; source and details.
      slot.copy(bad, 0, 8, 16)
      slot.copy(bad, 8, 0, 8)
    })
    assertOnlyLost(readAll(ring), [5])
    bytes.putSlot(4, slot)
    bytes.alter(4, (bad) => {
      slot.copy(bad, 54, 118, 182)
      slot.copy(bad, 118, 54, 118)
    })
    assertOnlyLost(readAll(ring), [5])
  })

  it('F11 impossible lengths, spans and sequences, rightly sealed', () => {
    writeTen()
    const slot = bytes.slot(4)
    const wrong = [
      { sourceUsed: 65 },
      { sourceUsed: 0xffff },
      { detailsUsed: 257 },
      { detailsUsed: 0x8000 },
      { span: 0 },
      { span: 2 },
      { span: 5, tailBytes: 4 * 340 },
      { span: 4, tailBytes: 3 * 340 },
      { span: 0xffff },
      { span: 0xffff, tailBytes: 0xfffe * 340 },
      { place: 1 },
      { place: 0xffff },
      { span: 2, place: 1, tailBytes: 1 },
      { tailBytes: 1 },
      { tailBytes: 0xffffffff },
      { sequence: 0 },
      { sequence: 1 },
      { sequence: 4 },
      { sequence: 7 },
      { sequence: 2n ** 53n },
      { sequence: 2n ** 64n - 1n },
      { position: 2n ** 64n - 1n }
    ]
    for (const fields of wrong) {
      bytes.forge(4, fields)
      const what = Object.entries(fields).join(' ')
      assertOnlyLost(readAll(ring), [5], what)
      bytes.putSlot(4, slot)
    }
    assert.equal(readAll(ring).corrupt, 0)
  })

  it('F11 an event that claims slots which are not published', () => {
    forgeEmpty({ capacity: 64 })
    const client = ring.client({ from: 1 })
    const position = bytes.publish({ tail: Buffer.alloc(10 * 340) })
    bytes.set('head', position + 3n)
    bytes.set('claim', position + 3n)
    assert.deepEqual(client.poll(), [])
    assert(client.stats().corrupt >= 1)
    bytes.publish({ sequence: 2, details: 'next' })
    assert.deepEqual(sequences(client.poll()), [2])
    const { received, lost } = client.stats()
    assert.deepEqual([received, lost], [1, 1])
  })

  it('F12 a slot that changes all the time: one state or a loss', async () => {
    forgeEmpty()
    bytes.publish({ details: 'a'.repeat(256) })
    const child = ring.child()
    await child.call(
      (state, { file, helper }) => {
        const there = state.require(helper)
        const opened = new there.RingFile(file)
        const states = ['a', 'b'].map(
          (letter) => there.makeSlots({ details: letter.repeat(256) })[0]
        )
        setInterval(() => {
          for (let i = 0; i < 500; i++) {
            // In two halves, so that torn states stand there for a while.
            opened.putSlot(0, states[i % 2], 0, 200)
            opened.putSlot(0, states[i % 2], 200)
          }
        })
      },
      { file: ring.file, helper: require.resolve('../helpers/ring-file.js') }
    )
    const seen = { a: 0, b: 0, lost: 0 }
    await until(() => {
      for (let i = 0; i < 200; i++) {
        const { threats, lost } = readAll(ring)
        if (threats.length === 0) {
          assert.equal(lost[0].count, 1)
          seen.lost++
        } else {
          const [{ details }] = threats
          assert.match(details, /^(a{256}|b{256})$/)
          seen[details[0]]++
        }
      }
      return seen.a > 0 && seen.b > 0 && seen.lost > 0
    }, 'each of the three outcomes')
  })

  it('F18 garbage in the doorbell stops and misleads nobody', async () => {
    const writer = ring.writer({ maxEvents: 64 })
    const client = ring.client()
    bytes = ring.bytes()
    const seen = record(client, 'threat')
    for (let i = 1; i <= 300; i++) {
      bytes.set('waiters', (i * 2654435761) % 2 ** 32)
      writer.writeThreat(threat(`${i}`))
      if (i % 20 === 0) await until(() => seen.length === i, `${i} events`)
    }
    assert.equal(client.stats().lost, 0)
    assert.equal(client.stats().corrupt, 0)
  })

  it('a ring without checksums still checks all but content', () => {
    forgeEmpty({ flags: 0 })
    bytes.publish({ details: 'one', sealed: false })
    bytes.publish({ details: 'two', sealed: false, sourceUsed: 65 })
    bytes.publish({ details: 'three', sealed: false })
    const { threats, lost } = readAll(ring)
    assert.deepEqual(sequences(threats), [1, 3])
    assert.deepEqual(
      lost.map(({ count, from }) => [count, from]),
      [[1, 2]]
    )
  })
})
