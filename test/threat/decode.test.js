'use strict'
// The decoder, slot by slot: ids, sequences, what is counted beside the threats,
// and how much is inflated at once.

const assert = require('node:assert/strict')
const v8 = require('node:v8')
const vm = require('node:vm')
const { deflateRawSync } = require('node:zlib')
const fc = require('fast-check')
const { ThreatDecoder } = require('../../lib/threat/decode.js')
const { makeSlots, SLOT_BYTES, tailField } = require('../helpers/ring-file.js')
const { turn } = require('../helpers/wait.js')

const GENERATION = '0123456789abcdef'
const [DEFLATED, PRIORITY, CUT] = [1, 2, 4]
const [SOURCE, DETAILS, ID] = [1, 2, 3]
const MB = 2 ** 20
const MAX = Number.MAX_SAFE_INTEGER
const PRIORITY_COUNT = 380

/** The slots of one event; the count stands where its checksum would. */
function slotsOf({ priorityCount = 0, ...event }) {
  const slots = makeSlots({
    threatType: 4,
    severity: 3,
    sealed: false,
    ...event
  })
  slots[0].writeUInt32LE(priorityCount, PRIORITY_COUNT)
  return slots
}

/** A decoder whose buffer holds these events. */
function filled(events, { maxEventBytes, spare = 0 } = {}) {
  const slots = Buffer.concat([
    ...events.flatMap(slotsOf),
    Buffer.alloc(spare * SLOT_BYTES)
  ])
  const buffer = new ArrayBuffer(slots.length)
  slots.copy(Buffer.from(buffer))
  const corrupt = []
  const decoder = new ThreatDecoder(
    buffer,
    GENERATION,
    (sequence) => corrupt.push(sequence),
    maxEventBytes
  )
  decoder.begin()
  decoder.fill(events.length)
  return { buffer, corrupt, decoder }
}

function decodeAll(decoder) {
  const threats = []
  while (decoder.left > 0) decoder.decode(threats)
  return threats
}

const decoded = (events, options) => decodeAll(filled(events, options).decoder)

