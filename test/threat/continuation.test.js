'use strict'
// The run of fields behind a lead slot: when it is deflated, how it is put
// together again, and what becomes of fields that are wrong.

const assert = require('node:assert/strict')
const { isDeepStrictEqual } = require('node:util')
const { deflateRawSync, inflateRawSync } = require('node:zlib')
const fc = require('fast-check')
const { decode, gather, inflate } = require('../../lib/threat/continuation.js')
const { deflate } = require('../../lib/threat/deflate.js')
const { anyText } = require('../helpers/any-text.js')
const { makeSlots, SLOT_BYTES, tailField } = require('../helpers/ring-file.js')

const [SOURCE, DETAILS, ID, CONTEXT] = [1, 2, 3, 4]
// Below this many bytes with their headers nothing is deflated.
const FROM = 16_384
const MOST = 2 ** 20
const HEADER = 8

const texts = (more) => ({ source: '', details: '', ...more })

/** Text that no deflating shortens by a slot. */
function noise(length) {
  let state = 7
  let text = ''
  while (text.length < length) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    text += String.fromCharCode(33 + ((state >>> 9) % 94))
  }
  return text
}

describe('deflate', () => {
  for (const [field, tag] of [
    ['source', SOURCE],
    ['details', DETAILS],
    ['id', ID],
    ['context', CONTEXT]
  ]) {
    it(`${field}: from ${FROM} bytes, as its field`, () => {
      const text = 'a'.repeat(FROM - HEADER)
      const deflated = deflate(texts({ [field]: text }))
      assert.deepEqual(inflateRawSync(deflated), tailField(tag, text))
      const shorter = texts({ [field]: text.slice(1) })
      assert.equal(deflate(shorter), undefined)
    })
  }

  it('what fits into the lead slot is no part of it', () => {
    const long = 'a'.repeat(FROM)
    for (const [source, isOwn] of [
      ['s'.repeat(64), false],
      ['s'.repeat(65), true],
      ['é'.repeat(32), false],
      [`${'é'.repeat(32)}s`, true]
    ]) {
      const own = isOwn ? [tailField(SOURCE, source)] : []
      const fields = Buffer.concat([...own, tailField(CONTEXT, long)])
      const given = { source, details: 'd'.repeat(256), context: long }
      assert.deepEqual(inflateRawSync(deflate(given)), fields)
    }
    const details = 'd'.repeat(257)
    const given = { source: '', details, context: long }
    const both = [tailField(DETAILS, details), tailField(CONTEXT, long)]
    assert.deepEqual(inflateRawSync(deflate(given)), Buffer.concat(both))
  })

  it('the fields come in the order of their tags', () => {
    const part = 'a'.repeat(5000)
    const given = { context: part, id: part, details: part, source: part }
    const fields = [SOURCE, DETAILS, ID, CONTEXT].map((tag) =>
      tailField(tag, part)
    )
    assert.deepEqual(inflateRawSync(deflate(given)), Buffer.concat(fields))
  })

  it('counts bytes: half as many units do, or a third', () => {
    const units = (FROM - HEADER) / 2
    const long = texts({ details: 'é'.repeat(units) })
    assert.notEqual(deflate(long), undefined)
    const short = texts({ details: 'é'.repeat(units - 1) })
    assert.equal(deflate(short), undefined)
    const wide = '€'.repeat(Math.ceil(FROM / 3))
    assert.notEqual(deflate(texts({ details: wide })), undefined)
  })

  it(`up to ${MOST} bytes, which an event loop bears`, () => {
    const text = 'a'.repeat(MOST - HEADER)
    assert.notEqual(deflate(texts({ id: text })), undefined)
    assert.equal(deflate(texts({ id: `${text}a` })), undefined)
  })

  it('as fast as it can be done', () => {
    const lines = Array.from(
      { length: 2000 },
      (_, i) => `${i}: ${i % 97} of it`
    )
    const details = lines.join('\n')
    const fields = tailField(DETAILS, details)
    const fast = deflateRawSync(fields, { level: 1 })
    assert.deepEqual(deflate(texts({ details })), fast)
    assert.notDeepEqual(fast, deflateRawSync(fields))
  })

  it('only where it takes fewer slots', () => {
    assert.equal(deflate(texts({ details: '' })), undefined)
    // Random bytes as hex halve, random text of 94 characters hardly shrinks.
    const bytes = FROM + 100
    const given = texts({ details: noise(bytes) })
    const slots = (length) => Math.ceil(length / 340)
    const deflated = deflateRawSync(tailField(DETAILS, given.details), {
      level: 1
    })
    const isShorter = slots(deflated.length) < slots(bytes + HEADER)
    assert.equal(deflate(given) !== undefined, isShorter)
    // What deflating makes longer.
    const wide = Array.from({ length: FROM / 2 }, (_, i) =>
      String.fromCharCode(0x80 + ((i * 7919 + (i >> 3) * 104729) % 0x700))
    ).join('')
    const plain = tailField(DETAILS, wide)
    const same = deflateRawSync(plain, { level: 1 })
    const expected = slots(same.length) < slots(plain.length)
    assert.equal(deflate(texts({ details: wide })) !== undefined, expected)
  })
})

describe('inflate', () => {
  const plain = Buffer.alloc(1000, 'ab')
  const deflated = deflateRawSync(plain)

  it('up to so many bytes, null where it would be more', () => {
    assert.deepEqual(inflate(deflated, 1000), plain)
    assert.equal(inflate(deflated, 999), null)
  })

  it('throws where it is damaged', () => {
    assert.throws(() => inflate(Buffer.from([0xff, 0xff]), 1000), {
      code: 'Z_DATA_ERROR'
    })
  })
})

