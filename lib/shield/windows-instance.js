'use strict'
// What a Shield on Windows has in SingleInstance's place: a claim, which is a
// file, and a local socket, which is a pipe.

const { LocalPipe } = require('./local-pipe.js')
const { WindowsClaim } = require('./windows-claim.js')

class WindowsInstance {
  #claim
  #pipe

  /**
   * @param {{ dir?: string, name?: string }} location
   * @param {{ isOn: boolean,
   *   accept: (socket: import('node:net').Socket) => void }} how as that of
   *   SingleInstance
   */
  constructor(location, how) {
    this.#claim = new WindowsClaim(location)
    this.#pipe = new LocalPipe(how)
  }

  /** Whether others find that this Shield lives. */
  get isHeld() {
    return this.#claim.isHeld
  }

  /** The pipe's name, or null. */
  get path() {
    return this.#pipe.path
  }

  /** Why there is no pipe although there should be, or null. */
  get error() {
    return this.#pipe.error
  }

  /**
   * Takes the claim, and listens if that is possible here.
   * @returns {Promise<void>}
   * @throws {IpcError} ERR_RING_LOCKED when another Shield lives
   */
  async take() {
    await this.#claim.take()
    await this.#pipe.listen()
  }

  /** Does what take() could not. To be called regularly. @see take */
  check() {
    return this.take()
  }

  /** Ends both at once. */
  free() {
    this.#claim.free()
    this.#pipe.free()
  }
}

module.exports = { WindowsInstance }
