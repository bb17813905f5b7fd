'use strict'
// Files that only their owner can reach, in a directory that only its owner can
// reach: read and written so that no other user can replace them meanwhile.

const fs = require('node:fs')
const path = require('node:path')
const { IpcError, isIpcError } = require('./errors.js')
const { lazy } = require('./load.js')
const { isInProfile } = require('./own-directories.js')
const { deniedError } = require('./permission.js')
const { isWindows, replaceFile } = require('./windows.js')

// Reading needs none of it.
const crypto = lazy(() => require('node:crypto'))

const MAX_BYTES = 64 * 1024
const TEMPORARY_BYTES = 8
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants

/** Windows has no mode and no uid: there mustBePrivatePlace() decides. */
function isPrivate(stat) {
  return (
    process.geteuid === undefined ||
    (stat.uid === process.geteuid() && (stat.mode & 0o077) === 0)
  )
}

/** Calls; what the system refuses becomes an IpcError that names the file. With
 * `absent`, that is returned when there is no such file. */
function attempt(file, call, absent) {
  try {
    return call()
  } catch (error) {
    if (error.code === 'ENOENT' && absent !== undefined) {
      return absent
    }
    throw isIpcError(error) ? error : systemError(error, file)
  }
}

/** On Windows, without the addon nobody can tell who may enter a directory. */
function mustBePrivatePlace(dirPath) {
  if (isWindows && !isInProfile(dirPath)) {
    throw unsafe(dirPath, 'is outside of your profile: others may have access')
  }
}

/** @returns {boolean} whether it exists; if it does, it is safe */
function checkDirectory(dirPath) {
  // With a slash at its end, lstat() would follow a link.
  const stripped = path.join(path.dirname(dirPath), path.basename(dirPath))
  const stat = lstat(stripped)
  if (stat === undefined) {
    return false
  }
  if (!stat.isDirectory()) {
    throw unsafe(dirPath, 'is no directory')
  }
  if (!isPrivate(stat)) {
    throw unsafe(dirPath, 'belongs to somebody else or is open to others')
  }
  mustBePrivatePlace(dirPath)
  return true
}

/** @returns {fs.Stats | undefined} undefined when there is nothing */
function lstat(file) {
  return attempt(file, () => fs.lstatSync(file, { throwIfNoEntry: false }))
}

/** The text of a file that only its owner reaches, or null if there is none. */
function readPrivate(file) {
  // Before it is opened, because opening a device can have effects.
  const stat = lstat(file)
  if (stat === undefined) {
    return null
  }
  checkFile(stat, file)
  const check = (opened) => checkFile(opened, file)
  const read = () => readChecked(file, check, O_NOFOLLOW).toString()
  return attempt(file, read, null)
}

/**
 * The bytes of a file that was checked when it was open already.
 * @param {string} file
 * @param {(stat: fs.Stats) => void} check throws unless it is a regular file
 *   that is not too large
 * @param {number} [flags] of open()
 * @returns {Buffer}
 */
function readChecked(file, check, flags = 0) {
  // O_NONBLOCK: opening a FIFO would wait for its other end.
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | flags)
  try {
    const stat = fs.fstatSync(fd)
    check(stat)
    // No more than was checked, however much the file grows meanwhile.
    const bytes = Buffer.alloc(stat.size)
    return bytes.subarray(0, fs.readSync(fd, bytes))
  } finally {
    fs.closeSync(fd)
  }
}

function checkFile(stat, file) {
  if (!stat.isFile()) {
    throw unsafe(file, 'is no regular file')
  }
  // Zero is right: its name was given to another file since it was opened.
  if (stat.nlink > 1) {
    throw unsafe(file, 'has a second name')
  }
  if (!isPrivate(stat)) {
    throw unsafe(file, 'belongs to somebody else or is open to others')
  }
  if (stat.size > MAX_BYTES) {
    const detail = `${file} has more than ${MAX_BYTES} bytes`
    throw new IpcError('ERR_DISCOVERY_INVALID', detail)
  }
}

