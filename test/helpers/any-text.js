'use strict'
// Text of any characters for properties.

const fc = require('fast-check')

const SURROGATES = 0xd800
const SURROGATES_END = 0xe000
const LAST = 0x10ffff
const GAP = SURROGATES_END - SURROGATES

// Fast-check's own unit `binary` lists all of these first, which takes a second
// in each process.
const character = fc.nat(LAST - GAP).map(
  (n) => String.fromCodePoint(n < SURROGATES ? n : n + GAP),
  (text) => {
    const point = typeof text === 'string' ? text.codePointAt(0) : undefined
    if (point === undefined || text.length !== (point > 0xffff ? 2 : 1)) {
      throw new Error('not one character')
    }
    if (point < SURROGATES) return point
    if (point < SURROGATES_END) throw new Error('half a character')
    return point - GAP
  }
)

/**
 * @param {fc.StringSharedConstraints} [constraints] counted in characters
 * @returns {fc.Arbitrary<string>} of any characters that UTF-8 has
 */
const anyText = (constraints) => fc.string({ ...constraints, unit: character })

module.exports = { anyText }
