'use strict'
// Connects to a Shield's server, and to no other: it must ask for a proof, and
// give its own before anything that it sends is looked at.

const net = require('node:net')
const { IpcError } = require('../../base/errors.js')
const { hideInherited } = require('../../base/own.js')
const { deniedError } = require('../../base/permission.js')
const { MAX_EVENT_BYTES } = require('../../threat/limits.js')
const { isSocketPath, SOCKET_PATH } = require('../../base/socket-path.js')
const { answerChallenge, parseChallenge } = require('../auth.js')
const { loadClass, requestUpgrade } = require('./upgrade.js')

const HANDSHAKE_TIMEOUT_MS = 5000

// The longest message of a server has one event, as JSON text: each byte of that
// may take six, and the message has others before it. See MESSAGE_BYTES. Longer
// ones are cut for a client that says what it takes; a server that does not know
// of that ends the connection.
const JSON_BYTES = 6
const OTHER_BYTES = 2 ** 20

// A Shield's answers to a wrong proof, and to one client too many.
const SHIELD_REFUSALS = [401, 403, 503]

/**
 * @typedef {object} Way
 * @property {string} name for people
 * @property {object} address of net.connect()
 * @property {string} host the header
 * @property {number | 'socket'} where what the proof names
 * @property {string | null} socket the path, or null over a port
 * @property {string | null} url
 */

/** @returns {Way[]} the Unix socket first, which no proxy can stand before */
function waysTo({ socket = null, url = null, port = null }) {
  const ways = []
  if (socket !== null) {
    ways.push({
      name: socket,
      address: { path: socket },
      host: 'localhost',
      where: 'socket',
      socket,
      url: null
    })
  }
  if (url !== null) {
    const target = new URL(url)
    // A URL does not show the port that is its protocol's default.
    const itsPort = Number(target.port || 80)
    ways.push({
      name: target.host,
      address: {
        host: target.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: itsPort
      },
      host: target.host,
      where: port ?? itsPort,
      socket: null,
      url
    })
  }
  return ways
}

/**
 * Opens a WebSocket to a server that proves that it knows the token: over its
 * Unix socket, and over its port when that is not there or leads to another.
 *
 * It comes paused, so that what the server sent at once is not lost: add the
 * listeners, then call `resume()`. It has a listener for 'error' that does
 * nothing; 'close' follows every error.
 * @param {object} options
 * @param {string | null} [options.socket] a path
 * @param {string | null} [options.url] `ws://127.0.0.1:9955`; checked with the
 *   option `websocket.url`, or made of a checked discovery file
 * @param {string | null} [options.token] 64 hex digits; without one (auth
 *   'none') any server is believed
 * @param {number | 'socket' | null} [options.port] what a proof over the port
 *   names, if a forwarded port stands in the URL
 * @param {number} [options.maxEventBytes] of the longest event that is taken
 * @param {number} [options.handshakeTimeoutMs] for everything together
 * @param {AbortSignal} [options.signal]
 * @param {(socket: import('node:net').Socket, way: Way) => void} [options.onSocket]
 *   is told of each connection, before anybody answers
 * @returns {Promise<import('ws')>} open, paused
 * @throws {IpcError} ERR_WEBSOCKET_REFUSED: a stranger, or a server that does
 *   not want us; `status` is what it answered, or null.
 *   ERR_WEBSOCKET_UNREACHABLE: no server there, or no answer in time. `isAbsent`
 *   of either: there is no Shield at that address; `isProven`: there is one,
 *   which has as many clients as it takes or closes
 * @throws {IpcError} ERR_ACCESS: Node's permission model denies it
 * @throws {IpcError} ERR_SYSTEM: the package `ws` is missing, or another one than
 *   is needed
 * @throws {unknown} the signal's reason
 */
