'use strict'
// Latencies: recorded in nanoseconds, shown in microseconds.

const { createHistogram } = require('node:perf_hooks')

// How many latencies one read, or one message, records: of a flood, samples; of
// fewer events, all.
const SAMPLES_PER_READ = 8

const newLatency = () => createHistogram()

/** Records one, unless it is none: the clocks do not agree, or the time stands
 * in a file that says anything. @param ns */
function recordLatency(histogram, ns) {
  const latency = Math.round(ns)
  if (latency > 0 && Number.isSafeInteger(latency)) {
    histogram.record(latency)
  }
}

/** In the place of a histogram that is never read. */
const NO_LATENCY = { record() {} }

/**
 * @param {import('node:perf_hooks').RecordableHistogram} histogram of ns
 * @returns {import('../index').LatencyStats} microseconds
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

module.exports = {
  latencyStats,
  newLatency,
  NO_LATENCY,
  recordLatency,
  SAMPLES_PER_READ
}
