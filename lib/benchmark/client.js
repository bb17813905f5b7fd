'use strict'
// BenchmarkClient: how fast the transports are on this machine. A Shield runs in
// a process of its own, and every event is checked.

const { BenchmarkRun } = require('./run.js')
const {
  checkEach,
  CURSOR_CHECKS,
  integer,
  oneOf,
  RING_CHECKS
} = require('../options/check.js')

// The first events of a run meet code that is not compiled yet.
const WARM_UP = 2000
const SLOTS = 8192

const choice = (label, value) => oneOf(label, value, ['shm', 'websocket'])
const count = (label, value) => integer(label, value, 1, 100_000_000)

const { enableChecksums: checksums } = RING_CHECKS
const { latency, spinMicros } = CURSOR_CHECKS
const OPTIONS = { enableChecksums: checksums, latency, spinMicros }
const LATENCY = {
  transport: choice,
  events: count,
  pauseMs: (label, value) => integer(label, value, 1, 60_000)
}
const THROUGHPUT = {
  transport: choice,
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
    const defaults = { transport: 'shm', events: 200, pauseMs: 5 }
    const setup = { ...defaults, ...checkEach(options, LATENCY) }
    return this._measure(setup, async (run) => {
      await run.flood(WARM_UP, 1)
      return percentiles(await run.singles(setup.events, setup.pauseMs))
    })
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
    const defaults = { transport: 'shm', events: 100_000, batch: 1 }
    const setup = { ...defaults, ...checkEach(options, THROUGHPUT) }
    const { events, batch } = setup
    return this._measure(setup, async (run) => {
      await run.flood(Math.max(WARM_UP, Math.ceil(events / 4)), batch)
      const seconds = await run.flood(events, batch)
      return { seconds, eventsPerSecond: events / seconds }
    })
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
    const { latencyEvents, throughputEvents, pauseMs, batch } = checked
    const both = async (transport) => ({
      latency: await this.measureLatency({
        transport,
        events: latencyEvents,
        pauseMs
      }),
      throughput: await this.measureThroughput({
        transport,
        events: throughputEvents,
        batch
      })
    })
    const shm = await both('shm')
    const websocket = await both('websocket')
    const ratio = (part, figure) => shm[part][figure] / websocket[part][figure]
    const ratios = {
      p50: ratio('latency', 'p50'),
      p90: ratio('latency', 'p90'),
      throughput: ratio('throughput', 'eventsPerSecond')
    }
    return { shm, websocket, ratios }
  }

  async _measure(setup, measure) {
    const { transport } = setup
    const run = await BenchmarkRun.open(transport, this._ring, this._reader)
    try {
      return { ...setup, ...(await measure(run)) }
    } finally {
      await run.close()
    }
  }
}

module.exports = { BenchmarkClient }
