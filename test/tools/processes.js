'use strict'
// The processes of this machine, as /proc shows them. Where there is none,
// nothing is known of them.

const fs = require('node:fs')

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return '' // It is gone, or there is no /proc.
  }
}

/** @returns {string} the command line of a process, or '' */
function commandOf(pid) {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

/** @returns {boolean} whether a process runs, or waits to */
function isRunning(pid) {
  const state = /.*\) (\S)/s.exec(read(`/proc/${pid}/stat`))?.[1]
  return state !== undefined && state !== 'Z'
}

/** @returns {number[]} what a process started, and what that started, … */
function descendants(pid) {
  const children = new Map()
  for (const name of fs.existsSync('/proc') ? fs.readdirSync('/proc') : []) {
    // The name of a program may contain anything, a ')' as well.
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : ''
    const parent = /.*\) \S (\d+)/s.exec(stat)?.[1]
    if (parent === undefined) continue
    const of = Number(parent)
    children.set(of, [...(children.get(of) ?? []), Number(name)])
  }
  const all = []
  const add = (of) => {
    for (const child of children.get(of) ?? []) {
      all.push(child)
      add(child)
    }
  }
  add(pid)
  return all
}

module.exports = { commandOf, descendants, isRunning }
