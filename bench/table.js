'use strict'
// The tables at the end of a run.

/** Three significant digits at the least, and no more than that below 100. */
function number(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: Math.abs(value) < 0.1 ? 3 : digits
  })
}

/** A median, with the lowest and the highest round where there are several. */
function spread({ median, low, high, rounds }) {
  if (rounds?.length === 1) return number(median)
  return `${number(median)} (${number(low)} to ${number(high)})`
}

/** Columns as wide as they must be, numbers to the right. */
function table(head, rows) {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i].length))
  )
  const line = (cells) =>
    `| ${cells
      .map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])
      )
      .join(' | ')} |`
  const rule = widths.map((width, i) =>
    i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`
  )
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

const LINE = ['cache line, ns', 'line']

/** How the figures of each kind of scenario are shown. */
const COLUMNS = {
  rate: [['events/s', 'rate'], LINE],
  latency: [
    ['p50 µs', 'p50'],
    ['p90 µs', 'p90'],
    ['p99 µs', 'p99'],
    ["receiver's CPU %", 'cpu', 100]
  ],
  'one-way': [['p50 µs', 'p50'], ['p90 µs', 'p90'], LINE],
  session: [
    ['p50 µs, singles', 'p50'],
    ['p90 µs', 'p90'],
    ['p50 µs, bursts', 'burstP50'],
    ['p99 µs', 'burstP99'],
    ['p99 µs, flood', 'floodP99'],
    ["receiver's CPU %", 'cpu', 100]
  ],
  cost: [
    ['CPU ns per event', 'ns'],
    ['wake-ups per event', 'bells']
  ],
  scale: [
    ['CPU ns per event, p50 of bursts', 'ns'],
    ['mean', 'meanNs'],
    ['wake-ups per burst', 'bells'],
    ['single p50 µs', 'p50'],
    ['of the slowest', 'slowestP50'],
    ['p99 of the slowest', 'p99'],
    ['max', 'max'],
    ['lost, %', 'lostPercent']
  ],
  'large-ring': [
    ['file MB', 'fileMb'],
    ['made ms', 'createMs'],
    ['filled ns', 'fillNs'],
    ['opened ms', 'openMs'],
    ['read ns', 'readNs'],
    ['lapped ns', 'lapNs'],
    ['read again ns', 'rereadNs'],
    ["writer's own MB", 'writerMb'],
    ["reader's own MB", 'readerMb'],
    ['shared MB', 'mappedMb'],
    ['lost', 'lost']
  ],
  idle: [
    ['CPU %', 'percent'],
    ['over a bare node, %', 'extraPercent'],
    ['MB for each client', 'megabytes']
  ]
}

const scaled = ({ median, low, high, rounds }, factor) => ({
  median: median * factor,
  low: low * factor,
  high: high * factor,
  rounds
})

function scenarioTable({ title, kind, cases }) {
  const columns = COLUMNS[kind].filter(([, figure]) =>
    cases.some(({ figures }) => figures[figure] !== undefined)
  )
  const rows = cases.map((one) => [
    one.title,
    ...columns.map(([, figure, factor = 1]) => {
      const value = one.figures[figure]
      return value === undefined ? '' : spread(scaled(value, factor))
    })
  ])
  const all = table([title, ...columns.map(([head]) => head)], rows)
  const isTold = cases.some(({ near }) => near !== undefined)
  return isTold ? `${all}\n\n${nearTable(title, kind, cases)}` : all
}

/** The first figure of near rounds alone, and how many of them there were. */
function nearTable(title, kind, cases) {
  const [head, figure] = COLUMNS[kind][0]
  const timed = cases.filter(({ near }) => near !== undefined)
  const rows = timed.map((one) => [
    one.title,
    one.near === null ? '' : spread(one.near[figure]),
    `${one.near?.line.rounds.length ?? 0} of ${one.figures.line.rounds.length}`
  ])
  return table([`${title}, near CPUs alone`, head, 'rounds'], rows)
}

/** Quantiles of the single events of all rounds together, of which there are
 * enough. */
function tailTable(scenarios) {
  const cell = (value) => (value === undefined ? '' : number(value))
  const rows = scenarios
    .filter(({ kind }) => kind === 'latency' || kind === 'session')
    .flatMap(({ name, cases }) =>
      cases
        .filter(({ tails }) => tails?.p99 !== undefined)
        .map(({ title, tails }) => [
          `${name}: ${title}`,
          String(tails.count),
          ...['p50', 'p99', 'p999', 'max'].map((key) => cell(tails[key]))
        ])
    )
  const head = ['events', 'p50 µs', 'p99 µs', 'p99.9 µs', 'max µs']
  return rows.length > 0
    ? [table(['Single events of all rounds', ...head], rows)]
    : []
}

function ratioTable(ratios) {
  const rows = ratios.map(
    ({ what, value, isRatio, sign, least, aim, verdict }) => {
      const unit = isRatio ? ' ×' : ''
      const side = sign === '>=' ? '≥' : '≤'
      return [
        what,
        `${number(value)}${unit}`,
        `${side} ${least}${unit}`,
        `${side} ${aim}${unit}`,
        verdict
      ]
    }
  )
  return table(['Ratios of medians', 'here', 'at least', 'aim', ''], rows)
}

function comparisonTable(comparison) {
  const rows = comparison.map(
    ({ scenario, title, unit, ours, theirs, ratio, spread: rounds }) => [
      `${scenario}: ${title}, ${unit}`,
      spread(ours),
      spread(theirs),
      ratio.toFixed(2),
      `${rounds.low.toFixed(2)} to ${rounds.high.toFixed(2)}`
    ]
  )
  return table(['', 'this', 'that', 'ratio', 'of single rounds'], rows)
}

/** Everything, as Markdown. */
function report({ machine, rounds, scenarios, ratios, missing, against }) {
  const parts = [
    `${rounds} round${rounds === 1 ? '' : 's'}, medians (lowest to highest ` +
      `round); ${machine.date}, Node ${machine.node}, ${machine.cpus} CPUs ` +
      `(${machine.cpu}), ${machine.system}; load ${number(machine.load)} at ` +
      `the start, ${number(machine.stolenPercent)} % of the CPU time stolen ` +
      'by the host',
    ...scenarios.map(scenarioTable),
    ...tailTable(scenarios)
  ]
  if (ratios.length > 0) parts.push(ratioTable(ratios))
  if (against !== undefined) {
    parts.push(
      `this: ${against.ours}\nthat: ${against.theirs}\n` +
        'A ratio above 1: this is better by that (rates are this / that, ' +
        'times and CPU that / this).',
      comparisonTable(against.comparison)
    )
  }
  for (const { what, why } of missing) {
    parts.push(`Not measured: ${what}. ${why}`)
  }
  return `\n${parts.join('\n\n')}\n`
}

module.exports = { COLUMNS, number, report, spread, table }
