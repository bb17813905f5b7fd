'use strict'
// The ends of distributions. A quantile that a handful of samples decide says
// nothing, so there is none then.

const { quantile } = require('./statistics.js')

// Samples that must lie beyond a quantile.
const BEYOND = 10

/** Events that a p99.9 needs. */
const TAIL_EVENTS = BEYOND * 1000

/**
 * @param {number[]} samples of all rounds
 * @returns {{ count: number, p50: number, p99?: number, p999?: number,
 *   max: number }} without those for which there are too few
 */
function tailsOf(samples) {
  const sorted = [...samples].sort((a, b) => a - b)
  const tails = { count: sorted.length, p50: quantile(sorted, 0.5) }
  for (const [name, outOf] of [
    ['p99', 100],
    ['p999', 1000]
  ]) {
    if (sorted.length >= BEYOND * outOf) {
      tails[name] = quantile(sorted, 1 - 1 / outOf)
    }
  }
  return { ...tails, max: sorted.at(-1) }
}

module.exports = { TAIL_EVENTS, tailsOf }
