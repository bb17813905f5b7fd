'use strict'
// npm run mutants: puts small mistakes into a copy of the code, one at a time,
// and tells which of them no test sees. --c: those of test/mutants/c/, of
// which --only TEXT takes the ones whose name or file has that text, and
// --quick those of native/ring/ alone; --js: what Stryker makes of lib/.
// Without either, both.

const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { runC } = require('./c/run.js')

const ROOT = path.join(__dirname, '..', '..')

function runJavaScript() {
  const args = ['stryker', 'run', 'test/mutants/stryker.config.mjs']
  const options = { cwd: ROOT, stdio: 'inherit' }
  return spawnSync('npx', ['--no-install', ...args], options).status === 0
}

async function main() {
  const { values } = parseArgs({
    options: {
      c: { type: 'boolean' },
      js: { type: 'boolean' },
      only: { type: 'string' },
      quick: { type: 'boolean' }
    }
  })
  const both = !values.c && !values.js
  const ends = []
  if (values.c || both) ends.push(await runC(values))
  if (values.js || both) ends.push(runJavaScript())
  return ends.every((end) => end) ? 0 : 1
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    console.error(`mutants: ${error.message}`)
    process.exitCode = 1
  }
)
