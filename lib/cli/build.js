'use strict'
// `kindly-guard-ipc build`: compiles the addon for this machine.

const path = require('node:path')

const HELP = `\
Usage: kindly-guard-ipc build [options]

Compiles the native addon for this machine, where the package has none that
loads: another processor, an older system, or a C library of another kind. Needs
a C and a C++ compiler, make and python3, and node-gyp: npm's own, or npx gets
it. What is up to date is not compiled again.

Options:
  -h, --help          show this
  --version           show the version

Exit code: 0, 1 when it could not be compiled, 2 for a wrong command line.
`

/** @returns {number} the exit code */
function run() {
  const tools = path.join(__dirname, '..', '..', 'native', 'tools', 'build.js')
  const end = require(tools).build({ mayFetch: true })
  return end === 'built' || end === 'up to date' ? 0 : 1
}

module.exports = { HELP, run }
