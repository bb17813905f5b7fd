'use strict'
// Measures what is planned, turn by turn, and tells on stderr where it is.

const { Results } = require('./results.js')
const { number } = require('./table.js')
const { makeTurns } = require('./turns.js')

function makeProgress(all, rounds, names) {
  const begin = Date.now()
  let done = 0
  return ({ round, scenario, entry, side }, figures) => {
    done++
    const seconds = Math.round((Date.now() - begin) / 1000)
    const percent = String(Math.round((100 * done) / all)).padStart(3)
    const shown = Object.entries(figures)
      .map(([name, value]) => `${name} ${number(value)}`)
      .join(', ')
    process.stderr.write(
      `${percent} % ${seconds} s, round ${round}/${rounds}, ` +
        `${scenario.title}: ${entry.title}${names ? ` (${side.name})` : ''}: ` +
        `${shown}\n`
    )
  }
}

/**
 * @param {object[]} plan
 * @param {number} rounds
 * @param {import('./sides.js').Side[]} sides
 * @returns {Promise<Results[]>} one for each side
 */
async function measure(plan, rounds, sides) {
  const results = new Map(sides.map((side) => [side, new Results()]))
  const turns = makeTurns(plan, rounds, sides)
  const tell = makeProgress(turns.length, rounds, sides.length > 1)
  for (const turn of turns) {
    const { scenario, entry, side } = turn
    let measured
    try {
      measured = await entry.run(side)
    } catch (error) {
      const who = sides.length > 1 ? ` (${side.name})` : ''
      error.message = `${scenario.title}: ${entry.title}${who}: ${error.message}`
      throw error
    }
    results.get(side).add(scenario, entry, measured)
    tell(turn, measured.figures)
  }
  return [...results.values()]
}

module.exports = { measure }
