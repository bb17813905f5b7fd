'use strict'
// Coverage of the C core by the C tests, as gcc and gcov count it: without
// optimization, all tests once, in a build of their own (test/c/build/gcov).
//
// Counted are native/base/, text/, ring/, file/ and platform/. What a test's process
// does that is killed is not counted, nor what another user's does; nothing
// else is left out, and no line is marked as not to be counted.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const TESTS = path.join(ROOT, 'test', 'c')
const BUILD = path.join(TESTS, 'build', 'gcov')
const LAYERS = ['base', 'text', 'ring', 'file', 'platform']

// In percent; fewer fail.
const LEAST = { lines: 95, branches: 85 }

function run(command, args, cwd, stdio = 'inherit') {
  const options = { cwd, encoding: 'utf8', maxBuffer: 2 ** 28, stdio }
  const result = spawnSync(command, args, options)
  if (result.error) throw result.error
  if (result.status !== 0) {
    // Which tests failed, of all that ran.
    console.error((result.stdout ?? '').replace(/^ok .*\n/gm, ''))
    throw new Error(`${command} ${args[0]} ended with ${result.status}`)
  }
  return result.stdout
}

/** The notes of all compiled files of the core, with and without what not each build has. */
function findNotes() {
  const builds = ['steps', 'zlib', 'debug']
  const folders = ['obj', ...builds.map((name) => path.join('obj', name))]
  return folders.flatMap((folder) =>
    fs
      .readdirSync(path.join(BUILD, folder))
      .filter((name) => name.endsWith('.gcda'))
      .map((name) => path.join('build', 'gcov', folder, name))
  )
}

/** Adds what one compiled file counted to what is known of its source. */
function addFile(sources, { file, lines }) {
  const name = path.relative(
    path.join(ROOT, 'native'),
    path.resolve(TESTS, file)
  )
  if (!LAYERS.includes(name.split(path.sep)[0])) return
  const known = sources.get(name) ?? new Map()
  sources.set(name, known)
  for (const { line_number: number, count, branches } of lines) {
    const line = known.get(number) ?? { count: 0, branches: [] }
    known.set(number, line)
    line.count += count
    branches.forEach((branch, i) => {
      line.branches[i] = (line.branches[i] ?? 0) + branch.count
    })
  }
}

function countSource(lines) {
  const all = [...lines.values()]
  const branches = all.flatMap((line) => line.branches)
  return {
    lines: all.length,
    linesRun: all.filter(({ count }) => count > 0).length,
    branches: branches.length,
    branchesRun: branches.filter((count) => count > 0).length
  }
}

const percent = (part, all) => (all === 0 ? 100 : (100 * part) / all)

function print(name, { lines, linesRun, branches, branchesRun }) {
  const column = (part, all) =>
    `${percent(part, all).toFixed(1).padStart(6)} % ${`${part}/${all}`.padStart(10)}`
  console.log(
    `${name.padEnd(30)}${column(linesRun, lines)}   ` +
      `${column(branchesRun, branches)}`
  )
}

/** @returns {Promise<boolean>} whether the floor is reached */
async function measure() {
  // Another user's processes of the tests count, too, where they can.
  const before = process.umask(0)
  fs.rmSync(BUILD, { recursive: true, force: true })
  run('make', ['-s', `-j${os.cpus().length}`, 'COVERAGE=1', 'check'], TESTS, [
    'ignore',
    'pipe',
    'inherit'
  ])
  process.umask(before)

  const sources = new Map()
  const args = ['--json-format', '--branch-probabilities', '--stdout']
  const found = run('gcov', args.concat(findNotes()), TESTS, 'pipe')
  for (const line of found.split('\n').filter((text) => text !== '')) {
    for (const file of JSON.parse(line).files) addFile(sources, file)
  }

  console.log(
    `${''.padEnd(30)}${'lines'.padStart(19)}   ${'branches'.padStart(19)}`
  )
  const total = { lines: 0, linesRun: 0, branches: 0, branchesRun: 0 }
  for (const name of [...sources.keys()].sort()) {
    const counts = countSource(sources.get(name))
    print(name, counts)
    for (const key of Object.keys(total)) total[key] += counts[key]
  }
  print('C core', total)
  const lines = percent(total.linesRun, total.lines)
  const branches = percent(total.branchesRun, total.branches)
  const isEnough = lines >= LEAST.lines && branches >= LEAST.branches
  if (!isEnough) {
    console.error(
      `coverage: at least ${LEAST.lines} % of lines and ` +
        `${LEAST.branches} % of branches are wanted.`
    )
  }
  return isEnough
}

module.exports = { measure }
