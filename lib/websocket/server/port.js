'use strict'
// The loopback port of a server: for who cannot use its Unix socket.

const { IpcError } = require('../../base/errors.js')
const { deniedError } = require('../../base/permission.js')
const { Listener } = require('./listener.js')

// The two addresses that a client may mean by `localhost`.
const OTHER = { '127.0.0.1': '::1', '::1': '127.0.0.1' }

// How often a free port is looked for that is free at both addresses.
const ATTEMPTS = 5

class Port {
  #options
  #accept
  #listeners = []
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
   * @param {(socket: import('node:net').Socket) => void} accept gets the connections
   */
  constructor(options, accept) {
    this.#options = options
    this.#accept = accept
  }

  /**
   * Starts to listen; on another port if this one is taken.
   * @returns {Promise<number | null>} the port; null when there is to be none
   * @throws {IpcError} ERR_CLOSED, ERR_ACCESS, ERR_TOO_MANY_FILES, ERR_SYSTEM
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
    const listeners = this.#listeners
    const closed = listeners.map((listener) => listener.close())
    // One that is about to listen would do so after its close().
    await this.#listening?.catch(() => {})
    const late = this.#listeners.filter((each) => !listeners.includes(each))
    for (const each of [...closed, ...late.map((one) => one.close())]) {
      await each
    }
  }

  async #bind(host, port) {
    const listener = new Listener(this.#accept)
    await listen(listener, host, port)
    this.#listeners = [listener]
    this.#port = listener.server.address().port
  }

  /** @param {boolean} isAny whether another port would do as well */
  async #bindOther(isAny) {
    const { host } = this.#options
    for (let attempt = 1; this.#closed === null; attempt++) {
      try {
        const other = new Listener(this.#accept)
        await listen(other, OTHER[host], this.#port)
        this.#listeners = [...this.#listeners, other]
        return
      } catch (error) {
        const isTaken = error.cause.code === 'EADDRINUSE'
        if (!isTaken || !isAny || attempt === ATTEMPTS) {
          // There is no such address here, or its port is somebody else's.
          return
        }
        this.#listeners[0].close()
        await this.#bind(host, 0)
      }
    }
  }
}

async function listen(listener, host, port) {
  try {
    await listener.listen({ host, port })
  } catch (cause) {
    const denied = deniedError(cause, 'listen')
    if (denied !== null) {
      throw denied
    }
    const full = cause.code === 'EMFILE' || cause.code === 'ENFILE'
    const code = full ? 'ERR_TOO_MANY_FILES' : 'ERR_SYSTEM'
    throw new IpcError(code, `listen: ${cause.code}`, { cause })
  }
}

module.exports = { Port }
