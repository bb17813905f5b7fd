'use strict'
// The decoder and slots that validate: whatever they hold, each is a threat of
// the right types, and its text is what stands there.

const assert = require('node:assert/strict')
const { deflateRawSync } = require('node:zlib')
const fc = require('fast-check')
const { ThreatDecoder } = require('../../lib/threat/decode.js')
const { severityNames, typeNames } = require('../../lib/threat/names.js')
const { anyText } = require('../helpers/any-text.js')
const { makeSlots, SLOT_BYTES, tailField } = require('../helpers/ring-file.js')

const GENERATION = '0123456789abcdef'
const MOST_SLOTS = 128

const bytes = (maxLength) =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

/** One field, honest about its length or not. */
const field = fc
  .tuple(fc.nat(6), bytes(400), fc.option(fc.nat(2 ** 32 - 1)))
  .map(([tag, content, length]) => tailField(tag, content, length ?? undefined))

const fields = fc.array(field, { maxLength: 5 }).map(Buffer.concat)

const tail = fc.oneof(
  bytes(1000),
  fields,
  fields.map((plain) => deflateRawSync(plain))
)

const event = fc.record({
  source: bytes(64),
  details: bytes(256),
  tail: fc.option(tail, { nil: undefined }),
  flags: fc.oneof(fc.constantFrom(0, 1), fc.nat(2 ** 31 - 1)),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  publishNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  timestampUs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  threatType: fc.oneof(fc.nat(9), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  severity: fc.nat(255),
  blocked: fc.nat(255)
})

/** The events that fit, and their slots in one buffer. */
function placed(events) {
  const list = []
  const slots = []
  for (const one of events) {
    const content = one.tail?.length > 0 ? one : { ...one, tail: undefined }
    const made = makeSlots({
      ...content,
      sealed: false,
      sourceUsed: one.source.length,
      detailsUsed: one.details.length
    })
    if (slots.length + made.length > MOST_SLOTS) break
    list.push(content)
    slots.push(...made)
  }
  return { list, slots }
}

describe('what the decoder makes of valid slots', () => {
  let buffer
  let decoder
  let corrupt

  beforeEach(() => {
    buffer = new ArrayBuffer(MOST_SLOTS * SLOT_BYTES)
    corrupt = []
    decoder = new ThreatDecoder(buffer, GENERATION, (sequence) =>
      corrupt.push(sequence)
    )
  })

  function decodeAll(events) {
    const { list, slots } = placed(events)
    const all = Buffer.from(buffer)
    slots.forEach((slot, i) => slot.copy(all, i * SLOT_BYTES))
    const threats = []
    decoder.begin()
    decoder.left = list.length
    for (let i = 0; decoder.left > 0; i++) {
      assert(i <= list.length, 'each call decodes one at least')
      decoder.decode(threats)
    }
    return { list, threats }
  }

  function check({ source, details, tail: end, ...fieldsOfSlot }, threat) {
    const { sequence, threatType, severity } = fieldsOfSlot
    assert.equal(threat.sequence, sequence)
    assert.equal(threat.threatType, typeNames[threatType] ?? 'Unknown')
    assert.equal(threat.severity, severityNames[severity] ?? 'Unknown')
    assert.equal(threat.blocked, fieldsOfSlot.blocked !== 0)
    // The nearest one that can be written.
    const time = Number(fieldsOfSlot.timestampUs)
    assert.equal(
      threat.timestampUs,
      Math.min(Math.max(time, 1), Number.MAX_SAFE_INTEGER)
    )
    for (const key of ['id', 'source', 'details']) {
      assert.equal(typeof threat[key], 'string')
    }
    if (end === undefined) {
      assert.equal(threat.source, source.toString())
      assert.equal(threat.details, details.toString())
      assert.equal(threat.id, `${GENERATION}-${sequence}`)
      assert.equal('context' in threat, false)
    }
  }

  it('F11 property: every event is one threat, and nothing throws', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 12 }),
        (events) => {
          corrupt.length = 0
          const { list, threats } = decodeAll(events)
          assert.equal(threats.length, list.length)
          list.forEach((one, i) => check(one, threats[i]))
          assert(corrupt.length <= list.length)
          // Nothing of anybody's prototype.
          assert.equal({}.polluted, undefined)
        }
      )
    )
  })

  it('F11 property: a run of honest fields comes out whole', () => {
    const text = anyText({ maxLength: 600 })
    const known = fc.record({
      1: fc.option(text, { nil: undefined }),
      2: fc.option(text, { nil: undefined }),
      3: fc.option(text, { nil: undefined }),
      4: fc.option(fc.json(), { nil: undefined }),
      77: fc.option(text, { nil: undefined })
    })
    fc.assert(
      fc.property(known, fc.boolean(), (content, isDeflated) => {
        const plain = Buffer.concat(
          Object.entries(content)
            .filter(([, value]) => value !== undefined)
            .map(([tag, value]) => tailField(Number(tag), value))
        )
        fc.pre(plain.length > 0)
        const one = {
          ...{ source: Buffer.from('cut'), details: Buffer.from('cut') },
          ...{ threatType: 4, severity: 3, blocked: 1, timestampUs: 1n },
          ...{ sequence: 7, flags: isDeflated ? 1 : 0 },
          tail: isDeflated ? deflateRawSync(plain) : plain
        }
        const { threats } = decodeAll([one])
        const [{ source, details, id, context }] = threats
        assert.deepEqual(
          { source, details, id, context },
          {
            source: content[1] ?? 'cut',
            details: content[2] ?? 'cut',
            // An empty one is none.
            id: content[3] || `${GENERATION}-7`,
            context:
              content[4] === undefined ? undefined : JSON.parse(content[4])
          }
        )
      })
    )
  })
})
