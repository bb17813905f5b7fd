'use strict'
// The examination: gathers what there is, and asks each part for its findings.

const { version } = require('../../../package.json')
const { BenchmarkClient } = require('../../benchmark/client.js')
const { LOCATION_CHECKS, pick } = require('../../options/check.js')
const { inspectRing, whyNoAddon } = require('../../shm/inspect.js')
const {
  findRecords,
  locator,
  places,
  urlOf
} = require('../../websocket/locate.js')
const { attempt, describeAddon } = require('../check/machine.js')
const { note, ok, wrong } = require('./finding.js')
const { directories, runtimeDirectory, sharedMemory } = require('./places.js')
const { ring } = require('./ring.js')
const { roundTrip } = require('./round-trip.js')
const { answers, discovery } = require('./shield.js')
const { governor, hugePages, latency } = require('./speed.js')
const {
  container,
  removeIpc,
  sandbox,
  user,
  wsl
} = require('./surroundings.js')
const { machine } = require('./system.js')

// A second, at this pace.
const LATENCY = { transport: 'shm', events: 190, pauseMs: 5 }

// Of the addon's sum, so much tells one from another.
const SUM = /\b([0-9a-f]{12})[0-9a-f]{52}\b/

const PREFIX = 'KINDLY_GUARD_IPC_'

/** What of the environment changes where one looks. */
function settings({ env }) {
  const set = Object.keys(env).filter((name) => name.startsWith(PREFIX))
  return set.length === 0
    ? null
    : note(
        'settings',
        `the environment has ${set.sort().join(', ')}`,
        'Both ends need the same, as far as it says where the ring is.'
      )
}

/** @param {string | null} why there is none
 * @param {string} origin which file, and its sum */
function addon(why, origin) {
  if (why !== null) {
    return wrong(
      'addon',
      `shared memory is not available: ${why}`,
      'Threats come over WebSocket meanwhile. Install the package again, or ' +
        'compile the addon: npx kindly-guard-ipc build.'
    )
  }
  const whose = origin.startsWith('build')
    ? 'compiled on this machine'
    : 'as it came with the package'
  return ok('addon', `${origin.replace(SUM, '$1')}, ${whose}`)
}

const placeOf = (record) => ({
  socket: record.socket,
  url: urlOf(record),
  token: record.token ?? null,
  port: record.port
})

/** Whether options say where the Shield is, so that a client with them reads no
 * discovery file in the usual places. */
const isTold = ({ url, socket, tokenFile }) =>
  url !== undefined || tokenFile !== undefined || typeof socket === 'string'

/** Where the Shields are that a client with these options would ask. */
const findShields = (location, websocket, records) =>
  isTold(websocket) ? [locator(location, websocket)()] : records.map(placeOf)

/** @returns {Promise<import('./finding.js').Finding[]>} */
async function askShields(context, location, websocket) {
  let shields
  try {
    shields = findShields(location, websocket, context.records)
  } catch (error) {
    return [wrong('discovery', error.message)]
  }
  return answers({ shields, roundTrip: context.roundTrip })
}

/**
 * @param {object} options of IpcFactory
 * @param {object} [how]
 * @param {boolean} [how.isQuick] measures nothing
 * @param {import('./system.js').System} [how.system]
 * @returns {Promise<import('./finding.js').Finding[]>}
 */
async function examine(options, { isQuick = false, system = machine } = {}) {
  const location = pick(options, LOCATION_CHECKS)
  const { websocket = {} } = options
  const reason = whyNoAddon()
  const { records: all, error } = findRecords(location)
  const context = {
    system,
    options: location,
    reason,
    inspect: inspectRing,
    roundTrip,
    places: places(location),
    records: all.filter(({ state }) => state === 'live'),
    closed: all.filter(({ state }) => state === 'closed'),
    error
  }
  const { arch, versions } = process
  const about = `kindly-guard-ipc ${version}, ${system.platform} ${arch}, node ${versions.node}`
  const isServing = websocket.enabled !== false
  const usesRing = options.preferShm !== false
  const measure = () => new BenchmarkClient().measureLatency(LATENCY)
  const findings = [
    ok('package', about),
    addon(reason, attempt(describeAddon)),
    settings(system),
    user(system),
    container(system),
    wsl(system),
    sandbox(system),
    sharedMemory(system),
    ...directories(system, location.dir),
    runtimeDirectory(system),
    removeIpc(system, location.dir),
    ...(usesRing ? ring(context) : []),
    ...(isServing && !isTold(websocket) ? discovery(context) : []),
    ...(isServing ? await askShields(context, location, websocket) : []),
    governor(system),
    hugePages(system),
    reason !== null || isQuick || !usesRing ? null : await latency(measure)
  ]
  return findings.filter(Boolean)
}

module.exports = { addon, examine, settings }
