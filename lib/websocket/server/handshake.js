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
  #options
  #challenger
  #server
  #webSockets
  #port = null
  #listening = null
  #closed = null
  #pending = new Map() // socket -> { timer, answered }
  #clients = new Set()
  #proofs = new WeakMap() // request -> what its answer proves
  #counts = { admitted: 0, challenged: 0, refused: {} }

  /**
   * @param {object} options checked `websocket` options
   * @param {string} [token] 64 hex digits; required by auth 'token'
   * @throws {TypeError} ERR_INVALID_OPTION: it is no token
   */
  constructor(options, token) {
    super()
    this.#options = options
    const { auth, handshakeTimeoutMs } = options
    this.#challenger = auth === 'none' ? null : new Challenger(token)
    /**
     * Why this is not the port of the options, or null.
     * @type {{ from: number, code: 'EADDRINUSE' | 'EACCES' } | null}
     */
    this.moved = null
    this.#server = this.#createServer(handshakeTimeoutMs)
    this.#webSockets = this.#createWebSockets(handshakeTimeoutMs)
  }

  /**
   * Starts to listen; on another port if this one is taken.
   * @returns {Promise<number>} the port
   * @throws {IpcError} ERR_CLOSED, ERR_TOO_MANY_FILES, ERR_SYSTEM
   */
  listen() {
    return (this.#listening ??= this.#listen())
  }

  /**
   * @returns {{ connections: number, pending: number, admitted: number,
   *   challenged: number, refused: Record<string, number> }} clients and
   *   handshakes of now; the others since the start, `refused` by reason
   */
  stats() {
    return {
      connections: this.#clients.size,
      pending: this.#pending.size,
      ...this.#counts,
      refused: { ...this.#counts.refused }
    }
  }

  /** Ends everything at once. @returns {Promise<void>} */
  close() {
    return (this.#closed ??= this.#close())
  }

  async #listen() {
    if (this.#closed !== null) {
      throw new IpcError('ERR_CLOSED')
    }
    const { host, port, auth } = this.#options
    try {
      await bind(this.#server, host, port)
    } catch (error) {
      const { code } = error.cause
      if (port === 0 || (code !== 'EADDRINUSE' && code !== 'EACCES')) {
        throw error
      }
      this.moved = { from: port, code }
      await bind(this.#server, host, 0)
    }
    this.#port = this.#server.address().port
    // Do not keep the process alive.
    this.#server.unref()
    if (auth === 'none') {
      process.emitWarning(
        `The WebSocket on port ${this.#port} asks for no token: every user ` +
          'of this machine can read the threats.',
        { type: 'SecurityWarning', code: 'KG_WEBSOCKET_NO_AUTH' }
      )
    }
    return this.#port
  }

  /** #onSocket() destroys connections that come from now on. */
  async #close() {
    const ended = [...this.#clients, ...this.#pending.keys()]
    const gone = ended.map((one) => {
      return new Promise((resolve) => {
        one.once('close', resolve)
      })
    })
    this.#clients.forEach((client) => client.terminate())
    this.#pending.forEach((_entry, socket) => socket.destroy())
    // A server that is about to listen would do so after its close().
    await this.#listening?.catch(ignore)
    const closed = new Promise((resolve) => {
      this.#server.close(resolve)
    })
    for (const each of [closed, ...gone]) {
      await each
    }
  }

  #createServer(timeout) {
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
    const plain = ['request', 'checkContinue', 'checkExpectation', 'connect']
    for (const event of plain) {
      server.on(event, (request) => this.#onPlainRequest(request))
    }
    server.on('upgrade', (...args) => this.#onUpgrade(...args))
    server.on('connection', (socket) => this.#onSocket(socket))
    server.on('clientError', (error, socket) => {
      const [status, reason] = PARSER_FAULTS[error.code] ?? [400, 'malformed']
      if (this.#begin(socket)) {
        this.#refuse(socket, status, reason)
      }
    })
    server.on('error', ignore) // bind() handles those of listen().
    return server
  }

  #createWebSockets(timeout) {
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
      headers.push(...this.#proofOf(request))
    })
    server.on('wsClientError', (_error, socket) => {
      this.#refuse(socket, 400, 'malformed')
    })
    return server
  }

  #onSocket(socket) {
    // A connection may be reset at any time; 'close' follows.
    socket.on('error', ignore)
    socket.unref()
    if (this.#closed !== null) {
      socket.destroy()
      return
    }
    if (this.#pending.size >= MAX_PENDING) {
      socket.destroy()
      this.#count(0, 'crowded')
      return
    }
    const entry = { timer: null, answered: false }
    this.#pending.set(socket, entry)
    this.#setTimer(entry, this.#options.handshakeTimeoutMs, () => {
      entry.answered = true
      this.#refuse(socket, 408, 'slow')
    })
    socket.once('close', () => this.#settle(socket))
  }

  #setTimer(entry, milliseconds, action) {
    clearTimeout(entry.timer)
    entry.timer = setTimeout(action, milliseconds)
    entry.timer.unref()
  }

  /** The socket is no handshake any more. */
  #settle(socket) {
    clearTimeout(this.#pending.get(socket)?.timer)
    this.#pending.delete(socket)
  }

  /** Each connection has one request; a second one ends it. */
  #begin(socket) {
    const entry = this.#pending.get(socket)
    if (entry === undefined || entry.answered) {
      socket.destroy()
      return false
    }
    entry.answered = true
    return true
  }

  #onPlainRequest(request) {
    const { socket, method } = request
    request.resume()
    if (!this.#begin(socket)) {
      return
    }
    if (method === 'GET') {
      this.#refuse(socket, 426, 'upgrade', ['Upgrade: websocket'])
    } else {
      this.#refuse(socket, 405, 'method', ['Allow: GET'])
    }
  }

  #onUpgrade(request, socket, head) {
    if (!this.#begin(socket)) {
      return
    }
    const fault = judgeUpgrade(request)
    if (fault !== null) {
      this.#refuse(socket, fault.status, fault.reason, fault.headers)
      return
    }
    if (this.#challenger !== null && !this.#prove(request, socket)) {
      return
    }
    if (this.#clients.size >= this.#options.maxClients) {
      // With the proof: a Shield that starts asks only whether one is here.
      this.#refuse(socket, 503, 'clients', this.#proofOf(request))
      return
    }
    this.#webSockets.handleUpgrade(request, socket, head, (client) => {
      this.#admit(client, socket)
    })
  }

  /** Whether the client proved that it knows the token; else it is sent a 401. */
  #prove(request, socket) {
    const { rawHeaders } = request
    const { proof, reason } = this.#challenger.admit(rawHeaders, this.#port)
    if (proof !== null) {
      this.#proofs.set(request, proof)
      return true
    }
    const headers = [`WWW-Authenticate: ${this.#challenger.challenge()}`]
    if (reason === 'missing') {
      this.#counts.challenged++
      this.#answer(socket, 401, headers)
    } else {
      this.#refuse(socket, 401, `token-${reason}`, headers)
    }
    return false
  }

  /** @returns {string[]} the header for a client that proved itself */
  #proofOf(request) {
    const proof = this.#proofs.get(request)
    return proof === undefined ? [] : [`KindlyGuard-Proof: ${proof}`]
  }

  #admit(client, socket) {
    this.#settle(socket)
    this.#clients.add(client)
    this.#counts.admitted++
    client.once('close', () => this.#clients.delete(client))
    // An oversized frame, bad UTF-8: ws closes the connection and says why.
    client.on('error', ignore)
    const { auth } = this.#options
    const { remoteAddress, remotePort } = socket
    this.emit('connection', client, { auth, remoteAddress, remotePort })
  }

  #refuse(socket, status, reason, headers) {
    this.#answer(socket, status, headers)
    this.#count(status, reason)
  }

  #count(status, reason) {
    const { refused } = this.#counts
    refused[reason] = (refused[reason] ?? 0) + 1
    this.emit('refused', { status, reason })
  }

  /** Sends the status as one line of text, and closes. */
  #answer(socket, status, headers = []) {
    const entry = this.#pending.get(socket)
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
    this.#setTimer(entry, LINGER_MS, () => socket.destroy())
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
