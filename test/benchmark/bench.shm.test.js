'use strict'
// The parts of `npm run bench`: its threats, the comparison of two states and
// the command line. Contents and order are asserted, times never.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')
const {
  beyondThreshold,
  compareSummaries
} = require('../../bench/comparison.js')
const { SCENARIOS } = require('../../bench/plan.js')
const { findState } = require('../../bench/sides.js')
const { summarize } = require('../../bench/statistics.js')
const { makeStream, VARIETY } = require('../../bench/threats.js')
const { makeTurns } = require('../../bench/turns.js')

const execute = promisify(execFile)
const ROOT = path.join(__dirname, '..', '..')
const bench = (...args) =>
  execute(process.execPath, ['bench/run.js', ...args], { cwd: ROOT })

/** A threat as it would be received. */
const received = (threat, index) => ({
  sequence: index + 1,
  id: 'an-id',
  timestampUs: 1,
  ...threat
})

describe('bench: threats', () => {
  const lengths = {
    varied: [32, 187],
    small: [10, 23],
    full: [256, 256],
    large: [4096, 4096],
    unicode: [32, 187],
    critical: [32, 187]
  }
  it('one in a hundred is Critical, or all are', () => {
    const streams = {
      varied: makeStream(),
      critical: makeStream({ kind: 'critical' })
    }
    const criticalOf = (kind) =>
      Array.from({ length: 10 * VARIETY }, (_, i) =>
        streams[kind].at(i)
      ).filter(({ severity }) => severity === 'Critical').length
    assert.equal(criticalOf('varied'), 10 * Math.floor(VARIETY / 100))
    assert.equal(criticalOf('critical'), 10 * VARIETY)
  })
  for (const strings of ['fresh', 'prepared']) {
    for (const [kind, [shortest, longest]] of Object.entries(lengths)) {
      it(`${strings}, ${kind}: what was sent is what is expected`, () => {
        const [sender, receiver] = [1, 2].map(() =>
          makeStream({ kind, strings })
        )
        assert.equal(sender.longest, longest)
        for (let i = 0; i < 2 * VARIETY; i++) {
          const threat = sender.at(i)
          assert.ok(threat.details.length >= shortest)
          assert.ok(threat.details.length <= longest)
          receiver.verify(received(threat, i), i)
        }
      })
    }

    it(`${strings}: every field, the order and the sequence count`, () => {
      const stream = makeStream({ strings })
      const index = VARIETY + 5
      const threat = received(stream.at(index), index)
      stream.verify(threat, index)
      for (const damage of [
        { sequence: index },
        { id: '' },
        { timestampUs: 0 },
        { threatType: 'Nothing' },
        { severity: 'Nothing' },
        { source: 'mcp' },
        { details: `${threat.details} ` },
        { details: `x${threat.details.slice(1)}` },
        { details: threat.details.slice(0, -1) },
        { blocked: !threat.blocked }
      ]) {
        assert.throws(
          () => stream.verify({ ...threat, ...damage }, index),
          /^Error: event 1002 is not what was sent: {/
        )
      }
    })
  }

  it('fresh details are never the same twice, prepared ones come again', () => {
    const count = 3 * VARIETY
    const distinct = (strings) => {
      const { at } = makeStream({ strings })
      return new Set(Array.from({ length: count }, (_, i) => at(i).details))
        .size
    }
    assert.equal(distinct('fresh'), count)
    assert.equal(distinct('prepared'), VARIETY)
  })
})

describe('bench: the order of measurements', () => {
  const entry = (name, every = true) => ({ name, every })
  const plan = [
    { name: 'one', cases: [entry('a'), entry('b', false)] },
    { name: 'two', cases: [entry('c'), entry('d')] }
  ]
  const order = (rounds, sides) =>
    makeTurns(plan, rounds, sides).map(
      ({ round, scenario, entry: { name }, side }) =>
        `${round} ${scenario.name} ${name}${side}`
    )

  it('two sides take turns, and every second round goes backwards', () => {
    const only = [{ name: 'one', cases: [entry('a')] }]
    const sides = makeTurns(only, 4, ['A', 'B']).map(({ side }) => side)
    assert.equal(sides.join(' '), 'A B B A A B B A')
    assert.deepEqual(order(2, ['A', 'B']), [
      '1 one aA',
      '1 one aB',
      '1 one bA',
      '1 one bB',
      '1 two cA',
      '1 two cB',
      '1 two dA',
      '1 two dB',
      '2 one aB',
      '2 one aA',
      '2 two dB',
      '2 two dA',
      '2 two cB',
      '2 two cA'
    ])
  })

  it('one side takes them alone', () => {
    assert.deepEqual(order(1, ['']), [
      '1 one a',
      '1 one b',
      '1 two c',
      '1 two d'
    ])
  })
})

describe('bench: the comparison', () => {
  const summary = (kind, figures) => [
    {
      name: kind,
      title: kind,
      kind,
      cases: [
        {
          name: 'shm',
          title: 'shared memory',
          figures: Object.fromEntries(
            Object.entries(figures).map(([name, rounds]) => [
              name,
              { ...summarize(rounds), rounds }
            ])
          )
        }
      ]
    }
  ]
  const compare = (kind, ours, theirs) =>
    compareSummaries(summary(kind, ours), summary(kind, theirs))

  it('a higher rate is better: this / that, of the medians', () => {
    const [row, ...others] = compare(
      'rate',
      { rate: [300, 100, 200] },
      { rate: [100, 200, 50] }
    )
    assert.equal(others.length, 0)
    assert.equal(row.ratio, 2)
    assert.deepEqual(row.spread, { median: 3, low: 0.5, high: 4 })
    assert.equal(row.ours.median, 200)
    assert.equal(row.theirs.median, 100)
  })

  it('less time is better: that / this', () => {
    const ours = { p50: [10], p90: [40], p99: [1], cpu: [1] }
    const theirs = { p50: [20], p90: [20], p99: [1], cpu: [1] }
    for (const kind of ['latency', 'one-way']) {
      assert.deepEqual(
        compare(kind, ours, theirs).map(({ unit, ratio }) => [unit, ratio]),
        [
          ['p50 µs', 2],
          ['p90 µs', 0.5]
        ]
      )
    }
    const [cost] = compare('cost', { ns: [400] }, { ns: [100] })
    assert.equal(cost.ratio, 0.25)
  })

  it('is beyond the threshold when the medians and the rounds are', () => {
    const of = (ours, theirs) =>
      compare('rate', { rate: ours }, { rate: theirs })
    const worse = of([80, 80, 80], [100, 100, 100])
    assert.deepEqual(beyondThreshold(worse, 0.9), [
      'rate: shared memory, events/s: 0.80 times as good (0.80 by rounds), ' +
        '0.9 at the least'
    ])
    assert.deepEqual(beyondThreshold(worse, 0.8), [])
    assert.deepEqual(beyondThreshold(worse, 0), [])
    // A machine that was slow for both has fast rounds in the other state.
    const unlucky = of([50, 50, 80], [50, 100, 80])
    assert.ok(unlucky[0].ratio < 0.9)
    assert.deepEqual(beyondThreshold(unlucky, 0.9), [])
    const late = compare(
      'latency',
      { p50: [20], p90: [10] },
      { p50: [10], p90: [10] }
    )
    assert.deepEqual(
      beyondThreshold(late, 0.9).map((text) => text.slice(0, 30)),
      ['latency: shared memory, p50 µs']
    )
  })

  it('a median lies in the middle, of an even number between two', () => {
    assert.deepEqual(summarize([4, 1, 9]), { median: 4, low: 1, high: 9 })
    assert.deepEqual(summarize([4, 1, 9, 6]), { median: 5, low: 1, high: 9 })
  })
})

describe('bench: the command line', function () {
  // The comparison compiles, and starts some twenty processes.
  this.timeout(300_000)

  it('--help names all options and scenarios', async () => {
    const { stdout, stderr } = await bench('--help')
    assert.equal(stderr, '')
    for (const option of [
      'quick',
      'rounds',
      'only',
      'against',
      'threshold',
      'tails',
      'corrupt'
    ]) {
      assert.ok(stdout.includes(`\n  --${option} `), option)
    }
    const words = stdout.split(/[\s,]+/)
    for (const name of SCENARIOS) assert.ok(words.includes(name), name)
    assert.ok(stdout.split('\n').every((line) => line.length <= 80))
    for (const name of ['one', 'batch', 'cold', 'asleep-20', 'core']) {
      assert.ok(SCENARIOS.includes(name), name)
    }
  })

  for (const [args, words] of [
    [['--against'], /argument missing/],
    [['--against', 'no-such-thing'], /a folder of this package or a commit/],
    [['--against', os.tmpdir()], /a folder of this package or a commit/],
    [['--against', '.', '--only', 'floors-1'], /compares one, batch, /],
    [['--only', 'one,two'], /--only: there is no two\n[^]*one, batch, /],
    [['--threshold', '0.9'], /is about what --against compares/],
    [['--against', '.', '--threshold', '90'], /a number from 0 to 10, got 90/],
    [['--against', '.', '--threshold', 'x'], /a number from 0 to 10, got x/],
    [['--rounds', '0'], /expected a whole number from 1, got 0/],
    [['--corrupt', 'all'], /expected one of details, /],
    [['--nope'], /Unknown option '--nope'/]
  ]) {
    it(`${args.join(' ')}: says what there is, and ends with 2`, async () => {
      await assert.rejects(bench(...args), ({ code, stdout, stderr }) => {
        assert.equal(code, 2)
        assert.equal(stdout, '')
        assert.match(stderr, /^bench: /)
        assert.match(stderr, words)
        assert.match(stderr, /\nnpm run bench -- \[options\]\n/)
        return true
      })
    })
  }

  it('a state is a folder of this package, else a commit', () => {
    assert.deepEqual(findState(ROOT), { dir: ROOT })
    assert.equal(findState(path.join(ROOT, 'lib')), null)
    assert.equal(findState('--all'), null)
  })

  it('compares with a folder, figure by figure, and ends with 1', async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    try {
      const compared = bench(
        ...['--quick', '--rounds=2', '--only=cold', '--against', ROOT],
        // So much better than itself it is not.
        ...['--threshold=10', `--report=${dir}`]
      )
      await assert.rejects(compared, ({ code, stdout, stderr }) => {
        assert.equal(code, 1)
        assert.match(stdout, /\| cold: shared memory, events\/s +\|/)
        assert.match(stderr, /\nbench: worse: cold: shared memory, events/)
        return true
      })
      const json = fs.readFileSync(path.join(dir, 'report.json'), 'utf8')
      const { against, scenarios } = JSON.parse(json)
      assert.deepEqual(scenarios, [])
      assert.equal(against.threshold, 10)
      assert.equal(against.beyond.length, 2)
      assert.ok(against.theirs.startsWith(ROOT))
      assert.deepEqual(
        against.comparison.map((row) => row.case),
        ['shm', 'reliable']
      )
      for (const { ratio, spread, ours, theirs } of against.comparison) {
        assert.equal(ours.rounds.length, 2)
        assert.equal(theirs.rounds.length, 2)
        assert.equal(ratio, ours.median / theirs.median)
        assert.ok(spread.low <= spread.high)
      }
    } finally {
      fs.rmSync(dir, { recursive: true })
    }
  })
})

