'use strict'
// `kindly-guard-ipc check`: tries on this machine what the package promises, and
// prints a report that can be sent to its authors.

const { homedir } = require('node:os')
const { CHECKS } = require('./check/checks.js')
const { describeMachine, ROOT } = require('./check/machine.js')
const { Workplace } = require('./check/workplace.js')
const { spellOutPaths } = require('../base/display-text.js')
const { print } = require('./output.js')
const { describe } = require('./report.js')
const { PlatformShm } = require('../index.js')

const HELP = `\
Usage: kindly-guard-ipc check [options]

Tries on this machine what the package promises, with processes of its own and
in a directory of its own: shared memory between processes with every threat
accounted for, a Shield that is killed and the next that takes over, WebSocket
by a local socket and by a port, and how long a threat takes. Takes some ten
seconds and leaves nothing behind.

What it prints is a report to send along with a question, or from a system that
the authors have not got. It has no names of users or hosts, and no tokens.

Options:
  -h, --help          show this
  --version           show the version

Exit code: 0 when all is well, 1 when something failed, 2 for a wrong command
line.
`

// One that hangs has failed; the slowest takes three seconds on a slow machine.
const PATIENCE_MS = 60_000

/** Rejects when the promise takes too long. */
async function inTime(promise) {
  let timer
  const late = new Promise((resolve, reject) => {
    const seconds = PATIENCE_MS / 1000
    const error = new Error(`it did not end within ${seconds} seconds`)
    timer = setTimeout(() => reject(error), PATIENCE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** @returns {Promise<[string, string]>} how it ended, and what is to be said */
async function perform(check) {
  if (check.needsRing && !PlatformShm.isAvailable()) {
    return ['not run', 'shared memory is not available']
  }
  let workplace
  try {
    workplace = new Workplace()
    const text = await inTime(check.run(workplace))
    await workplace.leave()
    return ['ok', text]
  } catch (error) {
    // What it leaves is of no account beside that.
    await workplace?.leave().catch(() => {})
    return ['FAILED', describe(error)]
  }
}

/** Without the names of folders, and of who runs it: the package and the home
 * may stand anywhere. */
function anonymous(text) {
  const home = homedir()
  const inPackage = text.replaceAll(ROOT, '(package)')
  return home.length > 1 ? inPackage.replaceAll(home, '~') : inPackage
}

/** @returns {Promise<number>} the exit code */
async function run() {
  for (const [name, value] of describeMachine()) {
    await print(`${name.padEnd(14)} ${spellOutPaths(anonymous(value))}\n`)
  }
  await print('\n')
  const ends = { ok: 0, FAILED: 0, 'not run': 0 }
  for (const check of CHECKS) {
    const [end, text] = await perform(check)
    ends[end]++
    const said = `${check.name}: ${spellOutPaths(anonymous(text))}`
    await print(`${end.padEnd(8)} ${said}\n`)
  }
  await print(
    `\n${ends.ok} ok, ${ends.FAILED} failed, ${ends['not run']} not run\n`
  )
  return ends.FAILED > 0 ? 1 : 0
}

module.exports = { HELP, run }
