'use strict'
// A copy of native/ and test/c/ in a temporary folder, in which mistakes are
// made: compiles what one of them changes, and runs the test that must see it.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT, withMistake } = require('./list.js')

const MAKE_MS = 300_000
// A test may take so much longer than it took without a mistake.
const LEAST_MS = 10_000
const FACTOR = 10

/** Resolves with how it ended: `code` is null when it was ended. */
function run(command, args, options, limitMs) {
  return new Promise((resolve) => {
    // A group of its own, so that what a test forks ends with it.
    const child = spawn(command, args, {
      ...options,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (output += text))
    }
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // All of them have ended.
      }
    }
    const timer = setTimeout(end, limitMs)
    child.on('error', (error) => resolve({ code: -1, output: error.message }))
    child.on('exit', () => {
      clearTimeout(timer)
      end()
    })
    // Then all that was printed is here.
    child.on('close', (code) => resolve({ code, output }))
  })
}

class Workshop {
  #folder
  #env
  #tests
  #took = new Map() // what is run -> milliseconds without a mistake

  /** @param {string} folder a new one */
  constructor(folder) {
    this.#folder = folder
    // What tests leave behind that had to be ended goes with this folder. Some
    // of them become another user.
    const rings = path.join(folder, 'rings')
    fs.mkdirSync(rings, { recursive: true })
    fs.chmodSync(rings, 0o1777)
    this.#env = { ...process.env, KG_TEST_DIR: rings }
    this.#tests = path.join(folder, 'test', 'c')
    for (const from of ['native', path.join('test', 'c')]) {
      fs.cpSync(path.join(ROOT, from), path.join(folder, from), {
        recursive: true,
        preserveTimestamps: true,
        filter: (name) => path.basename(name) !== 'build'
      })
    }
  }

  async #make(tests, jobs = 1) {
    const targets = tests.map((test) => `build/${test}`)
    const args = ['-s', `-j${jobs}`, ...targets]
    return run('make', args, { cwd: this.#tests }, MAKE_MS)
  }

  /** Compiles what all of these tests need. */
  async build(tests, jobs) {
    const { code, output } = await this.#make(tests, jobs)
    if (code !== 0) throw new Error(`the tests do not compile:\n${output}`)
  }

  /** Takes what another one has compiled. */
  takeBuild(other) {
    fs.cpSync(
      path.join(other.#tests, 'build'),
      path.join(this.#tests, 'build'),
      { recursive: true, preserveTimestamps: true }
    )
    this.#took = other.#took
  }

  /** Runs the tests of a program whose titles have that part, up to the first
   * that fails. Undefined when all of them pass, else what it says. */
  async #test({ test, title }, limitMs) {
    const program = path.join(this.#tests, 'build', test)
    const options = { cwd: this.#tests, env: this.#env }
    const { output } = await run(program, ['--list'], options, LEAST_MS)
    const titles = output.split('\n').filter((line) => line !== '')
    const indexes = [...titles.keys()].filter((index) =>
      titles[index].includes(title ?? '')
    )
    if (indexes.length === 0) {
      return `${test} has no test with "${title}" in its title`
    }
    for (const index of indexes) {
      const args = ['--run', String(index)]
      const end = await run(program, args, options, limitMs)
      if (end.code === 0) continue
      const how = end.code === null ? 'ended' : `exit ${end.code}`
      return `${titles[index]} (${how})\n${end.output}`
    }
  }

  /** Runs what must see a mistake without one, and remembers how long it took.
   * Undefined, or what is wrong with it. */
  async prepare(mistake) {
    const start = Date.now()
    const failure = await this.#test(mistake, MAKE_MS)
    this.#took.set(keyOf(mistake), Date.now() - start)
    return failure
  }

  /** @returns {Promise<'caught' | 'not caught' | 'does not compile'>} */
  async try(mistake) {
    const file = path.join(this.#folder, mistake.file)
    const text = fs.readFileSync(file, 'utf8')
    fs.writeFileSync(file, withMistake(mistake, text))
    try {
      const { code } = await this.#make([mistake.test])
      if (code !== 0) return 'does not compile'
      const limit = LEAST_MS + FACTOR * this.#took.get(keyOf(mistake))
      const failure = await this.#test(mistake, limit)
      return failure === undefined ? 'not caught' : 'caught'
    } finally {
      fs.writeFileSync(file, text)
    }
  }
}

/** What is the same for mistakes that the same tests must see. */
function keyOf({ test, title }) {
  return `${test}: ${title ?? ''}`
}

module.exports = { keyOf, Workshop }
