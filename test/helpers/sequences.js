'use strict'
// Sequences as a test expects them.

/** All whole numbers from `from` to `to`. */
const numbers = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

module.exports = { numbers }
