'use strict'
// The Shield over WebSocket: its discovery file, and whether it answers a client
// that knows its token, by the socket and by the port. What is told of a record
// never has the token.

const path = require('node:path')
const { formatMicros } = require('../format.js')
const { note, ok, wrong } = require('./finding.js')
const { describeProcess } = require('./processes.js')

const START = 'Start the Shield with createHybridTransport, or start it anew.'

const fileOf = ({ dir, name }) => path.join(dir, `${name}.json`)

/** Discovery files in the places of another session of this user. */
function elsewhere({ system, options, places }) {
  if (system.platform !== 'linux' || options.dir !== undefined) return []
  const name = `${options.name ?? 'kindly-guard'}.json`
  const known = new Set(places.map(fileOf))
  return [
    path.join(`/run/user/${system.uid}`, 'kindly-guard', name),
    path.join(system.home, '.kindly-guard', name)
  ].filter((file) => !known.has(file) && system.look(file) !== null)
}

/**
 * @param {object} context
 * @param {import('./system.js').System} context.system
 * @param {object} context.options
 * @param {{ dir: string, name: string }[]} context.places
 * @param {object[]} context.records of Shields that did not close
 * @param {object[]} context.closed of those that did
 * @param {Error | null} context.error of reading them
 * @returns {import('./finding.js').Finding[]}
 */
function discovery(context) {
  const { records, closed, error, places, system } = context
  const findings = elsewhere(context).map((file) =>
    (records.length === 0 ? wrong : note)(
      'discovery',
      `there is a discovery file ${file}, and this process does not look there`,
      'XDG_RUNTIME_DIR is another one here than where the Shield was started: ' +
        'set it alike at both ends, or give both the same dir.'
    )
  )
  if (error !== null) {
    findings.push(wrong('discovery', error.message))
  }
  for (const { pid, startedAt, auth } of records) {
    const { command } = describeProcess(system, pid)
    const name = command === '' ? ', which is not seen here,' : ` (${command})`
    const text = `the Shield of process ${pid}${name} has told where it answers, at ${startedAt}`
    findings.push(
      auth === 'none'
        ? note(
            'discovery',
            `${text}, and asks for no proof`,
            'Every process of this machine can read its threats. Start it ' +
              'with auth: token once its old clients are gone.'
          )
        : ok('discovery', text)
    )
  }
  if (records.length === 0 && error === null) {
    findings.push(
      note(
        'discovery',
        closed.length > 0
          ? 'the last Shield has closed'
          : `there is no ${places.map(fileOf).join(' and no ')}`,
        'Without it a client has shared memory alone.'
      )
    )
  }
  return findings
}

const WAYS = [
  ['socket', ({ socket }) => socket, { url: null }],
  ['port', ({ url }) => url, { socket: null }]
]

/** One way to one Shield. @returns {Promise<Finding>} */
async function tryWay({ roundTrip, isStale }, place, [topic, addressOf, rest]) {
  const address = addressOf(place)
  if (address === null) {
    return note(topic, `no ${topic} of a Shield is known here`)
  }
  try {
    const { micros, sequence } = await roundTrip({ ...place, ...rest })
    const proof =
      place.token === null ? '' : ', proves that it knows the token,'
    return ok(
      topic,
      `${address} answers${proof} and is at threat ${sequence}; an answer ` +
        `takes ${formatMicros(micros)}`,
      undefined,
      { micros, sequence }
    )
  } catch (error) {
    const text = `${address} gives no answer: ${error.message}`
    return isStale ? note(topic, text) : wrong(topic, text, START)
  }
}

/**
 * @param {object} context
 * @param {object[]} context.shields where they are: see Place in
 *   websocket/locate.js
 * @param {(place: object) => Promise<{ micros: number, sequence: number }>}
 *   context.roundTrip
 * @returns {Promise<import('./finding.js').Finding[]>}
 */
async function answers({ shields, roundTrip }) {
  const findings = []
  for (const place of shields) {
    // One that crashed leaves its file, which is no harm beside one that runs.
    const isStale = findings.some(({ level }) => level === 'ok')
    const tries = WAYS.map((way) => tryWay({ roundTrip, isStale }, place, way))
    findings.push(...(await Promise.all(tries)))
  }
  return findings
}

module.exports = { answers, discovery }
