'use strict'
// One Shield at a time: each holds, for as long as it lives and with or without
// a ring, a socket beside the discovery file, over which nothing is sent. That
// it can be connected to says that a Shield lives, also while its process is
// stopped; the kernel ends that with the process.

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { IpcError } = require('../base/errors.js')
const { checkDirectory, makeDirectory } = require('../base/private-file.js')
const { acquireStartLock } = require('./start-lock.js')
const { places } = require('../websocket/locate.js')

// The address of a socket holds 108 bytes on Linux and 104 on macOS.
const MAX_PATH_BYTES = 100
const SUFFIX_BYTES = 4

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
 * @param {string} file
 * @returns {Promise<boolean>} whether a living process listens there
 */
async function isHeld(file) {
  if (!isOurs(file)) {
    return false
  }
  const socket = net.connect(file)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    // The queue is full: its process lives and accepts nothing, as when stopped.
    return error.code === 'EAGAIN'
  } finally {
    socket.destroy()
  }
}

const inodeOf = (file) => fs.lstatSync(file, { throwIfNoEntry: false })?.ino

class SingleInstance {
  /** @param {{ dir?: string, name?: string }} location */
  constructor(location) {
    const candidates = places(location)
    this._files = candidates
      .map(({ dir, name }) => path.join(dir, `${name}.shield`))
      .filter(
        (file) => Buffer.byteLength(file) + 2 * SUFFIX_BYTES < MAX_PATH_BYTES
      )
    this._key = JSON.stringify(candidates)
    this._server = null
    this._file = null
    this._inode = null
    this._checking = null // the promise of a checkFile() that goes on
    this._ended = new AbortController()
  }

  /** Whether no other Shield can have it. */
  get isHeld() {
    return this._server !== null
  }

  /**
   * Takes it, if that is possible on this system, and the start lock.
   * @returns {Promise<(() => void) | null>} releases the start lock; null when
   *   there was none
   * @throws {IpcError} ERR_RING_LOCKED when another Shield has it
   */
  async take() {
    const release = await acquireStartLock(this._key, this._ended.signal)
    try {
      await this._takeIn()
      return release
    } catch (error) {
      release?.()
      throw error
    }
  }

  /**
   * Makes the socket again when its file is gone: without it another Shield
   * cannot see this one. To be called regularly after take().
   * @returns {Promise<void>}
   * @throws {IpcError} ERR_RING_LOCKED when another Shield has it by now
   */
  checkFile() {
    // One at a time: waiting for the start lock may last, and a second check
    // would take the socket of the first for another Shield's.
    this._checking ??= this._takeAgain().finally(() => {
      this._checking = null
    })
    return this._checking
  }

  async _takeAgain() {
    const isThere = this.isHeld && inodeOf(this._file) === this._inode
    if (!isThere && this._files.length > 0) {
      this._drop()
      const release = await this.take()
      release?.()
    }
  }

  /** Ends it at once. */
  free() {
    this._ended.abort()
    this._drop()
  }

  _drop() {
    if (this._server === null) {
      return
    }
    try {
      if (isOurs(this._file) && inodeOf(this._file) === this._inode) {
        fs.unlinkSync(this._file)
      }
    } catch {
      // A file that stays is like that of a Shield that was killed.
    }
    this._server.close()
    this._server = null
  }

  async _takeIn() {
    for (const file of this._files) {
      if (await isHeld(file)) {
        throw new IpcError(
          'ERR_RING_LOCKED',
          `another Shield runs and holds ${file}`
        )
      }
    }
    for (const file of this._files) {
      if (this._ended.signal.aborted || (await this._listen(file))) {
        return
      }
    }
  }

  async _listen(file) {
    const server = net.createServer((socket) => socket.destroy())
    // Closing a server removes the name that it was given, even when that is
    // another file by then. So it is given one that is used only once.
    const made = `${file}.${randomBytes(SUFFIX_BYTES).toString('hex')}`
    try {
      makeDirectory(path.dirname(file))
      server.listen({ path: made, exclusive: true })
      await once(server, 'listening')
      // The umask may have taken away the right to connect.
      fs.chmodSync(made, 0o600)
      // In the place of what a killed Shield left: nobody listens there, and
      // the start lock keeps others from starting now.
      fs.renameSync(made, file)
    } catch {
      server.close()
      // Another place may do. Without any, the servers that discovery files
      // name are still asked.
      return false
    }
    // Do not keep the process alive.
    server.unref()
    this._server = server
    this._file = file
    this._inode = inodeOf(file)
    if (this._ended.signal.aborted) {
      this._drop()
    }
    return true
  }
}

module.exports = { SingleInstance }
