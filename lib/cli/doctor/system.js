'use strict'
// What the doctor looks at, as one object, so that a test can give it another
// machine. Whatever cannot be read is as if it were not there: the doctor has
// to say something of any machine.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

// A pipe, or what else has the name of a file, must not hold it up.
const FLAGS = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK

function attempt(call, otherwise) {
  try {
    return call()
  } catch {
    return otherwise
  }
}

function kindOf(stat) {
  if (stat.isSymbolicLink()) return 'link'
  if (stat.isDirectory()) return 'directory'
  return stat.isFile() ? 'file' : 'other'
}

/**
 * @typedef {object} Entry
 * @property {'file' | 'directory' | 'link' | 'other'} kind
 * @property {number} uid
 * @property {number} mode the permissions alone
 * @property {number} size
 */

/**
 * @typedef {object} System
 * @property {string} platform as process.platform
 * @property {Record<string, string | undefined>} env
 * @property {number | null} uid null on Windows
 * @property {string} user its name, or ''
 * @property {string} home its home as the list of users has it, or ''
 * @property {(file: string) => string | null} text of a file
 * @property {(file: string) => Entry | null} look at what has this name; a link
 *   is not followed
 * @property {(dir: string) => string[]} list
 * @property {(file: string) => string | null} link what it leads to
 * @property {(file: string) => string} real the path without links
 * @property {(dir: string) => { type: number, bytes: number, free: number }
 *   | null} space of the file system
 */

/** @type {System} this machine */
const machine = {
  platform: process.platform,
  env: process.env,
  uid: process.geteuid?.() ?? null,
  user: attempt(() => os.userInfo().username, ''),
  home: attempt(() => os.userInfo().homedir, ''),

  text: (file) =>
    attempt(
      () => fs.readFileSync(file, { encoding: 'utf8', flag: FLAGS }),
      null
    ),

  look: (file) =>
    attempt(() => {
      const stat = fs.lstatSync(file)
      const { uid, mode, size } = stat
      return { kind: kindOf(stat), uid, mode: mode & 0o7777, size }
    }, null),

  list: (dir) => attempt(() => fs.readdirSync(dir), []),

  link: (file) => attempt(() => fs.readlinkSync(file), null),

  real: (file) => attempt(() => fs.realpathSync(file), path.resolve(file)),

  space: (dir) =>
    attempt(() => {
      const { type, bsize, blocks, bavail } = fs.statfsSync(dir)
      return { type, bytes: blocks * bsize, free: bavail * bsize }
    }, null)
}

module.exports = { machine }
