'use strict'
// The discovery file <name>.json, by which a client finds the WebSocket server
// and learns its token. Only the owner may reach it, and what stands in it is
// believed only after every field was checked.

const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { IpcError } = require('./errors.js')
const { isLoopback, isToken } = require('./websocket-auth.js')

const VERSION = 1
const MAX_BYTES = 64 * 1024
const TEMPORARY_BYTES = 8
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants

const isPort = (value) =>
  Number.isInteger(value) && value >= 1 && value <= 65535
const isCount = (value) => Number.isSafeInteger(value) && value >= 0
const isDate = (value) =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) &&
  !Number.isNaN(Date.parse(value))
const isPath = (value) =>
  typeof value === 'string' && path.isAbsolute(value) && !value.includes('\0')

// What each field must be, and whether the record has it at all.
const FIELDS = {
  version: { is: (value) => value === VERSION },
  state: { is: (value) => value === 'live' || value === 'closed' },
  port: { is: isPort },
  host: { is: isLoopback },
  auth: { is: (value) => value === 'token' || value === 'none' },
  token: { is: isToken, when: ({ auth }) => auth === 'token' },
  generation: {
    is: (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value)
  },
  sequence: { is: isCount, when: ({ state }) => state === 'closed' },
  dir: { is: (value) => value === null || isPath(value) },
  pid: { is: (value) => isCount(value) && value > 0 },
  startedAt: { is: isDate }
}

/**
 * @typedef {object} DiscoveryRecord
 * @property {1} version
 * @property {'live' | 'closed'} state
 * @property {number} port
 * @property {string} host a loopback address, as a literal
 * @property {'token' | 'none'} auth
 * @property {string} [token] 64 hex digits; absent with auth 'none'
 * @property {string} generation 16 hex digits
 * @property {number} [sequence] the last one; only when closed
 * @property {string | null} dir the ring's real directory, if there is a ring
 * @property {number} pid for people, never for decisions
 * @property {string} startedAt ISO 8601
 */

/**
 * Where the discovery file may be, in the order in which to try.
 * @param {{ dir?: string, env?: object }} [where] `dir`: the ring's directory,
 *   when it was given and not found
 * @returns {string[]}
 */
function discoveryDirs({ dir, env = process.env } = {}) {
  if (dir !== undefined) {
    return [path.resolve(dir)]
  }
  const dirs = []
  const runtime = env.XDG_RUNTIME_DIR
  if (typeof runtime === 'string' && path.isAbsolute(runtime)) {
    dirs.push(path.join(runtime, 'kindly-guard'))
  }
  const home = homeDirectory()
  if (path.isAbsolute(home)) {
    dirs.push(path.join(home, '.kindly-guard'))
  }
  return dirs
}

function homeDirectory() {
  try {
    return os.homedir()
  } catch {
    // A user without an entry in the system's list of users.
    return ''
  }
}

/**
 * Puts the record in its place, whole or not at all. Whoever calls this holds
 * the ring's lock.
 * @param {string} dirPath made with mode 0700 if it is missing
 * @param {string} name without '.json'
 * @param {DiscoveryRecord} record
 * @returns {string} the file's path
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_DISCOVERY_INVALID, ERR_ACCESS,
 *   ERR_READ_ONLY, ERR_NO_SPACE, ERR_TOO_MANY_FILES, ERR_SYSTEM
 */
