'use strict'
// The processes of a stress run, and what they say.

const { fork } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const CHILD = path.join(__dirname, 'child.js')

const BASE = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
const SIGNALS = ['SIGINT', 'SIGTERM']

// To end a run that would wait for ever; nothing is measured by it.
const DEADLINE_MS = 60_000

/** One process: emits what its messages are called. */
class Process extends EventEmitter {
  /** @param {Crowd} crowd @param {object} order what it is to be */
  constructor(crowd, order) {
    super()
    this._fork = fork(crowd.program)
    this.pid = this._fork.pid
    this.exited = once(this._fork, 'exit')
    this._fork.on('message', (message) => {
      const [name] = Object.keys(message)
      if (name === 'failed' || name === 'wrong') {
        crowd.fail(`process ${this.pid}: ${message[name]}`)
      }
      this.emit(name, message)
    })
    this._fork.on('exit', (code, signal) => {
      if (signal !== 'SIGKILL') {
        crowd.fail(`process ${this.pid} ended by itself (${signal ?? code})`)
      }
    })
    this._fork.send({ ...order })
  }

  send(message) {
    this._fork.send(message)
  }

  /** The message of that name, once. */
  async told(name) {
    const [message] = await once(this, name)
    return message
  }

  async kill() {
    this._fork.kill('SIGKILL')
    await this.exited
  }
}

/** All of them. `failed` resolves with the first thing that goes wrong. */
class Crowd {
  /** @param {string} [program] what each of them runs */
  constructor(program = CHILD) {
    this.program = program
    this._all = new Set()
    this.failures = []
    this.isOver = false
    this._failed = new Promise((_resolve, reject) => {
      this._reject = reject
    })
    this._failed.catch(() => {})
  }

  start(order) {
    const started = new Process(this, order)
    this._all.add(started)
    started.exited.then(() => this._all.delete(started))
    return started
  }

  fail(reason) {
    this.failures.push(reason)
    this._reject(new Error(reason))
  }

  /** Resolves with `promise`; rejects when anything fails, or it never comes. */
  async within(promise, what) {
    let timer
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`never came: ${what}`)),
        DEADLINE_MS
      )
    })
    try {
      return await Promise.race([promise, late, this._failed])
    } finally {
      clearTimeout(timer)
    }
  }

  /** The same without an end: for what takes as long as it takes. */
  orFailed(promise) {
    return Promise.race([promise, this._failed])
  }

  async end() {
    this.isOver = true
    await Promise.all([...this._all].map((one) => one.kill()))
  }
}

/**
 * A run in a directory of its own, of which nothing stays, also when it is
 * interrupted.
 * @param {string} name of the run
 * @param {(crowd: Crowd, dir: string) => Promise<string[]>} live
 * @param {string} [program] of the crowd
 * @returns {Promise<string[]>} what was wrong
 */
async function inCrowd(name, live, program) {
  const dir = fs.mkdtempSync(path.join(BASE, `kindly-guard-${name}-`))
  const crowd = new Crowd(program)
  const interrupted = () => crowd.fail('interrupted')
  for (const signal of SIGNALS) process.once(signal, interrupted)
  try {
    return await live(crowd, dir)
  } catch (error) {
    return [error.message, ...crowd.failures]
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted)
    await crowd.end()
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

module.exports = { Crowd, inCrowd }
