'use strict'
// Timers that fire when a test says so, in the place of Node's.

const NAMES = ['setTimeout', 'clearTimeout', 'setImmediate']

class Clock {
  constructor() {
    this.now = 0
    this.timers = new Set() // { at, action }
    this.delays = [] // of every setTimeout so far
    this._real = {}
  }

  /** Until restore(), the global timers are this clock's. */
  install() {
    for (const name of NAMES) this._real[name] = globalThis[name]
    globalThis.setTimeout = (action, delay) => {
      this.delays.push(delay)
      return this._add(action, this.now + delay)
    }
    globalThis.clearTimeout = (timer) => this.timers.delete(timer)
    globalThis.setImmediate = (action) => this._add(action, this.now)
    return this
  }

  restore() {
    Object.assign(globalThis, this._real)
  }

  _add(action, at) {
    const timer = { at, action, ref() {}, unref() {} }
    this.timers.add(timer)
    return timer
  }

  /** The next timer fires. False when there is none. */
  tick() {
    const [first] = [...this.timers].sort((a, b) => a.at - b.at)
    if (first === undefined) return false
    this.timers.delete(first)
    this.now = first.at
    first.action()
    return true
  }
}

module.exports = { Clock }
