'use strict'
// npm run test:nodes: the whole suite in every Node that is supported, with the
// one addon that was compiled for all of them; what of it another runtime can
// run, in Bun and in Deno; and between them, each in a process of its own. The
// names of runtimes (node18, bun, …) take some of them; all other arguments go
// to test/run.js, for the Nodes. Ends with a line for each, and `N passed, N
// failed`.

const { execFileSync, spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ROOT } = require('../tools/test-files.js')
const { runForeign } = require('./foreign.js')
const { npmOf, programOf, RUNTIMES } = require('./runtimes.js')

const ADDON = path.join(ROOT, 'build', 'Release', 'kindly_guard_ipc.node')
// A run on a machine that has something else to do takes far longer than usual,
// and so does each test.
const LIMIT_S = '3600'
const PATIENTLY = ['--timeout', '240000']
process.env.KG_TEST_PATIENT = '1'

const say = (text) => console.log(`nodes: ${text}`)

const checksum = (file) =>
  createHash('sha256').update(fs.readFileSync(file)).digest('hex')

const isNode = (key) => key.startsWith('node')

/** [passed, failed] as the reporter wrote them; a run that died has failed. */
function readCounts(file, status) {
  if (!fs.existsSync(file)) return [0, 1]
  const [passed, failed] = fs
    .readFileSync(file, 'utf8')
    .split('\n', 1)[0]
    .split(' ')
    .map(Number)
  return [passed, status !== 0 && failed === 0 ? 1 : failed]
}

/** The whole suite in a Node. */
function runNode(key, args, work) {
  const node = programOf(key)
  const counts = path.join(work, `${key}.counts`)
  const bins = [...npmOf(key, path.join(work, key)), path.dirname(node)]
  const { status } = spawnSync(
    node,
    [
      path.join(ROOT, 'test', 'run.js'),
      ...['--limit', LIMIT_S, ...PATIENTLY, ...args]
    ],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: {
        ...process.env,
        PATH: [...bins, process.env.PATH].join(path.delimiter),
        KG_TEST_COUNTS: counts
      }
    }
  )
  return readCounts(counts, status)
}

/** What runs in several runtimes at once: this Node runs the tests. */
function runTogether(keys, work) {
  const counts = path.join(work, 'together.counts')
  const files = keys.map((key) => path.join(__dirname, `${key}.nodes.js`))
  const { status } = spawnSync(
    process.execPath,
    [
      require.resolve('mocha/bin/mocha.js'),
      ...['--forbid-pending', '--forbid-only', '--fail-zero', ...PATIENTLY],
      ...['--reporter', path.join(ROOT, 'test', 'reporter.js')],
      ...files
    ],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, KG_TEST_COUNTS: counts }
    }
  )
  return readCounts(counts, status)
}

function versionOf(key) {
  const args = ['--version']
  const text = execFileSync(programOf(key), args, { encoding: 'utf8' })
  return /\d+\.\d+\.\d+/.exec(text)[0]
}

function main(args) {
  const isKey = (argument) => Object.hasOwn(RUNTIMES, argument)
  const given = args.filter(isKey)
  const rest = args.filter((argument) => !isKey(argument))
  const keys = given.length > 0 ? given : Object.keys(RUNTIMES)
  execFileSync('npm', ['run', '--silent', 'prepare'], {
    cwd: ROOT,
    stdio: 'inherit'
  })
  const compiled = checksum(ADDON)
  const lines = []
  const sum = [0, 0]
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-nodes-'))
  const add = (name, [passed, failed]) => {
    sum[0] += passed
    sum[1] += failed
    lines.push(`${name.padEnd(16)} ${passed} passed, ${failed} failed`)
  }
  try {
    for (const key of keys.filter(isNode)) {
      say(`the suite in ${RUNTIMES[key].name}`)
      add(`Node ${versionOf(key)}`, runNode(key, rest, work))
    }
    const others = keys.filter((key) => !isNode(key))
    for (const key of others) {
      say(`what of the suite runs in ${RUNTIMES[key].name}`)
      add(
        `${key} ${versionOf(key)}`,
        runForeign(key, programOf(key), work, PATIENTLY)
      )
    }
    if (others.length > 0) {
      say('processes of several runtimes')
      add('together', runTogether(others, work))
    }
    // Not compiled for any of them.
    add('one addon', checksum(ADDON) === compiled ? [1, 0] : [0, 1])
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
  lines.forEach(say)
  console.log(`${sum[0]} passed, ${sum[1]} failed`)
  return sum[1] === 0 ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
