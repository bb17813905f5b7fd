'use strict'
// npm run test:languages: the library as programs in other languages use it.
// Installs what that needs from the distribution where it is missing, which
// takes root. Arguments go to mocha.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { installPackages } = require('../tools/debian.js')
const { ROOT } = require('../tools/test-files.js')

// A program, and the package of the distribution that has it.
const TOOLS = {
  cmake: 'cmake',
  'pkg-config': 'pkg-config',
  'g++': 'g++',
  python3: 'python3',
  cargo: 'cargo',
  rustc: 'rustc'
}
// A header, and the package that has it.
const HEADERS = { '/usr/include/zlib.h': 'zlib1g-dev' }
const LIMIT_MS = '300000'

/** rustup leaves programs that are there and do nothing. */
const isThere = (program) =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

function install() {
  const programs = Object.keys(TOOLS).filter((program) => !isThere(program))
  const headers = Object.keys(HEADERS).filter((file) => !fs.existsSync(file))
  const packages = [
    ...programs.map((program) => TOOLS[program]),
    ...headers.map((file) => HEADERS[file])
  ]
  if (packages.length === 0) return
  installPackages(packages)
}

function main(args) {
  install()
  const files = fs
    .readdirSync(__dirname)
    .filter((name) => name.endsWith('.languages.js'))
    .map((name) => path.join(__dirname, name))
  const mocha = [
    ...[require.resolve('mocha/bin/mocha.js'), '--timeout', LIMIT_MS],
    ...['--forbid-pending', '--forbid-only', '--fail-zero'],
    ...['--reporter', path.join(__dirname, '..', 'reporter.js')]
  ]
  const command = [...mocha, ...args, ...files]
  const { status } = spawnSync(process.execPath, command, {
    cwd: ROOT,
    stdio: 'inherit'
  })
  return status ?? 1
}

process.exitCode = main(process.argv.slice(2))
