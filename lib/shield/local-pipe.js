'use strict'
// The local socket of a Shield on Windows, in SingleInstance's place: a pipe of
// a random name, which the discovery file tells. A pipe's name belongs to whom
// it pleases, so it is where one asks and no claim: that is the kernel's lock,
// or, without the addon, the proof of who answers where the file says.

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

  /** Nobody finds a Shield by its pipe alone. */
  isHeld = false

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

  /** Listens, if that is possible here. @returns {Promise<void>} */
  take() {
    return this.check()
  }

  /** Listens when that failed before. @returns {Promise<void>} */
  check() {
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
    const path = this.#makeName()
    const listener = new Listener(this.#accept)
    try {
      await listener.listen({ path })
    } catch (cause) {
      listener.close()
      const detail = `${path}: ${cause.syscall ?? 'listen'}: ${cause.code}`
      this.error = new IpcError('ERR_SYSTEM', detail, { cause })
      return
    }
    if (this.#ended) {
      listener.close()
      return
    }
    this.error = null
    this.#listener = listener
    this.#path = path
  }
}

module.exports = { LocalPipe }
