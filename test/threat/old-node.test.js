'use strict'
// What an old Node lacks: the check is loaded anew without it.

const assert = require('node:assert/strict')

const threat = (more) => ({
  ...{ threatType: 'PathTraversal', severity: 'High' },
  ...{ source: 'test', details: 'details', ...more }
})

describe('checkThreat', () => {
  it('lone surrogates are seen without isWellFormed, too', () => {
    // As on Node 18.
    const { isWellFormed } = String.prototype
    const file = require.resolve('../../lib/threat/check.js')
    const loaded = require.cache[file]
    delete String.prototype.isWellFormed
    delete require.cache[file]
    let old
    try {
      old = require(file)
    } finally {
      require.cache[file] = loaded
      if (isWellFormed) {
        Object.defineProperty(String.prototype, 'isWellFormed', {
          value: isWellFormed,
          configurable: true,
          writable: true
        })
      }
    }
    old.checkThreat(threat({ source: '\u{1f600}' }))
    assert.throws(() => old.checkThreat(threat({ source: 'a\ud800' })), {
      code: 'ERR_INVALID_THREAT'
    })
  })
})
