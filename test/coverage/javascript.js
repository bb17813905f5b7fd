'use strict'
// The coverage of lib/ by all suites, with and without the addon. V8 counts in
// every process that a test starts, too: each writes what it ran to a folder
// when it ends. c8 joins that.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT } = require('../tools/test-files.js')

// Percent, of all of lib/. What is missing are answers to failures of the system
// that no test can bring about.
const FLOORS = { lines: 97, branches: 96 }

const FOLDER = path.join(ROOT, 'coverage', 'javascript')
const PARTS = path.join(FOLDER, 'parts')

function run(command, args, env = {}) {
  const options = {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: 'inherit'
  }
  return spawnSync(command, args, options).status === 0
}

/** Runs the tests, or those files of them; what they ran is in PARTS. */
function runTests(files) {
  const tests = (some, isWithoutAddon) =>
    run(process.execPath, ['test/run.js', ...some], {
      NODE_V8_COVERAGE: PARTS,
      KINDLY_GUARD_IPC_NO_NATIVE: isWithoutAddon ? '1' : undefined
    })
  const isFine = tests(files, false)
  // Without any, test/run.js would run all.
  const rest = files.filter((file) => !file.endsWith('.shm.test.js'))
  const isOver = files.length > 0 && rest.length === 0
  return (isOver || tests(rest, true)) && isFine
}

/** @returns {Record<string, object>} by file, and `total` */
function summarize(parts) {
  const c8 = path.join(ROOT, 'node_modules', 'c8', 'bin', 'c8.js')
  const isFine = run(process.execPath, [
    ...[c8, 'report', '--temp-directory', parts, '--merge-async'],
    ...['--all', '--src', 'lib', '--include', 'lib/**/*.js'],
    ...['--reporter', 'json-summary', '--reporter', 'html'],
    ...['--reporter', 'json', '--reports-dir', FOLDER]
  ])
  if (!isFine) throw new Error('c8 made no report')
  const file = path.join(FOLDER, 'coverage-summary.json')
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

/** The sums of each folder. @returns {Map<string, object>} */
function byFolder(summary) {
  const folders = new Map()
  for (const [file, counts] of Object.entries(summary)) {
    const name =
      file === 'total' ? 'lib' : path.relative(ROOT, path.dirname(file))
    const key = name === 'lib' && file !== 'total' ? 'lib/*.js' : name
    const sums = folders.get(key) ?? {}
    for (const kind of Object.keys(FLOORS)) {
      const { total, covered } = counts[kind]
      const sum = (sums[kind] ??= { total: 0, covered: 0 })
      sum.total += total
      sum.covered += covered
    }
    folders.set(key, sums)
  }
  return folders
}

const percent = ({ total, covered }) =>
  total === 0 ? 100 : (100 * covered) / total

function print(folders) {
  const columns = Object.keys(FLOORS)
  const row = (name, cells) =>
    console.log(name.padEnd(24) + cells.map((c) => c.padStart(20)).join(''))
  row('', columns)
  for (const name of [...folders.keys()].sort()) {
    const sums = folders.get(name)
    const cells = columns.map((kind) => {
      const { total, covered } = sums[kind]
      return `${covered}/${total} ${percent(sums[kind]).toFixed(1)} %`
    })
    row(name, cells)
  }
}

/**
 * Runs all tests and prints what they ran of each folder of lib/.
 * @param {{ files?: string[], parts?: string }} [options] `files`: test files,
 *   instead of all; then nothing is judged. `parts`: a folder that was
 *   NODE_V8_COVERAGE of tests that have run already
 * @returns {boolean} whether all passed and lib/ is above FLOORS
 */
function measure({ files = [], parts } = {}) {
  fs.rmSync(FOLDER, { recursive: true, force: true })
  fs.mkdirSync(PARTS, { recursive: true })
  const isFine = parts !== undefined || runTests(files)
  if (!isFine) console.error('coverage: tests failed')
  const folders = byFolder(summarize(parts ?? PARTS))
  fs.rmSync(PARTS, { recursive: true, force: true })
  print(folders)
  const total = folders.get('lib')
  const low = Object.keys(FLOORS).filter(
    (kind) => percent(total[kind]) < FLOORS[kind]
  )
  if (files.length > 0) return isFine
  for (const kind of low) {
    const figure = percent(total[kind]).toFixed(2)
    console.error(`coverage: ${figure} % of ${kind}, below ${FLOORS[kind]} %`)
  }
  return isFine && low.length === 0
}

module.exports = { measure }
