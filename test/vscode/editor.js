'use strict'
// code-server with the extension: a server of its own for each test, with its own
// home, workspaces and ring.

const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { entry, node } = require('./install.js')
const { until } = require('../helpers/wait.js')

const START_MS = 120_000

const SETTINGS = {
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true
}

/** A port that was free a moment ago. */
async function freePort() {
  const server = net.createServer()
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

/** The ids of processes whose ancestor this one is. */
function descendantsOf(pid) {
  const children = new Map()
  for (const name of fs
    .readdirSync('/proc')
    .filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = []
  const open = [pid]
  while (open.length > 0) {
    const next = children.get(open.pop()) ?? []
    found.push(...next)
    open.push(...next)
  }
  return found
}

class Editor {
  #process

  /**
   * @param {string[]} extensions VSIX files
   * @param {{ settings?: object, env?: object }} [options] settings of the machine
   */
  constructor(extensions, { settings = {}, env = {} } = {}) {
    this.home = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-vscode-'))
    this.ringDir = this.dir('ring')
    this.runtimeDir = this.dir('runtime')
    this.env = {
      ...process.env,
      HOME: this.dir('home'),
      XDG_RUNTIME_DIR: this.runtimeDir,
      // Nobody is there: the shop of extensions is not asked for anything.
      EXTENSIONS_GALLERY: '{"serviceUrl":"http://127.0.0.1:9"}',
      KG_PROBE: path.join(this.home, 'probe'),
      ...env
    }
    this.extensions = extensions
    this.output = ''
    this.write({ 'kindlyGuard.dir': this.ringDir, ...settings })
  }

  /** A folder in the home of this editor, made when it is missing. */
  dir(...names) {
    const dir = path.join(this.home, ...names)
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
    return dir
  }

  /** Writes the machine's settings; windows that are open see the change. */
  write(settings) {
    const text = JSON.stringify(settings)
    fs.writeFileSync(
      path.join(this.dir('data', 'Machine'), 'settings.json'),
      text
    )
    fs.writeFileSync(
      path.join(this.dir('data', 'User'), 'settings.json'),
      JSON.stringify(SETTINGS)
    )
  }

  #arguments(...more) {
    return [
      entry(),
      ...['--config', path.join(this.home, 'config.yaml')],
      ...['--user-data-dir', this.dir('data')],
      ...['--extensions-dir', this.dir('extensions')],
      ...more
    ]
  }

  async start() {
    fs.writeFileSync(path.join(this.home, 'config.yaml'), '')
    const install = this.#arguments(
      ...this.extensions.flatMap((vsix) => ['--install-extension', vsix])
    )
    execFileSync(node(), install, {
      env: this.env,
      stdio: ['ignore', 'ignore', 'inherit']
    })
    const port = await freePort()
    this.origin = `http://127.0.0.1:${port}`
    this.#process = spawn(
      node(),
      this.#arguments(
        ...['--bind-addr', `127.0.0.1:${port}`, '--auth', 'none'],
        ...['--disable-telemetry', '--disable-update-check'],
        '--disable-workspace-trust'
      ),
      { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] }
    )
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on('data', (chunk) => {
        this.output += chunk
      })
    }
    await until(
      () => this.#isUp(),
      `code-server is up: ${this.output}`,
      START_MS
    )
  }

  async #isUp() {
    try {
      return (await fetch(`${this.origin}/healthz`)).ok
    } catch {
      return false
    }
  }

  /** The processes in which extensions run. */
  hosts() {
    return descendantsOf(this.#process.pid).filter((pid) => {
      try {
        const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return command.includes('--type=extensionHost')
      } catch {
        return false
      }
    })
  }

  async stop() {
    if (this.#process === undefined) return
    const pids = [this.#process.pid, ...descendantsOf(this.#process.pid)]
    const isGone = new Promise((resolve) => {
      this.#process.once('exit', resolve)
    })
    // The hosts that windows have left behind do not end with it.
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await isGone
    fs.rmSync(this.home, { recursive: true, force: true, maxRetries: 5 })
  }
}

module.exports = { Editor }
