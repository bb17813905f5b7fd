'use strict'
// What of the JavaScript tests runs on Windows: mocha in its node.exe, over all
// that is no tool of Linux's. What Windows cannot do stands in exceptions.json
// under `javascript`, by title and with a reason, and must fail: one that passes
// has no business there. Called by run.js, which knows how to start node.exe.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { CPUS, findTests, ROOT } = require('../tools/test-files.js')

const EXCEPTIONS = require('./exceptions.json').javascript

// What wine is given, for a test and for a run of mocha.
const TEST_MS = 60_000
const RUN_MS = 900_000

// Under wine it takes seconds to start Node and load what tests need, so a run
// has so many files.
const FILES_OF_A_RUN = 8

// Those that run on Linux alone, or are about tools that do.
const ELSEWHERE = [
  ...['c', 'coverage', 'darwin', 'docs', 'fuzz', 'install', 'lint', 'model'],
  ...['mutants', 'root', 'slow', 'tools', 'types']
]

/** What is to run, relative to ROOT. */
function listFiles(hasAddon) {
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
  return [...folders.flat(), ...top, ...own].filter(
    (file) => hasAddon || !/\.shm\.(test|windows)\.js$/.test(file)
  )
}

/** What mocha's json-stream said of a file. */
function readStream(output) {
  const events = output
    .split(/\r?\n/)
    .filter((line) => /^\["(pass|fail|end)"/.test(line))
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
async function runFiles(files, runNode, dir) {
  const mocha = require.resolve('mocha/bin/mocha.js')
  const runs = []
  for (let i = 0; i < files.length; i += FILES_OF_A_RUN) {
    runs.push(files.slice(i, i + FILES_OF_A_RUN))
  }
  const waiting = runs.map((list, i) => ({
    list,
    output: path.join(dir, `${i}`)
  }))
  const results = []
  async function work() {
    for (let run = waiting.shift(); run; run = waiting.shift()) {
      const { list, output } = run
      const args = ['--reporter', 'json-stream', '--timeout', String(TEST_MS)]
      const how = { cwd: ROOT, output, limit: RUN_MS }
      await runNode([mocha, ...args, '--exit', ...list], how)
      const said = fs.readFileSync(output, 'utf8')
      results.push({ files: list, said, ...readStream(said) })
    }
  }
  await Promise.all(Array.from({ length: CPUS }, work))
  return results
}

/**
 * Compares what failed with what must.
 * @returns {boolean} whether they are the same
 */
function judge(results, say) {
  const failures = results.flatMap((one) => one.failures)
  const failed = new Set(failures.map(({ fullTitle }) => fullTitle))
  const passed = results.flatMap((one) => one.passes)
  const isExpected = (title) => Object.hasOwn(EXCEPTIONS, title)
  const wrong = failures.filter(({ fullTitle }) => !isExpected(fullTitle))
  const broken = results.filter(({ isOver }) => !isOver)
  const late = passed.filter(({ fullTitle }) => isExpected(fullTitle))
  for (const { fullTitle, err, stack } of wrong) {
    say(`FAILED ${fullTitle}\n  ${stack ?? err}`)
  }
  for (const { files, said } of broken) {
    say(`no end came of ${files.join(' ')}:\n${said.slice(-2000)}`)
  }
  for (const { fullTitle } of late) say(`should have failed: ${fullTitle}`)
  const ran = new Set([...failed, ...passed.map(({ fullTitle }) => fullTitle)])
  const unknown = Object.keys(EXCEPTIONS).filter((title) => !ran.has(title))
  return { passed, wrong, broken, late, unknown, failed }
}

/**
 * @param {(args: string[], how: { cwd: string, output: string,
 *   limit: number }) => Promise<number>} runNode runs node.exe; its output goes
 *   to a file, and it is ended at the limit, in milliseconds
 * @param {{ hasAddon: boolean, files?: string[], say: (text: string) => void }} how
 *   `files`: these alone, and then nothing is missed in them
 * @returns {Promise<boolean>} whether all is as it must be
 */
async function testJavascript(runNode, { hasAddon, files, say }) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-windows-'))
  try {
    const results = await runFiles(files ?? listFiles(hasAddon), runNode, dir)
    const { passed, wrong, broken, late, unknown, failed } = judge(results, say)
    const missing = files === undefined && hasAddon ? unknown : []
    for (const title of missing) say(`there is no test: ${title}`)
    say(
      `javascript: ${passed.length} passed, ${wrong.length} failed, ` +
        `${failed.size - new Set(wrong.map((one) => one.fullTitle)).size} cannot pass there`
    )
    const faults = [wrong, broken, late, missing]
    return passed.length > 0 && faults.every((list) => list.length === 0)
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

module.exports = { listFiles, testJavascript }
