'use strict'
// BenchmarkClient: how fast it is here. A Shield runs in a process of its own,
// and every event is checked.

const { BenchmarkRun } = require('./run.js')
const {
  checkEach,
  CURSOR_CHECKS,
  integer,
  oneOf,
  RING_CHECKS
} = require('../options/check.js')

// The first ones of a run find code that is not compiled yet.
const WARM_UP = 2000
const SLOTS = 8192

const transport = (label, value) => oneOf(label, value, ['shm', 'websocket'])
const count = (label, value) => integer(label, value, 1, 100_000_000)

const { enableChecksums: checksums } = RING_CHECKS
const { latency, spinMicros } = CURSOR_CHECKS
const OPTIONS = { enableChecksums: checksums, latency, spinMicros }
const LATENCY = {
  transport,
  events: count,
  pauseMs: (label, value) => integer(label, value, 1, 60_000)
}
const THROUGHPUT = {
  transport,
  events: count,
  // A batch fits in a quarter of the ring.
  batch: (label, value) => integer(label, value, 1, SLOTS / 8)
}
const COMPARE = {
  latencyEvents: count,
  throughputEvents: count,
  pauseMs: LATENCY.pauseMs,
  batch: THROUGHPUT.batch
}

function percentiles(latencies) {
  const sorted = [...latencies].sort((a, b) => a - b)
  const at = (q) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
  return {
    min: sorted[0],
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: sorted.at(-1)
  }
}

/** Measures the transports of this package on this machine. */
class BenchmarkClient {
  /**
   * @param {import('../index').BenchmarkOptions} [options]
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  constructor(options) {
    const { enableChecksums, ...reader } = checkEach(options, OPTIONS)
    this._reader = reader
    this._ring = { maxEvents: SLOTS, enableChecksums }
  }

  /**
   * One-way latency of single events: from before `writeThreat` in one process
   * to the callback in this one.
   * @param {import('../index').LatencyBenchmarkOptions} [options]
   * @returns {Promise<import('../index').LatencyBenchmark>}
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   * @throws {IpcError} ERR_BENCHMARK_FAILED, ERR_SHM_UNAVAILABLE
   */
  async measureLatency(options) {
    const {
      transport: name = 'shm',
      events = 200,
      pauseMs = 5
    } = checkEach(options, LATENCY)
    const run = await BenchmarkRun.open(name, this._ring, this._reader)
    try {
      await run.flood(WARM_UP, 1)
      const latencies = await run.singles(events, pauseMs)
      return { transport: name, events, pauseMs, ...percentiles(latencies) }
    } finally {
      await run.close()
    }
  }

  /**
   * Events a second, from the first `writeThreat` (`writeThreats` with
   * `batch`) to the last callback. Nothing is lost.
   * @param {import('../index').ThroughputBenchmarkOptions} [options]
   * @returns {Promise<import('../index').ThroughputBenchmark>}
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   * @throws {IpcError} ERR_BENCHMARK_FAILED, ERR_SHM_UNAVAILABLE
   */
  async measureThroughput(options) {
    const {
      transport: name = 'shm',
      events = 100_000,
      batch = 1
    } = checkEach(options, THROUGHPUT)
    const run = await BenchmarkRun.open(name, this._ring, this._reader)
    try {
      await run.flood(Math.max(WARM_UP, Math.ceil(events / 4)), batch)
      const seconds = await run.flood(events, batch)
      const eventsPerSecond = events / seconds
      return { transport: name, events, batch, seconds, eventsPerSecond }
    } finally {
      await run.close()
    }
  }

  /**
   * Both, over shared memory and over WebSocket.
   * @param {import('../index').CompareOptions} [options]
   * @returns {Promise<import('../index').TransportComparison>}
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   * @throws {IpcError} ERR_BENCHMARK_FAILED, ERR_SHM_UNAVAILABLE
   */
  async compare(options) {
    const checked = checkEach(options, COMPARE)
    const result = {}
    for (const name of ['shm', 'websocket']) {
      result[name] = {
        latency: await this.measureLatency({
          transport: name,
          events: checked.latencyEvents,
          pauseMs: checked.pauseMs
        }),
        throughput: await this.measureThroughput({
          transport: name,
          events: checked.throughputEvents,
          batch: checked.batch
        })
      }
    }
    const { shm, websocket } = result
    const part = (figure) => shm.latency[figure] / websocket.latency[figure]
    return {
      shm,
      websocket,
      ratios: {
        p50: part('p50'),
        p90: part('p90'),
        throughput:
          shm.throughput.eventsPerSecond / websocket.throughput.eventsPerSecond
      }
    }
  }
}

module.exports = { BenchmarkClient }
