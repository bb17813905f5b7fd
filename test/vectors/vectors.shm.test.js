'use strict'
// The test vectors are what make.js makes, JavaScript reads from them what
// stands beside them, and a writer goes on with each as it must. C:
// test/c/vectors.shm.test.js; Python: test/languages/.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { ShmClient, SharedMemoryIpc } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { makeAll } = require('./cases.js')
const { expected, NAMES, place, wordsOf } = require('./expected.js')
const { makeFiles } = require('./make.js')

/** Threats and losses in the order of their sequences; what was lost of an
 * earlier ring first. */
function inOrder(generation, threats, losses) {
  const items = [
    ...losses.map((lost) => ({ lost })),
    ...threats.map((one) => ({ threat: one }))
  ]
  const first = ({ lost, threat: one }) => {
    if (lost === undefined) return one.sequence
    return lost.generation === generation ? lost.from : 0
  }
  return items.sort((a, b) => first(a) - first(b))
}

/** A threat without its place in the stream, which the vector tells of all. */
function withoutPlace(generation, { generation: own, priority, ...rest }) {
  assert.equal(own, generation)
  assert(Number.isSafeInteger(priority) && priority >= 0)
  return rest
}

/** What a client gets. */
function read(dir, generation, { join }) {
  const how = typeof join === 'string' ? { from: join } : join
  const losses = []
  const threats = []
  const client = new ShmClient({ dir, ...how })
  client.on('lost', (loss) => losses.push(loss))
  try {
    for (let batch; (batch = client.poll()).length > 0;) {
      threats.push(...batch.map((one) => withoutPlace(generation, one)))
    }
  } finally {
    client.close()
  }
  return JSON.parse(JSON.stringify(inOrder(generation, threats, losses)))
}

describe('test vectors', () => {
  const ring = useRing()

  it('are what make.js makes', () => {
    const files = makeFiles()
    const stored = fs
      .readdirSync(__dirname)
      .filter((name) => /\.(bin|json)$/.test(name))
    assert.deepEqual([...files.keys()].sort(), stored.sort())
    for (const [name, content] of files) {
      const found = fs.readFileSync(path.join(__dirname, name))
      assert(found.equals(Buffer.from(content)), `${name}: run make.js`)
    }
  })

  describe('in JavaScript', () => {
    for (const name of NAMES) {
      const { generation, reads } = expected(name)
      for (const reading of reads) {
        it(`${name}, ${wordsOf(reading).join(' ')}`, () => {
          place(name, ring().dir)
          const got = read(ring().dir, generation, reading)
          assert.deepEqual(got, reading.gives)
        })
      }
    }
  })

  describe('for the next writer', () => {
    for (const name of NAMES) {
      const { checksums, generation, nextSequence } = expected(name)
      const isReplaced = nextSequence === null
      const does = isReplaced ? 'is replaced' : `goes on with ${nextSequence}`
      it(`${name} ${does}`, () => {
        place(name, ring().dir)
        const writer = ring().writer({ enableChecksums: checksums })
        assert.equal(writer.writeThreat(threat()), nextSequence ?? 1)
        const isOther = writer.ringStats().generation !== generation
        assert.equal(isOther, isReplaced)
      })
    }
  })

  // The bytes of a writer's slot that follow from what is written.
  const sameSlot = (slot) => [
    slot.subarray(0, 16),
    slot.subarray(24, 374),
    slot.readUInt16LE(26) === 0 ? slot.subarray(380) : Buffer.alloc(0)
  ]

  /** Those of a ring and its lane. */
  const sameSlots = (bytes, capacity, lane) => {
    const behind = 131_072 + Math.ceil((capacity * 384) / 65_536) * 65_536
    const slots = (from, count) =>
      Array.from({ length: count }, (_, i) =>
        sameSlot(bytes.subarray(from + i * 384, from + (i + 1) * 384))
      )
    return [...slots(131_072, capacity), ...slots(behind, lane)]
  }

  for (const name of [
    'plain',
    'numbers',
    'texts',
    'long',
    'own',
    'wrapped',
    'lane'
  ]) {
    it(`${name}: the writer makes the same slots`, () => {
      const { priorityEvents } = expected(name)
      const writer = new SharedMemoryIpc({
        dir: ring().dir,
        maxEvents: 16,
        priorityEvents
      })
      ring().keep(writer)
      const { given } = makeAll().get(name)
      for (const one of given) {
        const { type, ...others } = one
        writer.writeThreat({ threatType: type, ...others })
      }
      const stored = fs.readFileSync(path.join(__dirname, `${name}.bin`))
      assert.deepEqual(
        sameSlots(fs.readFileSync(ring().ringFile), 16, priorityEvents),
        sameSlots(stored, 16, priorityEvents)
      )
    })
  }
})