function writeDiscovery(dirPath, name, record) {
  const file = fileOf(dirPath, name)
  const text = `${JSON.stringify(checkRecord(record, file), null, 2)}\n`
  makeDirectory(dirPath)
  removeTemporary(dirPath, name)
  const suffix = randomBytes(TEMPORARY_BYTES).toString('hex')
  const temporary = path.join(dirPath, `.${name}.json.${suffix}.tmp`)
  let fd
  try {
    fd = fs.openSync(temporary, 'wx', 0o600)
  } catch (error) {
    throw systemError(error, temporary)
  }
  try {
    try {
      // The umask may have taken away more than it should.
      fs.fchmodSync(fd, 0o600)
      fs.writeFileSync(fd, text)
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(temporary, file)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw systemError(error, file)
  }
  return file
}

/**
 * Reads the discovery file.
 * @param {string} dirPath
 * @param {string} name without '.json'
 * @returns {DiscoveryRecord | null} a copy of the known fields; null when
 *   there is no file
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_DISCOVERY_INVALID, ERR_ACCESS,
 *   ERR_TOO_MANY_FILES, ERR_SYSTEM
 */
function readDiscovery(dirPath, name) {
  if (!checkDirectory(dirPath)) {
    return null
  }
  const file = fileOf(dirPath, name)
  const text = readPrivate(file)
  return text === null ? null : parseRecord(text, file)
}

/**
 * Removes the discovery file and what a writer that died has left of one.
 * @param {string} dirPath
 * @param {string} name without '.json'
 * @returns {boolean} whether there was a file
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_ACCESS, ERR_READ_ONLY, ERR_SYSTEM
 */
function removeDiscovery(dirPath, name) {
  if (!checkDirectory(dirPath)) {
    return false
  }
  removeTemporary(dirPath, name)
  const file = fileOf(dirPath, name)
  try {
    fs.unlinkSync(file)
  } catch (error) {
    if (error.code === 'ENOENT') {
      return false
    }
    throw systemError(error, file)
  }
  return true
}

/**
 * Reads a token that was handed over: a discovery file, or 64 hex digits and
 * perhaps a line's end. The directory around it may be anybody's.
 * @param {string} file
 * @returns {{ token: string | null, port: number | null } | null} `token` is
 *   null when the server asks for none, `port` when the file names none; null
 *   when there is no file
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_DISCOVERY_INVALID, ERR_ACCESS,
 *   ERR_TOO_MANY_FILES, ERR_SYSTEM
 */
function readTokenFile(file) {
  const text = readPrivate(file)
  if (text === null) {
    return null
  }
  const bare = text.replace(/\r?\n$/, '')
  if (isToken(bare)) {
    return { token: bare, port: null }
  }
  const { token = null, port } = parseRecord(text, file)
  return { token, port }
}

function fileOf(dirPath, name) {
  return path.join(dirPath, `${name}.json`)
}

/** Windows gives each user's folders an access list, and no mode or uid. */
function isPrivate(stat) {
  return (
    process.geteuid === undefined ||
    (stat.uid === process.geteuid() && (stat.mode & 0o077) === 0)
  )
}

/** Makes the directory, and makes sure that it is safe. */
function makeDirectory(dirPath) {
  try {
    fs.mkdirSync(dirPath, 0o700)
    if ((fs.lstatSync(dirPath).mode & 0o777) !== 0o700) {
      // The umask took away more than it should. There is no way to do this
      // by a descriptor: nobody can open the directory as it is.
      fs.chmodSync(dirPath, 0o700)
    }
  } catch (error) {
    if (error.code !== 'EEXIST') {
      throw systemError(error, dirPath)
    }
  }
  if (!checkDirectory(dirPath)) {
    throw new IpcError('ERR_SYSTEM', `${dirPath} vanished`)
  }
}

/** @returns {boolean} whether it exists; if it does, it is safe */
function checkDirectory(dirPath) {
  const stat = lstat(stripSlashes(dirPath))
  if (stat === null) {
    return false
  }
  if (!stat.isDirectory()) {
    throw unsafe(dirPath, 'is no directory')
  }
  if (!isPrivate(stat)) {
    throw unsafe(dirPath, 'belongs to somebody else or is open to others')
  }
  return true
}

/** With a slash at its end, lstat() would follow a link. */
function stripSlashes(dirPath) {
  return path.join(path.dirname(dirPath), path.basename(dirPath))
}

function lstat(file) {
  try {
    return fs.lstatSync(file)
  } catch (error) {
    if (error.code === 'ENOENT') {
      return null
    }
    throw systemError(error, file)
  }
}

/** The text of a file that only its owner reaches, or null if there is none. */
function readPrivate(file) {
  // Even opening a device can have effects, so look before.
  const stat = lstat(file)
  if (stat === null) {
    return null
  }
  checkFile(stat, file)
  let fd
  try {
    // It does not wait for somebody at the other end of a FIFO.
    fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    checkFile(fs.fstatSync(fd), file)
    return readBounded(fd, file)
  } catch (error) {
    if (error.code === 'ENOENT') {
      return null
    }
    throw error instanceof IpcError ? error : systemError(error, file)
  } finally {
    if (fd !== undefined) {
      fs.closeSync(fd)
    }
  }
}

function checkFile(stat, file) {
  if (!stat.isFile()) {
    throw unsafe(file, 'is no regular file')
  }
  // No name at all is right: it was replaced since it was opened.
  if (stat.nlink > 1) {
    throw unsafe(file, 'has a second name')
  }
  if (!isPrivate(stat)) {
    throw unsafe(file, 'belongs to somebody else or is open to others')
  }
  if (stat.size > MAX_BYTES) {
    throw undiscoverable(file, `has more than ${MAX_BYTES} bytes`)
  }
}

function readBounded(fd, file) {
  const bytes = Buffer.alloc(MAX_BYTES + 1)
  let length = 0
  while (length < bytes.length) {
    const count = fs.readSync(fd, bytes, length, bytes.length - length, null)
    if (count === 0) {
      return bytes.toString('utf8', 0, length)
    }
    length += count
  }
  throw undiscoverable(file, `has more than ${MAX_BYTES} bytes`)
}

function parseRecord(text, file) {
  let value
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's message would quote the file, and with it the token.
    throw undiscoverable(file, 'is not JSON')
  }
  return checkRecord(value, file)
}

