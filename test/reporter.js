'use strict'
// Mocha's usual report, and the counts of what ran for run.js and .ci/run: in
// the file that KG_TEST_COUNTS names, as `passed failed`, when the run is
// over; below it what failed, and why. A run that dies leaves no file, and that
// is a failure too.
//
// With the reporter option `slow` it ends with where the time went: the files
// and the tests that took longest, with their hooks. Several ran side by side,
// so these are more than the run took.

const fs = require('node:fs')
const path = require('node:path')
const Mocha = require('mocha')

const SLOWEST = 40
const SLOW_MS = 50

const { EVENT_HOOK_END, EVENT_RUN_END, EVENT_TEST_END, EVENT_TEST_FAIL } =
  Mocha.Runner.constants

/** Prints where the time of a run went, when it is over. */
function tellSlowest(runner) {
  const files = new Map()
  const tests = []
  const add = ({ duration = 0, file = '' }, title) => {
    // What belongs to no file is what hooks.js does for all.
    if (file === '') return
    files.set(file, (files.get(file) ?? 0) + duration)
    tests.push([duration, `${path.relative('.', file)}: ${title}`])
  }
  runner.on(EVENT_TEST_END, (test) => add(test, test.fullTitle()))
  runner.on(EVENT_HOOK_END, (hook) => add(hook, hook.title))
  runner.once(EVENT_RUN_END, () => {
    const byFile = [...files].map(([file, ms]) => [
      ms,
      path.relative('.', file)
    ])
    for (const list of [byFile, tests]) {
      console.log()
      list.sort(([a], [b]) => b - a)
      for (const [ms, name] of list.slice(0, SLOWEST)) {
        if (ms < SLOW_MS) break
        console.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${name}`)
      }
    }
  })
}

class Reporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    if (options.reporterOptions?.slow) tellSlowest(runner)
    const file = process.env.KG_TEST_COUNTS
    if (!file) return
    const failures = []
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      failures.push(`${test.fullTitle()}\n${error?.stack ?? error}\n`)
    })
    runner.once(EVENT_RUN_END, () => {
      // Nothing may pass by not having run.
      const failed = runner.stats.failures + runner.stats.pending
      const counts = `${runner.stats.passes} ${failed}\n`
      fs.writeFileSync(file, counts + failures.join(''))
    })
  }
}

module.exports = Reporter
