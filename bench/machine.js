'use strict'
// What the run was made on, and who else was there.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

/** The CPU time of the whole machine so far: all of it, and what was stolen. */
function cpuTime() {
  try {
    const [line] = fs.readFileSync('/proc/stat', 'utf8').split('\n', 1)
    const times = line.split(/\s+/).slice(1, 9).map(Number)
    return { all: times.reduce((sum, time) => sum + time, 0), stolen: times[7] }
  } catch {
    return { all: 0, stolen: 0 }
  }
}

/** The commit that a folder is at, as text. */
function commitOf(dir) {
  try {
    const git = (...args) =>
      execFileSync('git', ['-C', dir, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore']
      }).trim()
    const changed = git('status', '--porcelain') === '' ? '' : ', changed'
    return `${git('rev-parse', '--short', 'HEAD')}${changed}`
  } catch {
    return 'unknown'
  }
}

/** Begins to watch; the function that comes back tells. */
function watchMachine() {
  const before = cpuTime()
  const [load] = os.loadavg()
  const begin = Date.now()
  return () => {
    const after = cpuTime()
    const all = after.all - before.all
    const stolen = after.stolen - before.stolen
    return {
      date: new Date(begin).toISOString().slice(0, 16).replace('T', ' '),
      seconds: Math.round((Date.now() - begin) / 1000),
      command: ['npm run bench', ...process.argv.slice(2)].join(' '),
      commit: commitOf(path.join(__dirname, '..')),
      node: process.version,
      system: `${os.type()} ${os.release()}`,
      cpus: os.cpus().length,
      cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
      load,
      stolenPercent: all === 0 ? 0 : (100 * stolen) / all
    }
  }
}

module.exports = { commitOf, watchMachine }
