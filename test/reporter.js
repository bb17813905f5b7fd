'use strict'
// Mocha's usual report, and the counts of what ran for run.js and .ci/run: in
// the file that KG_TEST_COUNTS names, as `passed failed`, when the run is
// over; below it what failed, and why. A run that dies leaves no file, and that
// is a failure too.

const fs = require('node:fs')
const Mocha = require('mocha')

class Reporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const file = process.env.KG_TEST_COUNTS
    if (!file) return
    const { EVENT_TEST_FAIL, EVENT_RUN_END } = Mocha.Runner.constants
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
