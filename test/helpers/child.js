'use strict'
// Other processes. A Child runs functions that are sent to it as text; a
// program runs to its end by itself.

const { fork, spawn } = require('node:child_process')
const path = require('node:path')
const { publicCopy } = require('./public-copy.js')
const { within } = require('./wait.js')

const PEER = path.join(__dirname, 'peer.js')
const LIBRARY = path.join(__dirname, '..', '..', 'lib', 'index.js')

/** A Node process that does what it is told. */
class Child {
  /** @param {{ execArgv?: string[], env?: object, uid?: number }} [options] */
  constructor(options = {}) {
    this._calls = new Map()
    this._next = 1
    this.messages = []
    this.stderr = ''
    const foreign = options.uid !== undefined
    const peer = foreign
      ? path.join(publicCopy(), 'test', 'helpers', 'peer.js')
      : PEER
    this._process = fork(peer, [], {
      // Another user may not even look at the directory we stand in.
      ...(foreign ? { cwd: '/' } : {}),
      ...options,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc']
    })
    this.pid = this._process.pid
    this._process.stderr.on('data', (chunk) => {
      this.stderr += chunk
    })
    this._process.on('message', (message) => this._answered(message))
    this.exited = new Promise((resolve) => {
      // 'close' comes after the last of stderr.
      this._process.on('close', (code, signal) => {
        const died = new Error(
          `child ended (${signal ?? code})\n${this.stderr}`
        )
        for (const { reject } of this._calls.values()) reject(died)
        this._calls.clear()
        resolve({ code, signal, stderr: this.stderr })
      })
    })
  }

  /**
   * Runs `action(state, argument)` over there. `state` is an object that lives
   * as long as the child and has `ipc`, the library, and `tell(value)`, which
   * adds to `messages` here.
   * @returns {Promise<unknown>} what it resolves with, or rejects with an
   *   error of the same name, message and code
   */
  call(action, argument) {
    const id = this._next++
    const answer = new Promise((resolve, reject) => {
      this._calls.set(id, { resolve, reject })
    })
    // A child that is gone says so by its exit.
    this._process.send({ id, source: String(action), argument }, () => {})
    return within(answer, `an answer of child ${this.pid}`)
  }

  /** Sends a signal; resolves when the process is gone. */
  async kill(signal = 'SIGKILL') {
    if (this._process.exitCode === null && this._process.signalCode === null) {
      process.kill(this.pid, signal)
    }
    return this.exited
  }

  signal(name) {
    process.kill(this.pid, name)
  }

  _answered({ id, told, error, value }) {
    if (id === undefined) {
      this.messages.push(told)
      return
    }
    const { resolve, reject } = this._calls.get(id)
    this._calls.delete(id)
    if (error === undefined) {
      resolve(value)
    } else {
      reject(Object.assign(new Error(error.message), error))
    }
  }
}

/** A program of its own: resolves when it ends by itself. */
class Program {
  /**
   * @param {(ipc: object, argument: object) => unknown} main
   * @param {object} argument JSON
   * @param {{ flags?: string[], bare?: boolean }} [options] `bare`: it does
   *   not load the library
   */
  constructor(main, argument, { flags = [], bare = false } = {}) {
    const library = bare ? 'null' : `require(${JSON.stringify(LIBRARY)})`
    const script =
      `const ipc = ${library};` + `(${main})(ipc, ${JSON.stringify(argument)})`
    this.stdout = ''
    this.stderr = ''
    this._process = spawn(process.execPath, [...flags, '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.pid = this._process.pid
    this._process.stdout.on('data', (chunk) => {
      this.stdout += chunk
    })
    this._process.stderr.on('data', (chunk) => {
      this.stderr += chunk
    })
    this.exited = new Promise((resolve) => {
      this._process.on('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
      })
    })
  }

  get running() {
    return this._process.exitCode === null && this._process.signalCode === null
  }

  async kill() {
    if (this.running) process.kill(this.pid, 'SIGKILL')
    return this.exited
  }
}

module.exports = { Child, LIBRARY, Program }
