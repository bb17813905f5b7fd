'use strict'
// Two states beside each other: what is divided by what, so that above 1 the
// first one is better, and how far the rounds were from each other.

const { farFrom, nearRounds, pickRounds } = require('./distance.js')
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
  session: [
    ['p50', 'p50 µs of singles', false],
    ['burstP50', 'p50 µs of bursts', false],
    ['cpu', "receiver's CPU", false]
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

/** The rounds in which both sides were near, of a case that has both kinds and
 * one such round; all of them otherwise. */
function roundsToCompare(one, other, limit) {
  const [a, b] = [one, other].map((side) => nearRounds(side, limit))
  const both = a.map((isNear, i) => isNear && b[i] === true)
  return limit !== undefined && both.includes(true) ? both : undefined
}

/**
 * @param {object[]} ours the summary of the scenarios of this state
 * @param {object[]} theirs of the other, by the same plan
 * @returns {object[]} one for each figure: `ours` and `theirs` with `median`,
 *   `low`, `high` and `rounds`; `ratio` of the medians, and `spread`: the same
 *   of the ratios that each round gave, whose halves were measured one directly
 *   after the other. Of a case that had near and far rounds, those count in
 *   which both were near
 */
function compareSummaries(ours, theirs) {
  const limit = farFrom(ours, theirs)
  return ours.flatMap((scenario, i) =>
    scenario.cases.flatMap((one, j) => {
      const other = theirs[i].cases[j]
      const which = roundsToCompare(one, other, limit)
      return COMPARED[scenario.kind].map(([figure, unit, moreIsBetter]) => {
        const [a, b] = [one, other].map(({ figures }) =>
          which === undefined
            ? figures[figure]
            : pickRounds(figures[figure], which)
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
    })
  )
}

/**
 * Where `ours` is worse than a threshold allows: by the medians, and by the
 * rounds, each of which was measured beside one of the other state. What the
 * machine did to some rounds of one state moves only the first.
 * @param {object[]} comparison of compareSummaries()
 * @param {number} threshold so many times as good it is to be, 0: any
 * @returns {string[]} in words, one for each figure
 */
function beyondThreshold(comparison, threshold) {
  return comparison
    .filter(
      ({ ratio, spread }) => ratio < threshold && spread.median < threshold
    )
    .map(
      ({ scenario, title, unit, ratio, spread }) =>
        `${scenario}: ${title}, ${unit}: ${ratio.toFixed(2)} times as good ` +
        `(${spread.median.toFixed(2)} by rounds), ${threshold} at the least`
    )
}

module.exports = { beyondThreshold, compareSummaries }
