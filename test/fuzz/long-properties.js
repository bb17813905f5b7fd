'use strict'
// Loaded in front of the property tests when they are a fuzz target: runs each
// property for KG_PROPERTY_SECONDS, from a seed of its own, and counts.

const fc = require('fast-check')

const MOST_RUNS = 2 ** 31 - 1

let executions = 0

function report(details) {
  executions += details.numRuns
  const message = fc.defaultReportMessage(details)
  if (message !== undefined) {
    throw new Error(message, { cause: details.errorInstance })
  }
}

const seconds = Number(process.env.KG_PROPERTY_SECONDS)
fc.configureGlobal({
  reporter: report,
  ...(seconds > 0 && {
    numRuns: MOST_RUNS,
    interruptAfterTimeLimit: seconds * 1000,
    markInterruptAsFailure: false
  })
})

module.exports = {
  mochaHooks: {
    beforeEach() {
      if (seconds > 0) this.timeout(0)
    },
    afterAll() {
      console.log(`executions: ${executions}`)
    }
  }
}
