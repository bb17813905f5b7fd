'use strict'
// The loopback port of a server: for who cannot use its Unix socket.

const { once } = require('node:events')
const net = require('node:net')
const { IpcError } = require('../../base/errors.js')

// The two addresses that a client may mean by `localhost`.
const OTHER = { '127.0.0.1': '::1', '::1': '127.0.0.1' }

// How often a free port is looked for that is free at both addresses.
const ATTEMPTS = 5

class Port {
  #options
  #accept
  #servers = []
  #port = null
  #listening = null
  #closed = null

  /**
   * Why this is not the port of the options, or null.
   * @type {{ from: number, code: 'EADDRINUSE' | 'EACCES' } | null}
   */
  moved = null

  /**
   * @param {{ host: string, port: number | false, auth: 'token' | 'none' }} options
   * @param {(socket: net.Socket) => void} accept gets the connections
   */
  constructor(options, accept) {
    this.#options = options
    this.#accept = accept
  }

  /**
   * Starts to listen; on another port if this one is taken.
   * @returns {Promise<number | null>} the port; null when there is to be none
   * @throws {IpcError} ERR_CLOSED, ERR_TOO_MANY_FILES, ERR_SYSTEM
   */
  listen() {
    return (this.#listening ??= this.#listen())
  }

  /** Stops listening; connections go on. @returns {Promise<void>} */
  close() {
    return (this.#closed ??= this.#close())
  }

  async #listen() {
    if (this.#closed !== null) {
      throw new IpcError('ERR_CLOSED')
    }
    const { host, port, auth } = this.#options
    if (port === false) {
      return null
    }
    try {
      await this.#bind(host, port)
    } catch (error) {
      const { code } = error.cause
      if (port === 0 || (code !== 'EADDRINUSE' && code !== 'EACCES')) {
        throw error
      }
      this.moved = { from: port, code }
      await this.#bind(host, 0)
    }
    if (auth === 'none' && OTHER[host] !== undefined) {
      // Old clients go to `localhost`, and that may be either.
      await this.#bindOther(port === 0 || this.moved !== null)
    }
    return this.#port
  }

  async #close() {
    const servers = this.#servers
    const closed = servers.map((server) => closing(server))
    // One that is about to listen would do so after its close().
    await this.#listening?.catch(() => {})
    const late = this.#servers.filter((server) => !servers.includes(server))
    await Promise.all([...closed, ...late.map(closing)])
  }

  async #bind(host, port) {
    const server = await bind(host, port, this.#accept)
    this.#servers = [server]
    this.#port = server.address().port
  }

  /** @param {boolean} isAny whether another port would do as well */
  async #bindOther(isAny) {
    const { host } = this.#options
    for (let attempt = 1; this.#closed === null; attempt++) {
      try {
        const other = await bind(OTHER[host], this.#port, this.#accept)
        this.#servers = [...this.#servers, other]
        return
      } catch (error) {
        const isTaken = error.cause.code === 'EADDRINUSE'
        if (!isTaken || !isAny || attempt === ATTEMPTS) {
          // There is no such address here, or its port is somebody else's.
          return
        }
        this.#servers[0].close()
        await this.#bind(host, 0)
      }
    }
  }
}

function closing(server) {
  return new Promise((resolve) => {
    server.close(resolve)
  })
}

async function bind(host, port, accept) {
  // Both as those of an HTTP server.
  const server = net.createServer(
    { allowHalfOpen: true, noDelay: true },
    accept
  )
  // In a cluster, workers would share the port and not the token.
  server.listen({ host, port, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (cause) {
    const full = cause.code === 'EMFILE' || cause.code === 'ENFILE'
    const code = full ? 'ERR_TOO_MANY_FILES' : 'ERR_SYSTEM'
    throw new IpcError(code, `listen: ${cause.code}`, { cause })
  }
  // Connections that cannot be accepted, for want of descriptors, wait.
  server.on('error', () => {})
  // Do not keep the process alive.
  server.unref()
  return server
}

module.exports = { Port }
