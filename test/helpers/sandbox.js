'use strict'
// A place in which what the documentation shows can be run as a reader would:
//
//   kindly-guard-ipc   a link to this clone
//   project            the reader's own project, where commands run; it has
//                      the package in node_modules
//   ring               takes the place of the default directory
//   bin                has an npx that starts at once: npm's takes a second to
//                      find that the command is in node_modules
//
// A Shield that really runs on this machine must not be disturbed. So the
// package in node_modules is this clone's, but for two defaults: `dir`, and the
// Shield's port.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ROOT } = require('./pages.js')

// Some blocks compile the library, beside all that else runs.
const TIMEOUT_MS = 240_000

const PACKAGE = `'use strict'
const real = require(${JSON.stringify(ROOT)})

const isObject = (value) => typeof value === 'object' && value !== null
const here = (options = {}) =>
  isObject(options) && options.dir === undefined
    ? { ...options, dir: process.env.KG_DOCS_RING }
    : options
const shieldHere = (options) => {
  const { websocket, ...rest } = here(options)
  return { ...rest, websocket: { port: 0, ...websocket } }
}

class SharedMemoryIpc extends real.SharedMemoryIpc {
  constructor(options) {
    super(here(options))
  }
}

class ShmClient extends real.ShmClient {
  constructor(options) {
    super(here(options))
  }
}

const IpcFactory = {
  createTransport: (options) =>
    real.IpcFactory.createTransport(shieldHere(options)),
  createHybridTransport: (options) =>
    real.IpcFactory.createHybridTransport(shieldHere(options)),
  createClient: (options) => real.IpcFactory.createClient(here(options))
}

const { BenchmarkClient, displayText, IpcError, loadConfig } = real
const { PlatformShm, Severity, ThreatType } = real

module.exports = {
  BenchmarkClient,
  displayText,
  IpcError,
  IpcFactory,
  loadConfig,
  PlatformShm,
  Severity,
  SharedMemoryIpc,
  ShmClient,
  ThreatType
}
`

const NPX = `#!/bin/sh
command=$1
shift
exec "node_modules/.bin/$command" "$@"
`

class Sandbox {
  constructor() {
    // mkdtemp makes it with mode 0700, as a ring's directory has to be.
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-docs-'))
    this.project = path.join(this.root, 'project')
    this.ring = path.join(this.root, 'ring')
    this.bin = path.join(this.root, 'bin')
    this.include = path.join(this.root, 'include')
    const modules = path.join(this.project, 'node_modules')
    const own = path.join(modules, 'kindly-guard-ipc')
    fs.mkdirSync(path.join(this.root, 'tmp'))
    fs.mkdirSync(this.ring, { mode: 0o700 })
    fs.mkdirSync(this.bin)
    fs.mkdirSync(this.include)
    // As it is installed.
    fs.symlinkSync(
      path.join(ROOT, 'native', 'include'),
      path.join(this.include, 'kindly-guard-ipc')
    )
    fs.writeFileSync(path.join(this.bin, 'npx'), NPX, { mode: 0o755 })
    fs.mkdirSync(own, { recursive: true })
    fs.mkdirSync(path.join(modules, '.bin'))
    fs.symlinkSync(ROOT, path.join(this.root, 'kindly-guard-ipc'))
    fs.symlinkSync(
      path.join(ROOT, 'lib', 'cli', 'main.js'),
      path.join(modules, '.bin', 'kindly-guard-ipc')
    )
    fs.writeFileSync(path.join(this.project, 'package.json'), '{}\n')
    fs.writeFileSync(path.join(own, 'index.js'), PACKAGE)
  }

  /** @param {string} name of a file in the project */
  write(name, text) {
    const file = path.join(this.project, name)
    fs.writeFileSync(file, text)
    return file
  }

  /**
   * Runs a program to its end, or until it has printed `until` and was
   * interrupted.
   * @param {string} command
   * @param {string[]} args
   * @param {{ clone?: boolean, env?: object, until?: string }} [options]
   * @returns {Promise<{ code: number | null, signal: string | null,
   *   stdout: string, stderr: string, isThere: boolean }>} `isThere`: whether
   *   `until` was printed
   */
  run(command, args, { clone = false, env = {}, until } = {}) {
    const child = spawn(command, args, {
      cwd: clone ? ROOT : this.project,
      // A group of its own, so that nothing it started outlives it.
      detached: true,
      env: {
        ...process.env,
        TMPDIR: path.join(this.root, 'tmp'),
        KG_DOCS_RING: this.ring,
        ...env
      },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const result = { stdout: '', stderr: '', isThere: false }
    const timer = setTimeout(
      () => process.kill(-child.pid, 'SIGKILL'),
      TIMEOUT_MS
    )
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        result[name] += text
        if (until !== undefined && !result.isThere) {
          result.isThere = result.stdout.includes(until)
          if (result.isThere) child.kill('SIGINT')
        }
      })
    }
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        resolve({ ...result, code, signal })
      })
    })
  }

  remove() {
    fs.rmSync(this.root, { recursive: true, force: true })
  }
}

module.exports = { Sandbox }
