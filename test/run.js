'use strict'
// What `npm test` and, with --root, `npm run test:root` run: builds the C
// tests and what the benchmarks run, then runs mocha. Arguments that are test files, or folders of them,
// replace the default ones; all others go to mocha as they are, such as
// `--grep F12`.
//
// *.test.js must pass with and without the addon, *.shm.test.js needs it.
// KINDLY_GUARD_IPC_NO_NATIVE=1 asks for the package without it, and then the
// latter are not run. What stands in test/root/ is run by --root alone.
//
// Several files run side by side, three processes for each CPU, since most tests
// wait for something; what failed is told when its file is over. With
// --no-parallel they run one after the other, and so do those of --root, which
// share a second user and its directories.
//
// --slow prints where the time went. --limit SECONDS is the time limit of the
// whole run, at which it is ended and fails; see tools/supervise.js.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { supervise } = require('./tools/supervise.js')
const {
  CPUS,
  findTests,
  longestFirst,
  MAKE_C_TESTS,
  ROOT
} = require('./tools/test-files.js')

const ROOT_TESTS = path.join('test', 'root')
const BENCHMARK_TESTS = path.join('test', 'benchmark')
const BUILD_BENCHMARKS = path.join('bench', 'build.js')

const JOBS = 3 * CPUS
const LIMIT_S = 900

/** Builds the C tests; tells whether they are there. */
function buildCTests() {
  const make = spawnSync('make', MAKE_C_TESTS, { cwd: ROOT, stdio: 'inherit' })
  if (make.error) {
    console.error(`test: make did not run: ${make.error.message}.`)
  }
  return make.status === 0
}

/** A folder of tests; `test` alone may be a word for --grep. */
function isFolder(argument) {
  return (
    path.normalize(argument).startsWith(`test${path.sep}`) &&
    fs.existsSync(argument) &&
    fs.statSync(argument).isDirectory()
  )
}

/** Splits argv into what is for this file, and what is for mocha. */
function readArguments(argv) {
  const own = {
    asRoot: false,
    slow: false,
    limit: LIMIT_S,
    files: [],
    folders: []
  }
  const mocha = []
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]
    if (argument === '--root') own.asRoot = true
    else if (argument === '--slow') own.slow = true
    else if (argument === '--limit') own.limit = Number(argv[++i])
    else if (isFolder(argument)) own.folders.push(argument)
    else if (argument.endsWith('.test.js') && fs.existsSync(argument)) {
      own.files.push(path.resolve(argument))
    } else mocha.push(argument)
  }
  return { ...own, mocha }
}

async function main(argv) {
  const { asRoot, files, folders, limit, mocha, slow } = readArguments(argv)
  if (!(limit > 0)) {
    console.error('test: --limit takes a number of seconds.')
    return 1
  }
  if (asRoot && process.getuid?.() !== 0) {
    console.error(
      'test: these tests need root (a second user, full and read-only file ' +
        'systems, a pid namespace); run: sudo npm run test:root'
    )
    return 1
  }

  const hasNative = process.env.KINDLY_GUARD_IPC_NO_NATIVE !== '1'
  if (hasNative && !buildCTests()) {
    console.error('test: the C tests did not compile, so nothing was run.')
    return 1
  }

  if (folders.length === 0 && files.length === 0) {
    folders.push(asRoot ? ROOT_TESTS : 'test')
  }
  const found = folders
    .flatMap(findTests)
    .filter(
      (file) =>
        (asRoot || !file.startsWith(ROOT_TESTS + path.sep)) &&
        (hasNative || !file.endsWith('.shm.test.js'))
    )
  const tests = [...longestFirst(found), ...files]
  if (tests.length === 0) {
    console.error(`test: there are no tests in ${folders.join(', ')}.`)
    return 1
  }
  if (hasNative && tests.some((file) => file.startsWith(BENCHMARK_TESTS))) {
    spawnSync(process.execPath, [BUILD_BENCHMARKS], { cwd: ROOT })
  }
  const isParallel =
    !asRoot && tests.length > 1 && !mocha.includes('--no-parallel')
  const reporter = path.join(__dirname, 'reporter.js')
  return runMocha({
    limit: limit * 1000,
    hasReporter: mocha.some((argument) => /^(-R|--reporter)/.test(argument)),
    args: [
      // A test that is skipped, or that hides the others, is a failed one.
      ...['--forbid-pending', '--forbid-only', '--fail-zero'],
      ...(isParallel ? ['--parallel', '--jobs', String(JOBS)] : []),
      ...['--reporter', reporter],
      ...(slow ? ['--reporter-option', 'slow'] : []),
      ...mocha,
      ...tests
    ]
  })
}

async function runMocha({ args, hasReporter, limit }) {
  // A test that ends the process with 0 would look like a run that passed;
  // only the reporter's file says that it came to its end.
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  const counts = process.env.KG_TEST_COUNTS || path.join(dir, 'counts')
  const states = path.join(dir, 'states')
  fs.mkdirSync(states)
  fs.rmSync(counts, { force: true })
  const isOver = () => fs.existsSync(counts)
  try {
    const mocha = require.resolve('mocha/bin/mocha.js')
    const status = await supervise(process.execPath, [mocha, ...args], {
      cwd: ROOT,
      env: { ...process.env, KG_TEST_COUNTS: counts },
      states,
      limit,
      isOver
    })
    // Another reporter writes no such file.
    if (status === 0 && !hasReporter && !isOver()) {
      console.error('test: the run did not come to its end.')
      return 1
    }
    return status
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
