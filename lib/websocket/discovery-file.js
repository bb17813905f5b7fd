'use strict'
// The discovery file <name>.json, by which a client finds the WebSocket server
// and learns its token. Only its owner may reach it, and every field is checked
// before it is used. It is written by server/discovery-file.js.

const path = require('node:path')
const { IpcError } = require('../base/errors.js')
const { define } = require('../base/own.js')
const { checkDirectory, readPrivate } = require('../base/private-file.js')
const { isLoopback } = require('../base/loopback.js')
const { isToken } = require('./auth.js')

const VERSION = 1

const isPort = (value) =>
  Number.isInteger(value) && value >= 1 && value <= 65535
const isCount = (value) => Number.isSafeInteger(value) && value >= 0
const isDate = (value) =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) &&
  !Number.isNaN(Date.parse(value))
const isPath = (value) =>
  typeof value === 'string' && path.isAbsolute(value) && !value.includes('\0')

// What each field must be, and when the record has it. `otherwise` is in the place
// of one that is missing.
const FIELDS = {
  version: { is: (value) => value === VERSION },
  state: { is: (value) => value === 'live' || value === 'closed' },
  // Older Shields have none.
  socket: { is: (value) => value === null || isPath(value), otherwise: null },
  port: {
    is: (value, { socket }) =>
      isPort(value) || (value === null && socket !== null)
  },
  host: { is: isLoopback },
  auth: { is: (value) => value === 'token' || value === 'none' },
  token: { is: isToken, when: ({ auth }) => auth === 'token' },
  generation: {
    is: (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value)
  },
  sequence: { is: isCount, when: ({ state }) => state === 'closed' },
  // Older Shields have none.
  priority: {
    is: (value) => value === null || (isCount(value) && value < 2 ** 32),
    when: ({ state }) => state === 'closed',
    otherwise: null
  },
  dir: { is: (value) => value === null || isPath(value) },
  // Of a bridge, which knows no more than what it has read.
  bridge: {
    is: (value) => value === true,
    when: (_record, given) => Object.hasOwn(given, 'bridge')
  },
  pid: { is: (value) => isCount(value) && value > 0 },
  startedAt: { is: isDate }
}

/**
 * @typedef {object} DiscoveryRecord
 * @property {1} version
 * @property {'live' | 'closed'} state
 * @property {string | null} socket the path of the Unix socket
 * @property {number | null} port null: there is the socket alone
 * @property {string} host a loopback address, as a literal
 * @property {'token' | 'none'} auth
 * @property {string} [token] 64 hex digits; absent with auth 'none'
 * @property {string} generation 16 hex digits
 * @property {number} [sequence] the last one; only when closed
 * @property {number | null} [priority] the priority events up to that one,
 *   modulo 2^32, where that is known; only when closed
 * @property {string | null} dir the ring's real directory, if there is a ring
 * @property {true} [bridge] a bridge wrote it: what it served stands in a ring
 * @property {number} pid shown to people; nothing is decided by it
 * @property {string} startedAt ISO 8601
 */

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
  // One that is missing has no file, either.
  checkDirectory(dirPath)
  const file = fileOf(dirPath, name)
  const text = readPrivate(file)
  return text === null ? null : parseRecord(text, file)
}

/**
 * Reads the file of the option `tokenFile`: a discovery file, or 64 hex digits
 * and perhaps a line's end. Its directory may be open to others.
 * @param {string} file
 * @returns {{ token: string | null, socket: string | null,
 *   host: string | null, port: number | null } | null} `token` is null when the
 *   server asks for none, the others when the file names none; null when there
 *   is no file
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
    return { token: bare, socket: null, host: null, port: null }
  }
  const { token = null, socket, host, port } = parseRecord(text, file)
  return { token, socket, host, port }
}

function fileOf(dirPath, name) {
  return path.join(dirPath, `${name}.json`)
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
  for (const [key, { is, when, otherwise }] of Object.entries(FIELDS)) {
    // Both depend on fields that come before this one.
    if (when === undefined || when(record, value)) {
      const field = Object.hasOwn(value, key) ? value[key] : otherwise
      if (!is(field, record)) {
        throw undiscoverable(file, `has no valid field ${key}`)
      }
      define(record, key, field)
    }
  }
  return record
}

function undiscoverable(file, why) {
  return new IpcError('ERR_DISCOVERY_INVALID', `${file} ${why}`)
}

module.exports = { checkRecord, fileOf, readDiscovery, readTokenFile }
