'use strict'
// The directories in which a ring and a discovery file may be, and whether they
// are fit for that.

const path = require('node:path')
const { note, ok, wrong } = require('./finding.js')

const MIB = 2 ** 20
const SHM = '/dev/shm'
const TMPFS = 0x01021994
// A ring with default options takes a good half of it.
const LEAST_FREE = MIB
// What containers have unless they are told otherwise.
const SMALL = 64 * MIB

const size = (bytes) =>
  bytes < 10 * MIB
    ? `${(bytes / MIB).toFixed(1)} MiB`
    : `${Math.round(bytes / MIB)} MiB`

/** @param {import('./system.js').System} system */
function sharedMemory(system) {
  if (system.platform !== 'linux') return null
  if (system.look(SHM)?.kind !== 'directory') {
    return note(
      'dev-shm',
      `there is no ${SHM}`,
      'Rings go to the next directory; on a disk they are slower to make. ' +
        'Mount a tmpfs there if this system has none by mistake.'
    )
  }
  const space = system.space(SHM)
  if (space === null) {
    return note('dev-shm', `how large ${SHM} is, is not told here`)
  }
  const { type, bytes, free } = space
  const facts = { bytes, free }
  if (free < LEAST_FREE) {
    return wrong(
      'dev-shm',
      `${SHM} is full: ${size(free)} of ${size(bytes)} are free`,
      `Remove what is not needed there (du -sh ${SHM}/*), or make it larger: ` +
        `mount -o remount,size=1G ${SHM}, in a container --shm-size=1g.`,
      facts
    )
  }
  if (type !== TMPFS) {
    return note(
      'dev-shm',
      `${SHM} is no tmpfs, so rings in it may be written to a disk`,
      'Mount a tmpfs there.',
      facts
    )
  }
  const text = `${SHM} has ${size(bytes)}, ${size(free)} of it free`
  return bytes <= SMALL
    ? note(
        'dev-shm',
        text,
        'That does for a ring of a usual size. For a large maxEvents give a ' +
          'container --shm-size.',
        facts
      )
    : ok('dev-shm', text, undefined, facts)
}

// --- Directories -----------------------------------------------------------

const isOwn = (system, dir) => system.look(system.real(dir))?.uid === system.uid

/** A directory that the environment names, as the addon takes it. */
function named(system, variable) {
  const dir = system.env[variable]
  const isThere =
    dir?.startsWith('/') && system.look(system.real(dir))?.kind === 'directory'
  return isThere ? dir : null
}

/** Whether no other user can exchange what this one puts there. */
function isShared(system, dir) {
  const { uid, mode } = system.look(system.real(dir))
  return (
    (uid === 0 || uid === system.uid) &&
    ((mode & 0o022) === 0 || (mode & 0o1000) !== 0)
  )
}

/**
 * Where a ring may be that was told no directory: the same places, in the same
 * order, as in native/platform/linux.c.
 * @param {import('./system.js').System} system
 * @returns {string[]}
 */
function candidates(system) {
  const { uid } = system
  const byUser = `kindly-guard-${uid}`
  const runtime = `/run/user/${uid}`
  const own = named(system, 'XDG_RUNTIME_DIR')
  const session = own !== null && isOwn(system, own) ? own : null
  const temporary = named(system, 'TMPDIR')
  const isOther =
    temporary !== null && temporary !== '/tmp' && isShared(system, temporary)
  const home = [named(system, 'HOME'), system.home].find(
    (dir) => dir && isOwn(system, dir)
  )
  return [
    path.join(SHM, byUser),
    session && path.join(session, 'kindly-guard'),
    session !== runtime && path.join(runtime, 'kindly-guard'),
    isOther && path.join(temporary, byUser),
    path.join('/tmp', byUser),
    home && path.join(home, '.kindly-guard', 'shm')
  ].filter(Boolean)
}

/**
 * Whether a directory is one that nobody else can reach.
 * @param {import('./system.js').System} system
 * @param {string} dir
 * @returns {{ state: 'missing' | 'safe' | 'unsafe', why?: string,
 *   advice?: string }}
 */
