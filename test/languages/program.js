'use strict'
// Programs in any language that run beside a test, and print lines.

const { spawn } = require('node:child_process')

class Program {
  /**
   * @param {string} command
   * @param {string[]} args
   * @param {{ env: object, isText?: boolean }} options its lines are JSON unless
   *   they are text
   */
  constructor(command, args, { env, isText = false }) {
    this.lines = []
    this.stderr = ''
    this.process = spawn(command, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let rest = ''
    this.process.stdout.setEncoding('utf8').on('data', (text) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()
      const read = isText ? (line) => line : JSON.parse
      this.lines.push(...parts.map((line) => read(line)))
    })
    this.process.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    /** How it ended. @type {Promise<number | string>} */
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => resolve(signal ?? code))
    })
  }

  get isRunning() {
    const { exitCode, signalCode } = this.process
    return exitCode === null && signalCode === null
  }

  /** @returns {Promise<number | string>} how it ended */
  kill(signal = 'SIGKILL') {
    this.process.kill(signal)
    return this.exited
  }
}

/**
 * Programs of one kind, which a file's tests start, and those that a test which
 * failed has left.
 */
class Programs {
  #running = new Set()

  /** @param {Program} program */
  keep(program) {
    this.#running.add(program)
    program.exited.then(() => this.#running.delete(program))
    return program
  }

  endAll() {
    return Promise.all([...this.#running].map((one) => one.kill()))
  }
}

module.exports = { Program, Programs }
