'use strict'
// `npm run benchmark-ipc`: the package's two transports beside each other, by
// its own BenchmarkClient.

const os = require('node:os')
const { BenchmarkClient } = require('..')
const { number, table } = require('./table.js')
const { readOptions } = require('./usage.js')

const USAGE = `npm run benchmark-ipc -- [options]
  --latency-events N      so many single threats (200)
  --throughput-events N   so many threats without pauses (200000)
  --json                  the figures as JSON in the table's place
`

const values = readOptions(USAGE, {
  'latency-events': { type: 'string', default: '200' },
  'throughput-events': { type: 'string', default: '200000' },
  json: { type: 'boolean', default: false }
})

async function main() {
  process.stderr.write('measures shared memory, then WebSocket\n')
  const result = await new BenchmarkClient().compare({
    latencyEvents: Number(values['latency-events']),
    throughputEvents: Number(values['throughput-events'])
  })
  if (values.json) {
    console.log(JSON.stringify(result, null, 2))
    return
  }
  const { shm, websocket } = result
  const ratio = (a, b) => `${number(a / b)} ×`
  const latency = (name) => [
    `latency ${name}, µs`,
    number(shm.latency[name]),
    number(websocket.latency[name]),
    ratio(shm.latency[name], websocket.latency[name])
  ]
  const rate = (one) => one.throughput.eventsPerSecond
  console.log(
    `\nNode ${process.version}, ${os.cpus().length} CPUs; latencies with ` +
      `pauses of about ${shm.latency.pauseMs} ms\n`
  )
  console.log(
    table(
      ['what', 'shared memory', 'WebSocket', 'ratio'],
      [
        ...['p50', 'p90', 'p99'].map(latency),
        [
          'events a second',
          number(rate(shm)),
          number(rate(websocket)),
          ratio(rate(shm), rate(websocket))
        ]
      ]
    )
  )
}

main().catch((error) => {
  console.error(`benchmark-ipc: ${error.message}`)
  process.exitCode = 1
})
