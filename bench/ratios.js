'use strict'
// The ratios that are promised: what is divided by what, and how large or how
// small the quotient is to be.

const { figureOf } = require('./results.js')

const rate = (scenario, name) => [scenario, name, 'rate']
const p50 = (scenario, name) => [scenario, name, 'p50']
const p90 = (scenario, name) => [scenario, name, 'p90']

/** `[what, ours, theirs, '>=' or '<=', at least, aim]` */
const RATIOS = [
  [
    'throughput one by one / ws, one message per threat',
    rate('one', 'shm'),
    rate('one', 'ws'),
    '>=',
    20,
    30
  ],
  [
    'throughput in batches / ws, 64 in a JSON array',
    rate('batch', 'shm'),
    rate('batch', 'ws'),
    '>=',
    5,
    7
  ],
  [
    'throughput in batches / JSON lines, a write for each',
    rate('batch', 'shm'),
    rate('one', 'unix'),
    '>=',
    12,
    20
  ],
  [
    'throughput in batches / JSON lines, 64 in a write',
    rate('batch', 'shm'),
    rate('batch', 'unix'),
    '>=',
    9,
    12
  ],
  [
    'latency asleep 20 ms apart p50 / barest addon',
    p50('asleep-20', 'shm'),
    p50('asleep-20', 'barest'),
    '<=',
    1.25,
    1.05
  ],
  [
    'latency asleep 20 ms apart p50 / ws',
    p50('asleep-20', 'shm'),
    p50('asleep-20', 'ws'),
    '<=',
    0.6,
    0.35
  ],
  [
    'latency asleep 20 ms apart p90 / ws',
    p90('asleep-20', 'shm'),
    p90('asleep-20', 'ws'),
    '<=',
    0.6,
    0.35
  ],
  [
    'latency hot 1 ms apart p50 / ws',
    p50('presets', 'low'),
    p50('asleep-1', 'ws'),
    '<=',
    0.4,
    0.15
  ],
  [
    'latency in a busy loop p50 / ws',
    p50('busy', 'shm'),
    p50('asleep-1', 'ws'),
    '<=',
    0.12,
    0.05
  ],
  [
    'C core without checksums / boost spsc_queue, events/s',
    rate('core', 'kg-plain'),
    rate('core', 'boost-spsc'),
    '>=',
    1,
    1.5
  ],
  [
    'C core / boost spsc_queue, both with checksums, events/s',
    rate('core', 'kg'),
    rate('core', 'boost-spsc-crc'),
    '>=',
    1.3,
    1.6
  ],
  [
    'C core without checksums / 384 bytes and a counter, events/s',
    rate('core', 'kg-plain'),
    rate('core', 'bare'),
    '>=',
    0.65,
    0.85
  ],
  [
    'C core one way, spinning, p50 / cache line',
    p50('one-way', 'kg'),
    p50('one-way', 'cache-line'),
    '<=',
    3,
    2
  ],
  [
    'C core one way, spinning, p50 / 384 bytes and a counter',
    p50('one-way', 'kg'),
    p50('one-way', 'bare'),
    '<=',
    1.15,
    1.05
  ],
  [
    "writer's CPU with 8 readers awake / with none",
    ['writer-flood', 'awake-8', 'ns'],
    ['writer-flood', 'none', 'ns'],
    '<=',
    1.2,
    1
  ],
  [
    "writer's CPU with 8 readers awake / beside 8 that read nothing",
    ['writer-flood', 'awake-8', 'ns'],
    ['writer-flood', 'beside-8', 'ns'],
    '<=',
    1.2,
    1
  ],
  [
    "C writer's CPU in bursts with 128 readers asleep / with none",
    ['scale', 'asleep-128', 'ns'],
    ['scale', 'none', 'ns'],
    '<=',
    1.1,
    1.02
  ]
]

/** Figures that are promised as they are: `[what, figure, unit, at least, aim]` */
const FIGURES = [
  [
    "writer's thread CPU per event, no sleeper, ns",
    ['writer-flood', 'none', 'ns'],
    600,
    300
  ],
  [
    "idle client's CPU over a bare node's, %",
    ['idle', 'client', 'extraPercent'],
    0.1,
    0.01
  ]
]

const meets = (value, sign, limit) =>
  sign === '>=' ? value >= limit : value <= limit

function judge(value, sign, least, aim) {
  if (meets(value, sign, aim)) return 'aim met'
  return meets(value, sign, least) ? 'met' : 'not met'
}

/** @returns {object[]} one for each that was measured */
function ratiosOf(summary) {
  const found = []
  for (const [what, ours, theirs, sign, least, aim] of RATIOS) {
    const [top, bottom] = [
      figureOf(summary, ...ours),
      figureOf(summary, ...theirs)
    ]
    if (top === undefined || bottom === undefined) continue
    const value = top.median / bottom.median
    const isFar = top.isFar === true || bottom.isFar === true
    found.push({
      what,
      value,
      isRatio: true,
      sign,
      least,
      aim,
      // A near round over a far one says how far the CPUs were.
      verdict: isFar ? 'far rounds' : judge(value, sign, least, aim)
    })
  }
  for (const [what, place, least, aim] of FIGURES) {
    const figure = figureOf(summary, ...place)
    if (figure === undefined) continue
    const value = figure.median
    const sign = '<='
    const verdict = judge(value, sign, least, aim)
    found.push({ what, value, isRatio: false, sign, least, aim, verdict })
  }
  return found
}

module.exports = { ratiosOf }
