'use strict'
// The connections that have not proved anything yet: so many and no more, and
// each for so long and no longer. Anybody can make them, so none may be in the
// way of one that proves itself: when there are too many, the oldest gives way.

// How many there are, but for those that came just now.
const MOST = 64

// However many came just now.
const MOST_IN_ALL = 1024

// A connection is read in the turn of the event loop after the one in which it
// was accepted. Before that nobody can tell what it is, so it gives way only in
// the turn after that: who sent a proof at once is through by then.
const TURNS = 2

class UnprovenConnections {
  #entries = new Map() // socket -> { timer, answered, turn }, the oldest first
  #turn = 0
  #trimming = null
  #crowdedOut

  /** @param {() => void} crowdedOut a connection gave way to another one */
  constructor(crowdedOut) {
    this.#crowdedOut = crowdedOut
  }

  get size() {
    return this.#entries.size
  }

  /**
   * @param {import('node:net').Socket} socket
   * @param {number} milliseconds
   * @param {() => void} action when it has taken so long
   */
  add(socket, milliseconds, action) {
    this.#entries.set(socket, {
      timer: null,
      answered: false,
      turn: this.#turn
    })
    this.limit(socket, milliseconds, () => {
      this.begin(socket)
      action()
    })
    socket.once('close', () => this.delete(socket))
    if (this.size > MOST_IN_ALL) {
      this.#giveWay(this.#entries.keys().next().value)
    }
    this.#trimLater()
  }

  /** It is none any more: gone, or proven. */
  delete(socket) {
    clearTimeout(this.#entries.get(socket)?.timer)
    this.#entries.delete(socket)
  }

  has(socket) {
    return this.#entries.has(socket)
  }

  /** Each has one request. @returns {boolean} false: a second, or it is gone */
  begin(socket) {
    const entry = this.#entries.get(socket)
    if (entry === undefined || entry.answered) {
      return false
    }
    entry.answered = true
    return true
  }

  /** Sets its time anew. */
  limit(socket, milliseconds, action) {
    const entry = this.#entries.get(socket)
    clearTimeout(entry.timer)
    entry.timer = setTimeout(action, milliseconds)
    entry.timer.unref()
  }

  /** @returns {import('node:net').Socket[]} all, which are destroyed */
  destroyAll() {
    const sockets = [...this.#entries.keys()]
    sockets.forEach((socket) => socket.destroy())
    return sockets
  }

  #trimLater() {
    if (this.size > MOST && this.#trimming === null) {
      this.#trimming = setImmediate(() => {
        this.#trimming = null
        this.#trim()
      })
      this.#trimming.unref()
    }
  }

  #trim() {
    this.#turn++
    for (const [socket, { turn }] of this.#entries) {
      if (this.size <= MOST || turn > this.#turn - TURNS) {
        break
      }
      this.#giveWay(socket)
    }
    this.#trimLater()
  }

  #giveWay(socket) {
    this.delete(socket)
    socket.destroy()
    this.#crowdedOut()
  }
}

module.exports = { UnprovenConnections }
