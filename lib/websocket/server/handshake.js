'use strict'
// An HTTP server on the loopback address that lets only clients become
// WebSockets which proved that they know the token. Every other request gets
// one line, and not one byte of data.

const { EventEmitter, once } = require('node:events')
const http = require('node:http')
const { WebSocketServer } = require('ws')
const { IpcError } = require('../../base/errors.js')
const { Challenger, judgeUpgrade } = require('../auth.js')

const MAX_HEADER_BYTES = 8 * 1024
// Sockets that have not proved anything yet.
const MAX_PENDING = 64
// How long a refused client may take to read why. Closing at once would discard
// the answer if the client is still sending.
const LINGER_MS = 500

// Commands are short. A message in many fragments costs far more than its bytes.
const MAX_PAYLOAD = 16 * 1024
const MAX_FRAGMENTS = 64
const MAX_CHUNKS = 1024

// The answers to errors of the HTTP parser that are more than a bad request.
const PARSER_FAULTS = {
  HPE_HEADER_OVERFLOW: [431, 'headers'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'slow']
}

const ignore = () => {}

/**
 * Emits `connection` (a WebSocket that proved itself, `{ auth, remoteAddress,
 * remotePort }`) and `refused` (`{ status, reason }`; status 0: closed without
 * an answer). Reasons: 'origin', 'host', 'method', 'path', 'upgrade' (plain
 * HTTP), 'malformed', 'headers', 'slow', 'crowded' (too many handshakes),
 * 'clients' (too many clients), 'second-request', and of the token
 * 'token-malformed', 'token-foreign', 'token-expired', 'token-wrong',
 * 'token-replayed'. A 401 to a request without Authorization is how every
 * connection begins, so it is counted as `challenged` and is no refusal.
 */
class HandshakeServer extends EventEmitter {
  /**
   * @param {object} options checked `websocket` options
   * @param {string} [token] 64 hex digits; required by auth 'token'
   * @throws {TypeError} ERR_INVALID_OPTION: it is no token
   */
  constructor(options, token) {
    super()
    this._options = options
    const { auth, handshakeTimeoutMs } = options
    this._challenger = auth === 'none' ? null : new Challenger(token)
    this._port = null
    /**
     * Why this is not the port of the options, or null.
     * @type {{ from: number, code: 'EADDRINUSE' | 'EACCES' } | null}
     */
    this.moved = null
    this._listening = null
    this._closed = null
    this._pending = new Map() // socket -> { timer, answered }
    this._clients = new Set()
    this._proofs = new WeakMap() // request -> what its answer proves
    this._counts = { admitted: 0, challenged: 0, refused: {} }
    this._server = this._createServer(handshakeTimeoutMs)
    this._webSockets = this._createWebSockets(handshakeTimeoutMs)
  }

  /**
   * Starts to listen; on another port if this one is taken.
   * @returns {Promise<number>} the port
   * @throws {IpcError} ERR_CLOSED, ERR_TOO_MANY_FILES, ERR_SYSTEM
   */
  listen() {
    this._listening ??= this._listen()
    return this._listening
  }

  /**
   * @returns {{ connections: number, pending: number, admitted: number,
   *   challenged: number, refused: Record<string, number> }} clients and
   *   handshakes of now; the others since the start, `refused` by reason
   */
  stats() {
    return {
      connections: this._clients.size,
      pending: this._pending.size,
      ...this._counts,
      refused: { ...this._counts.refused }
    }
  }

  /** Ends everything at once. @returns {Promise<void>} */
  close() {
    this._closed ??= this._close()
    return this._closed
  }

  async _listen() {
    if (this._closed !== null) {
      throw new IpcError('ERR_CLOSED')
    }
    const { host, port, auth } = this._options
    try {
      await bind(this._server, host, port)
    } catch (error) {
      const { code } = error.cause
      if (port === 0 || (code !== 'EADDRINUSE' && code !== 'EACCES')) {
        throw error
      }
      this.moved = { from: port, code }
      await bind(this._server, host, 0)
    }
    this._port = this._server.address().port
    // Do not keep the process alive.
    this._server.unref()
    if (auth === 'none') {
      process.emitWarning(
        `The WebSocket on port ${this._port} asks for no token: every user ` +
          'of this machine can read the threats.',
        { type: 'SecurityWarning', code: 'KG_WEBSOCKET_NO_AUTH' }
      )
    }
    return this._port
  }

  async _close() {
    const gone = this._endAll()
    // A server that is about to listen would do so after its close().
    await this._listening?.catch(ignore)
    const closed = new Promise((resolve) => {
      this._server.close(resolve)
    })
    await Promise.all([closed, ...gone])
  }

  /** Ends every connection. _onSocket() destroys those that come from now on. */
  _endAll() {
    const ended = [...this._clients, ...this._pending.keys()]
    return ended.map((one) => {
      const gone = new Promise((resolve) => {
        one.once('close', resolve)
      })
      if (this._clients.has(one)) {
        one.terminate()
      } else {
        one.destroy()
      }
      return gone
    })
  }

