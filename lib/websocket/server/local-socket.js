'use strict'
// A Unix socket in a private directory, by which processes of the same user
// reach this one: another user cannot even connect.

const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { happened } = require('../../base/happened.js')
const { checkDirectory } = require('../../base/private-file.js')
const { Listener } = require('./listener.js')

// What it is bound as. Three bytes longer than the shortest name of a socket,
// `a.sock`, for which the address of a socket has room: see isSocketPath().
const BOUND = /^\.[0-9a-f]{8}$/
const boundName = () => `.${randomBytes(4).toString('hex')}`

// What tells of a listener although there is no connection. EAGAIN: the queue is
// full, its process lives and accepts nothing, as when stopped. ECONNRESET: it
// has ended the connection before Bun could tell of it.
const HELD = new Set(['EAGAIN', 'ECONNRESET'])

// What was bound and not renamed for so long was left by one that was killed.
const LEFT_OVER_MS = 60_000

/**
 * What stands under a name, so that another file there is noticed. A socket that
 * listens keeps its number, also when its name is gone: no other file has it.
 * @param {string} file
 * @returns {string | null} null when there is nothing, or it cannot be seen
 */
function identityOf(file) {
  try {
    const { dev, ino } = fs.lstatSync(file, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return null
  }
}

/** Whether this is a socket of this user's, in a directory in which nobody else
 * could have put it. */
function isOurs(file) {
  try {
    const stat = fs.lstatSync(file)
    return (
      stat.isSocket() &&
      (process.geteuid === undefined || stat.uid === process.geteuid()) &&
      checkDirectory(path.dirname(file))
    )
  } catch {
    return false
  }
}

/**
 * Whether a living process of this user listens at a socket, a stopped one
 * too. The kernel says so: nothing is sent.
 * @param {string} file
 * @returns {Promise<boolean>}
 */
async function isHeld(file) {
  if (!isOurs(file)) {
    return false
  }
  const socket = net.connect(file)
  try {
    await happened(socket, 'connect')
    return true
  } catch (error) {
    return HELD.has(error.code)
  } finally {
    socket.destroy()
  }
}

/** Removes what killed processes have bound in a directory and not renamed. */
function removeLeftOvers(dir) {
  for (const name of fs.readdirSync(dir)) {
    if (BOUND.test(name)) {
      const file = path.join(dir, name)
      const stat = fs.lstatSync(file, { throwIfNoEntry: false })
      if (stat?.isSocket() && Date.now() - stat.mtimeMs > LEFT_OVER_MS) {
        fs.rmSync(file, { force: true })
      }
    }
  }
}

class LocalSocket {
  #listener
  #file
  #made
  #identity = null

  /**
   * @param {string} file its path when it has taken its place, in a directory
   *   that is there
   * @param {(socket: net.Socket) => void} accept gets the connections
   */
  constructor(file, accept) {
    this.#listener = new Listener(accept)
    this.#file = file
    // Closing a server removes the name that it was bound as, even when that is
    // another file by then. So it is given one that is used only once.
    this.#made = path.join(path.dirname(file), boundName())
  }

  /**
   * Listens, under a name that nobody knows: see take().
   * @returns {Promise<void>}
   * @throws {Error} of the system; then it is to be closed
   */
  async listen() {
    removeLeftOvers(path.dirname(this.#file))
    await this.#listener.listen({ path: this.#made })
    // The umask may have taken away the right to connect.
    fs.chmodSync(this.#made, 0o600)
  }

  get path() {
    return this.#file
  }

  /** What identityOf() tells of it; null until it has taken its place. */
  get identity() {
    return this.#identity
  }

  /** Whether a client that uses its path reaches it. */
  get isInPlace() {
    return (
      this.#identity !== null &&
      identityOf(this.#file) === this.#identity &&
      isOurs(this.#file)
    )
  }

  /**
   * Takes its place, also of what is there.
   * @param {string | null} [seen] only of this, as identityOf() told it
   * @returns {boolean} false: something else is there by now
   */
  take(seen) {
    if (seen !== undefined && identityOf(this.#file) !== seen) {
      return false
    }
    fs.renameSync(this.#made, this.#file)
    this.#identity = identityOf(this.#file)
    return true
  }

  /** Ends it at once; removes the file unless it is another's by now. */
  close() {
    try {
      if (this.isInPlace) {
        fs.unlinkSync(this.#file)
      }
    } catch {
      // A file that stays is like that of a Shield that was killed.
    }
    this.#listener.close()
  }
}

module.exports = { identityOf, isHeld, LocalSocket }
