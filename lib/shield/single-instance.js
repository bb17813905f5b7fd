'use strict'
// One Shield at a time. The kernel's lock decides where there is the addon; this
// is the socket beside the discovery file, at which one asks. Who can connect
// to it knows that a Shield lives, also one that is stopped or has no addon; the
// kernel ends that with the process. docs/decisions/one-shield.md says which
// of them covers which case.

const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { invalid, IpcError } = require('../base/errors.js')
const { deniedError } = require('../base/permission.js')
const { makeDirectory } = require('../base/private-directory.js')
const {
  isSocketPath,
  MAX_SOCKET_PATH_BYTES
} = require('../base/socket-path.js')
const { places } = require('../websocket/locate.js')
const {
  identityOf,
  isHeld,
  LocalSocket
} = require('../websocket/server/local-socket.js')

// Without the lock, two that start at the same instant do not find each other.
// So each looks again after this; the one that does not reach itself ends.
const SETTLE_MS = 50

// Two that start take each other's place no more often than this; a start takes
// milliseconds.
const ROUNDS = 100

function tooLong(file) {
  const bytes = Buffer.byteLength(file)
  return invalid(
    RangeError,
    'ERR_INVALID_OPTION',
    `options dir and name: ${file} has ${bytes} bytes, and the path of a ` +
      `socket ${MAX_SOCKET_PATH_BYTES} at most; give shorter ones`
  )
}

const lockedBy = (file) =>
  new IpcError(
    'ERR_RING_LOCKED',
    `another Shield or bridge runs and holds ${file}`
  )

class SingleInstance {
  #files
  #isOn
  #accept
  #socket = null
  #before = null // the socket that check() makes another one for
  #checking = null // the promise of a check() that goes on
  #ended = false

  /** Why there is no socket although there should be, or null.
   * @type {Error | null} */
  error = null

  /**
   * @param {{ dir?: string, name?: string }} location
   * @param {{ isOn?: boolean,
   *   accept?: (socket: import('node:net').Socket) => void }} [how] `isOn`: has
   *   a socket itself, and does not only ask; `accept` gets the connections
   */
  constructor(location, { isOn = true, accept } = {}) {
    this.#files = places(location).map(({ dir, name }) =>
      path.join(dir, `${name}.sock`)
    )
    this.#isOn = isOn
    this.#accept = accept ?? ((socket) => socket.destroy())
  }

  /** Whether others find this Shield by its socket. */
  get isHeld() {
    return this.#socket !== null
  }

  /** The socket's path, or null. */
  get path() {
    return this.#socket?.path ?? null
  }

  /**
   * Asks for other Shields and takes the place, if that is possible here.
   * @param {boolean} isLocked whether this Shield holds the kernel's lock
   * @returns {Promise<void>}
   * @throws {IpcError} ERR_RING_LOCKED when another Shield lives
   */
  async take(isLocked) {
    for (let round = 0; round < ROUNDS && !this.#ended; round++) {
      const seen = new Map()
      if (!(await this.#ask(seen)) || !(await this.#tryPlaces(seen))) {
        continue
      }
      if (this.#socket === null || isLocked) {
        return
      }
      await sleep(SETTLE_MS)
      if (this.#socket === null || this.#socket.isInPlace) {
        return
      }
      // Somebody took it at the same instant, or it was removed.
      this.#drop()
    }
  }

  /**
   * Makes the socket again when its file is gone: without it nobody finds this
   * Shield. To be called regularly after take().
   * @param {boolean} isLocked as that of take()
   * @returns {Promise<void>}
   * @throws {IpcError} ERR_RING_LOCKED when another Shield has the place, unless
   *   this one holds the kernel's lock: then the other one has to go
   */
  check(isLocked) {
    // One at a time: a second one would take the socket of the first for another
    // Shield's.
    this.#checking ??= this.#takeAgain(isLocked).finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  /** Ends it at once. */
  free() {
    this.#ended = true
    this.#drop()
  }

  // -------------------------------------------------------------------------

  async #takeAgain(isLocked) {
    if (this.#ended || !this.#isOn || this.#socket?.isInPlace) {
      return
    }
    // The old one is kept until there is another: who is connected stays so,
    // and without its file nobody else can reach it.
    this.#before = this.#socket
    this.#socket = null
    try {
      if (isLocked) {
        await this.#tryPlaces()
      } else {
        await this.take(false)
      }
    } finally {
      this.#before?.close()
      this.#before = null
    }
  }

  #drop() {
    this.#socket?.close()
    this.#socket = null
  }

  /**
   * @param {Map<string, string | null>} seen gets what stood in each place: a
   *   socket that was left, this Shield's own, or nothing
   * @returns {Promise<boolean>} false: it changed meanwhile, ask again
   * @throws {IpcError} ERR_RING_LOCKED
   */
  async #ask(seen) {
    for (const file of this.#files) {
      // A longer path is nobody's: see isSocketPath().
      if (isSocketPath(file)) {
        // Before it is asked, so that one that comes in between is noticed.
        const identity = identityOf(file)
        seen.set(file, identity)
        if (await isHeld(file)) {
          if (identityOf(file) !== identity) {
            return false
          }
          // A directory that was moved away and back has it again.
          if (identity !== this.#before?.identity) {
            throw lockedBy(file)
          }
        }
      }
    }
    return true
  }

  /**
   * Takes the first place that will do.
   * @param {Map<string, string | null>} [seen] what may be replaced; anything
   * @returns {Promise<boolean>} false: another one was faster, ask again
   */
  async #tryPlaces(seen) {
    this.error = null
    if (!this.#isOn) {
      return true
    }
    for (const file of this.#files) {
      let socket = null
      try {
        makeDirectory(path.dirname(file))
        if (!isSocketPath(file)) {
          // Beside the discovery file or nowhere.
          this.error ??= tooLong(file)
          return true
        }
        socket = new LocalSocket(file, this.#accept)
        await socket.listen()
        if (this.#ended) {
          socket.close()
          return true
        }
        if (!socket.take(seen?.get(file))) {
          socket.close()
          return false
        }
        this.#socket = socket
        this.error = null
        return true
      } catch (error) {
        // Another place may do.
        socket?.close()
        this.error ??= wrap(error, file)
      }
    }
    return true
  }
}

function wrap(error, file) {
  if (error instanceof IpcError) {
    return error
  }
  const denied = deniedError(error, file)
  if (denied !== null) {
    return denied
  }
  const detail = `${file}: ${error.syscall ?? 'listen'}: ${error.code}`
  return new IpcError('ERR_SYSTEM', detail, { cause: error })
}

module.exports = { SingleInstance }
