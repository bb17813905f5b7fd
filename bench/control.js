'use strict'
// How the run drives its processes: JSON lines over a Unix socket. A channel
// of its own for every transport alike, because the IPC channel of
// child_process is itself one of those that are measured.

const { EventEmitter, once } = require('node:events')
const net = require('node:net')
const path = require('node:path')

// Nothing that is measured takes so long: it hangs.
const PATIENCE_MS = 60_000

const socketPath = (dir) => path.join(dir, 'control')

/** Calls back for each message of a socket. */
function eachMessage(socket, callback) {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) callback(JSON.parse(line))
  })
}

const write = (socket, message) => socket.write(`${JSON.stringify(message)}\n`)

/** One process, as the run sees it. Its early end is an error. */
class Remote {
  constructor(name) {
    this.name = name
    this._messages = new EventEmitter()
    this._queues = new Map()
    this._failure = null
    this._leaving = false
    this._socket = null
    this.connected = new Promise((resolve) => {
      this._connected = resolve
    })
  }

  attach(socket) {
    this._socket = socket
    socket.on('error', (error) => this.fail(error))
    socket.on('close', () => {
      if (!this._leaving) this.fail(new Error(`${this.name} ended early`))
      this._messages.emit('left')
    })
    this._connected()
  }

  take(message) {
    if (message.type === 'failed') {
      this.fail(new Error(`${this.name}: ${message.text}`))
      return
    }
    const queue = this._queues.get(message.type) ?? []
    queue.push(message)
    this._queues.set(message.type, queue)
    this._messages.emit('message')
  }

  /** The first reason counts: what comes behind it is its consequence. */
  fail(error) {
    this._failure ??= error
    this._connected()
    this._messages.emit('message')
  }

  say(message) {
    if (this._failure !== null) throw this._failure
    write(this._socket, message)
  }

  /** The next message of a type, which may be there already.
   * @param {number} [longerMs] that it takes by itself */
  async hear(type, longerMs = 0) {
    const patience = setTimeout(() => {
      this.fail(new Error(`${this.name} hangs: no word of ${type}`))
    }, PATIENCE_MS + longerMs)
    try {
      return await this._hear(type)
    } finally {
      clearTimeout(patience)
    }
  }

  async _hear(type) {
    await this.connected
    for (;;) {
      if (this._failure !== null) throw this._failure
      const message = this._queues.get(type)?.shift()
      if (message !== undefined) return message
      await once(this._messages, 'message')
    }
  }

  /** Asks it to close, and waits until it has. */
  async leave() {
    if (this._failure !== null) return
    this._leaving = true
    const left = once(this._messages, 'left')
    this.say({ type: 'close' })
    await left
  }
}

/** The run's end: a server that knows its processes by their names. */
class Control {
  static async open(dir) {
    const control = new Control()
    control._remotes = new Map()
    control._server = net.createServer((socket) => {
      let remote = null
      eachMessage(socket, (message) => {
        if (remote === null) {
          remote = control.remote(message.name)
          remote.attach(socket)
        } else {
          remote.take(message)
        }
      })
    })
    control._server.listen(socketPath(dir))
    await once(control._server, 'listening')
    return control
  }

  remote(name) {
    if (!this._remotes.has(name)) this._remotes.set(name, new Remote(name))
    return this._remotes.get(name)
  }

  close() {
    this._server.close()
  }
}

/**
 * A process's end.
 * @param {string} dir the run's directory
 * @param {string} name what the run calls this process
 * @returns {Promise<{ say: (message: object) => void,
 *   listen: (callback: (message: object) => void) => void,
 *   leave: () => void }>}
 */
async function report(dir, name) {
  const socket = net.connect(socketPath(dir))
  await once(socket, 'connect')
  write(socket, { name })
  return {
    say: (message) => write(socket, message),
    listen: (callback) => {
      eachMessage(socket, callback)
      // Without its run it has nothing to do.
      socket.on('close', () => process.exit())
    },
    leave: () => socket.end()
  }
}

module.exports = { Control, report }
