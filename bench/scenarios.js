'use strict'
// What is measured: each scenario has cases, which take turns within a round.
// A case is run in processes of its own and gives figures by name, and for
// latencies every single one.

const { Pair } = require('./pair.js')
const { sessionScenario } = require('./session.js')
const { quantile } = require('./statistics.js')
const { TAIL_EVENTS } = require('./tails.js')

const NAMES = {
  shm: 'shared memory',
  reliable: 'shared memory, reliable',
  ws: 'ws',
  unix: 'Unix socket, JSON lines',
  'child-process': 'child_process IPC',
  zeromq: 'zeromq',
  barest: 'barest addon (floor)'
}
const OURS = ['shm', 'reliable']
const PEERS = ['ws', 'unix', 'child-process', 'zeromq']

// Events of one measurement, by scenario: the full run's, and the quick one's
// share of it.
const EVENTS = {
  cold: { other: 8192 }, // the ring's first lap
  one: { shm: 1.5e6, reliable: 1.5e6, ws: 8e4, unix: 1.5e5, other: 8e4 },
  batch: { shm: 1.5e6, reliable: 1.5e6, ws: 3e5, unix: 3e5, other: 2e5 },
  small: { shm: 1.5e6, other: 8e4 },
  full: { shm: 1.2e6, other: 8e4 },
  unicode: { shm: 1.2e6, other: 8e4 },
  large: { shm: 2e5, other: 4e4 },
  critical: { shm: 1.5e6, other: 8e4 },
  readers: { shm: 6e5, other: 4e4 }
}
const QUICK = 0.3
const BATCH = 64

// Fewer for the addon that has one at a time; it warms up with the machine.
const WARM_UP = { barest: 3000, other: 20_000 }

async function measureThroughput(options, side, count, batch = 1) {
  const { isCold = false, ...rest } = options
  const mode = batch === 1 ? 'listen' : 'batches'
  const pair = await Pair.open({ mode, ...rest }, side)
  // A quarter as many warm both ends up and are not counted.
  if (!isCold) await pair.throughput(Math.ceil(count / 4), batch)
  const rate = await pair.throughput(count, batch)
  await pair.close()
  return { figures: { rate } }
}

async function measureLatency(options, side, count, pauseMs) {
  // Fresh processes, warmed up by the same number of events: a collector that
  // tidies up behind a flood would be in the way of single events.
  const pair = await Pair.open(options, side)
  await pair.throughput(WARM_UP[options.transport] ?? WARM_UP.other)
  const { latencies, cpu } = await pair.latency(count, pauseMs)
  await pair.close()
  const figures = { cpu }
  for (const percent of [50, 90, 99]) {
    figures[`p${percent}`] = quantile(latencies, percent / 100)
  }
  return { figures, samples: latencies }
}

/**
 * @param {{ quick: boolean, tailRounds?: number, damage?: string,
 *   transports: string[] }} options `tailRounds`: single events are to be enough
 *   for a p99.9 in so many rounds; `transports`: those that can be had here
 */
