'use strict'
// Rust programs that tests compile and start.

const {
  execFile,
  execFileSync,
  spawn,
  spawnSync
} = require('node:child_process')
const path = require('node:path')
const { ROOT } = require('../tools/test-files.js')

const BINDING = path.join(ROOT, 'bindings', 'rust')
const PEER = path.join(__dirname, 'rust')
const CACHE = path.join(ROOT, '.cache', 'rust')

/** What rustup puts on the PATH compiles nothing until its home says by what.
 * Then it is the distribution's, which run.js has installed. */
function findPath() {
  const works = (program) =>
    spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
  const { PATH } = process.env
  return works('cargo') && works('rustc') ? PATH : `/usr/bin:${PATH}`
}

const ENV = {
  ...process.env,
  PATH: findPath(),
  CARGO_HOME: path.join(CACHE, 'home'),
  CARGO_NET_OFFLINE: 'true',
  CARGO_TERM_COLOR: 'never',
  RUST_BACKTRACE: '0'
}

/** What a compiler has made is of no use to another one.
 * @returns {string} a folder that git ignores */
function targetDir() {
  const options = { encoding: 'utf8', env: ENV }
  const version = execFileSync('rustc', ['--version'], options)
  return path.join(CACHE, /\d+\.\d+\.\d+/.exec(version)[0])
}

/** @returns {Promise<{ code: number | string, stdout: string,
 *   stderr: string }>} of a program that ran to its end */
function run(command, args, { env, input, ...options } = {}) {
  return new Promise((resolve) => {
    const all = { env: { ...ENV, ...env }, maxBuffer: 2 ** 28, ...options }
    const child = execFile(command, args, all, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error.signal ?? error.code)
      resolve({ code, stdout, stderr })
    })
    // It may end before it has read everything, and its code says so.
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
  })
}

/** Runs cargo offline in the crate at `cwd`. */
const cargo = (cwd, [command, ...args], { env, ...options } = {}) =>
  run('cargo', [command, '--offline', ...args], {
    cwd,
    env: { CARGO_TARGET_DIR: targetDir(), ...env },
    ...options
  })

const running = new Set()

/** A program that runs beside a test, and prints lines, of JSON unless it is
 * `isText`. */
class RustProgram {
  constructor(command, args, { isText = false } = {}) {
    this.lines = []
    this.stderr = ''
    this.process = spawn(command, args, {
      env: ENV,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    running.add(this)
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
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        running.delete(this)
        resolve(signal ?? code)
      })
    })
  }

  /** @returns {Promise<number | string>} how it ended */
  kill(signal = 'SIGKILL') {
    this.process.kill(signal)
    return this.exited
  }
}

/** Ends those that a test which failed has left. */
const endRust = () => Promise.all([...running].map((one) => one.kill()))

module.exports = { BINDING, cargo, endRust, PEER, run, RustProgram, targetDir }
