'use strict'
// What every Shield of IpcFactory holds for as long as it lives, with or
// without a ring, a server or the addon: a socket beside the discovery file,
// on which nothing is ever said. The kernel answers for it, also when its
// process is stopped, and stops to when its process is gone.

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { IpcError } = require('../base/errors.js')
const { checkDirectory, makeDirectory } = require('../base/private-file.js')
const { acquireStartLock } = require('./start-lock.js')
const { places } = require('../websocket/locate.js')

// What the address of a socket holds, less a little.
const MAX_PATH_BYTES = 100
const SUFFIX_BYTES = 4

/** Whether a socket of this user stands there, where nobody else could have put
 * it. */
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
    // A queue that is full is that of somebody who does not take from it.
    return error.code === 'EAGAIN'
  } finally {
    socket.destroy()
  }
}

const locked = (file) =>
  new IpcError('ERR_RING_LOCKED', `another Shield lives at ${file}`)

const inodeOf = (file) => fs.lstatSync(file, { throwIfNoEntry: false })?.ino

/** Removes the socket if it still is that one. */
function remove(file, inode) {
  if (isOurs(file) && inodeOf(file) === inode) {
    fs.unlinkSync(file)
  }
}

class SingleInstance {
  /** @param {{ dir?: string, name?: string }} location */
  constructor(location) {
    this._files = places(location)
      .map(({ dir, name }) => path.join(dir, `${name}.shield`))
      .filter(
        (file) => Buffer.byteLength(file) + 2 * SUFFIX_BYTES < MAX_PATH_BYTES
      )
    this._key = JSON.stringify(places(location))
    this._server = null
    this._file = null
    this._inode = null
    this._isWanted = false
    this._looking = null // what look() does at present
    this._ended = new AbortController()
  }

  /** Whether no other Shield can have it. */
  get isHeld() {
    return this._server !== null
  }

  /**
   * Takes it, if it can be had here at all, and the turn to start.
   * @returns {Promise<(() => void) | null>} ends the turn; null: there was none
   * @throws {IpcError} ERR_RING_LOCKED when another Shield has it
   */
  async take() {
    const endTurn = await acquireStartLock(this._key, this._ended.signal)
    this._isWanted = true
    try {
      await this._takeIn()
      return endTurn
    } catch (error) {
      endTurn?.()
      throw error
    }
  }

  /**
   * To be called now and then: what cleans up may have taken the file, and
   * then another Shield cannot see that we are here.
   * @throws {IpcError} ERR_RING_LOCKED when another Shield has it by now
   */
  look() {
    // Waiting for the turn may last; the next look would find this one's
    // socket, and take it for another Shield's.
    this._looking ??= this._look().finally(() => {
      this._looking = null
    })
    return this._looking
  }

  async _look() {
    const isThere = this._server !== null && inodeOf(this._file) === this._inode
    if (!this._isWanted || isThere || this._files.length === 0) {
      return
    }
    this._drop()
    const endTurn = await this.take()
    endTurn?.()
  }

  /** Ends it at once. */
  free() {
    this._ended.abort()
    this._drop()
  }

  _drop() {
    if (this._server !== null) {
      try {
        remove(this._file, this._inode)
      } catch {
        // It says no more than one of a Shield that was killed.
      }
      this._server.close()
      this._server = null
    }
  }

  async _takeIn() {
    for (const file of this._files) {
      if (await isHeld(file)) {
        throw locked(file)
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
    // Closing removes the name under which it was made, whoever has that by
    // then: so it is made under one that nobody else uses.
    const made = `${file}.${randomBytes(SUFFIX_BYTES).toString('hex')}`
    try {
      makeDirectory(path.dirname(file))
      server.listen({ path: made, exclusive: true })
      await once(server, 'listening')
      // The umask may have taken away what whoever asks here needs.
      fs.chmodSync(made, 0o600)
      // Over what a Shield that was killed has left: whoever is here has the
      // turn, and nobody listens there.
      fs.renameSync(made, file)
    } catch {
      server.close()
      // Another place may do, and without any there is still the question
      // whether the server of a discovery file answers.
      return false
    }
    // The Shield's life is its own business.
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
