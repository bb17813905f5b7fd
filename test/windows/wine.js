'use strict'
// Programs for Windows, run on Linux by Debian's wine, each with a time limit.
// Everything lies in .cache/: Node for Windows, from npm, and the prefix, which
// is wine's Windows. A prefix of another clone or user is never touched.
//
// Standard streams are files: programs of wine's that write to pipes of Linux
// lose some of it when they are ended.

const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { fetchPackage } = require('../../native/tools/prebuild/packages.js')
const { installPackages } = require('../tools/debian.js')

const ROOT = path.join(__dirname, '..', '..')
const CACHE = path.join(ROOT, '.cache')
const PREFIX = path.join(CACHE, 'wine')
// Drive X: there. What tests on Windows cannot do themselves is there already:
// X:\open is open to others.
const DRIVE = path.join(CACHE, 'wine-drive')
const OPEN = 'open'
// What says that the prefix came to be whole.
const MADE = path.join(PREFIX, 'kindly-guard')

const COMPILER = 'x86_64-w64-mingw32-gcc'
const PACKAGES = ['wine', 'wine64', 'g++-mingw-w64-x86-64']
const NODES = ['22', '20']

const LIMIT_MS = 120_000
const PREFIX_LIMIT_MS = 300_000

const ENV = {
  WINEPREFIX: PREFIX,
  WINEARCH: 'win64',
  WINEDEBUG: '-all',
  // Neither .NET nor a browser: wine would ask whether to fetch them.
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
  // Node knows what wine says it is, and wants a later Windows.
  NODE_SKIP_PLATFORM_CHECK: '1'
}

const split = ([program, ...args]) => [program, args]

const has = (program) =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

// Newer kernels put the heap anywhere in the GiB after the program, and wine needs
// one page of that: of some thousand programs one would not start, and not say why.
// Where a container forbids fixed addresses, that is a failure now and then.
const FIXED = ['setarch', '--addr-no-randomize']
const mayBeFixed = () => spawnSync(...split([...FIXED, 'true'])).status === 0
let fixed

/**
 * A command as all of wine has to be run.
 * @param {string[]} command
 * @returns {[string, string[]]} the program and its arguments
 */
function forWine(command) {
  // Wine shows what others may read as open to everybody, which is refused.
  const privately = ['sh', '-c', 'umask 077; exec "$@"', 'sh']
  fixed ??= mayBeFixed() ? FIXED : []
  return split([...privately, ...fixed, ...command])
}

/** Installs Debian's wine and the compiler for it where they are missing. */
function install() {
  if (has('wine') && has(COMPILER)) return
  installPackages(PACKAGES)
}

/**
 * Runs a program in the prefix to its end.
 * @param {string[]} command a program, and its arguments as they are
 * @param {object} [options]
 * @param {number} [options.limitMs] then it is killed
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>}
 *   the status is null when it was killed
 */
async function run(command, { limitMs = LIMIT_MS } = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-wine-'))
  const files = ['stdout', 'stderr'].map((name) => path.join(dir, name))
  const streams = files.map((file) => fs.openSync(file, 'w'))
  try {
    const child = spawn(...forWine(['wine', ...command]), {
      cwd: ROOT,
      env: { ...process.env, ...ENV },
      stdio: ['ignore', ...streams],
      timeout: limitMs,
      killSignal: 'SIGKILL'
    })
    const [status] = await once(child, 'exit')
    // Both ways that Windows ends its lines become Linux's.
    const [stdout, stderr] = files.map((file) =>
      fs.readFileSync(file, 'utf8').replaceAll('\r\n', '\n')
    )
    return { status, stdout, stderr }
  } finally {
    streams.forEach((fd) => fs.closeSync(fd))
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

/** Ends all that runs in this prefix, and nothing else. */
function end() {
  spawnSync('wineserver', ['-k'], { env: { ...process.env, ...ENV } })
}

async function makePrefix() {
  if (fs.existsSync(MADE)) return
  end()
  fs.rmSync(PREFIX, { recursive: true, force: true })
  fs.mkdirSync(CACHE, { recursive: true })
  const made = await run(['wineboot', '-i'], { limitMs: PREFIX_LIMIT_MS })
  if (made.status !== 0) {
    throw new Error(`wine makes no prefix: ${made.stdout}${made.stderr}`)
  }
  fs.writeFileSync(MADE, '')
}

/** Another drive, with a folder that is open to others. */
function makeDrive() {
  const open = path.join(DRIVE, OPEN)
  fs.rmSync(open, { recursive: true, force: true })
  fs.mkdirSync(open, { recursive: true })
  fs.chmodSync(DRIVE, 0o700)
  fs.chmodSync(open, 0o755)
  const link = path.join(PREFIX, 'dosdevices', 'x:')
  fs.rmSync(link, { force: true })
  fs.symlinkSync(DRIVE, link)
}

/**
 * Makes sure that wine, the compiler for Windows and the prefix are there.
 * @throws {Error} when one of them cannot be had
 */
async function prepare() {
  install()
  await makePrefix()
  makeDrive()
  // It stays until end(): a program that starts while the server of the last one
  // goes may find neither. It would keep pipes of ours open as long. Files are
  // made by it, so it has to have the umask.
  const env = { ...process.env, ...ENV }
  spawnSync(...forWine(['wineserver', '-p']), { env, stdio: 'ignore' })
}

/**
 * Node for Windows, fetched when it is not there.
 * @param {'22' | '20'} [version] later ones want what wine 8 lacks
 * @returns {string} the file
 */
const nodeFor = (version = NODES[0]) =>
  path.join(fetchPackage(`node-win-${version}`, CACHE), 'bin', 'node.exe')

/** A path of Linux's as programs in the prefix know it. */
const toWindows = (file) => `Z:${path.resolve(file).replaceAll('/', '\\')}`

module.exports = {
  ENV,
  NODES,
  end,
  forWine,
  nodeFor,
  prepare,
  run,
  toWindows
}
