'use strict'
// `npm run bench`: the package beside its peers and the machine's floors, in
// rounds that take turns. Only ratios within one run say something.

const fs = require('node:fs')
const { tellNearFromFar } = require('./distance.js')
const { watchMachine } = require('./machine.js')
const { beyondThreshold, compareSummaries } = require('./comparison.js')
const { measure } = require('./measure.js')
const { buildCore } = require('./programs.js')
const { makePlan } = require('./plan.js')
const { ratiosOf } = require('./ratios.js')
const { writeReport } = require('./report.js')
const { parseOptions } = require('./run-options.js')
const { ensureAddon, openSide, THIS } = require('./sides.js')
const table = require('./table.js')

/** This clone beside its peers. */
async function measureAlone(plan, { rounds }) {
  const [results] = await measure(plan, rounds, [THIS])
  const scenarios = tellNearFromFar(results.summary(plan))
  return { scenarios, ratios: ratiosOf(scenarios) }
}

/** This clone beside another state of it. */
async function measureAgainst(plan, { rounds, against, threshold }) {
  await ensureAddon(THIS.dir)
  const that = await openSide(against)
  if (plan.some(({ isNative }) => isNative)) await buildCore(that)
  const [ours, theirs] = (await measure(plan, rounds, [THIS, that])).map(
    (results) => results.summary(plan)
  )
  const comparison = compareSummaries(ours, theirs)
  return {
    scenarios: [],
    ratios: [],
    against: {
      ours: THIS.what,
      theirs: that.what,
      comparison,
      threshold,
      beyond: beyondThreshold(comparison, threshold)
    }
  }
}

async function main() {
  const options = parseOptions()
  const machine = watchMachine()
  const { plan, missing } = await makePlan(options)
  for (const { what, why } of missing) {
    process.stderr.write(`not measured: ${what}. ${why}\n`)
  }
  const measureAll = options.against ? measureAgainst : measureAlone
  const measured = await measureAll(plan, options)
  const summary = {
    machine: machine(),
    quick: options.quick,
    rounds: options.rounds,
    ...measured,
    missing
  }
  const json = JSON.stringify(summary, null, 2)
  if (options.json === true) {
    console.log(json)
  } else {
    console.log(table.report(summary))
    if (options.json !== undefined) fs.writeFileSync(options.json, json)
  }
  if (options.report !== null) {
    const files = writeReport(summary, options.report)
    // Not where --json writes to.
    process.stderr.write(`report: ${files.html}\n        ${files.json}\n`)
  }
  for (const text of measured.against?.beyond ?? []) {
    console.error(`bench: worse: ${text}`)
    process.exitCode = 1
  }
}

main().catch((error) => {
  console.error(`bench: ${error.message}`)
  process.exit(1)
})
