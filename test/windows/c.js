'use strict'
// The tests of the C core on Windows: compiled by mingw, run by wine. What is
// not as on Linux stands in exceptions.json under `c`, by name and with a
// reason: what Windows does not have (`absent`), by the name of a test or of a
// whole file, and what must fail there (`fails`). A test of Linux that is not
// there and not in the list is an error, and so is one of the list that is there
// or that passes. Called by run.js.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { CPUS, ROOT } = require('../tools/test-files.js')
const { forWine } = require('./wine.js')

const C_TESTS = path.join(ROOT, 'test', 'c')
const { absent: ABSENT, fails: FAILS } = require('./exceptions.json').c

const CHECK_MS = 1_800_000

/** Runs make for Windows. */
function make(args, options) {
  const command = ['make', '-s', '-C', C_TESTS, 'SYSTEM=windows', ...args]
  const result = spawnSync(...forWine(command), {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    ...options
  })
  if (result.error !== undefined) {
    throw result.error
  }
  return result
}

const linesOf = (text) => text.split('\n').filter((line) => line !== '')

/** The titles of Linux's tests as they stand in the source. */
function titlesOfLinux() {
  const names = spawnSync('make', ['-s', '-C', C_TESTS, 'names'], {
    encoding: 'utf8'
  })
  return linesOf(names.stdout).flatMap((name) => {
    const text = fs.readFileSync(path.join(C_TESTS, `${name}.c`), 'utf8')
    const tests = text.matchAll(/^TEST\(\w+,\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)/gm)
    return [...tests].map(([, parts]) => {
      const title = parts
        .match(/"(?:[^"\\]|\\.)*"/g)
        .map(JSON.parse)
        .join('')
      return `${name}: ${title}`
    })
  })
}

/** A test and its file: an exception may name either. */
const namesOf = (title) => [title, title.slice(0, title.indexOf(': '))]

const findIn = (list, title) =>
  namesOf(title).find((name) => Object.hasOwn(list, name))

/**
 * Builds and runs the tests. Wine's prefix is there: see prepare() in wine.js.
 * @param {object} how
 * @param {Record<string, string>} how.env of wine
 * @param {(text: string) => void} how.say
 * @returns {boolean} whether all passed but what cannot
 */
function testCore({ env, say }) {
  if (make([`-j${CPUS}`], { stdio: 'inherit' }).status !== 0) {
    throw new Error('the C tests did not compile for Windows')
  }
  const { stdout } = make(['check'], {
    env: { ...process.env, ...env },
    timeout: CHECK_MS
  })
  const titles = (word) =>
    [...stdout.matchAll(new RegExp(`^${word} +windows/(.*)$`, 'gm'))].map(
      ([, line]) => line.replace(/ \(exit .*, --run \d+\)$/, '')
    )
  const [passed, failed] = [titles('ok'), titles('FAIL')]
  const ran = new Set([...passed, ...failed])
  const missing = titlesOfLinux().filter((title) => !ran.has(title))
  const used = new Set(
    [...missing.map((title) => findIn(ABSENT, title)), ...failed].filter(
      Boolean
    )
  )
  const faults = [
    ...failed
      .filter((title) => !Object.hasOwn(FAILS, title))
      .map((title) => `FAILED ${title}`),
    ...missing
      .filter((title) => findIn(ABSENT, title) === undefined)
      .map((title) => `not there, and not in the list: ${title}`),
    ...[...ran]
      .filter((title) => findIn(ABSENT, title) !== undefined)
      .map((title) => `there, but in the list: ${title}`),
    ...passed
      .filter((title) => Object.hasOwn(FAILS, title))
      .map((title) => `should have failed: ${title}`),
    ...[...Object.keys(ABSENT), ...Object.keys(FAILS)]
      .filter((name) => !used.has(name) && !ran.has(name))
      .map((name) => `there is no test: ${name}`)
  ]
  if (failed.some((title) => !Object.hasOwn(FAILS, title))) {
    process.stdout.write(stdout.replace(/^ok .*\n/gm, ''))
  }
  faults.forEach((fault) => say(fault))
  say(
    `c: ${passed.length} passed, ${failed.length} failed, ` +
      `${missing.length} of Linux's cannot be there`
  )
  return passed.length > 0 && faults.length === 0
}

module.exports = { testCore }
