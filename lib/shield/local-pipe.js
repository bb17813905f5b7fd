'use strict'
// The local socket of a Shield on Windows: a pipe of a random name, which the
// discovery file tells. Anybody may take a pipe's name, so it is where one asks
// and no claim: see windows-claim.js.

const { randomBytes } = require('node:crypto')
const { IpcError } = require('../base/errors.js')
const { Listener } = require('../websocket/server/listener.js')

const RANDOM_BYTES = 16

const randomName = () =>
  `\\\\.\\pipe\\kindly-guard-${randomBytes(RANDOM_BYTES).toString('hex')}`

class LocalPipe {
  #isOn
  #accept
  #makeName
  #listener = null
  #path = null
  #listening = null // the promise of a #listen() that goes on
  #ended = false

  /** Why there is no pipe although there should be, or null.
   * @type {Error | null} */
  error = null

  /**
   * @param {{ isOn: boolean, makeName?: () => string,
   *   accept: (socket: import('node:net').Socket) => void }} how `accept` gets
   *   the connections; `makeName`: the address, for tests elsewhere
   */
  constructor({ isOn, accept, makeName = randomName }) {
    this.#isOn = isOn
    this.#accept = accept
    this.#makeName = makeName
  }

  /** The pipe's name, or null. */
  get path() {
    return this.#path
  }

  /** Listens, unless it does; `error` tells why not. @returns {Promise<void>} */
  listen() {
    if (this.#ended || !this.#isOn || this.#path !== null) {
      return Promise.resolve()
    }
    this.#listening ??= this.#listen().finally(() => {
      this.#listening = null
    })
    return this.#listening
  }

  /** Ends it at once. */
  free() {
    this.#ended = true
    this.#path = null
    this.#listener?.close()
    this.#listener = null
  }

  async #listen() {
    const name = this.#makeName()
    const listener = new Listener(this.#accept)
    try {
      await listener.listen({ path: name })
    } catch (cause) {
      listener.close()
      const detail = `${name}: ${cause.syscall ?? 'listen'}: ${cause.code}`
      this.error = new IpcError('ERR_SYSTEM', detail, { cause })
      return
    }
    if (this.#ended) {
      listener.close()
      return
    }
    this.error = null
    this.#listener = listener
    this.#path = name
  }
}

module.exports = { LocalPipe }
