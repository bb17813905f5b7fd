'use strict'
// What rounds are summed up by.

/** The value below which the part `q` of all lies. */
function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
}

/** Median over the rounds, with the lowest and the highest round. */
function summarize(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return {
    median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    low: Math.min(...values),
    high: Math.max(...values)
  }
}

module.exports = { quantile, summarize }
