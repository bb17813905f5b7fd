'use strict'
// All scenarios that can be measured here, and why others cannot.

const { idleScenario } = require('./idle.js')
const { nativeScenarios } = require('./native-programs.js')
const { buildPrograms } = require('./programs.js')
const { scaleScenarios, whyNoLargeRing } = require('./scale.js')
const { TRANSPORTS, transportScenarios } = require('./scenarios.js')
const { writerScenarios } = require('./writer.js')

/** Which transports can be had, and what is missing for the others. */
function findTransports(have, missing) {
  const missed = []
  try {
    require('zeromq')
  } catch (error) {
    missing.push({
      what: 'zeromq',
      why: `Run npm ci, which installs it (${error.code ?? error.message}).`
    })
    missed.push('zeromq')
  }
  if (!have.addon) missed.push('barest')
  return TRANSPORTS.filter((name) => !missed.includes(name))
}

const makeScenarios = ({ quick, tailRounds, damage, transports, have }) => [
  ...transportScenarios({ quick, tailRounds, damage, transports }),
  ...(have.addon ? writerScenarios(quick) : []),
  ...nativeScenarios({ quick, damage }, have),
  ...scaleScenarios({ quick, damage }, have),
  idleScenario(quick)
]

/** What this package has a part in, in every round. */
const onlyOurs = (plan) =>
  plan
    .map((scenario) => ({
      ...scenario,
      cases: scenario.cases
        .filter(({ isOurs }) => isOurs)
        .map((entry) => ({ ...entry, every: true }))
    }))
    .filter(({ cases }) => cases.length > 0)

const ALL = makeScenarios({
  quick: false,
  transports: TRANSPORTS,
  have: { floors: true, core: true, boost: true, addon: true, largeRing: true }
})
const namesOf = (plan) => plan.map(({ name }) => name)

/** What `--only` may name on a machine that lacks nothing, and those of it
 * that `--against` compares. */
const SCENARIOS = namesOf(ALL)
const COMPARED = namesOf(onlyOurs(ALL))

/**
 * @param {{ quick: boolean, tails: boolean, rounds: number, only?: string[],
 *   damage?: string, against?: string }} options
 * @returns {Promise<{ plan: object[], missing: object[] }>} `missing`: what was
 *   to be had on another machine
 */
async function makePlan(options) {
  const { quick, only, damage, against } = options
  const tailRounds = options.tails ? options.rounds : undefined
  const missing = []
  process.stderr.write('compiles what it needs\n')
  const have = await buildPrograms(missing)
  const transports = findTransports(have, missing)
  const noRoom = quick ? null : whyNoLargeRing()
  have.largeRing = noRoom === null
  if (noRoom !== null) {
    missing.push({ what: 'a ring of 2^22 slots', why: noRoom })
  }
  const wanted = makeScenarios({
    quick,
    tailRounds,
    damage,
    transports,
    have
  }).filter(({ name }) => only === undefined || only.includes(name))
  const plan = against === undefined ? wanted : onlyOurs(wanted)
  if (plan.length === 0) {
    const why = missing.map((one) => `${one.what}: ${one.why}`)
    throw new Error(['nothing is left to be measured', ...why].join('\n  '))
  }
  return { plan, missing }
}

module.exports = { COMPARED, makePlan, SCENARIOS }
