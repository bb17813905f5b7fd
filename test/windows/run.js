'use strict'
// npm run test:windows: what Windows has of its own (native/platform/win32*.c),
// compiled on Linux and run there by wine: every C test, and in Node for Windows
// (22, and of it what transports threats in 20) the tests in JavaScript, with the
// addon that the tarball has. wine is no Windows: what it says of times means
// nothing. What cannot be as on Linux stands in exceptions.json, by name and
// with a reason, and must fail: one that passes has no business there.
//
// Arguments are parts to run, `c`, `22`, `20`, or test files for Node 22. Ends
// with 1 when something else fails.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { CPUS, ROOT } = require('../tools/test-files.js')
const { listFiles, testJavascript } = require('./javascript.js')
const wine = require('./wine.js')

const EXCEPTIONS = require('./exceptions.json').c
const MAKE = ['make', '-s', '-C', path.join(ROOT, 'test', 'c')]
const FOR_WINDOWS = [...MAKE, 'SYSTEM=windows']
const TARGET = 'win32-x64'
const PARTS = ['c', ...wine.NODES]

const say = (text) => console.log(`windows: ${text}`)

function mustRun([command, ...args]) {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
}

const namesOf = (make) =>
  wine
    .runHere([...make, 'names'])
    .stdout.trim()
    .split('\n')

/** Says what is in one of two lists alone; whether there is nothing. */
function areSame(found, expected, more, less) {
  const others = (list, than) => list.filter((one) => !than.includes(one))
  const [extra, missing] = [others(found, expected), others(expected, found)]
  extra.forEach((one) => say(`${more} ${one}`))
  missing.forEach((one) => say(`${less} ${one}`))
  return extra.length + missing.length === 0
}

/** Runs the C tests; what it printed of those that failed is shown. */
function testCore() {
  mustRun([...FOR_WINDOWS, `-j${CPUS}`, 'all'])
  const there = namesOf(FOR_WINDOWS)
  const absent = namesOf(MAKE).filter((name) => !there.includes(name))
  const { stdout } = wine.runHere([...FOR_WINDOWS, 'check'])
  const titles = (word) =>
    [...stdout.matchAll(new RegExp(`^${word} +windows/(.*)$`, 'gm'))].map(
      ([, line]) => line.replace(/ \(exit \d+[^)]*, --run \d+\)$/, '')
    )
  const [passed, failed] = [titles('ok'), titles('FAIL')]
  if (failed.some((title) => !Object.hasOwn(EXCEPTIONS.fails, title))) {
    process.stdout.write(stdout.replace(/^ok .*\n/gm, ''))
  }
  say(`c: ${passed.length} passed, ${failed.length} failed`)
  const isComplete = areSame(
    absent,
    Object.keys(EXCEPTIONS.absent),
    'is not run, without a reason:',
    'is run, and need not be an exception:'
  )
  const areThose = areSame(
    failed,
    Object.keys(EXCEPTIONS.fails),
    'FAILED',
    'should have failed:'
  )
  return passed.length > 0 && isComplete && areThose
}

/** What an older Node has to show: that threats come through. */
const transports = () =>
  listFiles(true).filter((file) => /transport|\.windows\.js$/.test(file))

async function main(args) {
  const parts = args.filter((one) => PARTS.includes(one))
  const files = args.filter((one) => !PARTS.includes(one))
  for (const file of files) fs.accessSync(path.join(ROOT, file))
  const runs = (part) => args.length === 0 || parts.includes(part)
  await wine.prepare()
  const results = []
  try {
    if (runs('c')) results.push(testCore())
    if (files.length > 0 || wine.NODES.some(runs)) {
      mustRun(['npm', 'run', '--silent', 'prebuild', '--', TARGET])
    }
    if (files.length > 0) results.push(await testJavascript({ files, say }))
    if (runs('22')) results.push(await testJavascript({ say }))
    if (runs('20')) {
      const version = '20'
      const list = transports()
      results.push(await testJavascript({ version, files: list, say }))
    }
  } finally {
    wine.end()
  }
  if (!results.every(Boolean)) process.exitCode = 1
}

main(process.argv.slice(2)).catch((error) => {
  say(error.message)
  process.exitCode = 1
})
