'use strict'
// Where one check is made: a directory of its own, and Shields in processes of
// their own. All of it is gone when the check is over.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { PlatformShm } = require('../../index.js')

// For a Shield to close; then it is killed.
const PATIENCE_MS = 3000

/** A Shield in another process: see shield.js. */
class Shield {
  #child
  #stderr = ''

  constructor(options) {
    this.#child = fork(
      path.join(__dirname, 'shield.js'),
      [JSON.stringify(options)],
      // Without the flags of this process, such as --inspect with its port.
      { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }
    )
    this.#child.stderr.on('data', (text) => {
      this.#stderr += text
    })
  }

  /** Sends a command, and gives the answer. */
  async ask(command) {
    this.#child.send(command)
    return this.answer()
  }

  /** The next answer; rejects with what the Shield says went wrong. */
  async answer() {
    const ended = new AbortController()
    const { signal } = ended
    try {
      const [answer] = await Promise.race([
        once(this.#child, 'message', { signal }),
        once(this.#child, 'exit', { signal }).then(([code, name]) => {
          const end = name ?? `exit code ${code}`
          throw new Error(`the Shield ended (${end}) ${this.#stderr.trim()}`)
        })
      ])
      if (answer.error === undefined) return answer
      throw Object.assign(new Error(answer.error.message), answer.error)
    } finally {
      ended.abort()
    }
  }

  get #lives() {
    const { exitCode, signalCode, pid } = this.#child
    return exitCode === null && signalCode === null && pid !== undefined
  }

  /** Ends it, whether it still answers or not. */
  async end() {
    if (this.#lives) {
      const closed = this.ask({ type: 'close' }).catch(() => {})
      await Promise.race([closed, sleep(PATIENCE_MS, null, { ref: false })])
    }
    await this.kill()
  }

  /** Ends it as a crash does. */
  async kill() {
    if (!this.#lives) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

class Workplace {
  #shields = []
  #closed = []

  constructor() {
    // Where rings usually are, since that is the file system to be tried.
    const parent = PlatformShm.isAvailable()
      ? PlatformShm.directory()
      : os.tmpdir()
    this.dir = fs.mkdtempSync(path.join(parent, 'check-'))
  }

  /**
   * Starts a Shield that is ready.
   * @param {object} options of IpcFactory's, or of a ring with `ring: true`
   */
  async shield(options) {
    const shield = new Shield({ dir: this.dir, ...options })
    this.#shields.push(shield)
    await shield.answer()
    return shield
  }

  /** Has something closed at the end. */
  keep(one) {
    this.#closed.push(one)
    return one
  }

  async leave() {
    for (const one of this.#closed) await one.close().catch(() => {})
    for (const shield of this.#shields) await shield.end()
    // Windows takes a moment to let go of the files of a process that ended.
    fs.rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

module.exports = { Workplace }
