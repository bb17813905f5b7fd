'use strict'
// The tests of the C core, one by one, so that each has its own title here
// and its own process there: a crash is the failure of one test.

const assert = require('node:assert')
const { execFile, execFileSync } = require('node:child_process')
const path = require('node:path')

const DIR = __dirname
const TIMEOUT_MS = 120_000

function readLines(command, args) {
  const options = { encoding: 'utf8', timeout: TIMEOUT_MS }
  const lines = execFileSync(command, args, options).split('\n')
  return lines.filter((line) => line !== '')
}

/** Resolves with what the program said; rejects, saying it, when it failed. */
function run(command, args) {
  const options = { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`
      if (error === null) return resolve(said)
      const end = error.killed
        ? `ran for more than ${TIMEOUT_MS / 1000} s`
        : `ended with ${error.signal ?? error.code}`
      const what = `${path.basename(command)} ${args.join(' ')} ${end}`
      reject(new assert.AssertionError({ message: `${what}\n${said}` }))
    })
  })
}

describe('C core', function () {
  // Longer than the child's own limit, whose message says what it printed.
  this.timeout(TIMEOUT_MS + 5_000)

  let names = []
  try {
    names = readLines('make', ['-s', '-C', DIR, 'names'])
    assert(names.length > 0, 'the Makefile in test/c names no tests')
  } catch (error) {
    it('names its tests', () => assert.fail(error))
  }

  for (const name of names) {
    describe(name, () => {
      const binary = path.join(DIR, 'build', name)
      let titles = []
      try {
        titles = readLines(binary, ['--list'])
        assert(titles.length > 0, `${name} --list prints nothing`)
      } catch (error) {
        it('lists its tests', () => assert.fail(error))
      }
      titles.forEach((title, index) => {
        it(title, () => run(binary, ['--run', String(index)]))
      })
    })
  }
})
