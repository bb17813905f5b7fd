'use strict'
// Puts the report together from window.summary, with some tables' columns from
// window.columns. Runs in the browser.
/* global bars, curves, element, lines */

const { machine, quick, rounds, scenarios, ratios, missing, against } =
  window.summary
const main = document.getElementById('main')
const named = (test) => scenarios.filter(({ name }) => test.test(name))

function number(value) {
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits
  })
}

function cell(figure, factor = 1) {
  if (figure === undefined) return element('td', {})
  const made = element('td', {}, number(figure.median * factor))
  if (figure.rounds.length > 1) {
    const spread = ` ${number(figure.low * factor)}–${number(figure.high * factor)}`
    made.append(element('small', {}, spread))
  }
  return made
}

const row = (...cells) => element('tr', {}, ...cells)
const head = (...titles) =>
  row(...titles.map((title) => element('th', {}, title)))

function section(title, explanation) {
  const made = element(
    'section',
    {},
    element('h2', {}, title),
    element('p', {}, explanation)
  )
  main.append(made)
  return {
    plot() {
      const target = element('div', { className: 'plot' })
      made.append(target)
      return target
    },
    table(...rows) {
      made.append(
        element('div', { className: 'scroll' }, element('table', {}, ...rows))
      )
    }
  }
}

/** A table of some scenarios' figures, one row for each case. */
function figureTable(part, scenario, columns) {
  const shown = columns.filter(([, name]) =>
    scenario.cases.some(({ figures }) => figures[name] !== undefined)
  )
  part.table(
    head(scenario.title, ...shown.map(([title]) => title)),
    ...scenario.cases.map(({ title, figures }) =>
      row(
        element('td', {}, title),
        ...shown.map(([, name, factor]) => cell(figures[name], factor))
      )
    )
  )
}

/** Events a second: one row for each transport, one column for a scenario. */
function rateTable(part, shown, label) {
  const titles = new Map(
    shown.flatMap(({ cases }) => cases.map(({ name, title }) => [name, title]))
  )
  part.table(
    head('events/s', ...shown.map(label)),
    ...[...titles].map(([name, title]) =>
      row(
        element('td', {}, title),
        ...shown.map((one) =>
          cell(one.cases.find((found) => found.name === name)?.figures.rate)
        )
      )
    )
  )
}

main.append(
  element('h1', {}, 'kindly-guard-ipc, measured'),
  element(
    'p',
    {},
    `${machine.date} UTC · ${machine.command} · commit ${machine.commit} · ` +
      `Node ${machine.node} · ${machine.cpus} CPUs (${machine.cpu}) · ` +
      `${machine.system} · ${rounds} rounds${quick ? ', quick' : ''} in ` +
      `${machine.seconds} s · load ${number(machine.load)} at the start, ` +
      `${number(machine.stolenPercent)} % of the CPU time stolen by the host. ` +
      'Medians of rounds, with the lowest and the highest. Only ratios within ' +
      'one run say something.'
  )
)

if (ratios.length > 0) {
  section(
    'Ratios',
    'Of the medians over all rounds, against what is promised.'
  ).table(
    head('what', 'here', 'at least', 'aim', ''),
    ...ratios.map(({ what, value, isRatio, sign, least, aim, verdict }) => {
      const unit = isRatio ? ' ×' : ''
      const side = sign === '>=' ? '≥ ' : '≤ '
      return row(
        element('td', {}, what),
        element('td', {}, `${number(value)}${unit}`),
        element('td', {}, `${side}${least}${unit}`),
        element('td', {}, `${side}${aim}${unit}`),
        element(
          'td',
          { className: verdict === 'not met' ? 'bad' : 'good' },
          verdict
        )
      )
    })
  )
}

if (against !== undefined) {
  section(
    'This and that',
    `This: ${against.ours}. That: ${against.theirs}. A ratio above 1: this is ` +
      'better by that (rates are this / that, times and CPU that / this).'
  ).table(
    head('', 'this', 'that', 'ratio', 'of single rounds'),
    ...against.comparison.map((one) =>
      row(
        element('td', {}, `${one.scenario}: ${one.title}, ${one.unit}`),
        cell(one.ours),
        cell(one.theirs),
        element('td', {}, one.ratio.toFixed(2)),
        element(
          'td',
          {},
          `${one.spread.low.toFixed(2)}–${one.spread.high.toFixed(2)}`
        )
      )
    )
  )
}

const LINE = ['cache line, ns', 'line']
const RATE = [['events/s', 'rate'], LINE]
const LATENCY = [
  ['p50 µs', 'p50'],
  ['p90 µs', 'p90'],
  ['p99 µs', 'p99'],
  ["receiver's CPU %", 'cpu', 100],
  LINE
]

