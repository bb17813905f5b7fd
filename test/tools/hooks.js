'use strict'
// What mocha does around all tests of a process (.mocharc.json):
//
// - A file that leaves something open, such as a server, a timer, a client or
//   a child process, fails, and is told what that is. Mocha alone would wait
//   for ever, or, in a process of several files, would never notice.
// - run.js gets to know which test runs, in a file for each process, so that
//   it can end a process whose event loop is blocked. When it asks by signal,
//   the process says what it has open.

const fs = require('node:fs')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { openSince, snapshot } = require('./open-handles.js')

// How long what was closed may take to be gone.
const CLOSING_MS = 5000
const FIRST_PAUSE_MS = 5
// A test that has run for so many times its time limit blocks the process, or
// mocha would have ended it.
const BLOCKED = 3

// What run.js sends to ask what is open.
const ASK = 'SIGUSR2'

let before = null

/** The time limit of a hook is a timer; after a turn it is there for sure. */
const turn = () => new Promise(setImmediate)

/** Fails when the tests of `file` left something open. */
async function assertNothingOpen(file) {
  const deadline = Date.now() + CLOSING_MS
  await turn()
  let open = openSince(before)
  for (let ms = FIRST_PAUSE_MS; open.length > 0; ms *= 2) {
    if (Date.now() + ms > deadline) break
    await sleep(ms)
    open = openSince(before)
  }
  if (open.length === 0) return
  // It is the fault of this file, and of none that follows.
  before = snapshot()
  const name = file && path.relative(process.cwd(), file)
  throw new Error(`${name} leaves open: ${open.join('; ')}`)
}

function tell(state) {
  const dir = process.env.KG_TEST_STATES
  if (!dir) return
  const file = path.join(dir, String(process.pid))
  // Whole at any time, for who reads it meanwhile.
  fs.writeFileSync(`${file}.new`, JSON.stringify(state))
  fs.renameSync(`${file}.new`, file)
}

function answer() {
  const open = openSince()
  console.error(`process ${process.pid} has open: ${open.join('; ')}`)
}

const mochaHooks = {
  async beforeAll() {
    await turn()
    before = snapshot()
    // A process that runs several files comes here for each.
    const isAsked = process.env.KG_TEST_STATES !== undefined
    if (isAsked && process.listenerCount(ASK) === 0) process.on(ASK, answer)
    const { suites } = this.test.parent
    // Files that share this root are told apart. One is judged at the end.
    if (new Set(suites.map(({ file }) => file)).size < 2) return
    for (const suite of suites) {
      suite.afterAll('leaves nothing open', () => assertNothingOpen(suite.file))
    }
  },

  beforeEach() {
    const { currentTest: test } = this
    const limit = test.timeout()
    tell({
      file: test.file,
      title: test.fullTitle(),
      // 0 stands for no limit, there and here.
      deadline: limit > 0 ? Date.now() + BLOCKED * limit : 0
    })
  },

  afterEach() {
    const { currentTest: test } = this
    tell({ file: test.file, title: `after ${test.fullTitle()}`, deadline: 0 })
  },

  async afterAll() {
    const { parent: root } = this.test
    const [{ file } = {}] = [...root.tests, ...root.suites]
    tell({ file, title: 'all of its tests are over', deadline: 0 })
    await assertNothingOpen(file)
  }
}

module.exports = { ASK, mochaHooks }
