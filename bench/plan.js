'use strict'
// All scenarios that can be measured here, and why others cannot.

const os = require('node:os')
const { idleScenario } = require('./idle.js')
const { buildPrograms, nativeScenarios } = require('./native-programs.js')
const { transportScenarios } = require('./scenarios.js')
const { writerScenarios } = require('./writer.js')
const { checkReader } = require('../lib/options/check.js')

/** Which transports can be had, and what is missing for the others. */
function findTransports(missing) {
  const transports = ['shm', 'reliable', 'ws', 'unix', 'child-process']
  try {
    require('zeromq')
    transports.push('zeromq')
  } catch (error) {
    missing.push({
      what: 'zeromq',
      why: `Run npm ci, which installs it (${error.code ?? error.message}).`
    })
  }
  return transports
}

/** Whether readers can pin their poll thread, to the second CPU. */
function canPin() {
  if (os.cpus().length < 2) return false
  try {
    checkReader({ pollCpu: 1 })
    return true
  } catch {
    return false
  }
}

/** @param {{ quick: boolean, only?: string[], damage?: string }} options */
async function makePlan(options) {
  const missing = []
  const { quick, damage, only } = options
  process.stderr.write('compiles what it needs\n')
  const have = await buildPrograms(missing)
  const transports = findTransports(missing)
  if (have.addon) transports.push('barest')
  const scenarios = [
    ...transportScenarios({ quick, damage, transports, canPin: canPin() }),
    ...(have.addon ? writerScenarios(quick) : []),
    ...nativeScenarios({ quick, damage }, have),
    idleScenario(quick)
  ]
  const plan = scenarios.filter(
    ({ name }) => only === undefined || only.includes(name)
  )
  if (plan.length === 0) {
    const names = scenarios.map(({ name }) => name).join(', ')
    throw new Error(`--only: these exist: ${names}`)
  }
  return { plan, missing }
}

module.exports = { makePlan }
