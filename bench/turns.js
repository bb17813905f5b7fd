'use strict'
// Who is measured when. Every second round goes backwards, so that nobody
// always comes first; two sides take turns within each case: A B, B A, A B.

/**
 * @param {{ cases: { every: boolean }[] }[]} plan scenarios; a case that is not
 *   for every round is measured in the first
 * @param {number} rounds
 * @param {object[]} sides the states that are measured, one or two
 * @returns {{ round: number, scenario: object, entry: object,
 *   side: object }[]} in order
 */
function makeTurns(plan, rounds, sides) {
  const turns = []
  for (let round = 1; round <= rounds; round++) {
    const inOrder = (list) => (round % 2 === 0 ? [...list].reverse() : list)
    for (const scenario of plan) {
      for (const entry of inOrder(scenario.cases)) {
        if (round > 1 && !entry.every) continue
        for (const side of inOrder(sides)) {
          turns.push({ round, scenario, entry, side })
        }
      }
    }
  }
  return turns
}

module.exports = { makeTurns }
