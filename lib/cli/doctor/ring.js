'use strict'
// The ring: whether there is one, whether it is whole, and how its writer is.

const path = require('node:path')
const { note, ok, wrong } = require('./finding.js')
const { candidates } = require('./places.js')
const { holdersOf } = require('./processes.js')

const START =
  'Start the Shield. If it runs: do both ends have the same user, dir and name?'

const who = ({ pid, command }) =>
  command === '' ? `process ${pid}` : `process ${pid} (${command})`

/** The directories in which this user's ring may be. */
function directoriesOf({ system, options, records, inspect }) {
  if (options.dir !== undefined) return [options.dir]
  const dirs = system.platform === 'linux' ? candidates(system) : []
  for (const { dir } of records) if (dir !== null) dirs.push(dir)
  if (dirs.length > 0) return [...new Set(dirs)]
  try {
    // Elsewhere than on Linux, the addon knows where one is that it can open.
    return [path.dirname(inspect(options).path)]
  } catch {
    return []
  }
}

/**
 * @param {object} context
 * @param {string} dir
 * @returns {{ file: string, holders: object[], ring: object | null,
 *   error: Error | null } | null} null where there is nothing of that name
 */
function lookInto({ system, options, inspect }, dir) {
  const name = options.name ?? 'kindly-guard'
  const file = path.join(dir, `${name}.shm`)
  const holders = holdersOf(system, path.join(dir, `${name}.lock`))
  if (system.look(file) === null && holders.length === 0) return null
  try {
    return { file, holders, ring: inspect({ dir, name }), error: null }
  } catch (error) {
    return { file, holders, ring: null, error }
  }
}

/** Of one whose writer does not run as it should. */
function unattended({ file, holders }, writer) {
  if (writer === 'gone') {
    return [
      `the ring ${file} is whole, but the Shield that wrote it has ended`,
      'Start the Shield: it goes on with this ring.'
    ]
  }
  const stopped = holders.find(({ isStopped }) => isStopped)
  return stopped === undefined
    ? [
        `the Shield holds the ring ${file}, but its heartbeat is late`,
        'It is overloaded, or its event loop is blocked. Look at what it does.'
      ]
    : [
        `the Shield of the ring ${file} is stopped: ${who(stopped)}`,
        `kill -CONT ${stopped.pid}`
      ]
}

function ofRing(found, isOnly) {
  const { file, ring: facts } = found
  const { generation, writer, displaced, published, capacity } = facts
  const text = `${file}: generation ${generation}, ${published} published`
  if (writer === 'live' && !displaced) {
    return ok('ring', `${text}, the writer lives`, undefined, facts)
  }
  if (displaced) {
    return wrong(
      'ring',
      `${file} is being replaced, or was removed under its writer`,
      'Look again in a second: a Shield that lives makes it anew.',
      facts
    )
  }
  const [what, advice] = unattended(found, writer)
  return (isOnly ? wrong : note)(
    'ring',
    `${what} (${published} published, ${capacity} slots)`,
    advice,
    facts
  )
}

function noRing({ records, options, system }, dirs) {
  const record = records[0]
  if (record === undefined) {
    const where = dirs.length === 0 ? '' : ` (${dirs.join(', ')})`
    const name = options.name ?? 'kindly-guard'
    return wrong('ring', `there is no ring ${name} here${where}`, START)
  }
  if (record.dir === null) {
    return note('ring', 'the Shield has no ring, and serves by WebSocket alone')
  }
  const runs =
    system.platform !== 'linux' || system.look(`/proc/${record.pid}`) !== null
  return wrong(
    'ring',
    `the Shield says that its ring is in ${record.dir}, and there is none ` +
      `there${runs ? '' : ' (its process is gone, too)'}`,
    runs
      ? 'The two have not the same file system there: a container, a snap, a ' +
          'flatpak, or a service with PrivateTmp=. Give both a dir that they ' +
          'share, or use WebSocket.'
      : START
  )
}

/**
 * @param {object} context
 * @param {import('./system.js').System} context.system
 * @param {object} context.options
 * @param {string | null} context.reason why there is no addon, or null
 * @param {object[]} context.records discovery files of live Shields
 * @param {(location: object) => object} context.inspect
 * @returns {import('./finding.js').Finding[]}
 */
function ring(context) {
  const dirs = directoriesOf(context)
  const found = dirs.map((dir) => lookInto(context, dir)).filter(Boolean)
  const findings = []
  if (found.length === 0) findings.push(noRing(context, dirs))
  const isServed = found.some((one) => one.ring?.writer === 'live')
  for (const one of found) {
    const { file, holders, error } = one
    if (one.ring !== null) {
      findings.push(ofRing(one, !isServed))
    } else if (context.reason !== null) {
      const text = `there is ${file}, which nobody can open without the addon`
      findings.push(note('ring', text))
    } else {
      findings.push((isServed ? note : wrong)('ring', error.message))
    }
    findings.push(ofLock(file, holders, context.system))
  }
  return findings.filter(Boolean)
}

function ofLock(file, holders, system) {
  if (system.platform !== 'linux') return null
  const lock = file.replace(/shm$/, 'lock')
  if (holders.length === 0) {
    return ok(
      'lock',
      `nobody holds ${lock}, as far as can be seen; the file by itself means ` +
        'nothing'
    )
  }
  return ok('lock', `${lock} is held by ${holders.map(who).join(', ')}`, '', {
    holders: holders.map(({ pid, command }) => ({ pid, command }))
  })
}

module.exports = { ring }
