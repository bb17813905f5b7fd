'use strict'
// run.sh, which runs and counts the C tests, here with shell scripts in their
// place.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const RUN = path.join(__dirname, 'run.sh')

describe('run.sh', function () {
  this.timeout(60_000)

  let dir
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })
  afterEach(() => fs.rmSync(dir, { recursive: true }))

  /** Runs a program with the tests `first` and `second`: a shell's `case` of the
   * index says what each does, and $dir is a directory. */
  function run(tests, env = {}) {
    const binary = path.join(dir, 'test_it')
    const list = "printf 'first\\nsecond\\n'"
    fs.writeFileSync(
      binary,
      `#!/bin/sh\ndir='${dir}'\n[ "$1" = --list ] && exec ${list}\n` +
        `case $2 in\n${tests}\nesac\n`,
      { mode: 0o700 }
    )
    const { status, stdout } = spawnSync('sh', [RUN, '', binary], {
      encoding: 'utf8',
      env: { ...process.env, KG_TEST_RUNNER: '', ...env }
    })
    return { status, lines: stdout.trimEnd().split('\n') }
  }

  it('counts what passed and what failed, and shows what that printed', () => {
    const { status, lines } = run('1) echo because >&2; exit 3;;')
    assert.equal(status, 1)
    assert.match(lines[0], /^ok {3}.*test_it: first$/)
    assert.match(lines[1], /^FAIL .*test_it: second \(exit 3, --run 1\)$/)
    assert.deepEqual(lines.slice(2), ['     because', '1 passed, 1 failed'])
  })

  it('fails for a program that lists no tests', () => {
    const { status, lines } = run('', { KG_TEST_RUNNER: 'false' })
    assert.equal(status, 1)
    assert.match(lines[0], /^FAIL .*test_it: it lists no tests \(exit 1\)$/)
    assert.equal(lines.at(-1), '0 passed, 1 failed')
  })

  it('ends what is over its time', () => {
    const { status, lines } = run('0) sleep 60;;', { KG_TEST_SECONDS: '1' })
    assert.equal(status, 1)
    assert.match(lines[0], /^FAIL .*first \(exit 137: killed, or over its time/)
    assert.equal(lines.at(-1), '1 passed, 1 failed')
  })

  const GONE = "'wine client error:0: recvmsg: Connection reset by peer'"

  it('runs a test again, once, that wine’s server left', () => {
    const once = `0) [ -e $dir/run ] || { >$dir/run; echo ${GONE}; exit 1; };;`
    const { status, lines } = run(once)
    assert.equal(status, 0)
    assert.equal(lines.at(-1), '2 passed, 0 failed')
    const always = run(`0) echo >>$dir/runs; echo ${GONE}; exit 1;;`)
    assert.equal(always.status, 1)
    assert.equal(always.lines.at(-1), '1 passed, 1 failed')
    assert.equal(fs.readFileSync(path.join(dir, 'runs'), 'utf8'), '\n\n')
  })

  it('runs no test again that said anything else', () => {
    const { lines } = run(`0) echo >>$dir/runs; echo ${GONE}; echo no; exit 1;;
1) echo >>$dir/runs; exit 1;;`)
    assert.equal(lines.at(-1), '0 passed, 2 failed')
    assert.equal(fs.readFileSync(path.join(dir, 'runs'), 'utf8'), '\n\n')
  })
})
