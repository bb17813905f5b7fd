'use strict'
// Rust programs that tests compile and start.

const { execFile, execFileSync, spawnSync } = require('node:child_process')
const path = require('node:path')
const { ROOT } = require('../tools/test-files.js')
const { Program, Programs } = require('./program.js')

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

const programs = new Programs()

/** A program that runs beside a test, and prints lines, of JSON unless it is
 * `isText`. */
const startRust = (command, args, { isText = false } = {}) =>
  programs.keep(new Program(command, args, { env: ENV, isText }))

/** Ends those that a test which failed has left. */
const endRust = () => programs.endAll()

module.exports = { BINDING, cargo, endRust, PEER, run, startRust, targetDir }