describe('gather', () => {
  it('property: what stands in the slots behind the lead slot', () => {
    const content = fc.uint8Array({ minLength: 1, maxLength: 2000 })
    fc.assert(
      fc.property(content, fc.nat(3), (array, before) => {
        const tail = Buffer.from(array)
        const slots = makeSlots({ tail, sealed: false })
        const empty = Buffer.alloc(before * SLOT_BYTES, 0xff)
        const after = Buffer.alloc(SLOT_BYTES, 0xff)
        const bytes = Uint8Array.from(Buffer.concat([empty, ...slots, after]))
        const words = new Uint32Array(bytes.buffer)
        const gathered = gather(words, empty.length / 4, tail.length)
        assert.deepEqual(gathered, tail)
      }),
      // Up to the last one, all are gathered in the same place.
      {
        examples: [340, 341, 680, 65_536, 65_537].map((n) => [
          Uint8Array.from({ length: n }, (_, i) => i % 251),
          1
        ])
      }
    )
  })
})

describe('the fields of a continuation', () => {
  const lead = () => ({ id: 'made', source: 'cut', details: 'short' })

  /** @returns the threat, with `isPart` when the fields end too early, or null
   *   when there is too much text */
  function decoded(fields, most = MOST, sourceBytes = 3, detailsBytes = 5) {
    const threat = lead()
    const bytes = Buffer.concat(fields)
    if (decode(bytes, threat, most, sourceBytes, detailsBytes)) return threat
    const isUntouched = isDeepStrictEqual(threat, lead())
    return isUntouched ? null : { ...threat, isPart: true }
  }

  it('each takes the place of what the lead slot has', () => {
    assert.deepEqual(decoded([]), lead())
    for (const [tag, key] of [
      [SOURCE, 'source'],
      [DETAILS, 'details'],
      [ID, 'id']
    ]) {
      const field = tailField(tag, 'é \u{1f600}')
      assert.deepEqual(decoded([field]), { ...lead(), [key]: 'é \u{1f600}' })
    }
    const context = tailField(CONTEXT, '{"a":[1]}')
    assert.deepEqual(decoded([context]), { ...lead(), context: { a: [1] } })
  })

  it('empty: source and details are, an id could not be written', () => {
    const empty = [SOURCE, DETAILS, ID].map((tag) => tailField(tag, ''))
    assert.deepEqual(decoded(empty), { id: 'made', source: '', details: '' })
  })

  it('a context that is no JSON is shown as its text', () => {
    for (const text of ['{', '', 'undefined']) {
      assert.equal(decoded([tailField(CONTEXT, text)]).context, text)
    }
  })

  it('of one that stands there twice the last one counts, once', () => {
    const twice = [tailField(ID, 'first'), tailField(ID, 'second')]
    assert.equal(decoded(twice).id, 'second')
    // 3 and 5 in the lead slot, 6 of the second id.
    assert.notEqual(decoded(twice, 14), null)
    assert.equal(decoded(twice, 13), null)
  })

  it('tags that are unknown are passed over', () => {
    const fields = [0, 5, 6, 255].flatMap((tag) => [
      tailField(tag, 'x'.repeat(100)),
      tailField(ID, `behind ${tag}`)
    ])
    assert.deepEqual(decoded(fields, 8 + 10), { ...lead(), id: 'behind 255' })
  })

  it('one that is longer than the rest ends it', () => {
    const id = tailField(ID, 'id')
    for (const length of [3, 4, 100, 2 ** 32 - 1]) {
      const long = tailField(SOURCE, 'xx', length)
      const part = { ...lead(), id: 'id', isPart: true }
      assert.deepEqual(decoded([id, long]), part)
    }
    const exact = tailField(SOURCE, 'xx', 2)
    assert.equal(decoded([id, exact]).source, 'xx')
  })

  it('a header that is cut ends it', () => {
    const whole = { ...lead(), id: 'id' }
    for (let length = 0; length < HEADER; length++) {
      const cut = tailField(SOURCE, '').subarray(0, length)
      const threat = decoded([tailField(ID, 'id'), cut])
      assert.deepEqual(threat, length > 0 ? { ...whole, isPart: true } : whole)
    }
    const fields = [tailField(ID, 'id'), tailField(SOURCE, '')]
    assert.equal(decoded(fields).source, '')
  })

  it('property: its text is bounded, all four fields together', () => {
    const text = fc.option(anyText({ maxLength: 9 }), {
      nil: undefined
    })
    const four = fc.tuple(text, text, text, text)
    fc.assert(
      fc.property(four, fc.nat(5), fc.nat(5), (contents, source, details) => {
        const fields = contents
          .map((content, i) => content && tailField(i + 1, content))
          .map((field, i) => field ?? contents[i])
          .filter((field) => field !== undefined && field !== '')
        const size = (content, own) =>
          content ? Buffer.byteLength(content) : own
        const bytes =
          size(contents[0], source) +
          size(contents[1], details) +
          size(contents[2], 0) +
          size(contents[3], 0)
        assert.notEqual(decoded(fields, bytes, source, details), null)
        if (bytes > 0) {
          assert.equal(decoded(fields, bytes - 1, source, details), null)
        }
      })
    )
  })
})
