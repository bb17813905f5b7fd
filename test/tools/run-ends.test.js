'use strict'
// No run lasts for ever: what test/run.js says of tests that never end, and of
// those that leave something open.

const assert = require('node:assert/strict')
const { useRun } = require('../helpers/nested-run.js')

describe('test/run.js, where something does not end', () => {
  const run = useRun()

  const FINE = "it('fine', () => {})"
  const SERVER = `it('serves', (done) => {
    require('node:net').createServer().listen(0, '127.0.0.1', done)
  })`
  const CHILD = `it('starts', () => {
    const keep = [process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']]
    require('node:child_process').spawn(...keep, { stdio: 'ignore' }).unref()
    require('node:child_process').spawn(...keep, { stdio: 'ignore' })
  })`
  // Node 18 has the name of an address.
  const HERE = '(?:127\\.0\\.0\\.1|localhost)'
  const LISTENING = `tcp ${HERE}:\\d+, listening`
  const OPEN = new RegExp(`0\\.test\\.js leaves open: ${LISTENING}\n`)

  it('fails with a file that leaves a server open, and names both', () => {
    const { passes, counted, said } = run([], SERVER)
    assert.deepEqual({ passes, counted }, { passes: false, counted: '1 1' })
    assert.match(said, OPEN)
    assert.match(said, /mocha does not end/)
  })

  it('fails with the file alone that leaves a server open, beside others', () => {
    const { passes, counted, said } = run(['--jobs', '1'], SERVER, FINE)
    assert.deepEqual({ passes, counted }, { passes: false, counted: '2 1' })
    assert.match(said, OPEN)
  })

  it('fails with a file that leaves a child, and says its command', () => {
    const { passes, counted, said } = run([], CHILD, FINE)
    assert.deepEqual({ passes, counted }, { passes: false, counted: '2 1' })
    assert.match(said, /0\.test\.js leaves open: process \d+: \S+ -e setTime/)
    // The one that is not waited for is no fault.
    assert.doesNotMatch(said, /process.*; process/)
  })

  it('fails with a test that never resolves', () => {
    // Of that test alone: hooks have more to do, on a busy machine too.
    const never = "it('never', () => new Promise(() => {})).timeout(300)"
    const { passes, counted } = run([], never, FINE)
    assert.deepEqual({ passes, counted }, { passes: false, counted: '1 1' })
  })

  it('ends a process that a test blocks, names the test, and goes on', () => {
    const blocks = `it('blocks', () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) })`
    const args = ['--timeout', '2000']
    const { passes, counted, said } = run(args, blocks, FINE)
    assert.deepEqual({ passes, counted }, { passes: false, counted: '1 1' })
    assert.match(said, /process \d+ runs \S+0\.test\.js: blocks\n/)
  })

  it('ends a run that lasts too long, and says what was open', () => {
    const hangs = `it('hangs', () => {
      require('node:net').createServer().listen(0, '127.0.0.1')
      return new Promise(() => {})
    })`
    const { passes, counted, said } = run(['--limit', '12'], hangs, FINE)
    assert.deepEqual({ passes, counted }, { passes: false, counted: null })
    assert.match(said, /not done after 12 s/)
    assert.match(said, /process \d+ runs \S+0\.test\.js: hangs\n/)
    assert.match(said, new RegExp(`has open: .*${LISTENING}`))
  })
})