const LABELS = {
  one: 'one by one',
  batch: 'batches of 64',
  small: '8–24 bytes',
  full: '256 bytes',
  unicode: 'beyond Latin-1',
  critical: 'all Critical',
  cold: 'cold burst',
  large: '4 KB'
}
const throughput = named(/^(one|batch|cold|small|full|unicode|large|critical)$/)
if (throughput.length > 0) {
  const part = section(
    'Throughput',
    'From the first call to the last verified receipt, one receiver. The axis is logarithmic.'
  )
  bars(
    part.plot(),
    throughput.map((one) => ({ ...one, label: LABELS[one.name] }))
  )
  rateTable(part, throughput, (one) => LABELS[one.name])
}

const readers = named(/^readers-/)
if (readers.length > 0) {
  const part = section(
    'Scaling with readers',
    'Events a second that every one of the readers got and verified, each a process.'
  )
  if (readers.length > 1) lines(part.plot(), readers)
  rateTable(part, readers, (one) => `${one.readers}`)
}

const EXPLAINED = {
  'asleep-20':
    'Single events; both processes sleep in between. Dashed: floors without a ring.',
  'asleep-1': 'The same with shorter pauses, in which CPUs sleep less deeply.',
  presets:
    "What `latency` buys and what it costs: 'idle' never spins, 'low' spins for 2 ms.",
  busy: 'The receiver looks again and again, in a setImmediate loop.'
}
const latencies = named(/^(asleep|presets|busy)/)
for (const one of latencies) {
  const part = section(one.title, EXPLAINED[one.name])
  const pause = /-(\d+)$/.exec(one.name)?.[1] ?? '1'
  const floors = scenarios.find(({ name }) => name === `floors-${pause}`)
  const beside = one.name.startsWith('asleep')
    ? (floors?.cases ?? []).filter(({ name }) => name === 'chain')
    : one.name === 'presets'
      ? (floors?.cases ?? []).filter(({ name }) => name === 'spin-chain')
      : []
  curves(part.plot(), [...one.cases, ...beside])
  figureTable(part, one, LATENCY)
}

for (const one of named(/^session$/)) {
  const part = section(
    one.title,
    'Typing, quiet, bursts and a flood, minutes compressed into seconds; the curves are those of single events.'
  )
  curves(part.plot(), one.cases)
  figureTable(part, one, window.columns.session)
}

const tailed = scenarios
  .filter(({ kind }) => kind === 'latency' || kind === 'session')
  .flatMap(({ name, cases }) =>
    cases
      .filter(({ tails }) => tails?.p99 !== undefined)
      .map((one) => ({ ...one, title: `${name}: ${one.title}` }))
  )
if (tailed.length > 0) {
  const tail = (value) =>
    element('td', {}, value === undefined ? '' : number(value))
  section(
    'The slowest',
    'Single events of all rounds together. A quantile needs ten events beyond it.'
  ).table(
    head('', 'events', 'p50 µs', 'p99 µs', 'p99.9 µs', 'max µs'),
    ...tailed.map(({ title, tails }) =>
      row(
        element('td', {}, title),
        element('td', {}, `${tails.count}`),
        ...['p50', 'p99', 'p999', 'max'].map((key) => tail(tails[key]))
      )
    )
  )
}

const floors = named(/^floors-/)
if (floors.length > 0) {
  const part = section(
    'Floors in C',
    'What waking another process takes without Node: a futex; a futex, a thread, an eventfd and epoll, which is the way to an event loop; the same with a thread that spins.'
  )
  for (const one of floors) figureTable(part, one, LATENCY)
}

const core = named(/^(core|core-cold|one-way)$/)
if (core.length > 0) {
  const part = section(
    'The C core alone',
    'Two C processes, the same events, every field verified. One way is half a round trip.'
  )
  const oneWay = core.find(({ name }) => name === 'one-way')
  if (oneWay !== undefined) curves(part.plot(), oneWay.cases)
  for (const one of core) {
    figureTable(part, one, one.kind === 'rate' ? RATE : LATENCY)
  }
}

const costs = named(/^(writer|idle)/)
if (costs.length > 0) {
  const part = section(
    'What it costs',
    'CPU of the thread that calls writeThreat, and of a client that has nothing to do.'
  )
  for (const one of costs) {
    figureTable(part, one, [
      ['CPU ns per event', 'ns'],
      ['wake-ups per event', 'bells'],
      ['CPU %', 'percent'],
      ['over a bare node, %', 'extraPercent'],
      ['MB for each client', 'megabytes']
    ])
  }
}

const many = named(/^(scale|large-ring)$/)
if (many.length > 0) {
  const part = section(
    'Many readers, and a large ring',
    'C processes that sleep, and verify and account for all they get; ns are for an event.'
  )
  for (const one of many) figureTable(part, one, window.columns[one.kind])
}

if (missing.length > 0) {
  section('Not measured', 'What was not to be had on this machine.').table(
    ...missing.map(({ what, why }) =>
      row(element('td', {}, what), element('td', {}, why))
    )
  )
}
