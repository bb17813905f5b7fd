'use strict'
// The ends of distributions, what explains them, and the session of an editor.
// Contents are asserted, times never.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { promisify } = require('node:util')
const { countHalts, threads, watchQueues } = require('../../bench/scheduler.js')
const { actsOf, eventsOf, splitByAct } = require('../../bench/session.js')
const { report } = require('../../bench/table.js')
const { tailsOf } = require('../../bench/tails.js')
const { explain } = require('../../bench/wake-up.js')

const ROOT = path.join(__dirname, '..', '..')
const program = async (...args) => {
  const options = { cwd: ROOT }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return stdout
}

const upTo = (count) => Array.from({ length: count }, (_, i) => count - i)

describe('bench: the slowest events', function () {
  this.timeout(180_000)

  it('a quantile is told when ten samples lie beyond it', () => {
    assert.deepEqual(tailsOf(upTo(999)), { count: 999, p50: 500, max: 999 })
    assert.deepEqual(tailsOf(upTo(1000)), {
      ...{ count: 1000, p50: 501, p99: 991, max: 1000 }
    })
    const { p99, p999, max } = tailsOf(upTo(10_000))
    assert.deepEqual([p99, p999, max], [9901, 9991, 10_000])
    assert.equal(tailsOf(upTo(9999)).p999, undefined)
  })

  it('a table has them, and leaves empty what there is too little for', () => {
    const scenario = (name, count) => ({
      ...{ name, title: name, kind: 'latency' },
      cases: [
        { name: 'a', title: 'A', figures: {}, tails: tailsOf(upTo(count)) }
      ]
    })
    const machine = { load: 0, stolenPercent: 0 }
    const text = report({
      ...{ machine, rounds: 1, ratios: [], missing: [] },
      scenarios: [scenario('x', 999), scenario('y', 1000), scenario('z', 1e4)]
    })
    const rows = text
      .match(/^\| [yz]: A .*$/gm)
      .map((row) => row.split(/ *\| */))
    assert.deepEqual(rows, [
      ['', 'y: A', '1000', '501', '991', '', '1,000', ''],
      ['', 'z: A', '10000', '5,001', '9,901', '9,991', '10,000', '']
    ])
    assert.doesNotMatch(text, /x: A/)
  })

  it('of the slowest, it says how long they had no CPU', () => {
    const latencies = [...new Array(98).fill(10), 100, 200]
    const queued = [...new Array(98).fill(1), 80, 5000]
    const { slowest, queuedOfSlowest, queuedOfAll } = explain(
      latencies,
      queued,
      { p99: 100 }
    )
    // What it waited for longer than it took was before.
    assert.deepEqual([slowest, queuedOfSlowest], [150, 140])
    assert.equal(queuedOfAll, 3.78)
    assert.deepEqual(explain(latencies, [], { p99: 100 }), {})
    assert.deepEqual(explain(latencies, queued, {}), {})
  })

  it('the kernel tells how long this thread had no CPU', () => {
    assert.ok(threads().includes(String(process.pid)))
    const queues = watchQueues([String(process.pid)])
    const before = queues()
    assert.ok(Number.isSafeInteger(before))
    assert.ok(queues() >= before)
    assert.equal(watchQueues(['0'])(), undefined)
    const halts = countHalts()
    assert.ok(halts === undefined || Number.isSafeInteger(halts))
  })

  it('npm run bench:wake-up tells each case, of all its events', async () => {
    const events = 2
    const stdout = await program(
      ...['bench/wake-up.js', '--json', '--rounds', '1'],
      ...['--events', String(events)]
    )
    const results = JSON.parse(stdout)
    assert.deepEqual(
      results.map(({ title }) => title),
      ['all', 'not the event loop', 'not the CPUs', 'neither']
    )
    for (const { medians, tails } of results) {
      assert.equal(tails.count, events)
      assert.ok(tails.max >= tails.p50 && tails.max < 1e9)
      assert.ok(medians.every((median) => median > 0))
    }
  })

  it('a number of events or rounds that is none is refused', async () => {
    for (const [option, count] of [
      ...[
        ['--events', '0'],
        ['--events', '1.5']
      ],
      ['--rounds', 'x']
    ]) {
      await assert.rejects(
        program('bench/wake-up.js', option, count),
        ({ code, stderr }) =>
          code === 1 && stderr.includes(`${option}: expected a whole number`)
      )
    }
  })
})

describe('bench: a session of an editor', function () {
  this.timeout(180_000)

  it('latencies are told by what happened', () => {
    const acts = [
      { name: 'typing', times: 2, events: 1 },
      { name: 'burst', times: 2, events: 3 },
      { name: 'typing', times: 1, events: 1 }
    ]
    assert.equal(eventsOf(acts), 9)
    assert.deepEqual(
      [...splitByAct(acts, [1, 2, 3, 4, 5, 6, 7, 8, 9])],
      [
        ['typing', [1, 2, 9]],
        ['burst', [3, 4, 5, 6, 7, 8]]
      ]
    )
  })

  it('it has quiet, typing, bursts and a flood', () => {
    for (const quick of [true, false]) {
      const names = new Set(actsOf(quick).map(({ name }) => name))
      assert.deepEqual([...names], ['typing', 'quiet', 'burst', 'flood'])
    }
  })

  it('is measured for each preset, and verified', async () => {
    const args = ['--quick', '--rounds=1', '--only=session', '--no-report']
    const stdout = await program('bench/run.js', ...args, '--json')
    const [{ cases }] = JSON.parse(stdout).scenarios
    assert.deepEqual(
      cases.map(({ name }) => name),
      ['idle', 'balanced', 'low', 'ws']
    )
    const acts = actsOf(true)
    const singles = eventsOf(acts.filter(({ events }) => events === 1))
    for (const { figures, samples } of cases) {
      assert.equal(samples, singles)
      for (const [name, { median }] of Object.entries(figures)) {
        assert.ok(median > 0, name)
      }
    }
    await assert.rejects(
      program('bench/run.js', ...args, '--corrupt=details'),
      ({ code, stderr }) => code === 1 && /is not what was sent/.test(stderr)
    )
  })
})
