'use strict'
// What the rounds gave: figures by scenario and case, and their summary.

const { quantile, summarize } = require('./statistics.js')
const { tailsOf } = require('./tails.js')

/** Points of a distribution: enough for a curve, and for its end. */
const QUANTILES = [
  0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55,
  0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995,
  0.999, 1
]

class Results {
  constructor() {
    this._cases = new Map()
  }

  add(scenario, entry, { figures, samples = [], unit }) {
    const key = `${scenario.name}/${entry.name}`
    if (!this._cases.has(key)) {
      this._cases.set(key, {
        scenario,
        entry,
        unit,
        rounds: [],
        samples: []
      })
    }
    const found = this._cases.get(key)
    found.rounds.push(figures)
    for (const sample of samples) found.samples.push(sample)
  }

  /** Everything as JSON has it, in the plan's order. */
  summary(plan) {
    return plan
      .map((scenario) => ({
        name: scenario.name,
        title: scenario.title,
        kind: scenario.kind,
        readers: scenario.readers,
        cases: scenario.cases
          .map((entry) => this._cases.get(`${scenario.name}/${entry.name}`))
          .filter((found) => found !== undefined)
          .map(summarizeCase)
      }))
      .filter(({ cases }) => cases.length > 0)
  }
}

function summarizeCase({ entry, rounds, samples }) {
  const figures = {}
  for (const name of Object.keys(rounds[0])) {
    const values = rounds.map((round) => round[name])
    figures[name] = { ...summarize(values), rounds: values }
  }
  const distribution =
    samples.length === 0
      ? undefined
      : QUANTILES.map((q) => [q, quantile(samples, q)])
  return {
    name: entry.name,
    title: entry.title,
    figures,
    samples: samples.length || undefined,
    tails: samples.length === 0 ? undefined : tailsOf(samples),
    distribution
  }
}

/**
 * The summary of one figure; undefined when it was not measured.
 * @returns {{ median: number, rounds: number[], isFar?: boolean } | undefined}
 *   of the near rounds alone where there were both kinds in this run; `isFar`:
 *   all rounds of this case were far, while others had near ones
 */
function figureOf(summary, scenario, name, figure) {
  const found = summary
    .find((one) => one.name === scenario)
    ?.cases.find((one) => one.name === name)
  if (found?.near === undefined) return found?.figures[figure]
  if (found.near !== null) return found.near[figure]
  return { ...found.figures[figure], isFar: true }
}

module.exports = { figureOf, Results }
