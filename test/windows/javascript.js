'use strict'
// What of the JavaScript tests runs on Windows: mocha in its node.exe, over all
// that is no tool of Linux's. What Windows cannot do stands in exceptions.json
// under `javascript`, by title and with a reason, and must fail: one that passes
// has no business there. Called by run.js.

const fs = require('node:fs')
const path = require('node:path')
const { CPUS, findTests, ROOT } = require('../tools/test-files.js')
const wine = require('./wine.js')

const { absent: ABSENT, fails: FAILS } = require('./exceptions.json').javascript

// What wine is given, for a test and for a run of mocha.
const TEST_MS = 300_000
const RUN_MS = 1_800_000

// Under wine it takes seconds to start Node and load what tests need, so a run
// has so many files.
const FILES_OF_A_RUN = 8

// Of what takes long, this is about what a client or a Shield meets.
const LONG = ['flood.test.js', 'hostile-handshakes.test.js']

// Those that run on Linux alone, or are about tools that do.
const ELSEWHERE = [
  ...['c', 'coverage', 'darwin', 'docs', 'fuzz', 'install', 'lint', 'model'],
  ...['mutants', 'root', 'slow', 'tools', 'types']
]

/** What is to run, relative to ROOT. */
function listFiles() {
  const folders = fs
    .readdirSync(path.join(ROOT, 'test'), { withFileTypes: true })
    .filter((one) => one.isDirectory() && !ELSEWHERE.includes(one.name))
    .map(({ name }) => findTests(path.join('test', name)))
  const top = fs
    .readdirSync(path.join(ROOT, 'test'))
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => path.join('test', name))
  const own = fs
    .readdirSync(__dirname)
    .filter((name) => name.endsWith('.windows.js'))
    .map((name) => path.join('test', 'windows', name))
  const long = LONG.map((name) => path.join('test', 'slow', name))
  const all = [...folders.flat(), ...top, ...long, ...own]
  for (const file of Object.keys(ABSENT)) {
    if (!all.includes(file)) throw new Error(`there is no ${file}`)
  }
  return all.filter((file) => !Object.hasOwn(ABSENT, file))
}

/** What mocha's json-stream said. */
function readStream(output) {
  const events = output
    .split('\n')
    .filter((line) => /^\["(pass|fail|end)",/.test(line))
    .map((line) => JSON.parse(line))
  const of = (name) =>
    events.filter(([what]) => what === name).map(([, it]) => it)
  return {
    passes: of('pass'),
    failures: of('fail'),
    isOver: of('end').length > 0
  }
}

/** Runs files, several runs of mocha side by side. */
async function runFiles(files, node) {
  const mocha = require.resolve('mocha/bin/mocha.js')
  const how = ['--reporter', 'json-stream', '--timeout', `${TEST_MS}`, '--exit']
  how.push('--forbid-pending', '--forbid-only')
  const runs = []
  for (let i = 0; i < files.length; i += FILES_OF_A_RUN) {
    runs.push(files.slice(i, i + FILES_OF_A_RUN))
  }
  const results = []
  async function work() {
    for (let list = runs.shift(); list; list = runs.shift()) {
      const command = [node, wine.toWindows(mocha), ...how, ...list]
      const { stdout, stderr } = await wine.run(command, { limitMs: RUN_MS })
      results.push({ files: list, stderr, ...readStream(stdout) })
    }
  }
  await Promise.all(Array.from({ length: CPUS }, work))
  return results
}

/** Compares what failed with what must, and tells the difference. */
function judge(results, say) {
  const failures = results.flatMap((one) => one.failures)
  const failed = new Set(failures.map(({ fullTitle }) => fullTitle))
  const passed = results.flatMap((one) => one.passes)
  const isExpected = (title) => Object.hasOwn(FAILS, title)
  const wrong = failures.filter(({ fullTitle }) => !isExpected(fullTitle))
  const broken = results.filter(({ isOver }) => !isOver)
  const late = passed.filter(({ fullTitle }) => isExpected(fullTitle))
  for (const { fullTitle, err, stack } of wrong) {
    say(`FAILED ${fullTitle}\n  ${stack ?? err}`)
  }
  for (const { files, passes, stderr } of broken) {
    const last = passes.at(-1)?.fullTitle ?? 'nothing'
    say(`no end of ${files.join(' ')}, what passed last: ${last}\n${stderr}`)
  }
  for (const { fullTitle } of late) say(`should have failed: ${fullTitle}`)
  const ran = new Set([...failed, ...passed.map(({ fullTitle }) => fullTitle)])
  const unknown = Object.keys(FAILS).filter((title) => !ran.has(title))
  return {
    passed: passed.length,
    failed: failures.length,
    ...{ wrong, broken, late, unknown }
  }
}

/**
 * Runs the tests. The prefix is there: see prepare() in wine.js.
 * @param {object} how
 * @param {'22' | '20'} [how.version] of Node
 * @param {string[]} [how.files] these alone
 * @param {(text: string) => void} how.say
 * @returns {Promise<boolean>} whether all passed but what must fail
 */
async function testJavascript({ version, files, say }) {
  const all = files ?? listFiles()
  const results = await runFiles(all, wine.nodeFor(version))
  const { passed, wrong, broken, late, unknown, failed } = judge(results, say)
  const missing = files === undefined ? unknown : []
  for (const title of missing) say(`there is no test: ${title}`)
  say(
    `javascript: ${passed} passed, ${wrong.length} failed, ` +
      `${failed - wrong.length} cannot pass there`
  )
  const faults = [wrong, broken, late, missing]
  return passed > 0 && faults.every((list) => list.length === 0)
}

module.exports = { listFiles, testJavascript }
