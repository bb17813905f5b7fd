'use strict'
// `npm run bench`: the package beside its peers and the machine's floors, in
// rounds that take turns. Only ratios within one run say something.

const fs = require('node:fs')
const { watchMachine } = require('./machine.js')
const { parseOptions } = require('./run-options.js')
const { makePlan } = require('./plan.js')
const { ratiosOf } = require('./ratios.js')
const { writeReport } = require('./report.js')
const { Results } = require('./results.js')
const table = require('./table.js')

/** Shows where the run is, on stderr. */
function makeProgress(plan, rounds) {
  const begin = Date.now()
  const count = (every) =>
    plan.flatMap(({ cases }) => cases).filter((entry) => !every || entry.every)
      .length
  const all = count(false) + (rounds - 1) * count(true)
  let done = 0
  return {
    say: (text) => process.stderr.write(`${text}\n`),
    step(round, scenario, entry, figures) {
      done++
      const seconds = Math.round((Date.now() - begin) / 1000)
      const percent = String(Math.round((100 * done) / all)).padStart(3)
      const shown = Object.entries(figures)
        .map(([name, value]) => `${name} ${table.number(value)}`)
        .join(', ')
      process.stderr.write(
        `${percent} % ${seconds} s, round ${round}/${rounds}, ` +
          `${scenario.title}: ${entry.title}: ${shown}\n`
      )
    }
  }
}

async function measure(plan, rounds) {
  const results = new Results()
  const progress = makeProgress(plan, rounds)
  for (let round = 1; round <= rounds; round++) {
    for (const scenario of plan) {
      // Who comes first is at no advantage in the end.
      const turns = [...scenario.cases]
      if (round % 2 === 0) turns.reverse()
      for (const entry of turns) {
        if (round > 1 && !entry.every) continue
        let measured
        try {
          measured = await entry.run()
        } catch (error) {
          error.message = `${scenario.title}: ${entry.title}: ${error.message}`
          throw error
        }
        results.add(scenario, entry, measured)
        progress.step(round, scenario, entry, measured.figures)
      }
    }
  }
  return results
}

async function main() {
  const options = parseOptions()
  const machine = watchMachine()
  const { plan, missing } = await makePlan(options)
  for (const { what, why } of missing) {
    process.stderr.write(`not measured: ${what}. ${why}\n`)
  }
  const results = await measure(plan, options.rounds)
  const scenarios = results.summary(plan)
  const summary = {
    machine: machine(),
    quick: options.quick,
    rounds: options.rounds,
    scenarios,
    ratios: ratiosOf(scenarios),
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
}

main().catch((error) => {
  console.error(`bench: ${error.message}`)
  process.exit(1)
})
