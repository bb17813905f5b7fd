'use strict'
// The place of a Shield, which one at a time has: what it asks before it serves,
// and where it is asked itself. docs/decisions/one-shield.md says more.

const { isWindows } = require('../base/windows.js')
const { SingleInstance } = require('./single-instance.js')
const { mustBeAlone } = require('./websocket-service.js')
const { WindowsInstance } = require('./windows-instance.js')

class Place {
  #location
  #instance

  /**
   * @param {{ dir?: string, name?: string }} location
   * @param {{ socket: boolean | string }} websocket checked options
   * @param {(socket: import('node:net').Socket) => void} accept gets the
   *   connections to the local socket
   */
  constructor(location, websocket, accept) {
    this.#location = location
    const how = { isOn: websocket.socket !== false, accept }
    this.#instance = isWindows
      ? new WindowsInstance(location, how)
      : new SingleInstance(location, how)
  }

  /** Whether others find by it that this one lives. */
  get isHeld() {
    return this.#instance.isHeld
  }

  /** The local socket's path, or null. */
  get path() {
    return this.#instance.path
  }

  /** Why there is no local socket although there should be, or null. */
  get error() {
    return this.#instance.error
  }

  /**
   * Asks for others, and takes the place.
   * @param {() => boolean} isLocked whether this one holds the kernel's lock
   * @returns {Promise<void>}
   * @throws {IpcError} ERR_RING_LOCKED
   */
  async claim(isLocked) {
    if (!isLocked()) {
      // Before this one can be found: a Shield whose socket was removed would
      // give way to it. What proves nothing may be anybody's server; there the
      // socket alone decides.
      await mustBeAlone(this.#location, true)
    }
    await this.#instance.take(isLocked())
  }

  /**
   * To be called regularly behind claim(). @see SingleInstance.check
   * @param {boolean} isLocked
   * @returns {Promise<void>}
   */
  check(isLocked) {
    return this.#instance.check(isLocked)
  }

  /** Leaves it at once. */
  free() {
    this.#instance.free()
  }
}

module.exports = { Place }
