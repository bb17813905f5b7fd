'use strict'
// npm run test:darwin-shim: what macOS has of its own (native/platform/darwin*.c,
// native/loop/watch_fs_event.c), run on Linux over shim.h: every C test, and the
// tests of shared memory in JavaScript with an addon that is made of those files.
// What cannot be as on Linux stands in exceptions.json, by name and with a
// reason, and must fail: one that passes has no business there. Ends with 1
// when something else fails.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { copyClone } = require('../tools/copy-clone.js')
const { CPUS, findTests, ROOT } = require('../tools/test-files.js')

const C_TESTS = path.join(ROOT, 'test', 'c')
const EXCEPTIONS = require('./exceptions.json')
const NEEDED = [
  ...['.mocharc.json', 'package.json', 'examples', 'lib', 'native', 'test']
]

const say = (text) => console.log(`darwin: ${text}`)

function run(command, args, options) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    ...options
  })
  if (result.error !== undefined) {
    throw result.error
  }
  return result
}

/**
 * Compares what failed with what must.
 * @param {string} kind of exceptions.json
 * @param {number} passed
 * @param {string[]} failed titles
 * @returns {boolean} whether they are the same
 */
function judge(kind, passed, failed) {
  const expected = EXCEPTIONS[kind]
  const isFine = (title) => Object.hasOwn(expected, title)
  const wrong = failed.filter((title) => !isFine(title))
  const missing = Object.keys(expected).filter(
    (title) => !failed.includes(title)
  )
  wrong.forEach((title) => say(`FAILED ${title}`))
  missing.forEach((title) => say(`should have failed: ${title}`))
  say(
    `${kind}: ${passed} passed, ${wrong.length} failed, ` +
      `${failed.length - wrong.length} cannot pass there`
  )
  return passed > 0 && wrong.length === 0 && missing.length === 0
}

function testCore() {
  const make = ['-s', '-C', C_TESTS, 'SYSTEM=darwin']
  if (run('make', [...make, `-j${CPUS}`], { stdio: 'inherit' }).status !== 0) {
    throw new Error('the C tests did not compile')
  }
  const { stdout } = run('make', [...make, 'check'])
  const titles = (word) =>
    [...stdout.matchAll(new RegExp(`^${word} +darwin/(.*)$`, 'gm'))].map(
      ([, line]) => line.replace(/ \(exit .*, --run \d+\)$/, '')
    )
  const failed = titles('FAIL')
  if (failed.some((title) => !Object.hasOwn(EXCEPTIONS.c, title))) {
    process.stdout.write(stdout.replace(/^ok .*\n/gm, ''))
  }
  return judge('c', titles('ok').length, failed)
}

/** A copy of the package whose addon takes the files of macOS. */
function copyTo(dir) {
  copyClone(dir, NEEDED)
  const gyp = JSON.parse(fs.readFileSync(path.join(ROOT, 'binding.gyp')))
  const [target] = gyp.targets
  const [, { sources }] = target.conditions.find(([when]) => /mac/.test(when))
  target.conditions = []
  target.sources.push(...sources, 'test/darwin/shim.c')
  target.defines.push('_GNU_SOURCE')
  target.ldflags = ['-Wl,-z,nodelete', '-Wl,-z,now']
  const include = path.join(dir, 'test', 'darwin')
  target.cflags_c.push(
    `-I${path.join(include, 'include')}`,
    ...['-include', path.join(include, 'shim.h')]
  )
  fs.writeFileSync(path.join(dir, 'binding.gyp'), JSON.stringify(gyp))
}

function testLibrary() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-darwin-'))
  try {
    copyTo(dir)
    const build = path.join(ROOT, 'native', 'tools', 'build.js')
    const made = run(process.execPath, [build, dir], { stdio: 'inherit' })
    if (made.status !== 0) {
      throw new Error('the addon did not compile')
    }
    const tests = findTests(path.join('test', 'shm'))
      .filter((file) => file.endsWith('.shm.test.js'))
      .map((file) => path.join(dir, file))
    const report = path.join(dir, 'report.json')
    run(
      process.execPath,
      [
        require.resolve('mocha/bin/mocha.js'),
        ...['--parallel', '--jobs', String(CPUS)],
        ...['--reporter', 'json', '--reporter-option', `output=${report}`],
        ...tests
      ],
      { cwd: dir, env: { ...process.env, KG_DARWIN_CACHE: dir } }
    )
    const { passes, failures } = JSON.parse(fs.readFileSync(report, 'utf8'))
    for (const { fullTitle, err } of failures) {
      if (!Object.hasOwn(EXCEPTIONS.javascript, fullTitle)) {
        console.log(`${fullTitle}\n  ${err.stack}`)
      }
    }
    return judge(
      'javascript',
      passes.length,
      failures.map(({ fullTitle }) => fullTitle)
    )
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

const results = [testCore(), testLibrary()]
process.exitCode = results.every(Boolean) ? 0 : 1
