'use strict'
// A Shield in C, as a process: c-shield.c. It is compiled once for each test
// file that asks for it, with the library's sources as they are.

const assert = require('node:assert/strict')
const { execFile, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')
const { within } = require('./wait.js')

const run = promisify(execFile)
const NATIVE = path.join(__dirname, '..', '..', 'native')
const SOURCE = path.join(__dirname, 'c-shield.c')

// All of the core, compiled, where a CPU is shared by many.
const COMPILE_MS = 180_000

const CRITICAL_EVERY = 100

class CShield {
  #lines = []
  #heard = () => {}

  /** @param {string} file the program @param {string[]} args of it */
  constructor(file, args) {
    this.process = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.pid = this.process.pid
    this.exited = once(this.process, 'exit').then(([code, signal]) => ({
      code,
      signal
    }))
    this.process.stdin.on('error', () => {})
    let text = ''
    this.process.stdout.setEncoding('utf8').on('data', (chunk) => {
      const lines = (text + chunk).split('\n')
      text = lines.pop()
      this.#lines.push(...lines)
      this.#heard()
    })
  }

  /** The next line that it says, in words. */
  async #answer() {
    while (this.#lines.length === 0) {
      const heard = new Promise((resolve) => {
        this.#heard = resolve
      })
      await within(heard, 'an answer of the Shield in C')
    }
    return this.#lines.shift().split(' ')
  }

  /** It has the ring. */
  async ready() {
    const [word, generation, sequence] = await this.#answer()
    assert.equal(word, 'ready', generation)
    this.generation = generation
    return Number(sequence)
  }

  /** @returns {Promise<number>} the last sequence, when all are written */
  async #ask(command) {
    this.process.stdin.write(`${command}\n`)
    const [word, value] = await this.#answer()
    assert.equal(word, 'at', value)
    return Number(value)
  }

  write(count, pauseMicros = 0) {
    return this.#ask(`write ${count} ${pauseMicros}`)
  }

  writeAtOnce(count) {
    return this.#ask(`batch ${count}`)
  }

  /** Begins to write, and says nothing. */
  startWriting(count, pauseMicros) {
    this.process.stdin.write(`write ${count} ${pauseMicros}\n`)
  }

  end() {
    this.process.stdin.end()
    return this.exited
  }

  kill(signal = 'SIGKILL') {
    this.process.kill(signal)
    return this.exited
  }
}

/**
 * In a `describe`: compiles the program, and ends what was started of it.
 * @returns {(dir: string, maxEvents?: number) => Promise<CShield>} starts one,
 *   which has the ring
 */
function useCShield() {
  let build
  let running = []

  before(async function () {
    this.timeout(COMPILE_MS)
    build = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-c-'))
    const library = path.join(build, 'libkindly_guard_ipc.a')
    const make = ['-s', '-C', NATIVE, `BUILD=${build}`, 'CFLAGS=-O0']
    await run('make', [...make, library])
    const flags = ['-std=c11', '-D_POSIX_C_SOURCE=200809L', '-pthread']
    const include = ['-I', path.join(NATIVE, 'include')]
    const output = ['-o', path.join(build, 'c-shield')]
    await run('cc', [...flags, ...include, SOURCE, library, ...output])
  })

  after(() => fs.rmSync(build, { recursive: true, force: true }))

  afterEach(async () => {
    await Promise.all(running.map((each) => each.kill()))
    running = []
  })

  return async (dir, maxEvents = 0) => {
    const args = [dir, String(maxEvents)]
    const shield = new CShield(path.join(build, 'c-shield'), args)
    running.push(shield)
    await shield.ready()
    return shield
  }
}

/** Fails unless a threat holds what the Shield in C wrote with its sequence. */
function assertWritten({ sequence, details, severity, blocked, source }) {
  assert.deepEqual(
    [source, details, severity, blocked],
    [
      'c',
      `event ${sequence}`,
      sequence % CRITICAL_EVERY === 0 ? 'Critical' : 'Low',
      sequence % 2 === 0
    ]
  )
}

module.exports = { assertWritten, useCShield }
