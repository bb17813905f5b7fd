'use strict'
// A program in a real terminal: what a person sees there, and how the terminal
// is when the program has ended.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { createInterface } = require('node:readline')
const { Terminal: Emulator } = require('@xterm/headless')
const { until } = require('./wait.js')

const PTY = path.join(__dirname, 'in_terminal.py')
// Whether it shows, as a program says.
const CURSOR = /\[\?25([hl])/g

class Terminal {
  #process
  #emulator
  #told = []
  #written = ''

  /**
   * @param {string[]} command
   * @param {{ columns?: number, rows?: number, env?: object }} [options]
   */
  constructor(command, { columns = 80, rows = 24, env = {} } = {}) {
    this.#emulator = new Emulator({
      cols: columns,
      rows,
      allowProposedApi: true
    })
    this.#process = spawn(
      'python3',
      [PTY, String(columns), String(rows), ...command],
      {
        env: { ...process.env, TERM: 'xterm-256color', ...env },
        stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe']
      }
    )
    this.#process.stdin.on('error', () => {})
    this.#process.stdio[3].on('error', () => {})
    this.#process.stdout.on('data', (bytes) => {
      this.#written += bytes
      this.#emulator.write(bytes)
    })
    createInterface({ input: this.#process.stdio[4] }).on('line', (line) => {
      this.#told.push(JSON.parse(line))
    })
  }

  /** The program's process. */
  async pid() {
    await until(() => this.#told.length > 0, 'the program has started')
    return this.#told[0].pid
  }

  type(keys) {
    this.#process.stdin.write(keys)
  }

  resize(columns, rows) {
    this.#emulator.resize(columns, rows)
    this.#process.stdio[3].write(`size ${columns} ${rows}\n`)
  }

  /** Lets go of the terminal, as a window does that is closed. */
  hangUp() {
    this.#process.kill('SIGKILL')
  }

  /** What is seen, line by line. */
  get lines() {
    const { active } = this.#emulator.buffer
    return Array.from({ length: this.#emulator.rows }, (_, row) =>
      active
        .getLine(active.viewportY + row)
        .translateToString()
        .trimEnd()
    )
  }

  get screen() {
    return this.lines.join('\n')
  }

  /** All that was written so far, with what steers the terminal. */
  get written() {
    return this.#written
  }

  /** Whether the program has the other screen. */
  get isTaken() {
    return this.#emulator.buffer.active.type === 'alternate'
  }

  get hasCursor() {
    const last = [...this.#written.matchAll(CURSOR)].at(-1)
    return last === undefined || last[1] === 'h'
  }

  get wraps() {
    return this.#emulator.modes.wraparoundMode
  }

  async shows(text) {
    const isThere = () =>
      typeof text === 'string'
        ? this.screen.includes(text)
        : text.test(this.screen)
    try {
      await until(isThere, `the terminal shows ${text}`)
    } catch (error) {
      error.message += `\n${this.screen}`
      throw error
    }
  }

  /** How the terminal treats what is typed now. */
  async state() {
    const before = this.#told.length
    this.#process.stdio[3].write('state\n')
    await until(() => this.#told.length > before, 'the terminal’s state')
    return this.#told[before]
  }

  /** How the program ended, and how the terminal is then. */
  async ended() {
    await until(
      () => this.#told.some((told) => 'signal' in told),
      'the end of the program'
    )
    return this.#told.at(-1)
  }

  async close() {
    const pid = this.#told[0]?.pid
    const hasEnded = this.#told.some((told) => 'signal' in told)
    if (pid !== undefined && !hasEnded) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended meanwhile.
      }
    }
    this.#process.kill('SIGKILL')
    this.#emulator.dispose()
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      await once(this.#process, 'close')
    }
  }
}

module.exports = { Terminal }
