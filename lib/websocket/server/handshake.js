'use strict'
// An HTTP server, on a loopback port and a Unix socket, that lets only clients
// become WebSockets which proved that they know the token. Every other request
// gets one line, and not one byte of data.

const { EventEmitter } = require('node:events')
const http = require('node:http')
const { loadWs } = require('../ws.js')
const { Challenger } = require('./challenger.js')
const { judgeUpgrade } = require('./upgrade-request.js')
const { Port } = require('./port.js')
const { UnprovenConnections } = require('./unproven.js')

const MAX_HEADER_BYTES = 8 * 1024
// How long a refused client may take to read why. Closing at once would discard
// the answer if the client is still sending.
const LINGER_MS = 500

// Commands are short. A message in many fragments costs far more than its bytes.
const MAX_PAYLOAD = 16 * 1024
const MAX_FRAGMENTS = 64
const MAX_CHUNKS = 1024

// What stands in a proof where the port does, over the Unix socket.
const SOCKET = 'socket'

const ignore = () => {}

/**
 * Emits `connection` (a WebSocket that proved itself, `{ auth, remoteAddress,
 * remotePort }`) and `refused` (`{ status, reason }`; status 0: closed without
 * an answer). Reasons: 'origin', 'host', 'method', 'path', 'upgrade' (plain
 * HTTP), 'malformed', 'headers', 'slow', 'crowded' (gave way to another
 * handshake), 'clients' (too many clients), 'closing', and of the token
 * 'token-malformed', 'token-foreign', 'token-expired', 'token-wrong',
 * 'token-replayed'. A 401 to a request without Authorization is how every
 * connection begins, so it is counted as `challenged` and is no refusal.
 */
class HandshakeServer extends EventEmitter {
  #options
  #challenger
  #server
  #webSockets
  #port
  #portNumber = null
  #listening = null
  #isStopped = false
  #closed = null
  #unproven = new UnprovenConnections(() => this.#count(0, 'crowded'))
  #clients = new Set()
  #overSocket = new WeakSet() // connections that came over the Unix socket
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
    this.#server = this.#createServer()
    this.#webSockets = this.#createWebSockets(handshakeTimeoutMs)
    this.#port = new Port(options, (socket) => this.#onSocket(socket))
  }

  /** Why the port is not that of the options, or null. @see Port.moved */
  get moved() {
    return this.#port.moved
  }

  /**
   * Starts to listen; on another port if this one is taken.
   * @returns {Promise<number | null>} the port; null when the options say none
   * @throws {IpcError} ERR_CLOSED, ERR_TOO_MANY_FILES, ERR_SYSTEM
   */
  listen() {
    return (this.#listening ??= this.#listen())
  }

  /** Takes a connection that came over the Unix socket.
   * @param {import('node:net').Socket} socket */
  accept(socket) {
    this.#overSocket.add(socket)
    this.#onSocket(socket)
  }

  /**
   * @returns {{ connections: number, pending: number, admitted: number,
   *   challenged: number, refused: Record<string, number> }} clients and
   *   handshakes of now; the others since the start, `refused` by reason
   */
  stats() {
    return {
      connections: this.#clients.size,
      pending: this.#unproven.size,
      ...this.#counts,
      refused: { ...this.#counts.refused }
    }
  }

  /** Listens no more, and lets nobody in. Clients stay until close(). */
  stop() {
    this.#isStopped = true
    this.#port.close()
  }

  /** Ends everything at once. @returns {Promise<void>} */
  close() {
    return (this.#closed ??= this.#close())
  }

  async #listen() {
    this.#portNumber = await this.#port.listen()
    if (this.#options.auth === 'none' && this.#portNumber !== null) {
      process.emitWarning(
        `The WebSocket on port ${this.#portNumber} asks for no token: every ` +
          'user of this machine can read the threats.',
        { type: 'SecurityWarning', code: 'KG_WEBSOCKET_NO_AUTH' }
      )
    }
    return this.#portNumber
  }

  /** #onSocket() destroys connections that come from now on. */
  async #close() {
    this.stop()
    const clients = [...this.#clients]
    clients.forEach((client) => client.terminate())
    const gone = [...clients, ...this.#unproven.destroyAll()].map((one) => {
      return new Promise((resolve) => {
        one.once('close', resolve)
      })
    })
    // It listens nowhere. Some versions of Node give it a timer all the same.
    this.#server.close()
    for (const each of [this.#port.close(), ...gone]) {
      await each
    }
  }

  /** It listens nowhere: #onSocket() gives it its connections. */
  #createServer() {
    const server = http.createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: false, // judgeUpgrade() requires it.
      // UnprovenConnections knows how long each may take.
      headersTimeout: 0,
      requestTimeout: 0
    })
    // Node silently drops headers past this count, so an Origin could
    // hide behind many others. The bytes are limited, and judgeUpgrade() counts.
    server.maxHeadersCount = 0
    const plain = ['request', 'checkContinue', 'checkExpectation', 'connect']
    for (const event of plain) {
      server.on(event, (request) => this.#onPlainRequest(request))
    }
    server.on('upgrade', (...args) => this.#onUpgrade(...args))
    server.on('clientError', (error, socket) => {
      const isLong = error.code === 'HPE_HEADER_OVERFLOW'
      if (this.#begin(socket)) {
        this.#refuse(
          socket,
          isLong ? 431 : 400,
          isLong ? 'headers' : 'malformed'
        )
      }
    })
    return server
  }

  #createWebSockets(timeout) {
    const { WebSocketServer } = loadWs()
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // One message, ping or pong of a client in each turn of the event loop.
      allowSynchronousEvents: false,
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
    this.#unproven.add(socket, this.#options.handshakeTimeoutMs, () => {
      this.#refuse(socket, 408, 'slow')
    })
    this.#server.emit('connection', socket)
  }

  /** Each connection has one request; a second one ends it. */
  #begin(socket) {
    const isFirst = this.#unproven.begin(socket)
    if (!isFirst) {
      socket.destroy()
    }
    return isFirst
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

  #onUpgrade(request, stream, head) {
    // Of a request with a body, Node 26 gives a stream in front of the socket.
    const { socket } = request
    if (!this.#begin(socket)) {
      return
    }
    const fault = judgeUpgrade(request)
    if (fault !== null) {
      // Without an 'error' listener, its early end would be an exception.
      stream.on('error', ignore)
      this.#refuse(socket, fault.status, fault.reason, fault.headers)
      return
    }
    if (this.#challenger !== null && !this.#prove(request, socket)) {
      return
    }
    if (this.#isStopped) {
      this.#refuse(socket, 503, 'closing', this.#proofOf(request))
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
    const where = this.#overSocket.has(socket) ? SOCKET : this.#portNumber
    const { proof, reason } = this.#challenger.admit(rawHeaders, where)
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
    this.#unproven.delete(socket)
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
    if (!this.#unproven.has(socket) || socket.destroyed || !socket.writable) {
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
    this.#unproven.limit(socket, LINGER_MS, () => socket.destroy())
  }
}

module.exports = { HandshakeServer }
