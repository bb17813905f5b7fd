'use strict'
// The local socket of a Shield on Windows, in SingleInstance's place: a pipe of
// a random name, which the discovery file tells. Anybody may take a pipe's name,
// so it is where one asks and no claim: that is the kernel's lock. Who has no
// addon sees whether that file is held, and asks for the proof of who answers
// where the discovery file says.

const { randomBytes } = require('node:crypto')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { IpcError } = require('../base/errors.js')
const { ownDirectories } = require('../base/own-directories.js')
const { isHeldOpen } = require('../base/windows.js')
const { Listener } = require('../websocket/server/listener.js')

const RANDOM_BYTES = 16

const randomName = () =>
  `\\\\.\\pipe\\kindly-guard-${randomBytes(RANDOM_BYTES).toString('hex')}`

// Who only asks has the lock's file open for a moment.
const ATTEMPTS = 10
const PAUSE_MS = 20

/** Where the addon has the ring's lock. */
function lockFiles({ dir, name = 'kindly-guard' }) {
  const dirs =
    dir === undefined
      ? ownDirectories().map((own) => path.join(own, 'shm'))
      : [dir]
  return dirs.map((each) => path.join(each, `${name}.lock`))
}

class LocalPipe {
  #location
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
   * @param {{ dir?: string, name?: string }} location
   * @param {{ isOn: boolean, makeName?: () => string,
   *   accept: (socket: import('node:net').Socket) => void }} how `accept` gets
   *   the connections; `makeName`: the address, for tests elsewhere
   */
  constructor(location, { isOn, accept, makeName = randomName }) {
    this.#location = location
    this.#isOn = isOn
    this.#accept = accept
    this.#makeName = makeName
  }

  /** The pipe's name, or null. */
  get path() {
    return this.#path
  }

  /**
   * Listens, if that is possible here.
   * @param {boolean} isLocked whether this Shield holds the kernel's lock
   * @returns {Promise<void>}
   * @throws {IpcError} ERR_RING_LOCKED when another one does
   */
  async take(isLocked) {
    if (!isLocked) {
      await this.#mustBeFree()
    }
    await this.check()
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

  async #mustBeFree() {
    for (const file of lockFiles(this.#location)) {
      let attempt = 1
      while (isHeldOpen(file)) {
        if (attempt++ === ATTEMPTS) {
          const detail = `another Shield runs and holds ${file}`
          throw new IpcError('ERR_RING_LOCKED', detail)
        }
        await sleep(PAUSE_MS)
      }
    }
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
