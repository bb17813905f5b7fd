'use strict'
// Two states beside each other: what is divided by what, so that above 1 the
// first one is better, and how far the rounds were from each other.

const { summarize } = require('./statistics.js')

/** The figures of each kind of scenario that are compared: `[figure, what it
 * is called, whether more of it is better]` */
const COMPARED = {
  rate: [['rate', 'events/s', true]],
  latency: [
    ['p50', 'p50 µs', false],
    ['p90', 'p90 µs', false]
  ],
  'one-way': [
    ['p50', 'p50 µs', false],
    ['p90', 'p90 µs', false]
  ],
  cost: [['ns', 'CPU ns per event', false]],
  idle: [
    ['percent', 'CPU %', false],
    ['megabytes', 'MB for each client', false]
  ]
}

/** How many times better `ours` is. */
const ratioOf = (ours, theirs, moreIsBetter) =>
  moreIsBetter ? ours / theirs : theirs / ours

/**
 * @param {object[]} ours the summary of the scenarios of this state
 * @param {object[]} theirs of the other, by the same plan
 * @returns {object[]} one for each figure: `ours` and `theirs` with `median`,
 *   `low`, `high` and `rounds`; `ratio` of the medians, and `spread`: the same
 *   of the ratios that each round gave, whose halves were measured one directly
 *   after the other
 */
function compareSummaries(ours, theirs) {
  return ours.flatMap((scenario, i) =>
    scenario.cases.flatMap((one, j) =>
      COMPARED[scenario.kind].map(([figure, unit, moreIsBetter]) => {
        const [a, b] = [one, theirs[i].cases[j]].map(
          ({ figures }) => figures[figure]
        )
        return {
          scenario: scenario.name,
          case: one.name,
          title: one.title,
          figure,
          unit,
          moreIsBetter,
          ours: a,
          theirs: b,
          ratio: ratioOf(a.median, b.median, moreIsBetter),
          spread: summarize(
            a.rounds.map((value, k) =>
              ratioOf(value, b.rounds[k], moreIsBetter)
            )
          )
        }
      })
    )
  )
}

module.exports = { compareSummaries }
