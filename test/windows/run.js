'use strict'
// npm run test:windows: what Windows has of its own (native/platform/win32*.c),
// compiled on Linux and run there by wine: every C test, and in Node for Windows
// (22, and of it what transports threats in 20) the tests in JavaScript, with the
// addon that the tarball has. wine is no Windows: what it says of times means
// nothing. What cannot be as on Linux stands in exceptions.json, by name and
// with a reason.
//
// Arguments are parts to run, `c`, `22`, `20`, or test files for Node 22. Ends
// with 1 when something else fails.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT } = require('../tools/test-files.js')
const { testCore } = require('./c.js')
const { listFiles, testJavascript } = require('./javascript.js')
const wine = require('./wine.js')

const TARGET = 'win32-x64'
const [NEW, OLD] = wine.NODES
const PARTS = ['c', NEW, OLD]

const say = (text) => console.log(`windows: ${text}`)

function makeAddon() {
  const args = ['run', '--silent', 'prebuild', '--', TARGET]
  const { status } = spawnSync('npm', args, { cwd: ROOT, stdio: 'inherit' })
  if (status !== 0) throw new Error('the addon did not compile')
}

/** What an older Node has to show: that threats come through. */
const transports = () =>
  listFiles().filter((file) => /transport|\.windows\.js$/.test(file))

/** @returns {Promise<boolean[]>} whether each part went as it must */
async function runParts(args) {
  const parts = args.filter((one) => PARTS.includes(one))
  const files = args.filter((one) => !PARTS.includes(one))
  for (const file of files) fs.accessSync(path.join(ROOT, file))
  const runs = (part) => args.length === 0 || parts.includes(part)
  const results = []
  if (runs('c')) results.push(testCore({ env: wine.ENV, say }))
  if (files.length > 0 || runs(NEW) || runs(OLD)) makeAddon()
  if (files.length > 0) results.push(await testJavascript({ files, say }))
  if (runs(NEW)) results.push(await testJavascript({ say }))
  if (runs(OLD)) {
    const older = { version: OLD, files: transports(), say }
    results.push(await testJavascript(older))
  }
  return results
}

async function main(args) {
  await wine.prepare()
  try {
    const results = await runParts(args)
    if (!results.every(Boolean)) process.exitCode = 1
  } finally {
    wine.end()
  }
}

main(process.argv.slice(2)).catch((error) => {
  say(error.message)
  process.exitCode = 1
})
