'use strict'
// A threat, its bytes in a ring, and the threat again.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { Severity, ThreatType } = require('../../lib/index.js')
const { anyText } = require('../helpers/any-text.js')
const { anything, nearly } = require('../helpers/near-valid.js')
const { assertTyped } = require('../helpers/refusals.js')
const { threat, useRing } = require('../helpers/ring.js')

/** Text of every length at which something changes: what the lead slot holds,
 * how many slots follow, what is deflated. */
const text = fc
  .tuple(
    anyText({ minLength: 1, maxLength: 8 }),
    fc.oneof(
      fc.nat(20),
      fc.integer({ min: 60, max: 68 }),
      fc.integer({ min: 250, max: 260 }),
      fc.nat(4000),
      fc.integer({ min: 16_000, max: 17_000 })
    )
  )
  .map(([part, length]) => {
    const characters = Array.from(part)
    const at = (_, i) => characters[i % characters.length]
    return Array.from({ length }, at).join('')
  })

const complete = fc.record(
  {
    threatType: fc.constantFrom(...Object.keys(ThreatType)),
    severity: fc.constantFrom(...Object.keys(Severity)),
    source: text,
    details: text,
    blocked: fc.boolean(),
    timestampUs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    id: text.filter((id) => id !== ''),
    context: fc.jsonValue()
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      ...['threatType', 'severity', 'source', 'details'],
      ...['blocked', 'timestampUs']
    ]
  }
)

describe('threat to bytes to threat', () => {
  const current = useRing()
  let writer
  let client

  beforeEach(() => {
    // Four of the longest fit into a quarter of it, though not deflated.
    writer = current().writer({ maxEvents: 16_384 })
    client = current().client()
  })

  it('F14 property: comes out as it went in', () => {
    let priority = 0
    fc.assert(
      fc.property(
        fc.array(complete, { minLength: 1, maxLength: 4 }),
        (list) => {
          const { generation } = client.stats()
          const last = writer.writeThreats(list)
          const threats = []
          for (let i = 0; threats.length < list.length; i++) {
            assert(i <= list.length, 'they come')
            threats.push(...client.poll())
          }
          const wanted = list.map((one, i) => {
            const sequence = last - list.length + 1 + i
            if (one.severity === 'Critical') priority++
            const place = { sequence, generation, priority }
            const out = { id: `${generation}-${sequence}`, ...one, ...place }
            if ('context' in one) {
              out.context = JSON.parse(JSON.stringify(one.context))
            }
            return out
          })
          assert.deepEqual(threats, wanted)
        }
      )
    )
    const { lost, corrupt } = client.stats()
    assert.deepEqual([lost, corrupt], [0, 0])
  })

  it('F52 property: near a threat: written, or refused by its own error', () => {
    const valid = threat('details', { id: 'i', context: { a: [1] } })
    fc.assert(
      fc.property(fc.oneof(nearly(valid), anything), (input) => {
        const before = writer.stats().sequence
        let written = 0
        try {
          writer.writeThreat(input)
          written = 1
        } catch (error) {
          assertTyped(error)
        }
        assert.equal(writer.stats().sequence, before + written)
        assert.equal(client.poll().length, written)
      })
    )
    assert.equal(client.stats().lost, 0)
  })
})
