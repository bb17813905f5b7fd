'use strict'
// What the kernel tells of waiting: how long a thread that could run had no CPU,
// and how often the CPUs halted.

const fs = require('node:fs')
const path = require('node:path')

const CPUS = '/sys/devices/system/cpu'
// The second number: nanoseconds on a run queue.
const SCHEDSTAT = /^\d+ (\d+)/

const list = (dir) => (fs.existsSync(dir) ? fs.readdirSync(dir) : [])

/** The threads of this process. */
const threads = () => list('/proc/self/task')

/**
 * @param {string[]} tids threads of this process
 * @returns {() => number | undefined} nanoseconds that they have been on a run
 *   queue in sum, so far; undefined where the kernel does not count that
 */
function watchQueues(tids) {
  const files = tids.map((tid) => `/proc/self/task/${tid}/schedstat`)
  if (!files.every((file) => fs.existsSync(file))) return () => undefined
  const open = files.map((file) => fs.openSync(file, 'r'))
  const buffer = Buffer.alloc(128)
  return () =>
    open.reduce((sum, descriptor) => {
      const length = fs.readSync(descriptor, buffer, 0, buffer.length, 0)
      const [, ns] = SCHEDSTAT.exec(buffer.latin1Slice(0, length))
      return sum + Number(ns)
    }, 0)
}

/**
 * How often the CPUs entered a state in which they do not poll: a halt, which
 * in a virtual machine goes to the host.
 * @returns {number | undefined} undefined where no idle states are told
 */
function countHalts() {
  let halts
  for (const cpu of list(CPUS).filter((name) => /^cpu\d+$/.test(name))) {
    const states = path.join(CPUS, cpu, 'cpuidle')
    for (const state of list(states)) {
      const read = (name) =>
        fs.readFileSync(path.join(states, state, name), 'utf8').trim()
      if (!/^poll$/i.test(read('name'))) {
        halts = (halts ?? 0) + Number(read('usage'))
      }
    }
  }
  return halts
}

module.exports = { countHalts, threads, watchQueues }