describe('bench: a run', function () {
  // Many processes, one after the other, each of which warms up.
  this.timeout(180_000)

  const quick = ['--quick', '--rounds=1', '--only=one']

  it('writes a report that needs nothing else', async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    try {
      const json = path.join(dir, 'figures.json')
      const { stdout, stderr } = await bench(
        ...quick,
        `--report=${dir}`,
        '--json',
        json
      )
      assert.match(stdout, /\| shared memory +\|/)
      assert.ok(stderr.includes(path.join(dir, 'report.html')))
      const html = fs.readFileSync(path.join(dir, 'report.html'), 'utf8')
      assert.doesNotMatch(html, /<(script|link|img)[^>]+(src|href)=/)
      const { scenarios } = JSON.parse(fs.readFileSync(json, 'utf8'))
      assert.deepEqual(
        scenarios.map(({ name }) => name),
        ['one']
      )
      const names = scenarios[0].cases.map(({ name }) => name)
      assert.deepEqual(names.slice(0, 3), ['shm', 'reliable', 'ws'])
    } finally {
      fs.rmSync(dir, { recursive: true })
    }
  })

  it('fails when a field is wrong', async () => {
    await assert.rejects(
      bench(...quick, '--no-report', '--corrupt=severity'),
      ({ code, stderr }) => code === 1 && /is not what was sent/.test(stderr)
    )
  })
})
