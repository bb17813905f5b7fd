'use strict'
// A session of an editor, its minutes compressed into seconds: what a preset
// costs and how late it is, over all that happens in one and not at one rate.

const { Pair } = require('./pair.js')
const { quantile } = require('./statistics.js')

const WARM_UP = 20_000

/**
 * What happens, in order. Each act is a pause in ms (±25 %) and then so many
 * events in a go, so many times; latencies are told by the act's name.
 * A minute of quiet is a second here.
 * @typedef {{ name: string, times: number, pauseMs: number, events: number }} Act
 */

/** @returns {Act[]} */
function actsOf(quick) {
  const times = (count) => Math.ceil(quick ? count / 4 : count)
  const act = (name, count, pauseMs, events) => ({
    name,
    times: times(count),
    pauseMs,
    events
  })
  return [
    // Somebody types; a look at the file behind each few keys.
    act('typing', 20, 150, 1),
    act('quiet', 2, 1000, 1),
    // A file is saved, and a build says what it found.
    act('burst', 10, 100, 40),
    act('typing', 20, 150, 1),
    act('quiet', 2, 1000, 1),
    act('flood', 1, 100, 8000),
    act('typing', 20, 150, 1)
  ]
}

const eventsOf = (acts) =>
  acts.reduce((sum, { times, events }) => sum + times * events, 0)

/**
 * Latencies by what happened.
 * @param {Act[]} acts
 * @param {number[]} latencies of all their events, in order
 * @returns {Map<string, number[]>}
 */
function splitByAct(acts, latencies) {
  const split = new Map()
  let at = 0
  for (const { name, times, events } of acts) {
    const found = split.get(name) ?? []
    split.set(name, found.concat(latencies.slice(at, at + times * events)))
    at += times * events
  }
  return split
}

async function measureSession(options, side, acts) {
  const pair = await Pair.open(options, side)
  await pair.throughput(WARM_UP)
  const { latencies, cpu } = await pair.session(acts, eventsOf(acts))
  await pair.close()
  const split = splitByAct(acts, latencies)
  // One that comes alone, whenever that is.
  const singles = [...split.get('typing'), ...split.get('quiet')]
  return {
    figures: {
      cpu,
      p50: quantile(singles, 0.5),
      p90: quantile(singles, 0.9),
      burstP50: quantile(split.get('burst'), 0.5),
      burstP99: quantile(split.get('burst'), 0.99),
      floodP99: quantile(split.get('flood'), 0.99)
    },
    samples: singles
  }
}

const WAYS = [
  ...[
    ['idle', "'idle'"],
    ['balanced', "'balanced' (default)"],
    ['low', "'low'"]
  ].map(([latency, title]) => ({
    ...{ name: latency, title, isOurs: true },
    options: { transport: 'shm', latency }
  })),
  { name: 'ws', title: 'ws', isOurs: false, options: { transport: 'ws' } }
]

/** @param {{ quick: boolean, damage?: string, transports: string[] }} options */
function sessionScenario({ quick, damage, transports }) {
  const acts = actsOf(quick)
  return {
    name: 'session',
    title: 'A session of an editor',
    kind: 'session',
    cases: WAYS.filter(({ options }) =>
      transports.includes(options.transport)
    ).map(({ options, ...way }) => ({
      ...way,
      every: !quick,
      run: (side) => measureSession({ damage, ...options }, side, acts)
    }))
  }
}

module.exports = { actsOf, eventsOf, sessionScenario, splitByAct }
