'use strict'
// What `npm test` and, with --root, `npm run test:root` run: builds the C
// tests, then runs mocha. Arguments that are test files replace the default
// ones; all others go to mocha as they are, such as `--grep F12`.
//
// *.test.js must pass with and without the addon, *.shm.test.js needs it.
// KINDLY_GUARD_IPC_NO_NATIVE=1 asks for the package without it, and then the
// latter are not run. What stands in test/root/ is run by --root alone.
//
// Several files run side by side, one process for each CPU, since most tests
// wait for something; what failed is told when its file is over. With
// --no-parallel they run one after the other, and so do those of --root, which
// share a second user and its directories.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { CPUS, findTests, MAKE_C_TESTS, ROOT } = require('./tools/test-files.js')

const ROOT_TESTS = path.join('test', 'root')

function run(command, args, env = process.env) {
  const options = { cwd: ROOT, env, stdio: 'inherit' }
  const result = spawnSync(command, args, options)
  if (result.error) {
    console.error(`test: ${command} did not run: ${result.error.message}.`)
    return 1
  }
  if (result.signal) {
    console.error(`test: ${command} was ended by ${result.signal}.`)
    return 1
  }
  return result.status
}

function main(argv) {
  const asRoot = argv.includes('--root')
  const rest = argv.filter((argument) => argument !== '--root')
  if (asRoot && process.getuid?.() !== 0) {
    console.error(
      'test: these tests need root (a second user, full and read-only file ' +
        'systems, a pid namespace); run: sudo npm run test:root'
    )
    return 1
  }

  const hasNative = process.env.KINDLY_GUARD_IPC_NO_NATIVE !== '1'
  if (hasNative && run('make', MAKE_C_TESTS) !== 0) {
    console.error('test: the C tests did not compile, so nothing was run.')
    return 1
  }

  const isTest = (argument) =>
    argument.endsWith('.test.js') && fs.existsSync(argument)
  const named = rest.filter(isTest).map((file) => path.resolve(file))
  const folder = asRoot ? ROOT_TESTS : 'test'
  const found = findTests(folder).filter(
    (file) =>
      (asRoot || !file.startsWith(ROOT_TESTS + path.sep)) &&
      (hasNative || !file.endsWith('.shm.test.js'))
  )
  const tests = named.length > 0 ? named : found
  if (tests.length === 0) {
    console.error(`test: there are no tests in ${folder}.`)
    return 1
  }
  return runMocha(
    rest.filter((argument) => !isTest(argument)),
    tests,
    asRoot
  )
}

function runMocha(args, tests, asRoot) {
  const command = [
    require.resolve('mocha/bin/mocha.js'),
    // A test that is skipped, or that hides the others, is a failed one.
    '--forbid-pending',
    '--forbid-only',
    '--fail-zero'
  ]
  if (!asRoot && tests.length > 1 && !args.includes('--no-parallel')) {
    command.push('--parallel', '--jobs', String(CPUS))
  }
  if (args.some((argument) => /^(-R|--reporter)/.test(argument))) {
    return run(process.execPath, [...command, ...args, ...tests])
  }

  // A test that ends the process with 0 would look like a run that passed;
  // only the reporter's file says that it came to its end.
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  const counts = process.env.KG_TEST_COUNTS || path.join(dir, 'counts')
  fs.rmSync(counts, { force: true })
  try {
    const reporter = ['--reporter', path.join(__dirname, 'reporter.js')]
    const status = run(
      process.execPath,
      [...command, ...reporter, ...args, ...tests],
      { ...process.env, KG_TEST_COUNTS: counts }
    )
    if (status === 0 && !fs.existsSync(counts)) {
      console.error('test: the run did not come to its end.')
      return 1
    }
    return status
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

process.exitCode = main(process.argv.slice(2))
