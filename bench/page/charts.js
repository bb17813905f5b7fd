'use strict'
// The charts of the report, drawn by uPlot. Runs in the browser.
/* global uPlot */
/* exported curves, bars, lines, colourOf, element */

const COLOURS = {
  shm: '#2456c9',
  reliable: '#6f9bf0',
  'shm-prepared': '#a9c1f7',
  'ws-prepared': '#e3b5a1',
  ws: '#c7552b',
  unix: '#2f8f5b',
  'child-process': '#8a5cc2',
  zeromq: '#b58a12',
  barest: '#6b7280',
  idle: '#6f9bf0',
  balanced: '#2456c9',
  low: '#0f2f80',
  kg: '#2456c9',
  'kg-plain': '#6f9bf0',
  'kg-reliable': '#13a3b5',
  'boost-spsc': '#c7552b',
  'boost-queue': '#b58a12',
  'posix-queue': '#8a5cc2',
  'cache-line': '#6b7280',
  futex: '#9aa1ad',
  chain: '#4b5563',
  'spin-chain': '#1f2937'
}

const colourOf = (name) => COLOURS[name] ?? '#444'

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

function short(value) {
  const round = (number) => String(Number(number.toPrecision(3)))
  if (value >= 1e6) return `${round(value / 1e6)} M`
  return value >= 1e3 ? `${round(value / 1e3)} k` : round(value)
}

const WIDTH = 980

/** Only powers of ten, and what is between them when there are few. */
const logSplits = (_plot, _axis, low, high) => {
  const splits = []
  const steps = high / low > 1e3 ? [1] : [1, 2, 5]
  for (let power = Math.floor(Math.log10(low)); ; power++) {
    for (const step of steps) {
      const value = step * 10 ** power
      if (value > high) return splits
      if (value >= low) splits.push(value)
    }
  }
}

/** Share of the events that arrived within a time, on a log axis. */
function curves(target, cases) {
  const x = [
    ...new Set(
      cases.flatMap((one) => one.distribution.map((point) => point[1]))
    )
  ].sort((a, b) => a - b)
  const series = cases.map(({ distribution }) => {
    let at = -1
    return x.map((time) => {
      while (at + 1 < distribution.length && distribution[at + 1][1] <= time) {
        at++
      }
      if (at < 0) return null
      const [share, low] = distribution[at]
      const next = distribution[at + 1]
      if (next === undefined) return time === low ? 100 * share : null
      // Between two points, as the eye would draw it on that axis.
      const part = Math.log(time / low) / Math.log(next[1] / low)
      return 100 * (share + part * (next[0] - share))
    })
  })
  new uPlot(
    {
      width: WIDTH,
      height: 320,
      scales: { x: { distr: 3, time: false }, y: { range: [-2, 102] } },
      axes: [
        {
          label: 'microseconds, one way (log)',
          splits: logSplits,
          filter: (_plot, splits) => splits,
          values: (_plot, splits) => splits.map(short)
        },
        {
          label: 'of the events, %',
          size: 56,
          splits: () => [0, 25, 50, 75, 100],
          values: (_plot, splits) => splits.map((value) => `${value}`)
        }
      ],
      series: [
        { label: 'µs', value: (_plot, value) => value && short(value) },
        ...cases.map((one) => ({
          label: one.title,
          stroke: colourOf(one.name),
          width: /^(shm|low|balanced|idle|kg)/.test(one.name) ? 2.5 : 1.5,
          dash: /^(barest|futex|chain|spin|cache)/.test(one.name)
            ? [6, 4]
            : undefined,
          points: { show: false },
          value: (_plot, value) => value && `${value.toFixed(1)} %`
        }))
      ]
    },
    [x, ...series],
    target
  )
}

/** Horizontal room is for names: one group for each scenario, log axis. */
function bars(target, groups) {
  const names = [
    ...new Set(groups.flatMap(({ cases }) => cases.map(({ name }) => name)))
  ]
  const titles = new Map(
    groups.flatMap(({ cases }) => cases.map(({ name, title }) => [name, title]))
  )
  const x = groups.map((_, i) => i)
  const rate = (group, name) =>
    group.cases.find((one) => one.name === name)?.figures.rate.median ?? null
  const all = groups.flatMap((group) =>
    names.map((name) => rate(group, name)).filter((value) => value !== null)
  )
  // A floor of a whole power, for a log axis knows no zero.
  const low = 10 ** Math.floor(Math.log10(Math.min(...all)) - 0.01)
  const share = 0.84 / names.length
  const place = (index) => ({
    unit: 3,
    values: (_plot, _series, from, to) => {
      const places = []
      for (let i = from; i <= to; i++) {
        places.push(i - 0.42 + share * index)
      }
      return places
    }
  })
  new uPlot(
    {
      width: WIDTH,
      height: 340,
      scales: {
        x: { time: false, range: [-0.5, groups.length - 0.5] },
        y: { distr: 3, range: (_plot, _low, high) => [low, high * 1.6] }
      },
      axes: [
        {
          splits: () => x,
          values: () => groups.map(({ label }) => label),
          grid: { show: false }
        },
        {
          label: 'events a second (log)',
          size: 64,
          splits: logSplits,
          filter: (_plot, splits) => splits,
          values: (_plot, splits) => splits.map(short)
        }
      ],
      series: [
        { label: 'what', value: (_plot, value) => groups[value]?.label ?? '' },
        ...names.map((name, i) => ({
          label: titles.get(name),
          fill: colourOf(name),
          stroke: colourOf(name),
          width: 0,
          points: { show: false },
          value: (_plot, value) => value && short(value),
          paths: uPlot.paths.bars({
            disp: {
              x0: place(i),
              size: { unit: 3, values: () => x.map(() => share * 0.92) }
            }
          })
        }))
      ]
    },
    [x, ...names.map((name) => groups.map((group) => rate(group, name)))],
    target
  )
}

/** Throughput by the number of readers, both axes log. */
function lines(target, groups) {
  const [{ cases: first }] = groups
  const x = groups.map(({ readers }) => readers)
  new uPlot(
    {
      width: WIDTH,
      height: 320,
      scales: { x: { time: false, distr: 3, log: 2 }, y: { distr: 3 } },
      axes: [
        {
          label: 'readers',
          splits: () => x,
          filter: () => x,
          values: () => x.map(String)
        },
        {
          label: 'events a second (log)',
          size: 64,
          splits: logSplits,
          filter: (_plot, splits) => splits,
          values: (_plot, splits) => splits.map(short)
        }
      ],
      series: [
        { label: 'readers', value: (_plot, value) => value ?? '' },
        ...first.map(({ name, title }) => ({
          label: title,
          stroke: colourOf(name),
          width: name === 'shm' ? 2.5 : 1.5,
          points: { show: true, size: 7, fill: colourOf(name) },
          value: (_plot, value) => value && short(value)
        }))
      ]
    },
    [
      x,
      ...first.map(({ name }) =>
        groups.map(
          ({ cases }) =>
            cases.find((one) => one.name === name)?.figures.rate.median ?? null
        )
      )
    ],
    target
  )
}
