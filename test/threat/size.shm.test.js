'use strict'
// A Shield without a ring counts and forgets as one with a ring does. What
// lib/threat/size.js and lib/shield/memory-history.js say of rings is held against rings.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const fc = require('fast-check')
const { checkBatch } = require('../../lib/options/batch.js')
const { native } = require('../../lib/shm/addon.js')
const { SharedMemoryIpc } = require('../../lib/index.js')
const { MemoryHistory } = require('../../lib/shield/memory-history.js')
const { RingHistory } = require('../../lib/shield/ring-history.js')
const {
  capacityOf,
  plainSpanOf,
  laneOf,
  ringBytes,
  spanOf
} = require('../../lib/threat/size.js')
const { checkThreat, limitsOf } = require('../../lib/threat/check.js')
const { MOST_EVENT_BYTES } = require('../../lib/threat/limits.js')
const { anyText } = require('../helpers/any-text.js')
const { noise, TestRing, threat, useRing } = require('../helpers/ring.js')
const { ringFile } = require('../helpers/ring-file.js')

const SLOT_BYTES = 384
const TAIL_BYTES = 340
const FIELD_HEADER = 8
const MAX_EVENTS = 2 ** 22
const GENERATION = '0123456789abcdef'

const newLog = (capacity, lane) =>
  new MemoryHistory({
    generation: GENERATION,
    capacity,
    lane,
    predecessor: null
  })

/** The bytes of details that fill so many slots. */
const detailsOf = (slots) =>
  slots === 1 ? 256 : (slots - 1) * TAIL_BYTES - FIELD_HEADER

/** A threat that takes so many slots, and leaves `free` bytes of the last. */
const spanning = (slots, free = 0) =>
  threat('d'.repeat(detailsOf(slots) - free))

// Of both, so that the ring alone says how much fits into it.
const LIMITS = { maxEventBytes: MOST_EVENT_BYTES }

/** As a writer of these limits checks it. */
const check = (input) => checkThreat(input, limitsOf(LIMITS))

// Text of which deflating leaves most.
const NOISE = noise(300_000)

const found = new Map()

/** A threat that takes so many slots, deflated or not. */
function taking(slots, free = 0) {
  if (slots <= 7) return spanning(slots, free)
  if (!found.has(slots)) found.set(slots, find(slots))
  return found.get(slots)
}

function find(slots) {
  const takes = (length) =>
    spanOf(checkThreat(threat(NOISE.slice(0, length)))) >= slots
  let length = 1
  for (let step = 2 ** 18; step >= 1; step /= 2) {
    if (!takes(length + step)) length += step
  }
  const input = threat(NOISE.slice(0, length + 1))
  assert.equal(spanOf(checkThreat(input)), slots)
  return input
}

/** The code of what `action` throws, or null. */
function codeOf(action) {
  try {
    action()
    return null
  } catch (error) {
    assert.equal(typeof error.code, 'string', error.stack)
    return error.code
  }
}

