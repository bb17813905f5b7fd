'use strict'
// Both ends of a Shield's WebSocket by hand: a client that reads and says what
// a test wants, and a server that knows the token and tells the truth or not.

const assert = require('node:assert/strict')
const { createToken } = require('../../lib/websocket/auth.js')
const { connect } = require('../../lib/websocket/client/connect.js')
const { readDiscovery } = require('../../lib/websocket/discovery-file.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { newHandshakeServer } = require('./handshake.js')
const { until } = require('./wait.js')

const NAME = 'kindly-guard'

// So long that no test sees the end of it.
const LONG_MS = 3_600_000

const discovered = (dir) => readDiscovery(dir, NAME)

const asText = (value) =>
  typeof value === 'string' || Buffer.isBuffer(value)
    ? value
    : JSON.stringify(value)

/** A frame as a client sends it, with a mask of zeros. */
function clientFrame(payload, opcode = 1) {
  const size = Buffer.byteLength(payload)
  const head = Buffer.alloc(size < 126 ? 6 : 8)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (size < 126 ? size : 126)
  if (size >= 126) head.writeUInt16BE(size, 2)
  return Buffer.concat([head, Buffer.from(payload)])
}

/** The same frame many times over, as one piece. */
const frames = (count, frame) => Buffer.concat(Array(count).fill(frame))

/** A client that proved itself, and reads nothing until it is told to. */
class Peer {
  constructor(socket) {
    this.socket = socket
    this.messages = []
    this.close = null // { code, reason } once it is closed
    socket.on('message', (data) => this.messages.push(JSON.parse(data)))
    socket.on('close', (code, reason) => {
      this.close = { code, reason: String(reason) }
    })
  }

  /** @param {string} dir of the Shield's discovery file */
  static async connect(dir) {
    const { port, token } = discovered(dir)
    const url = `ws://127.0.0.1:${port}`
    return new Peer(await connect({ url, token }))
  }

  read() {
    this.socket.resume()
    return this
  }

  stop() {
    this.socket.pause()
    return this
  }

  /** @param {object | string | Buffer} value an object goes as JSON */
  say(value) {
    this.socket.send(asText(value))
    return this
  }

  /** Bytes past ws: what it would not send, and as fast as can be. */
  pour(bytes) {
    return new Promise((resolve) => {
      this.socket._socket.write(bytes, resolve)
    })
  }

  /** The first message that fits, those before it are gone then. */
  async next(type) {
    const isIt = (message) => message.type === type
    await until(() => this.messages.some(isIt), `a message: ${type}`)
    return this.messages.splice(0, this.messages.findIndex(isIt) + 1).at(-1)
  }

  /** @returns {Promise<{ code: number, reason: string }>} */
  closed() {
    return until(() => this.close, 'the end of the connection')
  }

  end() {
    this.socket.terminate()
  }
}

/**
 * What the messages of a stream add up to. Fails at the first threat that is
 * missing, out of order or there twice, and at the first loss that does not
 * begin where the stream stands.
 */
class Account {
  constructor() {
    this.generation = null
    this.first = null // the sequence that it began with
    this.next = null // the one that must come
    this.received = 0
    this.losses = []
    this.errors = []
  }

  get lost() {
    return this.losses.reduce((sum, { count }) => sum + count, 0)
  }

  /** @param {object[]} messages gets emptied */
  take(messages) {
    for (const message of messages.splice(0)) this._add(message)
    return this
  }

  _add(message) {
    const { type, generation } = message
    if (type === 'status' && message.next !== undefined) {
      if (generation === this.generation) {
        assert.equal(message.next, this.next, 'it goes on where it was')
      }
      this.generation = generation
      this.first ??= message.next
      this.next = message.next
    } else if (type === 'threat') {
      assert.equal(generation, this.generation)
      for (const { sequence, details } of message.threats) {
        assert.equal(sequence, this.next, `${sequence} is not due`)
        assert(details.startsWith(`${sequence} `), details.slice(0, 40))
        this.next++
        this.received++
      }
    } else if (type === 'lost') {
      const { count, from, to, reason } = message
      assert.equal(generation, this.generation)
      assert.equal(from, this.next, 'a loss begins where the stream stands')
      assert.equal(count, to - from + 1)
      this.losses.push({ count, from, to, reason })
      this.next = to + 1
    } else if (type === 'error') {
      this.errors.push(message)
    }
  }
}

/** A server's connection to one client. */
class ServerConnection {
  constructor(socket, number, generation) {
    this.socket = socket
    this.number = number // from 1
    this.commands = []
    this.closed = false
    this._generation = generation
    socket.on('close', () => {
      this.closed = true
    })
  }

  /** @param {object | string | Buffer} value an object goes as JSON */
  say(value) {
    this.socket.send(asText(value))
    return this
  }

  /** Bytes past ws: frames that it would not make. */
  pour(bytes) {
    this.socket._socket.write(bytes)
    return this
  }

  status(more = {}) {
    return this.say({
      type: 'status',
      generation: this._generation,
      sequence: 0,
      shm: false,
      boot: null,
      heartbeatMs: LONG_MS,
      ...more
    })
  }

  heartbeat(sequence) {
    const generation = this._generation
    return this.say({ type: 'heartbeat', generation, sequence })
  }

  lost(more) {
    const generation = this._generation
    return this.say({
      type: 'lost',
      generation,
      reason: 'overwritten',
      ...more
    })
  }

  /** @param {object[] | unknown} threats from threatOf() */
  threats(threats, more = {}) {
    const generation = this._generation
    return this.say({ type: 'threat', generation, threats, ...more })
  }

  /** What a Shield that has `total` events does with a subscribe. */
  serve({ type, from }, total) {
    if (type === 'subscribe') {
      const named = { latest: total + 1, oldest: 1, start: 1 }
      const next = named[from] ?? from
      this.status({ next, sequence: total })
      if (next <= total) this.threats(threatsOf(next, total))
    }
    return this
  }
}

/** A threat as a server sends it. */
function threatOf(sequence, more = {}) {
  return {
    sequence,
    id: `id-${sequence}`,
    threat_type: 'InjectionAttempt',
    severity: 'High',
    source: 'liar',
    details: `${sequence} details`,
    timestamp: '2024-01-01T00:00:00.000Z',
    timestamp_us: 1_704_067_200_000_000,
    blocked: true,
    published_ns: 1,
    ...more
  }
}

function threatsOf(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => threatOf(from + i))
}

