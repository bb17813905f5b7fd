'use strict'
// What the tests run with while mistakes are put in.

const path = require('node:path')
const fc = require('fast-check')

// Tests in which a mistake makes something never come. Stryker's runner knows no
// limit of a test's, and ending it costs a process; each takes some milliseconds.
const WAITING = path.join(__dirname, '..', 'stream')
const LIMIT_MS = 2000

// A property that fails under a mistake needs no shorter example of it.
fc.configureGlobal({ endOnFailure: true })

const turn = () => new Promise(setImmediate)

exports.mochaHooks = {
  beforeEach() {
    const { currentTest } = this
    if (currentTest.file.startsWith(WAITING)) {
      currentTest.timeout(LIMIT_MS)
    }
  },

  // What a mistake throws in a later turn belongs to the test that made it:
  // behind the last one it would end the process, and cost a new one.
  async afterEach() {
    await turn()
    await turn()
  }
}