/** A copy of the known fields, each of which is right. */
function checkRecord(value, file) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw undiscoverable(file, 'is not a JSON object')
  }
  const record = {}
  for (const [key, { is, when }] of Object.entries(FIELDS)) {
    // `when` looks at fields that stand before this one.
    if (when === undefined || when(record)) {
      const field = Object.hasOwn(value, key) ? value[key] : undefined
      if (!is(field)) {
        throw undiscoverable(file, `has no valid field ${key}`)
      }
      record[key] = field
    }
  }
  return record
}

/** What a writer that died left of this name's file. */
function removeTemporary(dirPath, name) {
  const begin = `.${name}.json.`
  const rest = new RegExp(`^[0-9a-f]{${2 * TEMPORARY_BYTES}}\\.tmp$`)
  try {
    for (const entry of fs.readdirSync(dirPath, { withFileTypes: true })) {
      const { name: found } = entry
      if (
        entry.isFile() &&
        found.startsWith(begin) &&
        rest.test(found.slice(begin.length))
      ) {
        fs.rmSync(path.join(dirPath, found), { force: true })
      }
    }
  } catch (error) {
    throw systemError(error, dirPath)
  }
}

function unsafe(file, why) {
  return new IpcError('ERR_UNSAFE_PATH', `${file} ${why}`)
}

function undiscoverable(file, why) {
  return new IpcError('ERR_DISCOVERY_INVALID', `${file} ${why}`)
}

const SYSTEM_CODES = {
  EACCES: 'ERR_ACCESS',
  EPERM: 'ERR_ACCESS',
  EROFS: 'ERR_READ_ONLY',
  ENOSPC: 'ERR_NO_SPACE',
  EDQUOT: 'ERR_NO_SPACE',
  EMFILE: 'ERR_TOO_MANY_FILES',
  ENFILE: 'ERR_TOO_MANY_FILES',
  // Something else than a file or a directory stands in the way.
  ELOOP: 'ERR_UNSAFE_PATH',
  EISDIR: 'ERR_UNSAFE_PATH',
  ENXIO: 'ERR_UNSAFE_PATH',
  ENOTDIR: 'ERR_UNSAFE_PATH'
}

function systemError(error, file) {
  const code = SYSTEM_CODES[error.code] ?? 'ERR_SYSTEM'
  const call = error.syscall ?? 'the call'
  return new IpcError(code, `${file}: ${call}: ${error.code}`, {
    cause: error
  })
}

module.exports = {
  discoveryDirs,
  readDiscovery,
  readTokenFile,
  removeDiscovery,
  writeDiscovery
}