/** A server that knows the token of its discovery file, and says what it is
 * told to. */
class Liar {
  /**
   * @param {string} dir gets the discovery file
   * @param {(connection: ServerConnection, command: object) => void} answer to each command
   * @param {string} [generation]
   */
  constructor(dir, answer, generation = '0123456789abcdef') {
    this.generation = generation
    this.token = createToken()
    this.connections = []
    this._dir = dir
    this._handshake = newHandshakeServer({ token: this.token })
    this._handshake.on('connection', (socket) => {
      const connection = new ServerConnection(
        socket,
        this.connections.length + 1,
        generation
      )
      this.connections.push(connection)
      socket.on('message', (data) => {
        const command = JSON.parse(data)
        connection.commands.push(command)
        answer(connection, command)
      })
    })
  }

  async listen() {
    this.port = await this._handshake.listen()
    this.announce(this.port)
    return this
  }

  /** Says in the discovery file that this server is at `port`. */
  announce(port) {
    writeDiscovery(this._dir, NAME, {
      version: 1,
      state: 'live',
      socket: null,
      port,
      host: '127.0.0.1',
      auth: 'token',
      token: this.token,
      generation: this.generation,
      dir: null,
      pid: process.pid,
      startedAt: new Date().toISOString()
    })
  }

  close() {
    return this._handshake.close()
  }
}

module.exports = {
  Account,
  clientFrame,
  discovered,
  frames,
  Liar,
  LONG_MS,
  Peer,
  threatOf,
  threatsOf
}
