'use strict'

const { fork } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const path = require('node:path')

/**
 * One process of the demo. It emits what the process sends, each key of a
 * message as an event, and `failure` when the process sends a fault or ends
 * before it was told to.
 */
class Child extends EventEmitter {
  #process
  #exited
  #ending = false

  /**
   * @param {string} name for people
   * @param {string} file in this directory
   */
  constructor(name, file) {
    super()
    this.name = name
    this.#process = fork(path.join(__dirname, file))
    this.#exited = new Promise((resolve) => {
      this.#process.on('exit', (code, signal) => {
        resolve()
        this.#fail(`ended early (${signal ?? code})`)
      })
      this.#process.on('error', (error) => {
        // A process that could not start emits no 'exit'.
        if (this.#process.pid === undefined) resolve()
        this.#fail(error.message)
      })
    })
    this.#process.on('message', (message) => {
      for (const [key, value] of Object.entries(message)) {
        if (key === 'fault') this.#fail(value)
        else this.emit(key, value)
      }
    })
  }

  /**
   * @param {string} command
   * @param {object} [options]
   */
  tell(command, options) {
    this.#process.send({ command, options }, (error) => {
      if (error) this.#fail(error.message)
    })
  }

  /**
   * What the process sends next under this key.
   * @param {string} key
   * @returns {Promise<unknown>}
   */
  async hear(key) {
    const [value] = await once(this, key)
    return value
  }

  /** Tells the process to end by itself, and waits until it did. */
  async end() {
    this.#ending = true
    this.tell('end')
    await this.#exited
  }

  /** Ends the process, whatever it does. */
  async kill() {
    this.#ending = true
    this.#process.kill('SIGKILL')
    await this.#exited
  }

  #fail(message) {
    if (this.#ending) return
    this.emit('failure', new Error(`${this.name}: ${message}`))
  }
}

module.exports = { Child }
