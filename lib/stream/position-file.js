'use strict'
// A client's position in a file, for the next one that reads on from there:
//
//   { "version": 1, "generation": "16 hex digits", "sequence": 7, "priority": 2 }
//
// All of it is synchronous: an editor that ends a window waits for nothing else.
// The file is not flushed to the disk, because the ring would not outlive a power
// cut either.

const fs = require('node:fs')
const path = require('node:path')
const { IpcError } = require('../base/errors.js')
const { deniedBy } = require('../base/permission.js')
const {
  readChecked,
  removeTemporary,
  replaceText,
  systemError
} = require('../base/private-file.js')
const { positionIn } = require('../options/check.js')

const VERSION = 1
const MAX_BYTES = 4096

// Several windows may have one file; what one began so long ago it will not end.
const LEFT_OVER_MS = 60_000

/** @typedef {import('../index').Position} Position */

/** What is wrong with a file that was looked at, as a clause; null: nothing. */
function wrongWith(stat) {
  if (!stat.isFile()) {
    return 'is no regular file'
  }
  const { geteuid } = process
  // Whoever can change it decides which threats are not shown.
  if (geteuid && (stat.uid !== geteuid() || (stat.mode & 0o022) !== 0)) {
    return 'belongs to somebody else, or others may write it'
  }
  return stat.size > MAX_BYTES ? `has more than ${MAX_BYTES} bytes` : null
}

const unusable = (file, why, cause) =>
  new IpcError('ERR_POSITION_INVALID', `${file} ${why}`, { cause })

function check(stat, file) {
  const wrong = wrongWith(stat)
  if (wrong !== null) {
    throw unusable(file, wrong)
  }
}

function parse(text, file) {
  let value
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw unusable(file, 'is no JSON', error)
  }
  const isObject = typeof value === 'object' && value !== null
  // Not what every object has.
  const own = { __proto__: null, ...(isObject ? value : {}) }
  if (Number.isInteger(own.version) && own.version !== VERSION) {
    throw unusable(file, `has version ${own.version}, this is ${VERSION}`)
  }
  const position = own.version === VERSION ? positionIn(own) : null
  if (position === null) {
    throw unusable(file, 'has no position')
  }
  return position
}

function read(file) {
  try {
    // Before it is opened, because opening a device can have effects.
    // It throws when there is none: told not to, Node 26 tells no such file from
    // one below a file.
    check(fs.statSync(file), file)
    const bytes = readChecked(file, (opened) => check(opened, file))
    return parse(bytes.toString(), file)
  } catch (error) {
    if (error.code === 'ENOENT') {
      return undefined
    }
    if (error.code === 'ERR_POSITION_INVALID') {
      throw error
    }
    const why = deniedBy(error) ?? `${error.syscall}: ${error.code}`
    throw unusable(file, `cannot be read: ${why}`, error)
  }
}

/**
 * The position that the option `after` means. What a file has is nobody's mistake
 * who writes a program, and keeps no client from reading.
 * @param {Position | { file: string } | undefined} after checked
 * @returns {{ after: Position | undefined, error: IpcError | null }} undefined:
 *   there is none, and `from` says where reading begins; the error,
 *   ERR_POSITION_INVALID, says why unless there is no file
 */
function resolveAfter(after) {
  if (after === undefined || !Object.hasOwn(after, 'file')) {
    return { after, error: null }
  }
  try {
    return { after: read(after.file), error: null }
  } catch (error) {
    return { after: undefined, error }
  }
}

/** Writes positions into files, each time the whole file or nothing. */
class PositionWriter {
  #cleaned = null // the file that it wrote last

  /**
   * @param {string} file absolute; the folders that it is in are made
   * @param {Position} position
   * @throws {IpcError} ERR_ACCESS, ERR_READ_ONLY, ERR_NO_SPACE, ERR_UNSAFE_PATH,
   *   ERR_TOO_MANY_FILES, ERR_SYSTEM
   */
  write(file, { generation, sequence, priority }) {
    const [dir, base] = [path.dirname(file), path.basename(file)]
    // What inherits nothing has no toJSON that somebody gave to all objects.
    const record = {
      __proto__: null,
      version: VERSION,
      generation,
      sequence,
      priority
    }
    try {
      fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw systemError(error, dir)
    }
    if (this.#cleaned !== file) {
      removeTemporary(dir, base, Date.now() - LEFT_OVER_MS)
      this.#cleaned = file
    }
    replaceText(dir, base, `${JSON.stringify(record)}\n`)
  }
}

module.exports = { PositionWriter, resolveAfter }
