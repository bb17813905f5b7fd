'use strict'
// Which lines of the core in C its tests and the kept inputs reach together, by
// gcc's gcov: each is compiled for it in a folder of its own, run, and a line
// counts when any of them came by.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { BUILD, CORPUS, ROOT, run, say, withDirectory } = require('./tools.js')

const C_TESTS = path.join(ROOT, 'test', 'c')
const FOLDERS = ['native/text', 'native/ring', 'native/file']

// What the two folders reach together is to be at least this.
const GOAL = 90

const JOBS = `-j${os.cpus().length}`
const FLAGS =
  '-std=c11 -D_GNU_SOURCE -g -pthread -w -O1 --coverage ' +
  '-fprofile-update=atomic'

/** Builds and runs the C tests in test/c/build/coverage. */
function runTests() {
  const make = ['-s', JOBS, '-C', C_TESTS, `CFLAGS=${FLAGS}`]
  run('make', [...make, 'BUILD=build/coverage'])
  try {
    run('make', [...make, 'BUILD=build/coverage', 'check'])
  } catch {
    // npm test is for that; its lines are reached all the same.
    say('a C test failed, perhaps for being so slow')
  }
  return path.join(C_TESTS, 'build', 'coverage')
}

/** The same for the kept inputs. */
async function runInputs() {
  const make = ['-s', JOBS, '-C', __dirname, `COVERAGE_FLAGS=${FLAGS}`]
  run('make', [...make, 'replays'])
  for (const target of fs.readdirSync(CORPUS)) {
    await withDirectory(async (dir) => {
      const program = path.join(BUILD, 'replay', target)
      const env = { ...process.env, KG_FUZZ_DIR: dir }
      run(program, [path.join(CORPUS, target)], { env })
    })
  }
  return path.join(BUILD, 'replay')
}

const findIn = (dir, suffix) =>
  fs
    .readdirSync(dir, { recursive: true })
    .filter((file) => file.endsWith(suffix))
    .map((file) => path.join(dir, file))

/** Adds what gcov says of the objects in a folder. */
function addCounts(dir, lines) {
  for (const data of findIn(dir, '.gcda')) {
    const text = run('gcov', ['--json-format', '--stdout', data], {
      cwd: path.dirname(data),
      stdio: ['ignore', 'pipe', 'ignore']
    })
    const { current_working_directory: cwd, files } = JSON.parse(text)
    for (const { file, lines: counted } of files) {
      const name = path.relative(ROOT, path.resolve(cwd, file))
      const ofFile = lines.get(name) ?? new Map()
      lines.set(name, ofFile)
      for (const { line_number: line, count } of counted) {
        ofFile.set(line, (ofFile.get(line) ?? 0) + count)
      }
    }
  }
}

/** Tells one row; returns what it adds up to. */
function tell(name, all) {
  const reached = all.filter(([, count]) => count > 0).length
  const share = (100 * reached) / all.length
  say(
    `${name.padEnd(32)} ${String(reached).padStart(5)} of ` +
      `${String(all.length).padStart(5)} lines  ${share.toFixed(1)} %`
  )
  return share
}

/** @returns {Promise<number>} the exit code */
async function measure() {
  for (const dir of [path.join(C_TESTS, 'build', 'coverage'), BUILD]) {
    for (const data of fs.existsSync(dir) ? findIn(dir, '.gcda') : []) {
      fs.rmSync(data)
    }
  }
  const lines = new Map()
  addCounts(runTests(), lines)
  addCounts(await runInputs(), lines)
  const files = [...lines.keys()]
    .filter((name) => FOLDERS.some((folder) => name.startsWith(`${folder}/`)))
    .sort()
  for (const name of files) {
    tell(name, [...lines.get(name)])
    const missed = [...lines.get(name)].filter(([, count]) => count === 0)
    const numbers = missed.map(([line]) => line).sort((a, b) => a - b)
    if (numbers.length > 0) say(`  not reached: ${numbers.join(' ')}`)
  }
  const share = tell(
    FOLDERS.join(' and '),
    files.flatMap((name) => [...lines.get(name)])
  )
  return share >= GOAL ? 0 : 1
}

module.exports = { measure }
