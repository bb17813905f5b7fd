'use strict'
// Priority events without a ring: counted modulo 2^32, and what is kept of one
// that is too long for the lane.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { leastPriority } = require('../../lib/threat/names.js')
const {
  countPriority,
  cutThreat,
  laneSpan,
  priorityAfter,
  priorityBetween
} = require('../../lib/threat/priority.js')
const { anyText } = require('../helpers/any-text.js')

const ROUND = 2 ** 32
const count = fc.oneof(
  fc.integer({ min: 0, max: ROUND - 1 }),
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: ROUND - 3, max: ROUND - 1 })
)

describe('priority events', () => {
  it('those of the least severity or more count, modulo 2^32', () => {
    assert.equal(countPriority(4, { severity: 2 }, 3), 4)
    assert.equal(countPriority(4, { severity: 3 }, 3), 5)
    assert.equal(countPriority(4, { severity: 4 }, 3), 5)
    assert.equal(countPriority(ROUND - 1, { severity: 3 }, 3), 0)
  })

  it('by name, by number, or none at all', () => {
    assert.equal(leastPriority(), 4)
    const names = { Low: 1, Medium: 2, High: 3, Critical: 4 }
    for (const [name, number] of Object.entries(names)) {
      assert.equal(leastPriority(name), number)
    }
    assert.equal(leastPriority(77), 77)
    assert.equal(leastPriority('none'), 2 ** 32 - 1)
    assert.equal(countPriority(4, { severity: 255 }, leastPriority('none')), 4)
  })

  it('property: between two counts, and behind a gap', () => {
    fc.assert(
      fc.property(count, fc.nat(100), fc.nat(100), (before, lost, more) => {
        const behind = (before + lost) % ROUND
        assert.equal(priorityAfter(before, lost), behind)
        assert.equal(priorityBetween(before, behind, lost + more), lost)
        // As many as there are, or it is not known.
        assert.equal(priorityBetween(before, behind, lost), lost)
        if (lost > 0) {
          assert.equal(priorityBetween(before, behind, lost - 1), null)
        }
      })
    )
  })

  it('are not known where one of the counts is not', () => {
    assert.equal(priorityBetween(null, 1, 5), null)
    assert.equal(priorityBetween(0, null, 5), null)
    assert.equal(priorityAfter(null, 1), null)
    assert.equal(priorityAfter(1, null), null)
  })

  it('one takes a quarter of its lane, and one slot of the smallest', () => {
    const spans = [2, 4, 8, 256, 65_536].map(laneSpan)
    assert.deepEqual(spans, [1, 1, 2, 64, 16_384])
  })

  describe('one that is cut', () => {
    const record = {
      ...{ type: 4, severity: 4, blocked: true, timestampUs: 7 },
      ...{ source: 'short', details: 'short', id: 'own', context: '{}' }
    }

    it('keeps what stands in its lead slot', () => {
      assert.deepEqual(cutThreat(record), {
        ...record,
        ...{ id: undefined, context: undefined, cut: true }
      })
    })

    it('property: a beginning of its text, as long as fits', () => {
      const text = anyText({ maxLength: 400 })
      fc.assert(
        fc.property(text, text, (source, details) => {
          const cut = cutThreat({ ...record, source, details })
          for (const [whole, part, most] of [
            [source, cut.source, 64],
            [details, cut.details, 256]
          ]) {
            // The longest beginning of whole characters that fits.
            let expected = ''
            for (const character of whole) {
              if (Buffer.byteLength(expected + character) > most) break
              expected += character
            }
            assert.equal(part, expected)
          }
        }),
        {
          examples: [
            ['a'.repeat(64), 'a'.repeat(256)],
            ['a'.repeat(65), 'a'.repeat(257)],
            ['é'.repeat(33), '\u{1f600}'.repeat(65)],
            [`a${'é'.repeat(32)}`, `\ufeff${'€'.repeat(99)}`]
          ]
        }
      )
    })
  })
})
