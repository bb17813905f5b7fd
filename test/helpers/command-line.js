'use strict'

// Runs the command line as a user does: real processes, real pipes, a ring
// directory of its own for each test.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { DEADLINE_MS, sleep } = require('./wait.js')

const MAIN = path.join(__dirname, '..', '..', 'lib', 'cli', 'main.js')

/** A threat as a line of NDJSON. */
function line(threat) {
  const rest = {
    threatType: 'InjectionAttempt',
    severity: 'High',
    source: 'src/app.js:1',
    details: ''
  }
  return `${JSON.stringify({ ...rest, ...threat })}\n`
}

/** The objects in lines of JSON. */
const parse = (text) => text.trim().split('\n').map(JSON.parse)

/** The details of the threats in lines of JSON. */
const details = (text) => parse(text).map((threat) => threat.details)

/**
 * One test's ring directory and the processes it started. `setUp` and
 * `tearDown` are for beforeEach and afterEach.
 */
class CommandLine {
  dir = null
  #children = []

  setUp() {
    // mkdtemp makes it with mode 0700, as a ring's directory has to be.
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-cli-'))
  }

  async tearDown() {
    for (const child of this.#children) child.process.kill('SIGKILL')
    await Promise.all(this.#children.map((child) => child.ended))
    this.#children = []
    fs.rmSync(this.dir, { recursive: true, force: true })
  }

  /** Starts a process with exactly these arguments; reads nothing of it. */
  start(args, env = {}) {
    const clean = { ...process.env, ...env }
    if (env.FORCE_COLOR === undefined) delete clean.FORCE_COLOR
    const child = { stdout: '', stderr: '' }
    child.process = spawn(process.execPath, [MAIN, ...args], { env: clean })
    // A process that ended does not read what it is still sent.
    child.process.stdin.on('error', () => {})
    child.ended = once(child.process, 'close').then(([code, signal]) => {
      const { stdout, stderr } = child
      return { code, signal, stdout, stderr }
    })
    this.#children.push(child)
    return child
  }

  /** Starts a process and collects what it says. */
  collect(args, env) {
    const child = this.start(args, env)
    for (const name of ['stdout', 'stderr']) {
      child.process[name].setEncoding('utf8').on('data', (text) => {
        child[name] += text
      })
    }
    return child
  }

  /** Starts a command on the test's ring that is to keep running. */
  follow(...args) {
    return this.collect([...args, '--dir', this.dir])
  }

  /** Runs a command on the test's ring to its end. */
  run(args, input = '', env = {}) {
    const child = this.collect([...args, '--dir', this.dir], env)
    child.process.stdin.end(input)
    return child.ended
  }

  /** Waits for a condition on what a process said. */
  async until(child, condition) {
    const deadline = Date.now() + DEADLINE_MS
    while (!condition(child)) {
      const { stdout, stderr } = child
      assert(
        Date.now() < deadline,
        `${condition} never came true of ${JSON.stringify({ stdout, stderr })}`
      )
      const { exitCode, signalCode } = child.process
      if (exitCode !== null || signalCode !== null) {
        await child.ended
        assert(condition(child), `ended too early: ${child.stderr}`)
      }
      await sleep(10)
    }
  }

  /** A publish that holds its ring; resolves when it does. */
  async openWriter() {
    const writer = this.follow('publish')
    // The ring is opened before stdin is read, so a refused line proves it.
    writer.process.stdin.write('?\n')
    await this.until(writer, ({ stderr }) => stderr.includes('line 1:'))
    return writer
  }
}

module.exports = { CommandLine, line, MAIN, parse, details }
