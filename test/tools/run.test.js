'use strict'
// Nothing passes by not having run: what test/run.js says of tests that are
// skipped, that hide others, that are none, and that end its process.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const RUN = path.join(__dirname, '..', 'run.js')

describe('test/run.js', () => {
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })

  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  /** Runs one test file; gives its exit code and what it counted, or null. */
  function run(source) {
    const file = path.join(dir, 'one.test.js')
    const counts = path.join(dir, 'counts')
    fs.writeFileSync(file, source)
    fs.rmSync(counts, { force: true })
    // Without the addon: the C tests are not built for this.
    const env = { KINDLY_GUARD_IPC_NO_NATIVE: '1', KG_TEST_COUNTS: counts }
    const { status } = spawnSync(process.execPath, [RUN, file], {
      env: { ...process.env, ...env },
      stdio: 'ignore'
    })
    const counted = fs.existsSync(counts)
      ? fs.readFileSync(counts, 'utf8').split('\n')[0]
      : null
    return { passes: status === 0, counted }
  }

  it('passes when all tests pass, and counts them', () => {
    const source = "it('one', () => {}); it('two', () => {})"
    assert.deepEqual(run(source), { passes: true, counted: '2 0' })
  })

  const failing = {
    'a test that fails': ["it('one', () => { throw new Error('no') })", '0 1'],
    'a test that is skipped': ["it('a', () => {}); it.skip('b')", '1 1'],
    'a test that skips itself': [
      "it('a', () => {}); it('b', function () { this.skip() })",
      '1 1'
    ],
    'a test without a body': ["it('a', () => {}); it('b')", '1 1'],
    'a test that hides the others': ["it.only('one', () => {})", null],
    'no test at all': ["describe('nothing', () => {})", '0 0'],
    'a test that ends the process': ["it('a', () => process.exit(0))", null]
  }
  for (const [name, [source, counted]] of Object.entries(failing)) {
    it(`fails with ${name}`, () => {
      assert.deepEqual(run(source), { passes: false, counted })
    })
  }
})