  _createServer(timeout) {
    const server = http.createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: false, // judgeUpgrade() requires it.
      headersTimeout: timeout,
      requestTimeout: timeout,
      connectionsCheckingInterval: timeout
    })
    // Node silently drops headers past this count, so an Origin could
    // hide behind many others. The bytes are limited, and judgeUpgrade() counts.
    server.maxHeadersCount = 0
    const plain = (request) => this._onPlainRequest(request)
    server.on('request', plain)
    server.on('checkContinue', plain)
    server.on('checkExpectation', plain)
    server.on('connect', plain)
    server.on('upgrade', (...args) => this._onUpgrade(...args))
    server.on('connection', (socket) => this._onSocket(socket))
    server.on('clientError', (error, socket) => {
      const [status, reason] = PARSER_FAULTS[error.code] ?? [400, 'malformed']
      if (this._begin(socket)) {
        this._refuse(socket, status, reason)
      }
    })
    server.on('error', ignore) // bind() handles those of listen().
    return server
  }

  _createWebSockets(timeout) {
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      autoPong: false, // Subscriber answers, and counts what waits.
      perMessageDeflate: false,
      skipUTF8Validation: false,
      maxPayload: MAX_PAYLOAD,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_CHUNKS,
      closeTimeout: timeout,
      handleProtocols: () => false
    })
    server.on('headers', (headers, request) => {
      headers.push(...this._proofOf(request))
    })
    server.on('wsClientError', (_error, socket) => {
      this._refuse(socket, 400, 'malformed')
    })
    return server
  }

  _onSocket(socket) {
    // A connection may be reset at any time; 'close' follows.
    socket.on('error', ignore)
    socket.unref()
    if (this._closed !== null) {
      socket.destroy()
      return
    }
    if (this._pending.size >= MAX_PENDING) {
      socket.destroy()
      this._count(0, 'crowded')
      return
    }
    const entry = { timer: null, answered: false }
    this._pending.set(socket, entry)
    this._setTimer(entry, this._options.handshakeTimeoutMs, () => {
      entry.answered = true
      this._refuse(socket, 408, 'slow')
    })
    socket.once('close', () => this._settle(socket))
  }

  _setTimer(entry, milliseconds, action) {
    clearTimeout(entry.timer)
    entry.timer = setTimeout(action, milliseconds)
    entry.timer.unref()
  }

  /** The socket is no handshake any more. */
  _settle(socket) {
    clearTimeout(this._pending.get(socket)?.timer)
    this._pending.delete(socket)
  }

  /** Each connection has one request; a second one ends it. */
  _begin(socket) {
    const entry = this._pending.get(socket)
    if (entry === undefined || entry.answered) {
      socket.destroy()
      return false
    }
    entry.answered = true
    return true
  }

  _onPlainRequest(request) {
    const { socket, method } = request
    request.resume()
    if (!this._begin(socket)) {
      return
    }
    if (method === 'GET') {
      this._refuse(socket, 426, 'upgrade', ['Upgrade: websocket'])
    } else {
      this._refuse(socket, 405, 'method', ['Allow: GET'])
    }
  }

  _onUpgrade(request, socket, head) {
    if (!this._begin(socket)) {
      return
    }
    const fault = judgeUpgrade(request)
    if (fault !== null) {
      this._refuse(socket, fault.status, fault.reason, fault.headers)
      return
    }
    if (this._challenger !== null && !this._prove(request, socket)) {
      return
    }
    if (this._clients.size >= this._options.maxClients) {
      // With the proof: a Shield that starts asks only whether one is here.
      this._refuse(socket, 503, 'clients', this._proofOf(request))
      return
    }
    this._webSockets.handleUpgrade(request, socket, head, (client) => {
      this._admit(client, socket)
    })
  }

  /** Whether the client proved that it knows the token; else it is sent a 401. */
  _prove(request, socket) {
    const { rawHeaders } = request
    const { proof, reason } = this._challenger.admit(rawHeaders, this._port)
    if (proof !== null) {
      this._proofs.set(request, proof)
      return true
    }
    const headers = [`WWW-Authenticate: ${this._challenger.challenge()}`]
    if (reason === 'missing') {
      this._counts.challenged++
      this._answer(socket, 401, headers)
    } else {
      this._refuse(socket, 401, `token-${reason}`, headers)
    }
    return false
  }

  /** @returns {string[]} the header for a client that proved itself */
  _proofOf(request) {
    const proof = this._proofs.get(request)
    return proof === undefined ? [] : [`KindlyGuard-Proof: ${proof}`]
  }

  _admit(client, socket) {
    this._settle(socket)
    this._clients.add(client)
    this._counts.admitted++
    client.once('close', () => this._clients.delete(client))
    // An oversized frame, bad UTF-8: ws closes the connection and says why.
    client.on('error', ignore)
    const { auth } = this._options
    const { remoteAddress, remotePort } = socket
    this.emit('connection', client, { auth, remoteAddress, remotePort })
  }

  _refuse(socket, status, reason, headers) {
    this._answer(socket, status, headers)
    this._count(status, reason)
  }

  _count(status, reason) {
    const { refused } = this._counts
    refused[reason] = (refused[reason] ?? 0) + 1
    this.emit('refused', { status, reason })
  }

  /** Sends the status as one line of text, and closes. */
  _answer(socket, status, headers = []) {
    const entry = this._pending.get(socket)
    if (entry === undefined || socket.destroyed || !socket.writable) {
      socket.destroy()
      return
    }
    const body = `${http.STATUS_CODES[status]}\n`
    const lines = [
      `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${body.length}`,
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      ...headers
    ]
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
    // What still comes is discarded until the client closes, too.
    socket.resume()
    this._setTimer(entry, LINGER_MS, () => socket.destroy())
  }
}

async function bind(server, host, port) {
  // In a cluster, workers would share the port and not the token.
  server.listen({ host, port, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (cause) {
    const full = cause.code === 'EMFILE' || cause.code === 'ENFILE'
    const code = full ? 'ERR_TOO_MANY_FILES' : 'ERR_SYSTEM'
    throw new IpcError(code, `listen: ${cause.code}`, { cause })
  }
}

module.exports = { HandshakeServer }
