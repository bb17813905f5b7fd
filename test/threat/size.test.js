'use strict'
// How large a ring is and what a threat takes of it, held against the layout's
// numbers; size.shm.test.js holds the same against rings.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const {
  continuationBytes,
  LEAST_EVENT_BYTES,
  MAX_EVENT_BYTES,
  MOST_EVENT_BYTES
} = require('../../lib/threat/limits.js')
const {
  capacityOf,
  laneOf,
  plainSpanOf,
  ringBytes,
  spanOf
} = require('../../lib/threat/size.js')
const { anyText } = require('../helpers/any-text.js')

/** The least power of two of a list's, from `low` on, that holds as many. */
function powerFrom(low, wanted) {
  let power = low
  while (power < wanted) power *= 2
  return power
}

describe('the size of a ring', () => {
  it('property: slots are a power of two that holds the events', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 22 }), (events) => {
        assert.equal(capacityOf(events), powerFrom(16, events))
      }),
      { examples: [1, 15, 16, 17, 1024, 1025, 2 ** 22].map((one) => [one]) }
    )
    assert.equal(capacityOf(), 1024)
  })

  it('property: those of the lane likewise, or none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_536 }), (events) => {
        assert.equal(laneOf(events), powerFrom(2, events))
      }),
      { examples: [1, 2, 3, 4, 5, 65_536].map((one) => [one]) }
    )
    assert.equal(laneOf(0), 0)
    assert.equal(laneOf(), 256)
  })

  it('bytes: a header, and both in whole regions of 64 KiB', () => {
    const region = 65_536
    const header = 131_072
    assert.equal(ringBytes(16, 0), header + region)
    assert.equal(ringBytes(16, 2), header + 2 * region)
    assert.equal(ringBytes(1024, 256), header + 6 * region + 2 * region)
    // 512 slots fill three regions to the last byte.
    assert.equal(ringBytes(512, 0), header + 3 * region)
    assert.equal(ringBytes(0, 512), header + 3 * region)
  })
})

describe('the slots of a threat', () => {
  const texts = (more) => ({ source: '', details: '', ...more })

  it('are one where all fits into the lead slot', () => {
    const full = { source: 'é'.repeat(32), details: 'd'.repeat(256) }
    assert.equal(spanOf(full), 1)
    assert.equal(plainSpanOf({ ...full, source: `${full.source}s` }), 2)
    assert.equal(plainSpanOf({ ...full, details: `${full.details}d` }), 2)
    assert.equal(plainSpanOf(texts({ id: 'i' })), 2)
    assert.equal(plainSpanOf(texts({ context: '1' })), 2)
    assert.equal(plainSpanOf(texts({ id: '', context: '' })), 1)
  })

  it('property: each field that does not fit takes a header and its bytes', () => {
    const text = (maxLength) => anyText({ maxLength })
    const fields = fc.tuple(text(90), text(400), text(400), text(400))
    fc.assert(
      fc.property(fields, ([source, details, id, context]) => {
        const bytes = [
          [source, 64],
          [details, 256],
          [id, 0],
          [context, 0]
        ]
          .map(([one, free]) => [Buffer.byteLength(one), free])
          .filter(([length, free]) => length > free)
          .reduce((sum, [length]) => sum + 8 + length, 0)
        const threat = { source, details, id, context }
        assert.equal(spanOf(threat), 1 + Math.ceil(bytes / 340))
      })
    )
    assert.equal(spanOf(texts({ id: 'i'.repeat(332) })), 2)
    assert.equal(spanOf(texts({ id: 'i'.repeat(333) })), 3)
  })

  it('are those of what is deflated, where that is there', () => {
    const spans = [1, 340, 341, 680].map((length) =>
      spanOf({ ...texts({ id: 'i' }), deflated: Buffer.alloc(length) })
    )
    assert.deepEqual(spans, [2, 2, 3, 3])
  })

  it('bound the text of one event, from 4 KiB to all slots there are', () => {
    assert.equal(LEAST_EVENT_BYTES, 4096)
    assert.equal(MAX_EVENT_BYTES, 1_048_576)
    assert.equal(MOST_EVENT_BYTES, 65_535 * 340)
    assert.equal(continuationBytes(100), 132)
  })
})
