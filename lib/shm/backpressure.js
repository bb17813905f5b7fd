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
  /**
   * @param {object} native the native writer
   * @param {() => void} onDrain there is space for what was refused
   */
  constructor(native, onDrain) {
    this._native = native
    this._onDrain = onDrain
    this._wanted = 0 // slots; 0: nothing was refused
    this._waiters = [] // { slots, resolve, reject }
    this._timer = null
    this._closed = false
    // Weakly: a writer that is garbage must be collected.
    const self = new WeakRef(this)
    this._hasBell = native.pollSpace(() => self.deref()?._checkSpace())
  }

  /** A write was refused that takes so many slots. */
  refused(slots) {
    this._wanted = Math.max(this._wanted, slots)
    this._wait()
  }

  /** Resolves when what was refused last can be written, or any threat of one
   * slot when nothing was. */
  free() {
    const slots = Math.max(1, this._wanted)
    return new Promise((resolve, reject) => {
      if (this._closed) {
        reject(new IpcError('ERR_CLOSED'))
      } else if (this._native.hasSpace(slots)) {
        resolve()
      } else {
        this._waiters.push({ slots, resolve, reject })
        this._wait()
      }
    })
  }

  close() {
    this._closed = true
    awaited.delete(this)
    clearInterval(this._timer)
    for (const { reject } of this._waiters.splice(0)) {
      reject(new IpcError('ERR_CLOSED'))
    }
  }

  _wait() {
    if (this._timer === null && !this._closed) {
      awaited.add(this)
      const self = new WeakRef(this)
      this._timer = setInterval(
        () => self.deref()?._checkSpace(),
        this._hasBell ? CHECK_MILLISECONDS : CHECK_WITHOUT_BELL_MILLISECONDS
      )
    }
    // writable() keeps the process alive, waiting for `drain` does not.
    if (this._waiters.length > 0) {
      this._timer?.ref()
    } else {
      this._timer?.unref()
    }
  }

  _checkSpace() {
    if (this._closed) {
      return
    }
    const ready = this._waiters.filter(({ slots }) =>
      this._native.hasSpace(slots)
    )
    this._waiters = this._waiters.filter((waiter) => !ready.includes(waiter))
    const drains = this._wanted > 0 && this._native.hasSpace(this._wanted)
    if (drains) {
      this._wanted = 0
    }
    if (this._wanted === 0 && this._waiters.length === 0) {
      clearInterval(this._timer)
      this._timer = null
      awaited.delete(this)
    } else {
      this._wait()
    }
    ready.forEach(({ resolve }) => resolve())
    if (drains) {
      this._onDrain()
    }
  }
}

module.exports = { Backpressure }
