'use strict'
// Slots that validate, with content that no writer of ours would send.

const assert = require('node:assert/strict')
const { deflateRawSync } = require('node:zlib')
const fc = require('fast-check')
const { tailField } = require('../helpers/ring-file.js')
const { threat, useRing } = require('../helpers/ring.js')

const SOURCE = 1
const DETAILS = 2
const ID = 3
const CONTEXT = 4

describe('hostile content of valid slots', () => {
  const current = useRing()
  let bytes
  let client

  beforeEach(() => {
    const ring = current()
    bytes = ring.forge({ capacity: 1024 })
    client = ring.client({ from: 1 })
  })

  /** What comes out for an event of these fields; reading must go on. */
  function readOne(fields, corrupt = 0) {
    const before = client.stats().corrupt
    bytes.publish({ source: 'source', details: 'cut', ...fields })
    bytes.publish({ details: 'next' })
    const threats = client.poll()
    assert.equal(threats.length, 2)
    assert.equal(threats[1].details, 'next')
    const { lost, error, ...stats } = client.stats()
    assert.equal(stats.corrupt - before, corrupt)
    assert.equal(error?.code, corrupt > 0 ? 'ERR_RING_CORRUPT' : undefined)
    assert.equal(lost, 0)
    return threats[0]
  }

  const tails = {
    'a length past the end': tailField(DETAILS, 'text', 5),
    'a length of 2^32-1': tailField(DETAILS, 'text', 0xffffffff),
    'a length of 2^31': tailField(CONTEXT, '', 0x80000000),
    'half a header': Buffer.from([DETAILS, 0, 0, 0, 1]),
    zeros: Buffer.alloc(700),
    'an unknown tag': tailField(200, 'of a newer version')
  }
  for (const [name, tail] of Object.entries(tails)) {
    it(`F11 a tail of ${name} leaves the lead's text`, () => {
      const one = readOne({ tail })
      assert.deepEqual([one.source, one.details], ['source', 'cut'])
      assert.equal(one.context, undefined)
      assert.match(one.id, /^0123456789abcdef-1$/)
    })
  }

  it('an unknown tag between known ones is passed over', () => {
    const one = readOne({
      tail: Buffer.concat([
        tailField(SOURCE, 'the source'),
        tailField(77, Buffer.alloc(400)),
        tailField(ID, 'the id')
      ])
    })
    assert.deepEqual([one.source, one.id], ['the source', 'the id'])
  })

  it('the same tag twice is one field', () => {
    const tail = Buffer.concat([tailField(ID, 'first'), tailField(ID, 'last')])
    assert.match(readOne({ tail }).id, /^(first|last)$/)
  })

  it('garbage behind good fields costs nothing but itself', () => {
    const one = readOne({
      tail: Buffer.concat([tailField(ID, 'good'), tailField(CONTEXT, '1', 99)])
    })
    assert.equal(one.id, 'good')
    assert.equal('context' in one, false)
  })

  it('property: random bytes as a tail never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 3000 }), (tail) => {
        const one = readOne({ tail: Buffer.from(tail) })
        for (const key of ['source', 'details', 'id']) {
          assert.equal(typeof one[key], 'string')
        }
      }),
      { numRuns: 300 }
    )
  })

  it('property: random runs of fields never throw', () => {
    const field = fc
      .tuple(fc.nat(5), fc.uint8Array({ maxLength: 500 }), fc.nat(600))
      .map(([tag, content, length]) =>
        tailField(tag, content, length < 500 ? undefined : length)
      )
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), (fields) => {
        readOne({ tail: Buffer.concat(fields) })
      }),
      { numRuns: 300 }
    )
  })

  it('a deflate flag on what is not deflated: cut text, one corrupt', () => {
    for (const tail of [
      Buffer.alloc(500, 0xff),
      tailField(DETAILS, 'x'.repeat(500)),
      deflateRawSync(tailField(DETAILS, 'x')).subarray(0, 3)
    ]) {
      const one = readOne({ tail, flags: 1 }, 1)
      assert.deepEqual([one.source, one.details], ['source', 'cut'])
    }
    assert.equal(client.stats().received, 6)
  })

  it('a deflated tail of fields that make no sense leaves the text', () => {
    for (const tail of Object.values(tails)) {
      const one = readOne({ tail: deflateRawSync(tail), flags: 1 })
      assert.deepEqual([one.source, one.details], ['source', 'cut'])
    }
  })

  it('a tail that inflates to just the bound, and to a byte more', () => {
    const tail = tailField(DETAILS, 'd'.repeat(2 ** 20 - 8))
    assert.equal(tail.length, 2 ** 20)
    const fits = readOne({ tail: deflateRawSync(tail), flags: 1 })
    assert.equal(fits.details.length, 2 ** 20 - 8)
    assert.equal('cut' in fits, false)
    // Behind the text there is as much as four headers take, and no more.
    const more = Buffer.concat([tail, Buffer.alloc(33)])
    const one = readOne({ tail: deflateRawSync(more), flags: 1 })
    assert.deepEqual([one.details, one.cut], ['cut', true])
  })

  it('a bomb is cut and takes no memory', () => {
    // 85 KiB that would be 85 MiB, as often as one likes.
    const bomb = deflateRawSync(Buffer.alloc(85 * 2 ** 20), { level: 9 })
    assert(bomb.length < (1024 / 4) * 340, 'it is an event of this ring')
    const before = process.memoryUsage().rss
    for (let i = 0; i < 20; i++) {
      assert.equal(readOne({ tail: bomb, flags: 1 }).details, 'cut')
    }
    const grown = process.memoryUsage().rss - before
    assert(grown < 80 * 2 ** 20, `grew by ${grown} bytes`)
  })

  it('a deflate flag without a tail, and flags of the future', () => {
    assert.equal(readOne({ flags: 1 }).details, 'cut')
    assert.equal(readOne({ flags: 0xfffffffe }).details, 'cut')
  })

  it('a context that is no JSON is the text that it is', () => {
    for (const text of ['{', 'undefined', "{'a':1}", '', '[1,]', '\0', 'NaN']) {
      const { context } = readOne({ tail: tailField(CONTEXT, text) })
      assert.equal(context, text)
    }
  })

  it('a context with __proto__ pollutes nothing', () => {
    const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{}}}'
    const { context } = readOne({ tail: tailField(CONTEXT, text) })
    assert.equal({}.polluted, undefined)
    assert.equal(context.polluted, undefined)
    assert.deepEqual(Object.keys(context), ['__proto__', 'constructor'])
  })

  it('a context that is nested without end', () => {
    const text = '['.repeat(60_000)
    const { context } = readOne({ tail: tailField(CONTEXT, text) })
    assert.equal(context, text)
  })

  it('an id of __proto__, and one that is empty', () => {
    assert.equal(readOne({ tail: tailField(ID, '__proto__') }).id, '__proto__')
    assert.equal(typeof readOne({ tail: tailField(ID, '') }).id, 'string')
  })

  it('F14 invalid UTF-8 is shown with replacement characters', () => {
    const bad = Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x62])
    const shown = new TextDecoder().decode(bad)
    assert.match(shown, /\ufffd/)
    const one = readOne({
      source: bad,
      details: bad,
      tail: Buffer.concat([tailField(ID, bad), tailField(CONTEXT, bad)]),
      sourceUsed: bad.length,
      detailsUsed: bad.length
    })
    assert.deepEqual(
      [one.source, one.details, one.id, one.context],
      [shown, shown, shown, shown]
    )
  })

  it('F14 numbers at the end of their range', () => {
    const one = readOne({
      threatType: 0xffffffff,
      severity: 0xff,
      blocked: 0xff,
      timestampUs: 2n ** 64n - 1n
    })
    assert.deepEqual(
      [one.threatType, one.threatTypeCode, one.severity, one.severityCode],
      ['Unknown', 0xffffffff, 'Unknown', 0xff]
    )
    assert.equal(one.blocked, true)
    // As over WebSocket: a later one could not be written again.
    assert.equal(one.timestampUs, Number.MAX_SAFE_INTEGER)
  })

  it('publish times of any value leave latency statistics sane', () => {
    for (const publishNs of [0, 1, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      readOne({ publishNs })
    }
    const { latency } = client.stats()
    for (const value of Object.values(latency)) {
      assert(value === null || (Number.isFinite(value) && value >= 0))
    }
  })

  it('F49 what inflates to much comes a piece at a time, whole', () => {
    const writer = current().writer({ name: 'large', maxEvents: 8192 })
    const reader = current().client({ name: 'large', from: 'oldest' })
    const textOf = (i) => `${i}`.repeat(300_000)
    for (let i = 10; i < 30; i++) writer.writeThreat(threat(textOf(i)))
    const all = []
    reader.on('threats', (threats) => {
      assert(threats.length <= 2, `${threats.length} at once`)
      all.push(...threats)
      // Nothing is taken beyond them.
      assert.equal(reader.stats().sequence, all.length)
    })
    reader.poll(20)
    assert.equal(all.length, 20)
    all.forEach(({ sequence, details }, i) => {
      assert.equal(sequence, i + 1)
      assert(details === textOf(i + 10), `${sequence} is not what was sent`)
    })
  })
})
