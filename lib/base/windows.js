'use strict'
// What Windows has in the place of modes, of Unix sockets and of a renaming
// that always succeeds. All but isWindows and replaceFile() is about names
// alone, and the same on every system.

const fs = require('node:fs')
const { win32 } = require('node:path')

const isWindows = process.platform === 'win32'

const FOLDER = 'KindlyGuard'

// What a file answers that somebody has open: a reader of ours for as long as a
// read takes, a virus scanner for longer.
const BUSY = new Set(['EPERM', 'EACCES', 'EBUSY'])

// Doubled from 1 up to this, so together it waits for 127 ms at most.
const LONGEST_PAUSE_MS = 64

/** Case does not count. */
const isSame = (dir, other) => win32.relative(other, dir) === ''

/**
 * Where a user's own files of this package belong.
 * @param {{ LOCALAPPDATA?: string }} env
 * @param {string | null} home
 * @returns {string[]} the best first; none when neither says anything
 */
function localDirectories({ LOCALAPPDATA: local }, home) {
  const parents = []
  if (typeof local === 'string' && win32.isAbsolute(local)) {
    parents.push(local)
  }
  if (home !== null) {
    // Where LOCALAPPDATA points unless somebody moved it.
    parents.push(win32.join(home, 'AppData', 'Local'))
  }
  const dirs = parents.map((parent) => win32.join(parent, FOLDER))
  return dirs.filter((dir, i) => i === 0 || !isSame(dir, dirs[0]))
}

/**
 * Whether a path is one of some directories, or is below one of them.
 * @param {string} file absolute, without links
 * @param {string[]} dirs the same
 */
function isBelow(file, dirs) {
  return dirs.some((dir) => {
    // Another drive's comes out absolute.
    const way = win32.relative(dir, file)
    return way.split(win32.sep)[0] !== '..' && !win32.isAbsolute(way)
  })
}

/** Whether a path names a pipe of this machine. */
const isPipe = (name) => /^\\\\[.?]\\pipe\\[^\\]/i.test(name)

const sleep = (milliseconds) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)

/**
 * Renames a file over another. Windows refuses that for as long as somebody has
 * the other one open, so it is tried for a while; other systems are asked once.
 * @param {string} from
 * @param {string} to
 * @param {boolean} [isPatient]
 * @throws {Error} of the system
 */
function replaceFile(from, to, isPatient = isWindows) {
  for (let pause = 1; ; pause *= 2) {
    try {
      return fs.renameSync(from, to)
    } catch (error) {
      if (!isPatient || !BUSY.has(error.code) || pause > LONGEST_PAUSE_MS) {
        throw error
      }
    }
    sleep(pause)
  }
}

// libuv's UV_FS_O_EXLOCK, which Node has no name for: nobody else may open the
// file. Elsewhere the number means other things.
const EXCLUSIVE = 0x10000000

/**
 * Opens a file, which is made, for this process alone.
 * @param {string} file
 * @returns {number} a descriptor
 * @throws {Error} of the system: EBUSY when somebody has it open, ENOTSUP when
 *   it cannot be kept from others
 */
function openExclusively(file) {
  const flags = fs.constants.O_RDWR | fs.constants.O_CREAT | EXCLUSIVE
  const fd = fs.openSync(file, flags, 0o600)
  try {
    fs.closeSync(fs.openSync(file, 'r'))
  } catch {
    return fd
  }
  fs.closeSync(fd)
  const error = new Error(`${file} can be opened by others`)
  throw Object.assign(error, { code: 'ENOTSUP' })
}

module.exports = {
  isBelow,
  isPipe,
  isWindows,
  localDirectories,
  openExclusively,
  replaceFile
}
