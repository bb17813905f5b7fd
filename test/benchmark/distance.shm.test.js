'use strict'
// Near and far rounds of `npm run bench`: told apart, and never divided by each
// other. Contents are asserted, times never.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { promisify } = require('node:util')
const { compareSummaries } = require('../../bench/comparison.js')
const { tellNearFromFar } = require('../../bench/distance.js')
const { readPrinted } = require('../../bench/native-programs.js')
const { ratiosOf } = require('../../bench/ratios.js')
const { Results } = require('../../bench/results.js')
const { report } = require('../../bench/table.js')

const ROOT = path.join(__dirname, '..', '..')
const WHAT = 'C core without checksums / 384 bytes and a counter, events/s'

const CORE = {
  name: 'core',
  title: 'the core',
  kind: 'rate',
  cases: [
    { name: 'kg-plain', title: 'ours' },
    { name: 'bare', title: 'the floor' },
    { name: 'posix-queue', title: 'asleep' }
  ]
}

/** The summary of rounds: of each case, figures in order. */
function summaryOf(rounds) {
  const results = new Results()
  for (const entry of CORE.cases) {
    for (const figures of rounds[entry.name] ?? []) {
      results.add(CORE, entry, { figures })
    }
  }
  return results.summary([CORE])
}

const of = (...pairs) => pairs.map(([rate, line]) => ({ rate, line }))
const ratioOf = (rounds) =>
  ratiosOf(tellNearFromFar(summaryOf(rounds))).find(({ what }) => what === WHAT)

describe('bench: near and far rounds', function () {
  this.timeout(120_000)

  it('a ratio is one of near rounds where there were both kinds', () => {
    const ratio = ratioOf({
      'kg-plain': of([20, 55], [4, 240], [4, 250]),
      bare: of([40, 60], [40, 55], [8, 230])
    })
    assert.equal(ratio.value, 0.5)
    assert.equal(ratio.verdict, 'not met')
  })

  it('and so where far ones take less than three times as long', () => {
    const ratio = ratioOf({
      'kg-plain': of([20, 74], [12, 242], [13, 291]),
      bare: of([40, 86], [40, 77], [13, 243])
    })
    assert.equal(ratio.value, 0.5)
  })

  it('of one kind alone it is one of all rounds', () => {
    for (const factor of [1, 5]) {
      const ratio = ratioOf({
        'kg-plain': of([10, 50 * factor], [30, 60 * factor], [50, 70 * factor]),
        bare: of([40, 60 * factor], [40, 55 * factor], [40, 65 * factor])
      })
      assert.equal(ratio.value, 0.75)
      assert.equal(ratio.verdict, 'met')
    }
  })

  it('lines of near rounds alone, one of them short, are of one kind', () => {
    const ratio = ratioOf({
      'kg-plain': of([20, 57], [22, 24], [21, 66]),
      bare: of([40, 66], [40, 57], [40, 61])
    })
    assert.equal(ratio.value, 21 / 40)
    assert.equal(ratio.verdict, 'not met')
  })

  it('one line that was timed too short makes no near round far', () => {
    const ratio = ratioOf({
      'kg-plain': of([20, 65], [22, 28], [4, 250]),
      bare: of([40, 66], [40, 64], [8, 230])
    })
    assert.equal(ratio.value, 21 / 40)
    assert.equal(ratio.verdict, 'not met')
  })

  it('one that had far rounds alone is not judged beside near ones', () => {
    const ratio = ratioOf({
      'kg-plain': of([4, 240], [4, 250]),
      bare: of([40, 60], [8, 230])
    })
    assert.equal(ratio.verdict, 'far rounds')
  })

  it('figures keep all rounds, and a table tells of the near ones', () => {
    const scenarios = tellNearFromFar(
      summaryOf({
        'kg-plain': of([20, 55], [4, 240]),
        bare: of([8, 230], [8, 230]),
        'posix-queue': [{ rate: 1 }, { rate: 2 }]
      })
    )
    const [ours, floor, asleep] = scenarios[0].cases
    assert.deepEqual(ours.figures.rate.rounds, [20, 4])
    assert.deepEqual(ours.near.rate.rounds, [20])
    assert.equal(floor.near, null)
    assert.equal('near' in asleep, false)
    const machine = { load: 0, stolenPercent: 0 }
    const text = report({
      ...{ machine, rounds: 2, ratios: [], missing: [] },
      scenarios
    })
    const lines = text.split('\n').filter((line) => /^\| (?!-)/.test(line))
    const cells = lines.map((line) => line.split(/ *\| */).slice(1, -1))
    assert.deepEqual(cells.slice(-3), [
      ['the core, near CPUs alone', 'events/s', 'rounds'],
      ['ours', '20.0', '1 of 2'],
      ['the floor', '', '0 of 2']
    ])
    assert.deepEqual(cells[0], ['the core', 'events/s', 'cache line, ns'])
  })

  it('two states are compared by rounds in which both were near', () => {
    const compare = (theirs) =>
      compareSummaries(
        summaryOf({ 'kg-plain': of([20, 55], [30, 60], [4, 240]) }),
        summaryOf({ 'kg-plain': theirs })
      )[0]
    const both = compare(of([10, 55], [2, 250], [10, 55]))
    assert.deepEqual(both.ours.rounds, [20])
    assert.deepEqual(both.theirs.rounds, [10])
    assert.equal(both.ratio, 2)
    // States of before, which did not look.
    const old = compare([{ rate: 10 }, { rate: 10 }, { rate: 10 }])
    assert.deepEqual(old.ours.rounds, [20, 30, 4])
  })

  it('takes what the programs print, and what older ones printed', () => {
    assert.deepEqual(readPrinted(17), { rate: 17 })
    assert.deepEqual(readPrinted([1, 2]), { samples: [1, 2] })
    assert.deepEqual(readPrinted({ rate: 3 }), { rate: 3 })
    assert.deepEqual(readPrinted({ rate: 3, line: [0.25, 0.5] }), {
      rate: 3,
      line: 500
    })
  })

  it('each round of processes that spin has its line timed', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        ...[
          'bench/run.js',
          '--quick',
          '--rounds=1',
          '--only=one-way,core-cold'
        ],
        ...['--no-report', '--json']
      ],
      { cwd: ROOT }
    )
    const { scenarios } = JSON.parse(stdout)
    assert.deepEqual(
      scenarios.map(({ name }) => name),
      ['core-cold', 'one-way']
    )
    for (const { cases } of scenarios) {
      for (const { name, figures } of cases) {
        if (/queue$/.test(name)) assert.equal(figures.line, undefined)
        else assert.ok(figures.line.median > 0, name)
      }
    }
  })
})
