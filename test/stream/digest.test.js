'use strict'
// What a watch counts and keeps.

const assert = require('node:assert/strict')
const { Digest } = require('../../lib/stream/digest.js')

const threat = (severity, more = {}) => ({
  ...{ id: 'x-1', severity, threatType: 'PathTraversal', blocked: false },
  ...{ source: 's', details: 'd' },
  ...more
})

/** A digest that has taken these, and what it tells of them. */
function digested(threats, { keep = 3, least = 0 } = {}) {
  const digest = new Digest(keep, least)
  threats.forEach((one) => digest.add(one))
  return digest.snapshot(0)
}

const detailsOf = ({ threats }) => threats.map(({ details }) => details)

describe('a digest', () => {
  it('of nothing has every count, and each is 0', () => {
    const { threats, added, counts, lost } = digested([])
    assert.deepEqual([threats, added], [[], 0])
    assert.deepEqual(lost, { count: 0, priority: 0, unknown: 0 })
    assert.deepEqual(counts, {
      ...{ total: 0, blocked: 0 },
      bySeverity: { Low: 0, Medium: 0, High: 0, Critical: 0, Unknown: 0 },
      byType: {
        ...{ Unknown: 0, UnicodeInvisible: 0, UnicodeBiDi: 0 },
        ...{ UnicodeHomoglyph: 0, InjectionAttempt: 0, PathTraversal: 0 },
        ...{ SuspiciousPattern: 0, RateLimitViolation: 0 }
      }
    })
  })

  it('counts each threat by what it is', () => {
    const { counts } = digested([
      threat('Low'),
      threat('High', { blocked: true }),
      threat('High', { threatType: 'Unknown', threatTypeCode: 99 }),
      threat('Unknown', { severityCode: 9, blocked: true })
    ])
    const { total, blocked, bySeverity, byType } = counts
    assert.deepEqual([total, blocked], [4, 2])
    assert.deepEqual(bySeverity, {
      ...{ Low: 1, Medium: 0, High: 2, Critical: 0, Unknown: 1 }
    })
    assert.deepEqual([byType.PathTraversal, byType.Unknown], [3, 1])
  })

  it('keeps the newest of each severity, as they came', () => {
    const threats = [threat('Critical', { details: 'first' })]
    for (let i = 0; i < 50; i++) {
      threats.push(threat('Low', { details: `${i}` }))
    }
    threats.push(threat('Critical', { details: 'last' }))
    const digest = digested(threats)
    assert.deepEqual(detailsOf(digest), ['first', '47', '48', '49', 'last'])
    assert.equal(digest.counts.total, 52)
  })

  it('keeps exactly so many, whenever one looks', () => {
    const digest = new Digest(3, 0)
    for (let i = 1; i <= 20; i++) {
      digest.add(threat('Low', { details: `${i}` }))
      const newest = [i - 2, i - 1, i].filter((n) => n > 0).map(String)
      assert.deepEqual(detailsOf(digest.snapshot(0)), newest)
    }
  })

  it('keeps none, when told so, and counts them', () => {
    const digest = digested([threat('Low'), threat('Low')], { keep: 0 })
    assert.deepEqual([detailsOf(digest), digest.counts.total], [[], 2])
  })

  it('keeps those of a severity and above, by number where there is no name', () => {
    const digest = digested(
      [
        threat('Medium', { details: 'below' }),
        threat('High', { details: 'at' }),
        threat('Critical', { details: 'above' }),
        threat('Unknown', { details: 'a low number', severityCode: 2 }),
        threat('Unknown', { details: 'a high number', severityCode: 3 }),
        threat('Unknown', { details: '0', severityCode: 0 })
      ],
      { least: 3 }
    )
    assert.deepEqual(detailsOf(digest), ['at', 'above', 'a high number'])
    assert.equal(digest.counts.total, 6)
  })

  it('says how many came since', () => {
    const digest = new Digest(3, 0)
    digest.add(threat('Low'))
    const { total } = digest
    assert.equal(digest.snapshot(total).added, 0)
    for (let i = 0; i < 2; i++) digest.add(threat('Low'))
    assert.equal(digest.snapshot(total).added, 2)
    for (let i = 0; i < 9; i++) digest.add(threat('Low'))
    assert.equal(digest.snapshot(total).added, 3, 'no more than there are')
  })

  it('sums up what is lost, and says how often that is not known', () => {
    const digest = new Digest(3, 0)
    digest.lose({ count: 5, priority: 2, reason: 'overwritten' })
    digest.lose({ count: 7, priority: null, reason: 'replaced' })
    digest.lose({ count: null, priority: null, reason: 'replaced' })
    digest.lose({ count: 100, priority: 100, reason: 'before-join' })
    const { lost } = digest.snapshot(0)
    assert.deepEqual(lost, { count: 12, priority: 2, unknown: 1 })
  })

  it('F86 counts and keeps what a listener has changed before', () => {
    const spoilt = [
      threat('Severe', { threatType: 'Other', details: undefined }),
      threat(undefined, { source: null, id: 7, threatType: 'toString' }),
      threat('constructor', { details: 'd'.repeat(9000), source: { a: 1 } })
    ]
    const { counts, threats } = digested(spoilt)
    assert.deepEqual(
      [counts.total, counts.bySeverity.Unknown, counts.byType.Unknown],
      [3, 3, 2]
    )
    assert.deepEqual(threats.slice(0, 2), spoilt.slice(0, 2))
    assert.equal(threats[2].details.length, 4096)
  })

  it('gives numbers of its own to everybody', () => {
    const digest = new Digest(3, 0)
    const { counts, lost } = digest.snapshot(0)
    counts.bySeverity.Low = counts.byType.Unknown = lost.count = 9
    const again = digest.snapshot(0)
    assert.equal(again.counts.bySeverity.Low, 0)
    assert.equal(again.counts.byType.Unknown, 0)
    assert.equal(again.lost.count, 0)
  })

  describe('of long texts', () => {
    const FITTING = 8192 - 's'.length - 'x-1'.length

    it('keeps the object itself as long as it is not long', () => {
      const one = threat('Low', { details: 'd'.repeat(FITTING) })
      assert.equal(digested([one]).threats[0], one)
    })

    it('keeps the start of those that are', () => {
      const one = threat('Low', { details: 'd'.repeat(FITTING + 1) })
      const [kept] = digested([one]).threats
      assert.deepEqual(kept, { ...one, details: 'd'.repeat(4096), cut: true })
      assert.equal(one.cut, undefined)
    })

    it('counts a context beside the texts, to the unit', () => {
      // Each value takes 8 units beside its text.
      const most = 8192 - 4 * 8 - 's'.length - 'x-1'.length - 'c'.length
      const withDetails = (units) =>
        threat('Low', { context: 'c', details: 'd'.repeat(units) })
      const fitting = withDetails(most)
      assert.equal(digested([fitting]).threats[0], fitting)
      // Until nothing is left before the last value, and beyond.
      for (const more of [1, 8, 9, 10]) {
        assert.equal(digested([withDetails(most + more)]).threats[0].cut, true)
      }
    })

    it('keeps one without an id, which a listener may have taken', () => {
      const one = threat('Low', { id: undefined })
      assert.equal(digested([one]).threats[0], one)
    })

    it('cuts only a character that stands on the bound', () => {
      const startOf = (details) =>
        digested([threat('Low', { details: details.padEnd(9000, 'd') })])
          .threats[0].details
      const before = 'd'.repeat(4095)
      assert.equal(startOf(`${before}😀`), before)
      assert.equal(startOf(`${before}\uffff`), `${before}\uffff`)
      assert.equal(startOf(`${before}d😀`), `${before}d`)
      assert.equal(startOf(`${before}dd😀`), `${before}d`)
    })

    it('shortens each text, and cuts no character in two', () => {
      const long = 'a' + '😀'.repeat(9000)
      const one = { source: long, details: long, id: long, context: [1] }
      const [kept] = digested([threat('Low', one)]).threats
      const start = (units) => 'a' + '😀'.repeat(units)
      assert.equal(kept.source, start(511))
      assert.equal(kept.details, start(2047))
      assert.equal(kept.id, start(127))
      assert.equal('context' in kept, false)
    })

    for (const [what, context] of [
      ['a text', 'c'.repeat(9000)],
      ['texts within it', { a: [{ b: 'c'.repeat(9000) }] }],
      ['its keys', { ['k'.repeat(9000)]: 1 }],
      ['its numbers', Array.from({ length: 1100 }, () => 1)]
    ]) {
      it(`counts a context by ${what}`, () => {
        const [kept] = digested([threat('Low', { context })]).threats
        assert.equal(kept.cut, true)
        assert.equal('context' in kept, false)
      })
    }

    it('keeps a context that is short', () => {
      const one = threat('Low', { context: { a: [1, null, 'c'.repeat(8000)] } })
      assert.equal(digested([one]).threats[0], one)
    })

    it('freezes the copy of what was frozen', () => {
      const long = threat('Low', { details: 'd'.repeat(9000) })
      assert.equal(Object.isFrozen(digested([long]).threats[0]), false)
      const frozen = Object.freeze({ ...long })
      assert.equal(Object.isFrozen(digested([frozen]).threats[0]), true)
    })
  })
})
