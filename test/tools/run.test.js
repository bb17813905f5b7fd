'use strict'
// Nothing passes by not having run: what test/run.js says of tests that are
// skipped, that hide others, that are none, and that end its process.

const assert = require('node:assert/strict')
const { useRun } = require('../helpers/nested-run.js')

describe('test/run.js', () => {
  const runWith = useRun()

  function run(...sources) {
    const { passes, counted } = runWith([], ...sources)
    return { passes, counted }
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
  // Those for which mocha has other ways when a file is alone.
  const ALONE = new Set([
    'a test that fails',
    'a test that is skipped',
    'a test that hides the others',
    'no test at all',
    'a test that ends the process'
  ])
  for (const [name, [source, counted]] of Object.entries(failing)) {
    if (ALONE.has(name)) {
      it(`fails with ${name}`, () => {
        assert.deepEqual(run(source), { passes: false, counted })
      })
    }

    it(`fails with ${name}, beside a file that passes`, () => {
      // What ends the process that runs a file, or keeps it from being loaded,
      // is a failure of that file there.
      const [passed, failed] = (counted ?? '0 1').split(' ').map(Number)
      assert.deepEqual(run(source, "it('fine', () => {})"), {
        passes: false,
        counted: `${passed + 1} ${failed}`
      })
    })
  }

  it('passes when all tests of several files pass, and counts them', () => {
    const source = "it('one', () => {}); it('two', () => {})"
    assert.deepEqual(run(source, source), { passes: true, counted: '4 0' })
  })

  it('runs a folder, and no other', () => {
    const { passes, said } = runWith(['test/base', '--dry-run'])
    assert.equal(passes, true)
    assert.match(said, /^ {2}errors/m)
    assert.doesNotMatch(said, /^ {2}secrets/m)
    const none = runWith(['test/lint'])
    assert.deepEqual([none.passes, none.counted], [false, null])
    assert.match(none.said, /there are no tests in test\/lint/)
  })

  it('tells with --slow where the time went', () => {
    const slow = "it('waits', (done) => setTimeout(done, 200))"
    const { said } = runWith(['--slow'], slow, "it('fine', () => {})")
    assert.match(said, / \d+\.\d s {2}\S*0\.test\.js\n/)
    assert.match(said, / \d+\.\d s {2}\S*0\.test\.js: waits\n/)
  })
})
