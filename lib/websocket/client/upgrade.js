'use strict'
// One request to upgrade, over a connection of our own. Not by the client of
// `ws`, which calls http.request(): an editor replaces that and forces a proxy
// or an agent upon it, and with one Node takes no connection that it is given.

const { createHash, randomBytes } = require('node:crypto')
const http = require('node:http')
const { loadWs } = require('../ws.js')
const { IpcError } = require('../../base/errors.js')
const { lazy } = require('../../base/load.js')
const { define } = require('../../base/own.js')

const MAX_HEADER_BYTES = 8 * 1024

// As the clients of `ws` have them.
const MAX_CHUNKS = 256 * 1024
const MAX_FRAGMENTS = 16 * 1024
const MAX_PONGS = 60
const CLOSE_MS = 30_000

// RFC 6455, section 1.3.
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

// `ws` takes whoever has no URL for a server's end, by this field alone. Without
// it a client's frames would have no mask, and every server would refuse them.
// The field is none of its API, so see whether it still is there.
const IS_SERVER = '_isServer'

/**
 * A class of clients' ends over connections that were upgraded already.
 * @throws {IpcError} ERR_SYSTEM: there is no `ws`, or another version of it
 */
const loadClass = lazy(() => {
  class UpgradedWebSocket extends loadWs() {
    constructor() {
      super(null, undefined, {
        autoPong: true,
        maxPendingAutoPongs: MAX_PONGS,
        closeTimeout: CLOSE_MS
      })
    }

    /**
     * Opens it.
     * @param {import('node:net').Socket} connection
     * @param {Buffer} head what came behind the answer
     * @param {number} maxPayload bytes of a message
     */
    open(connection, head, maxPayload) {
      this.setSocket(connection, head, {
        allowSynchronousEvents: true,
        maxBufferedChunks: MAX_CHUNKS,
        maxFragments: MAX_FRAGMENTS,
        maxPayload,
        skipUTF8Validation: false
      })
    }
  }

  let isSet = false
  Object.defineProperty(UpgradedWebSocket.prototype, IS_SERVER, {
    __proto__: null,
    get: () => false,
    set() {
      isSet = true
    }
  })
  if (new UpgradedWebSocket()[IS_SERVER] || !isSet) {
    throw new IpcError(
      'ERR_SYSTEM',
      'the package ws makes no client of a connection that was upgraded; ' +
        'install 8.23.0 of it'
    )
  }
  // A promise asks what it resolves with for a `then`.
  define(UpgradedWebSocket.prototype, 'then', undefined, false)
  return UpgradedWebSocket
})

/**
 * @typedef {{ statusCode: number, rawHeaders: string[] }} Response
 */

/** What the promise resolves with; it has no `then` of all objects'. */
const answer = (response, socket = null) => ({
  __proto__: null,
  response,
  socket
})

/**
 * Asks to upgrade.
 * @param {import('node:net').Socket} connection connected; belongs to this call
 * @param {{ host: string, authorization?: string, maxPayload: number,
 *   signal: AbortSignal }} request `host`: the value of that header
 * @param {(response: Response, isUpgrade: boolean) => boolean} judge whether to
 *   go on with this answer; anything but an upgrade ends here in any case
 * @returns {Promise<{ response: Response, socket: WebSocket | null }>} a socket
 *   that is open and paused, with a listener for 'error' that does nothing; null
 *   when the answer was another one, or was judged so
 * @throws {Error} the connection's, the parser's, the signal's reason
 * @throws {IpcError} ERR_SYSTEM: see loadClass
 */
function requestUpgrade(connection, request, judge) {
  const UpgradedWebSocket = loadClass()
  const { host, authorization, maxPayload, signal } = request
  const key = randomBytes(16).toString('base64')
  return new Promise((resolve, reject) => {
    let asked = null
    let isOver = false
    function end(action, value) {
      if (isOver) {
        return
      }
      isOver = true
      signal.removeEventListener('abort', abort)
      if (!(value.socket instanceof UpgradedWebSocket)) {
        asked?.destroy()
        connection.destroy()
      }
      action(value)
    }
    function abort() {
      end(reject, signal.reason)
    }

    if (signal.aborted) {
      abort()
      return
    }
    signal.addEventListener('abort', abort)
    connection.once('close', () => end(reject, hungUp()))
    asked = new http.ClientRequest({
      // Nobody else's agent, proxy or list of connections that are kept.
      createConnection: () => connection,
      method: 'GET',
      path: '/',
      setHost: false,
      headers: {
        Host: host,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': key,
        ...(authorization === undefined ? {} : { Authorization: authorization })
      },
      insecureHTTPParser: false,
      maxHeaderSize: MAX_HEADER_BYTES
    })
    asked.on('error', (error) => end(reject, error))
    asked.on('response', (response) => {
      response.on('error', () => {})
      judge(response, false)
      end(resolve, answer(response))
    })
    asked.on('upgrade', (response, upgraded, head) => {
      // Judged before a byte of what came along is parsed.
      if (isOver || !judge(response, true)) {
        end(resolve, answer(response))
        return
      }
      const why = faultOf(response.headers, key)
      if (why !== null) {
        end(reject, new Error(why))
        return
      }
      const socket = new UpgradedWebSocket()
      socket.on('error', () => {})
      socket.open(upgraded, head, maxPayload)
      socket.pause()
      end(resolve, answer(response, socket))
    })
    asked.end()
  })
}

function hungUp() {
  const error = new Error('the server hung up')
  return Object.assign(error, { code: 'ECONNRESET' })
}

/** What is wrong with a 101, or null. */
function faultOf(headers, key) {
  const digest = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return 'it upgrades to something else'
  }
  if (headers['sec-websocket-accept'] !== digest) {
    return 'its answer is not to this key'
  }
  const isPlain =
    headers['sec-websocket-protocol'] === undefined &&
    headers['sec-websocket-extensions'] === undefined
  return isPlain ? null : 'it answers what nobody asked for'
}

module.exports = { loadClass, requestUpgrade }