describe('ring-size', () => {
  const current = useRing()

  describe('capacityOf and ringBytes', () => {
    const edges = [1, 2, 3, 15]
    for (let events = 16; events <= MAX_EVENTS; events *= 2) {
      edges.push(events - 1, events, events + 1)
    }
    const valid = edges.filter((events) => events <= MAX_EVENTS)

    /** A real ring has what they say. */
    function assertAgree(maxEvents, more) {
      const writer = current().writer({ maxEvents, priorityEvents: more })
      const { capacity, priorityEvents, fileBytes, path: file } = writer.stats()
      writer.close()
      const what = `${maxEvents} events, ${more} more`
      assert.equal(capacityOf(maxEvents), capacity, what)
      assert.equal(laneOf(more), priorityEvents, what)
      assert.equal(ringBytes(capacity, priorityEvents), fileBytes, what)
      assert.equal(fs.statSync(ringFile(file)).size, fileBytes)
    }

    it('are what a ring has that was asked for nothing', () => {
      assertAgree(undefined)
    })

    it('are what a ring has, at and beside each power of two', () => {
      for (const events of valid.filter((each) => each <= 2 ** 15 + 1)) {
        assertAgree(events)
      }
    })

    it('are what a ring has, of any number of events', () => {
      fc.assert(fc.property(fc.integer({ min: 1, max: 20_000 }), assertAgree))
    })

    it('are what a ring has, of any number of priority events', () => {
      for (const more of [0, 1, 2, 3, 4, 5, 170, 171, 256, 341, 342, 1024]) {
        assertAgree(16, more)
      }
    })

    it('are what a ring needs that would be too large for a test', () => {
      // The core says how many bytes it needs before it makes anything.
      const { dir } = current()
      const anyNumber = fc.integer({ min: 1, max: MAX_EVENTS })
      const numbers = [...valid, ...fc.sample(anyNumber, 200)]
      for (const maxEvents of numbers) {
        const bytes = ringBytes(capacityOf(maxEvents), 256)
        assert.throws(
          () => new native.Writer({ dir, maxEvents, bufferSize: bytes - 1 }),
          {
            code: 'ERR_INVALID_OPTION',
            message:
              `bufferSize is ${bytes - 1} bytes, but ${maxEvents} events ` +
              `and 256 priority events need ${bytes}`
          }
        )
      }
      assert.deepEqual(fs.readdirSync(dir), [])
    })
  })

  describe('spanOf', () => {
    let writer

    beforeEach(() => {
      writer = current().writer({ maxEvents: 4096 })
    })

    /** Publishes it, and tells whether it took what was foretold. */
    function assertTakes(input) {
      const before = writer.stats().bytes
      writer.writeThreat(input)
      const taken = (writer.stats().bytes - before) / SLOT_BYTES
      assert.equal(spanOf(checkThreat(input)), taken)
      return taken
    }

    // One, two, three and four bytes, and one of two UTF-16 units.
    const characters = ['a', 'é', '€', '😀', '\0']

    /** Text of that many bytes: one kind of character, filled up with `a`. */
    function textOf(character, bytes) {
      const each = Buffer.byteLength(character)
      const count = Math.floor(bytes / each)
      return character.repeat(count) + 'a'.repeat(bytes - count * each)
    }

    it('is what one threat takes of a ring that has no other', async () => {
      for (const bytes of [0, 256, 257, 332, 333, 672, 673, 1012, 1013]) {
        const ring = new TestRing()
        try {
          const fresh = ring.writer({ maxEvents: 32 })
          const input = threat('d'.repeat(bytes))
          fresh.writeThreat(input)
          const taken = fresh.stats().bytes / SLOT_BYTES
          assert.equal(spanOf(checkThreat(input)), taken)
          const head = ring.bytes().get('head')
          assert.equal(head, BigInt(taken), 'the slots that it took')
        } finally {
          await ring.remove()
        }
      }
    })

    for (const [field, free] of [
      ['source', 64],
      ['details', 256],
      ['id', 0]
    ]) {
      it(`counts ${field} in bytes: free up to ${free}, then in slots`, () => {
        for (const character of characters) {
          for (let bytes = Math.max(1, free - 5); bytes <= free + 5; bytes++) {
            const input = threat('', { [field]: textOf(character, bytes) })
            const taken = assertTakes(input)
            assert.equal(taken, bytes > free ? 2 : 1)
          }
          // Longer ones are deflated.
          for (const slots of [2, 3, 4, 7]) {
            const full = detailsOf(slots)
            for (let more = -5; more <= 5; more++) {
              const value = textOf(character, full + more)
              const taken = assertTakes(threat('', { [field]: value }))
              assert.equal(taken, more > 0 ? slots + 1 : slots)
            }
          }
        }
      })
    }

    it('counts what is left of a long text', () => {
      for (const character of characters) {
        for (const bytes of [5000, 16_375, 16_376, 16_377, 65_536, 300_000]) {
          const text = textOf(character, bytes)
          const taken = assertTakes(threat(text))
          const plain = plainSpanOf(checkThreat(threat(text)))
          assert.equal(plain, 1 + Math.ceil((bytes + 8) / TAIL_BYTES))
          assert.equal(taken < plain, bytes >= 16_376, `${bytes}: ${taken}`)
        }
      }
      for (let bytes = 2000; bytes < 300_000; bytes += bytes >> 2) {
        assertTakes(threat(NOISE.slice(0, bytes)))
      }
    })

    it('counts all of a text that is too long for a reader to inflate', () => {
      writer.close()
      fs.unlinkSync(current().file)
      writer = current().writer({ maxEvents: 2 ** 14 })
      const text = 'x'.repeat(2 ** 20 - FIELD_HEADER)
      assert(assertTakes(threat(text)) < 20)
      assert.equal(assertTakes(threat(`${text}x`)), 3086)
    })

    it('counts a context as the JSON that it becomes', () => {
      const values = [null, 0, false, '', [], {}, { a: [1, 'é', '😀'] }]
      for (const context of values) {
        assert.equal(assertTakes(threat('', { context })), 2)
      }
      // Two quotation marks belong to it, and an escape has six bytes.
      for (let length = 320; length <= 340; length++) {
        const plain = threat('', { context: 'c'.repeat(length) })
        assert.equal(assertTakes(plain), length + 2 > 332 ? 3 : 2)
      }
      const escaped = threat('', { context: '\u0001'.repeat(55) })
      assert.equal(assertTakes(escaped), 2)
      escaped.context += 'a'
      assert.equal(assertTakes(escaped), 3)
    })

    it('counts what several fields take together', () => {
      // Each has a header of its own, and only those that do not fit count.
      for (let bytes = 0; bytes <= 400; bytes++) {
        const more = { id: 'i', source: 's'.repeat(65), context: 1 }
        assertTakes(threat('d'.repeat(bytes), more))
        assertTakes(
          threat('', { ...more, source: 's', id: 'i'.repeat(bytes + 1) })
        )
      }
    })

    it('is right of any threat', () => {
      const text = (maxLength) =>
        fc.oneof(
          anyText({ maxLength }),
          fc
            .tuple(fc.constantFrom(...characters), fc.nat(4 * maxLength))
            .map(([character, bytes]) => textOf(character, bytes))
        )
      const input = fc.record(
        {
          threatType: fc.nat(7),
          severity: fc.nat(4),
          source: text(200),
          details: text(1000),
          id: text(400).filter((id) => id !== ''),
          context: fc.jsonValue()
        },
        { requiredKeys: ['threatType', 'severity', 'source', 'details'] }
      )
      const property = fc.property(input, (any) => {
        assertTakes(any)
      })
      fc.assert(property, { numRuns: 1000 })
    })
  })
})

