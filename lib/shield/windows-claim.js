'use strict'
// One Shield at a time, on Windows: a file beside the discovery file that is
// open for its process alone. The system ends that with the process, and needs
// no addon for it; a pipe's name could be taken by anybody.

const fs = require('node:fs')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { IpcError } = require('../base/errors.js')
const { makeDirectory } = require('../base/private-directory.js')
const { openExclusively } = require('../base/windows.js')
const { places } = require('../websocket/locate.js')

// Who only asks, or scans new files, has it open for a moment.
const ATTEMPTS = 10
const PAUSE_MS = 20

const isTaken = (error) => error.code === 'EBUSY'

class WindowsClaim {
  #files
  #open
  #held = null // { file, fd }
  #taking = null // the promise of a take() that goes on
  #ended = false

  /**
   * @param {{ dir?: string, name?: string }} location
   * @param {typeof openExclusively} [open] for tests elsewhere
   */
  constructor(location, open = openExclusively) {
    this.#files = places(location).map(({ dir, name }) =>
      path.join(dir, `${name}.claim`)
    )
    this.#open = open
  }

  /** Whether no other Shield can start. False, too, when no place can be
   * written: then the discovery file has to tell who lives. */
  get isHeld() {
    return this.#held !== null
  }

  /**
   * Takes the first place that can be had, and asks in the others.
   * @returns {Promise<void>}
   * @throws {IpcError} ERR_RING_LOCKED when another Shield holds one
   */
  take() {
    this.#taking ??= this.#take().finally(() => {
      this.#taking = null
    })
    return this.#taking
  }

  /** Ends it at once. */
  free() {
    this.#ended = true
    this.#drop()
  }

  async #take() {
    try {
      for (const file of this.isHeld ? [] : this.#files) {
        await this.#tryPlace(file)
      }
    } catch (error) {
      this.#drop()
      throw error
    }
    if (this.#ended) {
      this.#drop()
    }
  }

  async #tryPlace(file) {
    for (let attempt = 1; ; attempt++) {
      try {
        makeDirectory(path.dirname(file))
        const fd = this.#open(file)
        if (this.#held === null) {
          this.#held = { file, fd }
        } else {
          fs.closeSync(fd)
          fs.rmSync(file, { force: true })
        }
        return
      } catch (error) {
        if (!isTaken(error)) {
          // Another place may do.
          return
        }
        if (attempt === ATTEMPTS) {
          const detail = `another Shield or bridge runs and holds ${file}`
          throw new IpcError('ERR_RING_LOCKED', detail)
        }
      }
      await sleep(PAUSE_MS)
    }
  }

  #drop() {
    if (this.#held === null) {
      return
    }
    const { file, fd } = this.#held
    this.#held = null
    fs.closeSync(fd)
    try {
      fs.unlinkSync(file)
    } catch {
      // The next Shield has it already, or removes it when it ends.
    }
  }
}

module.exports = { WindowsClaim }