/**
 * Puts a file in its place, whole or not at all. The directory is there, whoever
 * reaches it; the file is its owner's alone.
 * @param {string} dirPath
 * @param {string} base the file's name
 * @param {string} text
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_ACCESS, ERR_READ_ONLY, ERR_NO_SPACE,
 *   ERR_TOO_MANY_FILES, ERR_SYSTEM
 */
function replaceText(dirPath, base, text) {
  const file = path.join(dirPath, base)
  const suffix = crypto().randomBytes(TEMPORARY_BYTES).toString('hex')
  const temporary = path.join(dirPath, `.${base}.${suffix}.tmp`)
  const fd = attempt(temporary, () => fs.openSync(temporary, 'wx', 0o600))
  try {
    try {
      if (!isWindows && (fs.fstatSync(fd).mode & 0o777) !== 0o600) {
        // The umask took away more than it should. Not always: Node's permission
        // model has no fchmod(), nor has Windows modes that it could change.
        fs.fchmodSync(fd, 0o600)
      }
      fs.writeFileSync(fd, text)
    } finally {
      fs.closeSync(fd)
    }
    replaceFile(temporary, file)
  } catch (error) {
    // Windows does not say of a directory that it is one.
    throw lstat(file)?.isDirectory()
      ? unsafe(file, 'is no regular file')
      : systemError(error, file)
  } finally {
    fs.rmSync(temporary, { force: true })
  }
}

/**
 * What a writer that died left of this name's file.
 * @param {string} dirPath
 * @param {string} base
 * @param {number} [before] milliseconds since 1970: where there may be several
 *   writers, one that was begun later is still being written
 */
function removeTemporary(dirPath, base, before = Infinity) {
  const begin = `.${base}.`
  const rest = new RegExp(`^[0-9a-f]{${2 * TEMPORARY_BYTES}}\\.tmp$`)
  attempt(dirPath, () => {
    for (const entry of fs.readdirSync(dirPath, { withFileTypes: true })) {
      const { name } = entry
      if (
        entry.isFile() &&
        name.startsWith(begin) &&
        rest.test(name.slice(begin.length)) &&
        lstat(path.join(dirPath, name))?.mtimeMs < before
      ) {
        fs.rmSync(path.join(dirPath, name), { force: true })
      }
    }
  })
}

function unsafe(file, why) {
  return new IpcError('ERR_UNSAFE_PATH', `${file} ${why}`)
}

const SYSTEM_CODES = {
  EACCES: 'ERR_ACCESS',
  EPERM: 'ERR_ACCESS',
  // Another program has it open; only Windows says so.
  EBUSY: 'ERR_ACCESS',
  EROFS: 'ERR_READ_ONLY',
  ENOSPC: 'ERR_NO_SPACE',
  EDQUOT: 'ERR_NO_SPACE',
  EMFILE: 'ERR_TOO_MANY_FILES',
  ENFILE: 'ERR_TOO_MANY_FILES',
  // Something else than a file or a directory is in its place.
  ELOOP: 'ERR_UNSAFE_PATH',
  EEXIST: 'ERR_UNSAFE_PATH',
  EISDIR: 'ERR_UNSAFE_PATH',
  ENXIO: 'ERR_UNSAFE_PATH',
  ENOTDIR: 'ERR_UNSAFE_PATH'
}

function systemError(error, file) {
  const denied = deniedError(error, file)
  if (denied !== null) {
    return denied
  }
  const code = SYSTEM_CODES[error.code] ?? 'ERR_SYSTEM'
  const call = error.syscall ?? 'the call'
  return new IpcError(code, `${file}: ${call}: ${error.code}`, {
    cause: error
  })
}

module.exports = {
  attempt,
  checkDirectory,
  mustBePrivatePlace,
  readChecked,
  readPrivate,
  removeTemporary,
  replaceText,
  systemError
}