describe('MemoryHistory beside a ring of the same capacity', () => {
  const current = useRing()

  /** Both, which have published nothing so far. */
  function pair(maxEvents, ring = current(), priorityEvents = undefined) {
    const writer = ring.writer({ maxEvents, priorityEvents })
    const { capacity, priorityEvents: lane } = writer.stats()
    return { writer, log: newLog(capacity, lane) }
  }

  /** The batch in both, and the code of either's refusal, which is the same. */
  function publish({ writer, log }, inputs) {
    const { oldest } = log
    const code = codeOf(() => writer.writeThreats(inputs))
    // What IpcTransport does, ring or not.
    const append = () => log.append(checkBatch(inputs, log.capacity / 4, check))
    const spans = inputs.map((input) => spanOf(check(input)))
    assert.equal(codeOf(append), code, `slots ${spans} of ${log.capacity}`)
    assert.equal(log.sequence, writer.stats().sequence)
    if (code !== null) {
      assert.equal(log.oldest, oldest)
    }
    return code
  }

  /** Everything that a cursor gives, in one. */
  function readAll(cursor) {
    const losses = []
    const threats = []
    try {
      for (let more = true; more;) {
        const read = cursor.read(10)
        const { texts, priorities, isRescued } = read
        losses.push(...read.losses)
        texts.forEach((text, i) => {
          const { sequence, severity, source, details, cut, ...rest } =
            JSON.parse(text)
          assert.equal(rest.priority_count, priorities[i])
          const facts = { severity, cut, isRescued, priority: priorities[i] }
          threats.push({ sequence, source, details, ...facts })
        })
        if (texts.length > 0) {
          const isFirst = threats.at(-texts.length).severity === 'Critical'
          assert.equal(read.before, priorities[0] - (isFirst ? 1 : 0))
        }
        more = read.more
      }
    } finally {
      cursor.close()
    }
    return {
      losses: losses.map(({ count, from, to, priority, reason }) => [
        ...[count, from, to, priority],
        reason
      ]),
      threats
    }
  }

  describe('refuses what the ring refuses', () => {
    for (const maxEvents of [16, 64, 1024]) {
      const limit = maxEvents / 4

      it(`one threat of more than ${limit} of ${maxEvents} slots`, () => {
        const both = pair(maxEvents)
        assert.equal(publish(both, [spanning(limit)]), null)
        const tooLarge = threat(`${spanning(limit).details}d`)
        assert.equal(publish(both, [tooLarge]), 'ERR_EVENT_TOO_LARGE')
        const single = codeOf(() => both.writer.writeThreat(tooLarge))
        assert.equal(single, 'ERR_EVENT_TOO_LARGE')
        const huge = threat('d'.repeat(400 * maxEvents))
        assert.equal(publish(both, [huge]), 'ERR_EVENT_TOO_LARGE')
        assert.equal(publish(both, [spanning(limit)]), null)
      })

      it(`a batch of more than ${limit} of ${maxEvents} slots`, () => {
        const both = pair(maxEvents)
        const ones = (count) => new Array(count).fill(threat())
        assert.equal(publish(both, ones(limit)), null)
        assert.equal(publish(both, ones(limit + 1)), 'ERR_BATCH_TOO_LARGE')
        const twos = new Array(limit / 2).fill(spanning(2))
        assert.equal(publish(both, twos), null)
        assert.equal(publish(both, [...twos, threat()]), 'ERR_BATCH_TOO_LARGE')
        assert.equal(publish(both, [threat(), ...twos]), 'ERR_BATCH_TOO_LARGE')
        // Each is small enough, and they are not together: deflated or not.
        const half = taking(limit / 2)
        const more = taking(limit / 2 + 1)
        assert.equal(publish(both, [half, half]), null)
        assert.equal(publish(both, [half, more]), 'ERR_BATCH_TOO_LARGE')
        assert.equal(publish(both, [more, half]), 'ERR_BATCH_TOO_LARGE')
        assert.equal(publish(both, [more]), null)
        assert.equal(publish(both, []), null)
      })
    }

    it('a batch by what its threats take when they are deflated', () => {
      const both = pair(1024)
      const long = spanning(256)
      const taken = spanOf(checkThreat(long))
      assert(taken < 10, 'it is deflated')
      const most = Math.floor(256 / taken)
      const full = new Array(most).fill(long)
      assert.equal(publish(both, full), null)
      assert.equal(publish(both, [...full, long]), 'ERR_BATCH_TOO_LARGE')
    })

    it('a batch that is too large before its large threat comes', () => {
      const both = pair(16)
      const inputs = [spanning(3), spanning(3), spanning(5)]
      assert.equal(publish(both, inputs), 'ERR_BATCH_TOO_LARGE')
      inputs.reverse()
      assert.equal(publish(both, inputs), 'ERR_EVENT_TOO_LARGE')
    })

    it('one threat of more slots than a slot can count, in a large ring', () => {
      // A span has 16 bits, and a quarter of this ring is 65,536 slots. It is
      // too large for the shared memory of many a container.
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
      const writer = new SharedMemoryIpc({
        dir,
        maxEvents: 2 ** 18,
        ...LIMITS
      })
      try {
        const both = { writer, log: newLog(2 ** 18) }
        const most = 65535
        assert.equal(publish(both, [spanning(most)]), null)
        const tooLarge = spanning(most + 1, TAIL_BYTES - 1)
        assert.equal(publish(both, [tooLarge]), 'ERR_EVENT_TOO_LARGE')
      } finally {
        writer.close()
        fs.rmSync(dir, { recursive: true })
      }
    })

    it('any batch, by the same code', async () => {
      const span = fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) },
        { weight: 1, arbitrary: fc.integer({ min: 5, max: 20 }) }
      )
      const seen = new Set()
      const one = fc.tuple(span, fc.nat(70))
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(16, 32, 64),
          fc.array(fc.array(one, { maxLength: 10 }), { maxLength: 10 }),
          async (maxEvents, batches) => {
            const ring = new TestRing()
            try {
              const both = pair(maxEvents, ring)
              for (const batch of batches) {
                const inputs = batch.map((each) => spanning(...each))
                seen.add(publish(both, inputs))
              }
            } finally {
              await ring.remove()
            }
          }
        )
      )
      const codes = ['ERR_BATCH_TOO_LARGE', 'ERR_EVENT_TOO_LARGE', null]
      assert.deepEqual([...seen].sort(), codes.sort())
    })
  })

  describe('forgets what the ring overwrites', () => {
    /** The first sequence that a new client gets, or null. */
    function oldestOf(ring) {
      const client = ring.client({ from: 'oldest' })
      const [first] = client.poll(1)
      client.close()
      return first?.sequence ?? null
    }

    /** Batches that a ring of so many slots takes. */
    const batchesOf = (maxEvents, most) =>
      fc.array(
        fc
          .array(fc.tuple(fc.integer({ min: 1, max: most }), fc.nat(70)), {
            minLength: 1,
            maxLength: most
          })
          .map((batch) => {
            let left = maxEvents / 4
            return batch.filter(([slots]) => {
              if (slots > left) return false
              left -= slots
              return true
            })
          }),
        { maxLength: 40 }
      )

    const longest = (limit) => (limit > 7 ? (limit / 4) * 3 : limit)

    const streams = fc.constantFrom(16, 32, 128).chain((maxEvents) =>
      fc.tuple(
        fc.constant(maxEvents),
        fc
          // A longer one would not have been let in, were it not deflated.
          .constantFrom(1, 2, longest(maxEvents / 4))
          .chain((most) => batchesOf(maxEvents, most))
      )
    )

    it('before anything is published: nothing', () => {
      const { log } = pair(16)
      assert.equal(log.oldest, 1)
      assert.equal(oldestOf(current()), null)
    })

    it('one by one, of threats of one slot', () => {
      const both = pair(16)
      for (let sequence = 1; sequence <= 40; sequence++) {
        publish(both, [threat(`${sequence}`)])
        const oldest = Math.max(1, sequence - 15)
        assert.equal(both.log.oldest, oldest)
        assert.equal(oldestOf(current()), oldest)
      }
    })

    it('whole threats, when a part of one is overwritten', () => {
      for (const slots of [2, 3, 4]) {
        const both = pair(16)
        for (let i = 0; i < 40; i++) {
          publish(both, [spanning(i % 2 === 0 ? slots : 1)])
          assert.equal(oldestOf(current()), both.log.oldest)
        }
        both.writer.close()
        fs.unlinkSync(current().file)
      }
    })

    it('after any batches, at each of them', async () => {
      let forgotten = 0
      await fc.assert(
        fc.asyncProperty(streams, async ([maxEvents, batches]) => {
          const ring = new TestRing()
          try {
            const both = pair(maxEvents, ring)
            for (const batch of batches) {
              const inputs = batch.map((each) => taking(...each))
              assert.equal(publish(both, inputs), null)
              const { log } = both
              const first = log.sequence === 0 ? null : log.oldest
              assert.equal(oldestOf(ring), first)
            }
            forgotten += both.log.oldest - 1
          } finally {
            await ring.remove()
          }
        })
      )
      assert(forgotten > 0, 'nothing was overwritten, so nothing was tested')
    })

    it('F88 and counts on from where a cursor went back to', () => {
      const both = pair(16, current(), 0)
      const critical = threat('c', { severity: 'Critical' })
      publish(both, [critical, critical, critical, critical])
      const { writer, log } = both
      const cursors = [log, new RingHistory(writer)].map((each) =>
        each.cursor(1, 0)
      )
      for (const cursor of cursors) {
        assert.equal(cursor.read(10).texts.length, 4)
        cursor.goBack(3, 2)
      }
      for (let i = 0; i < 20; i++) publish(both, [threat('low')])
      for (const cursor of cursors) {
        const [{ from, to, priority }] = readAll(cursor).losses.map(
          ([, ...loss]) => ({ from: loss[0], to: loss[1], priority: loss[2] })
        )
        assert.deepEqual([from, to, priority], [3, 8, 2])
      }
    })

    it('F88 and gives the same threats and losses, wherever one begins', async () => {
      const begin = fc.oneof(
        fc.constant('oldest'),
        fc.nat(9).map((n) => n / 9)
      )
      // Slots of the lane; every so many is Critical; whether the reader
      // knows how many of those came before.
      const priority = fc.tuple(
        fc.constantFrom(0, 2, 8, 64),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean()
      )
      const full = new Array(40).fill([[1, 0]])
      const long = new Array(40).fill([[4, 0]])
      const reasons = new Set()
      let [rescued, cut, known] = [0, 0, 0]
      const property = fc.asyncProperty(
        streams,
        begin,
        priority,
        async ([maxEvents, batches], at, [lane, every, isCounted]) => {
          const ring = new TestRing()
          try {
            const { writer, log } = pair(maxEvents, ring, lane)
            let count = 0
            for (const batch of batches) {
              const severities = batch.map(() =>
                ++count % every === 0 ? 'Critical' : 'Low'
              )
              const inputs = batch.map((each, i) => ({
                ...taking(...each),
                severity: severities[i]
              }))
              publish({ writer, log }, inputs)
            }
            // From the first to one that is still to come.
            const from =
              typeof at === 'number' ? 1 + Math.round(at * log.sequence) : at
            const before = isCounted ? Math.floor((from - 1) / every) : null
            const ours = readAll(log.cursor(from, before))
            assert.deepEqual(
              ours,
              readAll(new RingHistory(writer).cursor(from, before))
            )
            const { losses, threats } = ours
            losses.forEach((loss) => reasons.add(loss.at(-1)))
            known += losses.filter(([, , , counted]) => counted !== null).length
            rescued += threats.filter(({ isRescued }) => isRescued).length
            cut += threats.filter((each) => each.cut).length
          } finally {
            await ring.remove()
          }
        }
      )
      await fc.assert(property, {
        // One of each reason there is, whatever chance brings.
        examples: ['oldest', 0, 0.3].flatMap((at) => [
          [[16, full], at, [8, 3, true]],
          [[16, long], at, [8, 3, false]]
        ])
      })
      assert.deepEqual([...reasons].sort(), ['before-join', 'overwritten'])
      assert(rescued > 0 && cut > 0 && known > 0, `${rescued} ${cut} ${known}`)
    })
  })
})
