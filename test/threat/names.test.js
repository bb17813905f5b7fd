'use strict'
// Types and severities by name and number: the ring's numbers, and nothing that
// a list inherits.

const assert = require('node:assert/strict')
const {
  Severity,
  severityNameOf,
  severityNumberOf,
  ThreatType,
  typeNameOf,
  typeNumberOf
} = require('../../lib/threat/names.js')

describe('names and numbers', () => {
  it('are those of the ring, and cannot be changed', () => {
    assert.deepEqual(ThreatType, {
      ...{ Unknown: 0, UnicodeInvisible: 1, UnicodeBiDi: 2 },
      ...{ UnicodeHomoglyph: 3, InjectionAttempt: 4, PathTraversal: 5 },
      ...{ SuspiciousPattern: 6, RateLimitViolation: 7 }
    })
    assert.deepEqual(Severity, { Low: 1, Medium: 2, High: 3, Critical: 4 })
    assert(Object.isFrozen(ThreatType) && Object.isFrozen(Severity))
  })

  it('a number has its name, or none', () => {
    for (const [name, number] of Object.entries(ThreatType)) {
      assert.equal(typeNameOf(number), name)
    }
    for (const [name, number] of Object.entries(Severity)) {
      assert.equal(severityNameOf(number), name)
    }
    assert.equal(severityNameOf(0), undefined)
    assert.equal(severityNameOf(5), undefined)
    assert.equal(typeNameOf(8), undefined)
  })

  it('a name has its number, or none', () => {
    for (const [name, number] of Object.entries(ThreatType)) {
      assert.equal(typeNumberOf(name), number)
      assert.equal(severityNumberOf(name), undefined)
    }
    for (const [name, number] of Object.entries(Severity)) {
      assert.equal(severityNumberOf(name), number)
      assert.equal(typeNumberOf(name), undefined)
    }
    for (const other of ['low', 'toString', '', 1, undefined, null]) {
      assert.equal(typeNumberOf(other), undefined)
      assert.equal(severityNumberOf(other), undefined)
    }
  })

  it('not one that every list has', () => {
    Object.prototype[8] = 'everywhere'
    try {
      assert.equal(typeNameOf(8), undefined)
      assert.equal(severityNameOf(8), undefined)
    } finally {
      delete Object.prototype[8]
    }
  })
})
