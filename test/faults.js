'use strict'
// Which test files prove which number of faults.md: `npm run faults` prints a
// table, with --json everything. Ends with 1 when a number has no test (and the
// list does not say that it has none yet), when a title names a number that is
// not in the list, when the list names a file or a title that there is not, or
// when the tests do not load.
//
// Mocha is asked for the titles, because many are made by loops; it loads the
// files and runs nothing. The C tests are built for it, since they list theirs.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { findTests, MAKE_C_TESTS, ROOT } = require('./tools/test-files.js')

const LIST = path.join('test', 'faults.md')
// The file of mocha's that holds the titles of all C tests, and what stands in
// front of a title there: the program, such as file/test_lock.
const C_TESTS = path.join('test', 'c', 'c.shm.test.js')
const C_TITLE = /^C core (\S+) /
// What an item of the list says when it is still to be proved.
const NOT_YET = '_Not yet_'

/** The numbered lines of faults.md, in order. */
function readNumbers(text) {
  const faults = []
  let section = ''
  let current = null
  for (const line of text.split('\n')) {
    const heading = /^## (.*)/.exec(line)
    const item = /^(\d+)\. (.*)/.exec(line)
    if (heading) section = heading[1]
    if (item) {
      current = { number: Number(item[1]), section, text: item[2], tests: [] }
      faults.push(current)
    } else if (/^ +\S/.test(line) && current !== null) {
      current.text += ` ${line.trim()}`
    } else {
      current = null
    }
  }
  return faults
}

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit']
  })
  if (result.status === 0) return
  const end = result.error?.message ?? result.signal ?? result.status
  throw new Error(`${path.basename(command)} ${args[0]} ended with ${end}`)
}

/** Every test that mocha would run, as { file, title }, with its full title. */
function listTests() {
  run('make', MAKE_C_TESTS)
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  try {
    // A file, because what a test prints as it is loaded goes to stdout.
    const output = path.join(dir, 'titles.json')
    run(process.execPath, [
      require.resolve('mocha/bin/mocha.js'),
      '--dry-run',
      ...['--reporter', 'json', '--reporter-option', `output=${output}`],
      ...findTests('test')
    ])
    // Not among `passes` are those that would be skipped: they prove nothing.
    return JSON.parse(fs.readFileSync(output, 'utf8')).passes.map(toTest)
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

function toTest({ file, fullTitle }) {
  const relative = path.relative(ROOT, file)
  const program = relative === C_TESTS && C_TITLE.exec(fullTitle)
  return {
    file: program ? path.join('test', 'c', `${program[1]}.c`) : relative,
    title: fullTitle
  }
}

/** Puts each test with its numbers; returns those whose number is unknown. */
function assign(tests, faults) {
  const byNumber = new Map(faults.map((fault) => [fault.number, fault]))
  const strays = []
  for (const test of tests) {
    const names = test.title.match(/\bF\d+\b/g) ?? []
    for (const number of new Set(names.map((name) => Number(name.slice(1))))) {
      const fault = byNumber.get(number)
      if (fault) fault.tests.push(test)
      else strays.push({ number, ...test })
    }
  }
  return strays
}

/** What the text names beside numbers and is not there: `files` of test/, and
 * ("parts of titles"). */
function findLost(text, tests) {
  const files = [...text.matchAll(/`([\w-]+\/[\w/.-]+\.(?:js|c))`/g)]
  const titles = [...text.matchAll(/\("([^"]+)"\)/g)]
  return [
    ...files.filter(([, file]) => !fs.existsSync(path.join(__dirname, file))),
    ...titles.filter(
      ([, part]) => !tests.some(({ title }) => title.includes(part))
    )
  ].map(([, name]) => name)
}

function isOpen({ text }) {
  return text.includes(NOT_YET)
}

/** What is wrong, a sentence each; empty when all is well. */
function judge(faults, strays, lost) {
  const numbers = faults.map(({ number }) => number)
  return [
    ...(numbers.length > 0 ? [] : [`${LIST} has no numbers`]),
    ...numbers
      .filter((number, index) => number !== index + 1)
      .map((number) => `F${number} is not where it belongs in ${LIST}`),
    ...faults
      .filter((fault) => isOpen(fault) !== (fault.tests.length === 0))
      .map((fault) =>
        isOpen(fault)
          ? `F${fault.number} has a test, and ${LIST} says "${NOT_YET}"`
          : `F${fault.number} has no test: ${fault.text}`
      ),
    ...strays.map(
      ({ number, file, title }) =>
        `F${number} is not in ${LIST}: ${file}: ${title}`
    ),
    ...lost.map((name) => `${LIST} names what there is not: ${name}`)
  ]
}

function printTable(faults) {
  let section = null
  for (const fault of faults) {
    if (fault.section !== section) {
      section = fault.section
      console.log(`\n${section}`)
    }
    const files = [...new Set(fault.tests.map(({ file }) => file))]
    const tests = String(fault.tests.length).padStart(4)
    console.log(`  ${`F${fault.number}`.padEnd(4)}${tests}  ${fault.text}`)
    for (const file of files.sort()) console.log(`            ${file}`)
  }
  console.log()
}

function main(argv) {
  if (argv.some((argument) => argument !== '--json')) {
    console.error('faults: takes nothing but --json')
    return 1
  }
  const text = fs.readFileSync(path.join(ROOT, LIST), 'utf8')
  const faults = readNumbers(text)
  const tests = listTests()
  const strays = assign(tests, faults)
  const problems = judge(faults, strays, findLost(text, tests))
  if (argv.includes('--json')) {
    console.log(JSON.stringify({ faults, problems }, null, 2))
  } else {
    printTable(faults)
  }
  for (const problem of problems) console.error(`faults: ${problem}`)
  if (problems.length > 0) return 1
  const proofs = new Set(faults.flatMap((fault) => fault.tests))
  const proved = faults.filter((fault) => !isOpen(fault)).length
  console.error(
    `${proved} of ${faults.length} faults are proved: ` +
      `${proofs.size} of ${tests.length} tests name one`
  )
  return 0
}

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  console.error(`faults: ${error.message}`)
  process.exitCode = 1
}