function transportScenarios({ quick, tailRounds, damage, transports }) {
  const here = (names) => names.filter((name) => transports.includes(name))
  const counted = (table, name) =>
    Math.ceil((table[name] ?? table.other) * (quick ? QUICK : 1))
  const isHeadline = (name) => name === 'shm' || name === 'ws'

  /** Throughput of transports; a quick run repeats only what matters most. */
  const rates = (names, table, options, { batch, often = isHeadline } = {}) =>
    here(names).map((transport) => ({
      name: transport,
      title: NAMES[transport],
      every: !quick || often(transport),
      isOurs: OURS.includes(transport),
      run: (side) =>
        measureThroughput(
          { transport, damage, ...options },
          side,
          options.isCold ? table.other : counted(table, transport),
          batch
        )
    }))

  /** The same with strings that are in one piece, and were sent before. */
  const prepared = (table, ways) =>
    rates(quick ? [] : ['shm', 'ws'], table, { strings: 'prepared' }, ways).map(
      ({ name, title, ...rest }) => ({
        ...rest,
        name: `${name}-prepared`,
        title: `${title}, prepared strings`
      })
    )

  /** Latency of transports, in ways that may have a title of their own. */
  const latencies = (ways, pauseMs, count) =>
    ways
      .filter(({ transport }) => transports.includes(transport))
      .map(({ name, title, often, ...options }) => ({
        name: name ?? options.transport,
        title: title ?? NAMES[options.transport],
        every: !quick || (often ?? isHeadline(options.transport)),
        isOurs: OURS.includes(options.transport),
        run: (side) =>
          measureLatency({ damage, ...options }, side, count, pauseMs)
      }))

  const asleep = [
    { transport: 'shm', spinMicros: 0 },
    { transport: 'barest', often: true },
    ...PEERS.map((transport) => ({ transport }))
  ]
  const singles = (full, few) =>
    Math.max(
      quick ? few : full,
      Math.ceil(TAIL_EVENTS / (tailRounds ?? Infinity))
    )
  const never = () => false

  return [
    {
      name: 'one',
      title: 'Throughput, one by one',
      kind: 'rate',
      cases: [
        ...rates(['shm', 'reliable', ...PEERS], EVENTS.one, {}),
        ...prepared(EVENTS.one)
      ]
    },
    {
      name: 'batch',
      title: `Throughput, in batches of ${BATCH}`,
      kind: 'rate',
      cases: [
        ...rates(
          ['shm', ...(quick ? ['ws', 'unix'] : ['reliable', ...PEERS])],
          EVENTS.batch,
          {},
          { batch: BATCH, often: (name) => isHeadline(name) || name === 'unix' }
        ),
        ...prepared(EVENTS.batch, { batch: BATCH })
      ]
    },
    {
      name: 'cold',
      title: 'Cold burst: the first 8,192, one by one',
      kind: 'rate',
      cases: rates(['shm', 'reliable', ...PEERS], EVENTS.cold, { isCold: true })
    },
    ...['small', 'full', 'unicode', 'large', 'critical'].map((kind) => ({
      name: kind,
      title: {
        small: 'Throughput, 10 to 23 bytes of details',
        full: 'Throughput, 256 bytes of details (a full slot)',
        unicode: 'Throughput, details with a character beyond Latin-1',
        large: 'Throughput, 4 KB of details',
        critical: 'Throughput, all Critical (kept apart by the writer)'
      }[kind],
      kind: 'rate',
      cases: rates(
        quick ? ['shm', 'ws', 'unix'] : ['shm', ...PEERS],
        EVENTS[kind],
        { kind },
        { often: never }
      )
    })),
    ...[1, 2, 4, 8].map((readers) => ({
      name: `readers-${readers}`,
      title: `Throughput with ${readers} reader${readers > 1 ? 's' : ''}`,
      kind: 'rate',
      readers,
      cases: rates(
        quick ? ['shm', 'ws'] : ['shm', ...PEERS],
        EVENTS.readers,
        { readers },
        { often: never }
      )
    })),
    {
      name: 'asleep-20',
      title: 'Latency asleep, 20 ms apart',
      kind: 'latency',
      cases: latencies(asleep, 20, singles(150, 40))
    },
    {
      name: 'asleep-1',
      title: 'Latency asleep, 1 ms apart',
      kind: 'latency',
      cases: latencies(
        quick ? asleep.slice(0, 3) : asleep,
        1,
        singles(600, 200)
      )
    },
    {
      name: 'presets',
      title: 'Latency by preset, 1 ms apart',
      kind: 'latency',
      cases: latencies(
        [
          // A quick run has it as asleep-1.
          ...(quick
            ? []
            : [{ name: 'idle', title: "'idle'", latency: 'idle' }]),
          {
            name: 'balanced',
            title: "'balanced' (default)",
            latency: 'balanced',
            often: false
          },
          { name: 'low', title: "'low' (hot)", latency: 'low' }
        ]
          .map((way) => ({ transport: 'shm', ...way }))
          .concat({
            transport: 'barest',
            title: 'barest addon, spinning (floor)',
            spins: true,
            often: true
          }),
        1,
        singles(600, 200)
      )
    },
    {
      name: 'busy',
      title: 'Latency, busy loop, 1 ms apart',
      kind: 'latency',
      cases: latencies(
        ['shm', ...(quick ? ['ws'] : PEERS)].map((transport) => ({
          transport,
          mode: 'busy'
        })),
        1,
        singles(600, 200)
      )
    },
    sessionScenario({ quick, damage, transports })
  ]
}

module.exports = { TRANSPORTS: Object.keys(NAMES), transportScenarios }
