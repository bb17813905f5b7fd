'use strict'
// Waiting for space in a ring whose writer rejects: `drain` and writable().

const { IpcError } = require('../base/errors.js')

// Readers wake the writer when they free space. Dead and evicted readers do not,
// and on systems without such a wake-up no reader does, so it is checked as well.
const CHECK_MILLISECONDS = 50
const CHECK_WITHOUT_BELL_MILLISECONDS = 2

// Code that awaits `drain` or writable() may hold no reference to its writer, so
// this does. Not for ever: space comes, because readers that are dead or make no
// progress are not waited for.
const awaited = new Set()

class Backpressure {
  #native
  #onDrain
  #hasBell
  #wanted = 0 // slots; 0: nothing was refused
  #waiters = [] // { slots, resolve, reject }
  #timer = null
  #closed = false

  /**
   * @param {object} native the native writer
   * @param {() => void} onDrain there is space for what was refused
   */
  constructor(native, onDrain) {
    this.#native = native
    this.#onDrain = onDrain
    // Weakly: a writer that is garbage must be collected.
    const self = new WeakRef(this)
    this.#hasBell = native.pollSpace(() => self.deref()?.#checkSpace())
  }

  /** A write was refused that takes so many slots. */
  refused(slots) {
    this.#wanted = Math.max(this.#wanted, slots)
    this.#wait()
  }

  /** Resolves when what was refused last can be written, or any threat of one
   * slot when nothing was. */
  free() {
    const slots = Math.max(1, this.#wanted)
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new IpcError('ERR_CLOSED'))
      } else if (this.#native.hasSpace(slots)) {
        resolve()
      } else {
        this.#waiters.push({ slots, resolve, reject })
        this.#wait()
      }
    })
  }

  close() {
    this.#closed = true
    awaited.delete(this)
    clearInterval(this.#timer)
    for (const { reject } of this.#waiters.splice(0)) {
      reject(new IpcError('ERR_CLOSED'))
    }
  }

  #wait() {
    if (this.#timer === null && !this.#closed) {
      awaited.add(this)
      const self = new WeakRef(this)
      this.#timer = setInterval(
        () => self.deref()?.#checkSpace(),
        this.#hasBell ? CHECK_MILLISECONDS : CHECK_WITHOUT_BELL_MILLISECONDS
      )
    }
    // writable() keeps the process alive, waiting for `drain` does not.
    if (this.#waiters.length > 0) {
      this.#timer?.ref()
    } else {
      this.#timer?.unref()
    }
  }

  #checkSpace() {
    if (this.#closed) {
      return
    }
    const ready = this.#waiters.filter(({ slots }) =>
      this.#native.hasSpace(slots)
    )
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter))
    const drains = this.#wanted > 0 && this.#native.hasSpace(this.#wanted)
    if (drains) {
      this.#wanted = 0
    }
    if (this.#wanted === 0 && this.#waiters.length === 0) {
      clearInterval(this.#timer)
      this.#timer = null
      awaited.delete(this)
    } else {
      this.#wait()
    }
    ready.forEach(({ resolve }) => resolve())
    if (drains) {
      this.#onDrain()
    }
  }
}

module.exports = { Backpressure }
