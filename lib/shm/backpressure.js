'use strict'
// Waiting for room in a ring whose writer rejects: `drain` and writable().

const { IpcError } = require('../base/errors.js')

// Readers ring when they make room. The dead and the evicted do not, and on
// some systems nobody does.
const LOOK_MILLISECONDS = 50
const LOOK_WITHOUT_BELL_MILLISECONDS = 2

// Whoever awaits `drain` or writable() may hold nothing that leads to its writer
// but that promise, which nobody else holds. Backpressure comes in the end: the dead and
// those who stand still are not waited for.
const awaited = new Set()

class Backpressure {
  /**
   * @param {object} native the native writer
   * @param {() => void} onDrain there is room for what was refused
   */
  constructor(native, onDrain) {
    this._native = native
    this._onDrain = onDrain
    this._wanted = 0 // slots; 0: nothing was refused
    this._waiters = [] // { slots, resolve, reject }
    this._timer = null
    this._closed = false
    // A writer that nobody can reach is to be collected.
    const self = new WeakRef(this)
    this._hasBell = native.startRoom(() => self.deref()?._look())
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
      } else if (this._native.hasRoom(slots)) {
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
        () => self.deref()?._look(),
        this._hasBell ? LOOK_MILLISECONDS : LOOK_WITHOUT_BELL_MILLISECONDS
      )
    }
    // Who awaits holds the process; who may come back to write does not.
    if (this._waiters.length > 0) this._timer?.ref()
    else this._timer?.unref()
  }

  _look() {
    if (this._closed) {
      return
    }
    const ready = this._waiters.filter(({ slots }) =>
      this._native.hasRoom(slots)
    )
    this._waiters = this._waiters.filter((waiter) => !ready.includes(waiter))
    const drains = this._wanted > 0 && this._native.hasRoom(this._wanted)
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
