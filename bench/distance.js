'use strict'
// How far the CPUs of two processes were from each other while a round was
// measured. A host that moves virtual CPUs puts them near each other in some
// rounds and far in others, which changes what goes between caches four times
// over; ratios of the two are about the host.

const { summarize } = require('./statistics.js')

// Near rounds differ by a fifth, but for a few in which a line takes less than
// half, up to 2.4 times; far ones take three or four times as long. So where a
// line takes so many times what the next shorter one took, far ones begin.
const FAR = 2.6

const linesOf = ({ figures }) => figures.line?.rounds ?? []

/**
 * The time of a cache line from which on rounds are far; undefined when all
 * are of one kind.
 * @param {...object[]} summaries of the states that are compared
 * @returns {number | undefined} ns
 */
function farFrom(...summaries) {
  const lines = summaries.flat().flatMap(({ cases }) => cases.flatMap(linesOf))
  lines.sort((one, other) => one - other)
  // The widest step, wherever it is.
  let limit
  let widest = FAR
  for (let i = 1; i < lines.length; i++) {
    const step = lines[i] / lines[i - 1]
    if (step >= widest) {
      widest = step
      limit = lines[i]
    }
  }
  return limit
}

/** Which rounds of a case were near, one boolean for each. */
const nearRounds = (one, limit) => linesOf(one).map((line) => line < limit)

/** The summary of those rounds alone that `which` is true for. */
function pickRounds({ rounds }, which) {
  const picked = rounds.filter((_, i) => which[i])
  return { ...summarize(picked), rounds: picked }
}

/**
 * Where rounds were near and far, gives each case whose lines were timed
 * `near`: the same figures of its near rounds alone, or null when all of its
 * rounds were far. Changes nothing else.
 * @param {object[]} summary of all scenarios
 */
function tellNearFromFar(summary) {
  const limit = farFrom(summary)
  if (limit === undefined) return summary
  return summary.map((scenario) => ({
    ...scenario,
    cases: scenario.cases.map((one) => {
      const which = nearRounds(one, limit)
      if (which.length === 0) return one
      const near = which.includes(true)
        ? Object.fromEntries(
            Object.entries(one.figures).map(([name, figure]) => [
              name,
              pickRounds(figure, which)
            ])
          )
        : null
      return { ...one, near }
    })
  }))
}

module.exports = { farFrom, nearRounds, pickRounds, tellNearFromFar }