function judge(system, dir) {
  const entry = system.look(dir)
  if (entry === null) return { state: 'missing' }
  const unsafe = (why, advice) => ({ state: 'unsafe', why, advice })
  if (entry.kind !== 'directory') {
    const what = entry.kind === 'link' ? 'a link' : 'no directory'
    return unsafe(`is ${what}`, 'Remove it, or give both ends another dir.')
  }
  if (entry.uid !== system.uid) {
    return unsafe(
      `belongs to user ${entry.uid}, and this is user ${system.uid}`,
      'Run both ends as one user, or give them a dir of their own.'
    )
  }
  if ((entry.mode & 0o077) !== 0) {
    const mode = entry.mode.toString(8).padStart(4, '0')
    return unsafe(`is open to others (mode ${mode})`, `chmod 700 ${dir}`)
  }
  if ((entry.mode & 0o700) !== 0o700) {
    return unsafe('lacks permissions for its owner', `chmod 700 ${dir}`)
  }
  return { state: 'safe' }
}

/** The one that was given. */
function givenDirectory(system, dir) {
  const { state, why, advice } = judge(system, dir)
  if (state === 'unsafe') return wrong('directory', `${dir} ${why}`, advice)
  return state === 'safe'
    ? ok('directory', `${dir} is yours alone`)
    : note(
        'directory',
        `${dir} is not there`,
        'A Shield with that dir makes it.'
      )
}

/**
 * @param {import('./system.js').System} system
 * @param {string} [dir] the option
 * @returns {import('./finding.js').Finding[]}
 */
function directories(system, dir) {
  if (system.platform !== 'linux') return []
  if (dir !== undefined) return [givenDirectory(system, dir)]
  const judged = candidates(system).map((each) => ({
    dir: each,
    ...judge(system, each)
  }))
  const bad = judged.filter(({ state }) => state === 'unsafe')
  const used = judged.find(({ state }) => state === 'safe')
  const first = judged.find(({ state }) => state !== 'unsafe')
  const findings = bad.map(({ dir: each, why, advice }) =>
    (first === undefined ? wrong : note)(
      'directory',
      `${each} ${why}, so it is passed over`,
      advice
    )
  )
  if (used !== undefined) {
    findings.push(ok('directory', `${used.dir} is there, and yours alone`))
  } else if (first !== undefined) {
    const text = `there is no directory yet; a Shield makes ${first.dir}`
    findings.push(note('directory', text))
  }
  return findings
}

/** Of one session and of another.
 * @param {import('./system.js').System} system */
function runtimeDirectory(system) {
  if (system.platform !== 'linux') return null
  const dir = system.env.XDG_RUNTIME_DIR
  const usual = `/run/user/${system.uid}`
  const hasUsual = system.look(usual)?.kind === 'directory'
  if (!dir) {
    return hasUsual
      ? note(
          'xdg',
          `XDG_RUNTIME_DIR is not set, although there is ${usual}: this is no ` +
            'session of the desktop (cron, su, a service)',
          `A Shield that has it keeps its discovery file there. Set ` +
            `XDG_RUNTIME_DIR=${usual} at both ends, or at neither.`
        )
      : ok('xdg', 'XDG_RUNTIME_DIR is not set, and the home is used instead')
  }
  const entry = system.look(system.real(dir))
  if (entry === null) {
    return wrong(
      'xdg',
      `XDG_RUNTIME_DIR is ${dir}, which is not there`,
      'Take it out of the environment, or log in so that it is made.'
    )
  }
  if (entry.uid !== system.uid) {
    return wrong(
      'xdg',
      `XDG_RUNTIME_DIR is ${dir}, which belongs to user ${entry.uid}: it is ` +
        'that of another session',
      'It is not used. Take it out of the environment, or begin a session of ' +
        'this user (su -, machinectl shell).'
    )
  }
  return hasUsual && system.real(dir) !== system.real(usual)
    ? note(
        'xdg',
        `XDG_RUNTIME_DIR is ${dir}, and the session’s is ${usual}`,
        'The two ends must have the same one, or a dir that is given to both.'
      )
    : ok('xdg', `XDG_RUNTIME_DIR is ${dir}`)
}

module.exports = {
  candidates,
  directories,
  judge,
  runtimeDirectory,
  sharedMemory
}
