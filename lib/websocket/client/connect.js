'use strict'
// Connects to a Shield's WebSocket, and to no other server: it must ask for a
// proof, and give its own before anything that it sends is looked at.

const net = require('node:net')
const WebSocket = require('ws')
const { IpcError } = require('../../base/errors.js')
const { answerChallenge, parseChallenge } = require('../auth.js')

const HANDSHAKE_TIMEOUT_MS = 5000
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024
const MAX_HEADER_BYTES = 8 * 1024

// A Shield's answers to a wrong proof, and to one client too many.
const SHIELD_REFUSALS = [401, 403, 503]

/**
 * Opens a WebSocket to a server that proves that it knows the token.
 *
 * It comes paused, so that what the server sent at once is not lost: add the
 * listeners, then call `resume()`. It has a listener for 'error' that does
 * nothing; 'close' follows every error.
 * @param {object} options
 * @param {string} options.url `ws://127.0.0.1:9955`; checked with the option
 *   `websocket.url`, or made of a checked discovery file
 * @param {string | null} [options.token] 64 hex digits; without one (auth
 *   'none') any server is believed
 * @param {number | null} [options.port] the one that the discovery file names,
 *   if a forwarded port stands in the URL
 * @param {number} [options.handshakeTimeoutMs] for everything together
 * @param {AbortSignal} [options.signal]
 * @param {(socket: import('node:net').Socket) => void} [options.onSocket] is
 *   told of each connection, before anybody answers
 * @returns {Promise<import('ws')>} open, paused
 * @throws {IpcError} ERR_WEBSOCKET_REFUSED: a stranger, or a server that does
 *   not want us; `status` is what it answered, or null.
 *   ERR_WEBSOCKET_UNREACHABLE: no server there, or no answer in time. `isAbsent`
 *   of either: there is no Shield at that address; `isProven`: there is one,
 *   which has as many clients as it takes
 * @throws {unknown} the signal's reason
 */
async function connect(options) {
  const { url, token = null, signal } = options
  const { handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options
  const target = new URL(url)
  // A URL does not show the port that is its protocol's default.
  const port = options.port ?? (target.port || 80)
  const limits = {
    maxPayload: MAX_MESSAGE_BYTES,
    // Instead of an agent's, which would keep it for the next request.
    createConnection: (how) => {
      const connection = net.connect({ ...how, path: how.socketPath })
      options.onSocket?.(connection)
      return connection
    }
  }

  signal?.throwIfAborted()
  // One deadline for both requests: a stranger could drip one byte at a time.
  const ended = new AbortController()
  const timer = setTimeout(() => {
    const detail = `no answer from ${target.host} in ${handshakeTimeoutMs} ms`
    ended.abort(new IpcError('ERR_WEBSOCKET_UNREACHABLE', detail))
  }, handshakeTimeoutMs)
  // The socket holds the process if the caller wants that; see onSocket.
  timer.unref()
  const abort = () => ended.abort(signal.reason)
  signal?.addEventListener('abort', abort)
  try {
    if (token === null) {
      return await requestUpgrade(target, limits, ended.signal)
    }
    // The first request says nothing of this client.
    const challenge = await requestUpgrade(target, limits, ended.signal, {
      onUpgrade: () => 'a stranger, who asks for no proof',
      onResponse: ({ statusCode, rawHeaders }) =>
        statusCode === 401 ? parseChallenge(rawHeaders) : null
    })
    const { authorization, isProven } = answerChallenge(token, challenge, port)
    limits.headers = { Authorization: authorization }
    return await requestUpgrade(target, limits, ended.signal, {
      onUpgrade: ({ rawHeaders }) =>
        isProven(rawHeaders) ? null : 'a stranger, who does not know the token',
      isProven
    })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/**
 * One request to upgrade.
 * @param {URL} target
 * @param {object} more options of WebSocket
 * @param {AbortSignal} signal
 * @param {object} [judge]
 * @param {(response: object) => string | null} [judge.onUpgrade] why not to go
 *   on with a server that answers 101
 * @param {(response: object) => string | null} [judge.onResponse] what to
 *   resolve with if it answers anything else; null is a refusal
 * @param {(rawHeaders: string[]) => boolean} [judge.isProven] whether it is a
 *   Shield that refuses
 * @returns {Promise<WebSocket | string>}
 */
function requestUpgrade(target, more, signal, judge = {}) {
  const { onUpgrade = () => null, onResponse = () => null, isProven } = judge
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = new WebSocket(target, {
      followRedirects: false,
      perMessageDeflate: false,
      skipUTF8Validation: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      ...more
    })
    let settled = false
    const settle = (action, value) => {
      if (settled) {
        return
      }
      settled = true
      signal.removeEventListener('abort', abort)
      if (value !== socket) {
        socket.terminate()
      }
      action(value)
    }
    const refuse = (why, { statusCode, rawHeaders }) => {
      const error = refusal(`${target.host}: ${why}`, statusCode)
      if (isProven?.(rawHeaders)) {
        error.isProven = true
      }
      settle(reject, error)
    }
    function abort() {
      settle(reject, signal.reason)
    }

    signal.addEventListener('abort', abort)
    // It stays: what terminate() reports, and what comes before the caller
    // listens, must not become an uncaught exception.
    socket.on('error', (error) => {
      settle(reject, connectionError(target, error))
    })
    socket.on('unexpected-response', (_request, response) => {
      response.on('error', () => {})
      const value = onResponse(response)
      if (value === null) {
        refuse(`it answered ${response.statusCode}`, response)
      } else {
        settle(resolve, value)
      }
    })
    // Terminated in here, the socket never parses a byte that came along.
    socket.on('upgrade', (response) => {
      const why = onUpgrade(response)
      if (why !== null) {
        refuse(why, response)
      }
    })
    socket.on('open', () => {
      socket.pause()
      settle(resolve, socket)
    })
  })
}

/** No server there, or one that speaks another protocol. */
function connectionError(target, error) {
  const { code } = error
  // The system's codes; those of parsers and of ws have an underscore.
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) {
    const detail = `${target.host}: ${code}`
    const unreachable = new IpcError('ERR_WEBSOCKET_UNREACHABLE', detail, {
      cause: error
    })
    unreachable.isAbsent = code === 'ECONNREFUSED'
    return unreachable
  }
  const detail = `${target.host}: a stranger, who speaks something else`
  return refusal(detail, null, { cause: error })
}

function refusal(detail, status, options) {
  const error = new IpcError('ERR_WEBSOCKET_REFUSED', detail, options)
  error.status = status
  // A Shield that is there says no by one of these; others are strangers.
  error.isAbsent = !SHIELD_REFUSALS.includes(status)
  return error
}

module.exports = { connect }
