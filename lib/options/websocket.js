'use strict'
// Checks the options under `websocket`.

const { invalid } = require('../base/errors.js')
const { isLoopback, isShieldUrl } = require('../base/loopback.js')
const { hideInherited } = require('../base/own.js')
const { isSocketPath, SOCKET_PATH } = require('../base/socket-path.js')
const {
  checkEach,
  filePath,
  flag,
  integer,
  mustBe,
  oneOf,
  size,
  text
} = require('./check.js')

const DEFAULTS = Object.freeze({
  enabled: true,
  socket: true,
  host: '127.0.0.1',
  port: 9955,
  auth: 'token',
  maxClients: 64,
  maxBufferedBytes: 2 ** 20,
  heartbeatMs: 5000,
  stallTimeoutMs: 10_000,
  handshakeTimeoutMs: 5000
})

const milliseconds = (label, value) => integer(label, value, 10, 3_600_000)

const WEBSOCKET_CHECKS = {
  enabled: flag,

  host: (label, value) =>
    mustBe(
      isLoopback(text(label, value)),
      RangeError,
      label,
      "an address of this machine as a literal, '127.0.0.1' or '::1'",
      value
    ),

  port(label, value) {
    if (value === false) {
      return value
    }
    const expected = 'a whole number from 0 to 65535, or false for none'
    mustBe(typeof value === 'number', TypeError, label, expected, value)
    return integer(label, value, 0, 65535)
  },

  socket(label, value) {
    if (typeof value === 'boolean') {
      return value
    }
    const expected = 'true, false, or the path of a socket'
    mustBe(typeof value === 'string', TypeError, label, expected, value)
    const file = filePath(label, value)
    return mustBe(isSocketPath(file), RangeError, label, SOCKET_PATH, file)
  },

  auth: (label, value) => oneOf(label, value, ['token', 'none']),

  url: (label, value) =>
    mustBe(
      isShieldUrl(text(label, value)),
      RangeError,
      label,
      'ws://127.0.0.1:port (an address of this machine, not a name)',
      value
    ),

  tokenFile: filePath,
  maxClients: (label, value) => integer(label, value, 1, 10_000),
  maxBufferedBytes: (label, value) => size(label, value, 2 ** 16, 2 ** 30),
  heartbeatMs: milliseconds,
  stallTimeoutMs: milliseconds,
  handshakeTimeoutMs: milliseconds
}

const WHAT = 'option websocket'
const websocketLabel = (key) => `${WHAT}.${key}`

/**
 * @param {object | undefined} options what was given as `websocket`
 * @param {(key: string) => string} [label] what an error calls an option
 * @returns {object} filled in
 * @throws {TypeError | RangeError} ERR_INVALID_OPTION
 */
function checkWebSocket(options, label = websocketLabel) {
  const checked = checkEach(options, WEBSOCKET_CHECKS, label, WHAT)
  const { url, socket, tokenFile, auth = DEFAULTS.auth } = checked
  const given = url !== undefined ? 'url' : 'socket'
  const isGiven = url !== undefined || typeof socket === 'string'
  if (isGiven && tokenFile === undefined && auth === 'token') {
    throw invalid(
      TypeError,
      'ERR_INVALID_OPTION',
      `${label('tokenFile')} is missing: ${label(given)} needs it, or ` +
        `${label('auth')} 'none', which trusts any server there`
    )
  }
  if (checked.port === false && socket === false && checked.enabled !== false) {
    throw invalid(
      RangeError,
      'ERR_INVALID_OPTION',
      `${label('port')} and ${label('socket')}: one of them must not be false, ` +
        `or ${label('enabled')} be`
    )
  }
  return hideInherited(
    { ...DEFAULTS, ...checked },
    Object.keys(WEBSOCKET_CHECKS)
  )
}

module.exports = { checkWebSocket, WEBSOCKET_CHECKS }
