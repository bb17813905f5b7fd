'use strict'
// Latencies: recorded in nanoseconds, told in microseconds.

const { createHistogram } = require('node:perf_hooks')

const newLatency = () => createHistogram()

/**
 * @param {import('node:perf_hooks').RecordableHistogram} histogram of ns
 * @returns {import('./index').LatencyStats} microseconds
 */
function latencyStats(histogram) {
  const { count } = histogram
  const micros = (ns) => (count === 0 ? null : ns / 1000)
  return {
    count,
    min: micros(histogram.min),
    mean: micros(histogram.mean),
    p50: micros(histogram.percentile(50)),
    p90: micros(histogram.percentile(90)),
    p99: micros(histogram.percentile(99)),
    max: micros(histogram.max)
  }
}

module.exports = { latencyStats, newLatency }
