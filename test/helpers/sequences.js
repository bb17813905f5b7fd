'use strict'
// Sequences as a test expects them, and those that came.

/** All whole numbers from `from` to `to`. */
const numbers = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

const sequences = (threats) => threats.map(({ sequence }) => sequence)

module.exports = { numbers, sequences }
