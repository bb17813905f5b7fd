'use strict'
// Other processes, as /proc shows them: who holds a file's lock, and who has it
// open.

const path = require('node:path')

const STOPPED = /^[Tt]$/

const numbers = (system, dir) =>
  system.list(dir).filter((name) => /^\d+$/.test(name))

/**
 * What a process is, without its arguments, in which there may be secrets.
 * @param {import('./system.js').System} system
 * @param {string | number} pid
 * @returns {{ pid: number, command: string, isStopped: boolean }}
 */
function describeProcess(system, pid) {
  const words = (system.text(`/proc/${pid}/cmdline`) ?? '').split('\0')
  const [program = '', script = ''] = words
  // `node shield.js`; behind an option there may be anything.
  const isScript = /\.[cm]?[jt]s$/.test(script) && !script.startsWith('-')
  const name = path.basename(program)
  const command = isScript ? `${name} ${path.basename(script)}` : name
  const stat = system.text(`/proc/${pid}/stat`) ?? ''
  // Behind the name, which stands in brackets and may have any character.
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0] ?? ''
  return { pid: Number(pid), command, isStopped: STOPPED.test(state) }
}

/**
 * The processes that hold a lock on a file, by what the kernel says of their
 * descriptors: a lock of this kind names no process. Only those of this user
 * can be seen, for root all.
 * @param {import('./system.js').System} system
 * @param {string} file
 */
function holdersOf(system, file) {
  // All descriptors of all processes take a while.
  if (system.look(file) === null) return []
  const real = system.real(file)
  const holders = []
  for (const pid of numbers(system, '/proc')) {
    const holds = numbers(system, `/proc/${pid}/fd`).some(
      (fd) =>
        system.link(`/proc/${pid}/fd/${fd}`) === real &&
        /^lock:/m.test(system.text(`/proc/${pid}/fdinfo/${fd}`) ?? '')
    )
    if (holds) holders.push(describeProcess(system, pid))
  }
  return holders
}

/**
 * How many processes have a file in their memory.
 * @param {import('./system.js').System} system
 * @param {string} file
 * @returns {number | null} null where that cannot be seen
 */
function countMappings(system, file) {
  const real = system.real(file)
  const pids = numbers(system, '/proc')
  if (pids.length === 0) return null
  return pids.filter((pid) =>
    (system.text(`/proc/${pid}/maps`) ?? '').includes(` ${real}\n`)
  ).length
}

module.exports = { countMappings, describeProcess, holdersOf }