async function connect(options) {
  const { signal } = options
  const { handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options
  const ways = waysTo(options)

  signal?.throwIfAborted()
  // Before anybody is bothered with a connection.
  loadClass()
  // One deadline for all requests: a stranger could drip one byte at a time.
  const ended = new AbortController()
  const timer = setTimeout(() => {
    const detail = `no answer from ${ways.at(-1).name} in ${handshakeTimeoutMs} ms`
    ended.abort(new IpcError('ERR_WEBSOCKET_UNREACHABLE', detail))
  }, handshakeTimeoutMs)
  // The socket holds the process if the caller wants that; see onSocket.
  timer.unref()
  const abort = () => ended.abort(signal.reason)
  signal?.addEventListener('abort', abort)
  try {
    return await connectBy(ways, options, ended.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** Tries one way after the other. */
async function connectBy([way, ...others], options, signal) {
  try {
    return await handshake(way, options, signal)
  } catch (error) {
    if (others.length === 0 || signal.aborted || error.isProven) {
      throw error
    }
    try {
      return await connectBy(others, options, signal)
    } catch (last) {
      // A Shield that says no at the one is not absent at the other.
      if (last instanceof IpcError && !error.isAbsent) {
        last.isAbsent = false
      }
      throw last
    }
  }
}

async function handshake(way, options, signal) {
  const { token = null, maxEventBytes = MAX_EVENT_BYTES, onSocket } = options
  const request = {
    host: way.host,
    maxPayload: maxEventBytes * JSON_BYTES + OTHER_BYTES,
    signal
  }
  const ask = async (more, judge) => {
    const connection = await open(way, onSocket, signal)
    try {
      return await requestUpgrade(connection, { ...request, ...more }, judge)
    } catch (error) {
      throw signal.aborted ? signal.reason : connectionError(way, error)
    }
  }
  const refuse = (why, { statusCode }, isProven = false) => {
    const error = refusal(`${way.name}: ${why}`, statusCode)
    if (isProven) {
      error.isProven = true
    }
    throw error
  }

  if (token === null) {
    const { response, socket } = await ask({}, () => true)
    return socket ?? refuse(`it answered ${response.statusCode}`, response)
  }
  // The first request says nothing of this client.
  let isUpgraded = false
  const first = await ask({}, (_response, isUpgrade) => {
    isUpgraded = isUpgrade
    return false
  })
  if (isUpgraded) {
    refuse('a stranger, who asks for no proof', first.response)
  }
  const { statusCode, rawHeaders } = first.response
  const challenge = statusCode === 401 ? parseChallenge(rawHeaders) : null
  if (challenge === null) {
    refuse(`it answered ${statusCode}`, first.response)
  }
  const answer = answerChallenge(token, challenge, way.where)
  const { authorization, isProven } = answer
  const { response, socket } = await ask(
    { authorization },
    (one, isUpgrade) => {
      isUpgraded = isUpgrade
      return isProven(one.rawHeaders)
    }
  )
  if (socket !== null) {
    return socket
  }
  return isUpgraded
    ? refuse('a stranger, who does not know the token', response)
    : refuse(
        `it answered ${response.statusCode}`,
        response,
        isProven(response.rawHeaders)
      )
}

/** @returns {Promise<net.Socket>} connected */
function open(way, onSocket, signal) {
  const { socket } = way
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    if (socket !== null && !isSocketPath(socket)) {
      throw unreachable(`${socket} is not ${SOCKET_PATH}`, true)
    }
    // A promise asks what it resolves with for a `then`.
    const connection = hideInherited(net.connect(way.address), ['then'])
    const abort = () => connection.destroy(signal.reason)
    signal.addEventListener('abort', abort)
    const end = (action, value) => {
      signal.removeEventListener('abort', abort)
      action(value)
    }
    // It stays: what comes before the caller listens must not become an
    // uncaught exception.
    connection.on('error', (error) => {
      end(reject, signal.aborted ? signal.reason : connectionError(way, error))
    })
    connection.once('connect', () => end(resolve, connection))
    onSocket?.(connection, way)
  })
}

/** No server there, or one that speaks another protocol. */
function connectionError({ name }, error) {
  const { code } = error
  const denied = deniedError(error, name)
  if (denied !== null) {
    return denied
  }
  // The system's codes; those of parsers and of ws have an underscore.
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) {
    const isAbsent = code === 'ECONNREFUSED' || code === 'ENOENT'
    return unreachable(`${name}: ${code}`, isAbsent, { cause: error })
  }
  const detail = `${name}: a stranger, who speaks something else`
  return refusal(detail, null, { cause: error })
}

function unreachable(detail, isAbsent, options) {
  const error = new IpcError('ERR_WEBSOCKET_UNREACHABLE', detail, options)
  error.isAbsent = isAbsent
  return error
}

function refusal(detail, status, options) {
  const error = new IpcError('ERR_WEBSOCKET_REFUSED', detail, options)
  error.status = status
  // A Shield that is there says no by one of these; others are strangers.
  error.isAbsent = !SHIELD_REFUSALS.includes(status)
  return error
}

module.exports = { connect }