describe('the decoder', () => {
  it('gives all that a lead slot says, and nothing else', () => {
    const event = {
      ...{ sequence: 2 ** 32 + 5, timestampUs: 2n ** 33n + 7n },
      ...{ threatType: 2, severity: 4, blocked: 1 },
      ...{ source: 'sé', details: 'dé', priorityCount: 2 ** 32 - 1 }
    }
    assert.deepEqual(decoded([event]), [
      {
        sequence: 2 ** 32 + 5,
        id: `${GENERATION}-4294967301`,
        timestampUs: 2 ** 33 + 7,
        threatType: 'UnicodeBiDi',
        severity: 'Critical',
        source: 'sé',
        details: 'dé',
        blocked: true,
        generation: GENERATION,
        priority: 2 ** 32 - 1
      }
    ])
  })

  it('names the eight types and four severities, and says numbers else', () => {
    const types = [
      ...['Unknown', 'UnicodeInvisible', 'UnicodeBiDi', 'UnicodeHomoglyph'],
      ...['InjectionAttempt', 'PathTraversal', 'SuspiciousPattern'],
      'RateLimitViolation'
    ]
    types.forEach((name, threatType) => {
      const [threat] = decoded([{ threatType }])
      assert.equal(threat.threatType, name)
      assert.equal('threatTypeCode' in threat, false)
    })
    for (const threatType of [8, 9, 2 ** 32 - 1]) {
      const [threat] = decoded([{ threatType }])
      assert.equal(threat.threatType, 'Unknown')
      assert.equal(threat.threatTypeCode, threatType)
    }
    const severities = ['Low', 'Medium', 'High', 'Critical']
    severities.forEach((name, i) => {
      const [threat] = decoded([{ severity: i + 1 }])
      assert.equal(threat.severity, name)
      assert.equal('severityCode' in threat, false)
    })
    for (const severity of [0, 5, 255]) {
      const [threat] = decoded([{ severity }])
      assert.equal(threat.severity, 'Unknown')
      assert.equal(threat.severityCode, severity)
    }
  })

  it('any byte but 0 is blocked, and no other byte', () => {
    for (const blocked of [1, 2, 128, 255]) {
      const [threat] = decoded([{ blocked, severity: 0 }])
      assert.equal(threat.blocked, true)
    }
    assert.equal(decoded([{ blocked: 0, severity: 255 }])[0].blocked, false)
  })

  it('a time that could not be written again is the nearest that can', () => {
    for (const [timestampUs, expected] of [
      [0n, 1],
      [1n, 1],
      [2n, 2],
      [BigInt(MAX) - 1n, MAX - 1],
      [BigInt(MAX), MAX],
      [BigInt(MAX) + 1n, MAX],
      [2n ** 64n - 1n, MAX]
    ]) {
      assert.equal(decoded([{ timestampUs }])[0].timestampUs, expected)
    }
  })

  it('property: an id is the generation and the sequence', () => {
    const sequence = fc.oneof(
      fc.integer({ min: 1, max: MAX }),
      fc.integer({ min: 995, max: 1005 }),
      fc.integer({ min: 999_990, max: 1_000_010 })
    )
    const list = fc.array(sequence, { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(list, (sequences) => {
        const threats = decoded(sequences.map((one) => ({ sequence: one })))
        assert.deepEqual(
          threats.map(({ id }) => id),
          sequences.map((one) => `${GENERATION}-${one}`)
        )
      }),
      { examples: [[[1, 999, 1000, 1001, 2007, 1099, 7]]] }
    )
  })

  it('texts that the native reader made are taken as they are', () => {
    const events = [1, 2, 3].map((sequence) => ({
      ...{ sequence, details: `slot ${sequence}` }
    }))
    const { decoder } = filled(events)
    decoder.addDetails(['first'])
    decoder.addDetails(['second'])
    const details = decodeAll(decoder).map((threat) => threat.details)
    assert.deepEqual(details, ['first', 'second', 'slot 3'])
  })

  it('texts of one read are not those of the next', () => {
    const { decoder } = filled([{ details: 'slot' }])
    decoder.addDetails(['first'])
    assert.equal(decodeAll(decoder)[0].details, 'first')
    decoder.addDetails(['left over'])
    decoder.begin()
    assert.equal(decoder.left, 0)
    decoder.fill(1)
    assert.equal(decodeAll(decoder)[0].details, 'slot')
  })

  it('texts that were taken are not held until the next read', async () => {
    v8.setFlagsFromString('--expose-gc')
    const collect = vm.runInNewContext('gc')
    const { decoder } = filled([{}, {}])
    const add = () => {
      const details = ['first', 'second']
      decoder.addDetails(details)
      return new WeakRef(details)
    }
    const held = add()
    decodeAll(decoder)
    // A weak reference holds what it was made of until the turn is over.
    await turn()
    collect()
    assert.equal(held.deref(), undefined)
  })

  it('says where it stands: next, left, sequence, publishNs, span', () => {
    const events = [
      { sequence: 2 ** 40, publishNs: 2n ** 41n + 3n },
      { sequence: 8, publishNs: 9, tail: tailField(ID, 'i'.repeat(400)) },
      { sequence: 9, publishNs: 10 }
    ]
    const { decoder } = filled(events)
    assert.deepEqual([decoder.left, decoder.next], [3, 2 ** 40])
    assert.deepEqual(
      [0, 1, 4].map((slot) => decoder.sequence(slot)),
      [...[2 ** 40, 8, 9]]
    )
    assert.deepEqual(
      [0, 1, 4].map((slot) => decoder.publishNs(slot)),
      [...[2 ** 41 + 3, 9, 10]]
    )
    assert.deepEqual(
      [0, 1, 4].map((slot) => decoder.span(slot)),
      [1, 3, 1]
    )
    decodeAll(decoder)
    assert.deepEqual([decoder.left, decoder.next], [0, null])
  })

  it('counts priority events before the first and up to each', () => {
    const tail = tailField(DETAILS, 'd'.repeat(700))
    const events = [
      { sequence: 7, priorityCount: 4, flags: PRIORITY },
      { sequence: 8, priorityCount: 4, tail },
      { sequence: 9, priorityCount: 5, flags: PRIORITY }
    ]
    const { decoder } = filled(events)
    const expected = { first: 7, counts: [3, 4, 4, 5] }
    assert.deepEqual(decoder.priorities(), expected)
    decodeAll(decoder)
    assert.deepEqual(decoder.priorities(), expected)
    // The first one has none, and the count goes round.
    const other = filled([{ sequence: 1, priorityCount: 4, flags: CUT }])
    assert.deepEqual(other.decoder.priorities(), { first: 1, counts: [4, 4] })
    const round = filled([{ sequence: 1, priorityCount: 0, flags: PRIORITY }])
    const before = 2 ** 32 - 1
    const all = { first: 1, counts: [before, 0] }
    assert.deepEqual(round.decoder.priorities(), all)
    decoder.begin()
    assert.deepEqual(decoder.priorities().counts, [])
  })

  describe('of a continuation', () => {
    const text = 'a long text '.repeat(100)
    const fields = Buffer.concat([
      tailField(SOURCE, 'whole source'),
      tailField(DETAILS, text),
      tailField(ID, 'own')
    ])
    const event = { source: 'cut', details: 'cut', sequence: 3 }

    for (const [name, tail, flags] of [
      ['as it is', fields, 0],
      ['deflated', deflateRawSync(fields), DEFLATED]
    ]) {
      it(`${name}: the whole texts`, () => {
        const [threat, next] = decoded([
          { ...event, tail, flags },
          { sequence: 4 }
        ])
        assert.equal(threat.source, 'whole source')
        assert.equal(threat.details, text)
        assert.equal(threat.id, 'own')
        assert.equal('cut' in threat, false)
        assert.equal(next.sequence, 4)
      })

      it(`${name}: what is more than maxEventBytes comes cut`, () => {
        const bytes = Buffer.byteLength(`whole source${text}own`)
        const one = { ...event, tail, flags }
        const [fits] = decoded([one], { maxEventBytes: bytes })
        assert.equal(fits.details, text)
        const [threat] = decoded([one], { maxEventBytes: bytes - 1 })
        assert.equal(threat.cut, true)
        assert.equal(threat.details, 'cut')
        assert.equal(threat.id, `${GENERATION}-3`)
      })
    }

    it('what the lead slot has counts, where nothing takes its place', () => {
      const lead = { source: 'abc', details: 'defgh', sequence: 3 }
      const one = { ...lead, tail: tailField(ID, 'own') }
      // Behind another one, so that its slot is not the first.
      const list = [{ sequence: 2 }, one]
      assert.equal('cut' in decoded(list, { maxEventBytes: 11 })[1], false)
      assert.equal(decoded(list, { maxEventBytes: 10 })[1].cut, true)
      assert.equal(decoded([one], { maxEventBytes: 10 })[0].cut, true)
    })

    it('one that is longer than any of that text: not even gathered', () => {
      // Unknown tags are no text, but room.
      const most = 4096 + 4 * 8
      const padded = (length) => tailField(9, 'x'.repeat(length - 8))
      const flags = 0
      const fits = { ...event, tail: padded(most), flags }
      assert.equal('cut' in decoded([fits], { maxEventBytes: 4096 })[0], false)
      const longer = { ...event, tail: padded(most + 1), flags }
      assert.equal(decoded([longer], { maxEventBytes: 4096 })[0].cut, true)
    })

    it('inflated it may be as long, and no longer', () => {
      const most = 4096 + 4 * 8
      const padded = (length) =>
        deflateRawSync(tailField(9, 'x'.repeat(length - 8)))
      const flags = DEFLATED
      const fits = filled([{ ...event, tail: padded(most), flags }], {
        maxEventBytes: 4096
      })
      assert.equal('cut' in decodeAll(fits.decoder)[0], false)
      const longer = filled([{ ...event, tail: padded(most + 1), flags }], {
        maxEventBytes: 4096
      })
      assert.equal(decodeAll(longer.decoder)[0].cut, true)
      assert.deepEqual(longer.corrupt, [], 'it is large, not damaged')
    })

    it('one that does not inflate is told, and comes cut', () => {
      const tail = Buffer.from([0xff, 0xff, 0xff])
      const { corrupt, decoder } = filled([{ ...event, tail, flags: DEFLATED }])
      const [threat] = decodeAll(decoder)
      assert.deepEqual(corrupt, [3])
      assert.deepEqual([threat.details, threat.cut], ['cut', true])
      // Nobody needs to be told.
      const slots = Buffer.concat(
        slotsOf({ ...event, tail, flags: DEFLATED, sealed: false })
      )
      const buffer = new ArrayBuffer(slots.length)
      slots.copy(Buffer.from(buffer))
      const quiet = new ThreatDecoder(buffer, GENERATION)
      quiet.fill(1)
      assert.equal(decodeAll(quiet)[0].cut, true)
    })

    it('one that the writer cut is cut, with all that it has', () => {
      const [threat] = decoded([{ ...event, tail: fields, flags: CUT }])
      assert.deepEqual([threat.details, threat.cut], [text, true])
      assert.equal(decoded([{ ...event, flags: CUT }])[0].cut, true)
      assert.equal('cut' in decoded([{ ...event, flags: 3 }])[0], false)
    })
  })

  describe('leaves what is inflated to its next call', () => {
    const half = deflateRawSync(tailField(DETAILS, 'x'.repeat(MB / 2 - 8)))
    const events = (count, tail, sequence = 1) =>
      Array.from({ length: count }, (_, i) => ({
        ...{ sequence: sequence + i, tail, flags: DEFLATED }
      }))

    /** How many each call decodes. */
    function calls(list, options) {
      const { decoder } = filled(list, options)
      const counts = []
      while (decoder.left > 0) {
        const threats = []
        decoder.decode(threats)
        counts.push(threats.length)
        const all = counts.reduce((sum, count) => sum + count)
        assert.equal(decoder.next, all < list.length ? all + 1 : null)
      }
      return counts
    }

    it('from 2^20 bytes on', () => {
      assert.deepEqual(calls(events(5, half)), [2, 2, 1])
      // A byte less leaves room for one more.
      const less = deflateRawSync(tailField(DETAILS, 'x'.repeat(MB / 2 - 9)))
      assert.deepEqual(calls(events(5, less)), [3, 2])
    })

    it('with the texts that the native reader made of all', () => {
      const tail = deflateRawSync(tailField(9, 'x'.repeat(MB / 2)))
      const { decoder } = filled(events(5, tail))
      const texts = ['a', 'b', 'c', 'd', 'e']
      decoder.addDetails(texts)
      const details = decodeAll(decoder).map((threat) => threat.details)
      assert.deepEqual(details, texts)
    })

    it('counting what does not inflate, or too far, as the most', () => {
      const damaged = Buffer.from([0xff, 0xff])
      assert.deepEqual(calls(events(3, damaged)), [1, 1, 1])
      const large = deflateRawSync(Buffer.alloc(2 * MB))
      assert.deepEqual(calls(events(3, large)), [1, 1, 1])
    })

    it('and nothing of what is not deflated', () => {
      const plain = { tail: tailField(DETAILS, 'x'.repeat(MB / 2 - 8)) }
      const list = [1, 2, 3].map((sequence) => ({ ...plain, sequence }))
      assert.deepEqual(calls(list), [3])
    })
  })

  it('an event that throws is not decoded twice', () => {
    const tail = Buffer.from([0xff, 0xff])
    const slots = Buffer.concat(
      [
        { sequence: 1 },
        { sequence: 2, tail, flags: DEFLATED },
        { sequence: 3 }
      ].flatMap(slotsOf)
    )
    const buffer = new ArrayBuffer(slots.length)
    slots.copy(Buffer.from(buffer))
    let isFirst = true
    const decoder = new ThreatDecoder(buffer, GENERATION, () => {
      if (!isFirst) return
      isFirst = false
      throw new Error('of the caller')
    })
    decoder.fill(3)
    const threats = []
    assert.throws(() => decoder.decode(threats), /of the caller/)
    assert.deepEqual([decoder.left, decoder.next], [2, 2])
    while (decoder.left > 0) decoder.decode(threats)
    assert.deepEqual(
      threats.map(({ sequence }) => sequence),
      [1, 2, 3]
    )
  })
})
