'use strict'
// `kindly-guard-ipc check` as a whole: what it prints about this machine, what
// it leaves, and what it says of a machine on which something fails.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Account } = require('../../lib/cli/check/account.js')
const { PlatformShm } = require('../../lib/index.js')
const { MAIN } = require('../helpers/command-line.js')

const HAS_RING = PlatformShm.isAvailable()
const ENDS = HAS_RING
  ? { ok: 10, failed: 0, missing: 0 }
  : { ok: 4, failed: 0, missing: 6 }

/** Ends a listening on a port, in every process that this runs in. */
const NO_PORTS = `
const net = require('node:net')
const { listen } = net.Server.prototype
net.Server.prototype.listen = function (...values) {
  if (values[0]?.port === undefined && typeof values[0] !== 'number') {
    return Reflect.apply(listen, this, values)
  }
  const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
  setImmediate(() => this.emit('error', error))
  return this
}
`

/** Notes each directory that is made for a while, in every such process. */
const noting = (file) => `
const fs = require('node:fs')
const { mkdtempSync } = fs
fs.mkdtempSync = (...values) => {
  const dir = mkdtempSync(...values)
  fs.appendFileSync(${JSON.stringify(file)}, dir + '\\n')
  return dir
}
`

describe('kindly-guard-ipc check', function () {
  this.timeout(120_000)
  let home

  beforeEach(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-check-'))
  })

  afterEach(() => {
    fs.rmSync(home, { recursive: true })
  })

  function check(env = {}) {
    return spawnSync(process.execPath, [MAIN, 'check'], {
      env: { ...process.env, HOME: home, TMPDIR: home, ...env },
      encoding: 'utf8'
    })
  }

  const summary = ({ ok, failed, missing }) =>
    `\n${ok} ok, ${failed} failed, ${missing} not run\n`

  /** The environment of a Node, or a Bun, that runs this first. */
  function preloading(code) {
    const file = path.join(home, 'preloaded.cjs')
    fs.writeFileSync(file, code)
    // Bun reads no NODE_OPTIONS.
    return {
      NODE_OPTIONS: `--require ${file}`,
      BUN_OPTIONS: `--preload ${file}`
    }
  }

  it('tries all, names no home and no host, and leaves nothing', () => {
    // Others may be at work in the directory where rings usually are.
    const notes = path.join(home, 'notes')
    const { status, stdout, stderr } = check(preloading(noting(notes)))
    assert.equal(status, 0, `${stdout}${stderr}`)
    assert.ok(stdout.endsWith(summary(ENDS)), stdout)
    assert.match(
      stdout,
      new RegExp(`^runtime .*node ${process.versions.node}`, 'm')
    )
    assert.match(
      stdout,
      /^ok .*local socket: 1000 published, 1000 received, 0/m
    )
    assert.match(stdout, /^ok .*by a port: 1000 published, 1000 received, 0/m)
    assert.match(stdout, /^ok .*latency of WebSocket: min [\d.]+ µs, median /m)
    const lines = HAS_RING
      ? [
          /^addon .*kindly_guard_ipc\.node, sha256 [0-9a-f]{64}$/m,
          /^ok .*two processes: 10000 published, 10000 received, 0 lost$/m,
          /^ok .*overrun: 10000 published, \d+ received, [1-9]\d* lost$/m,
          /^ok .*takes over: 5 kills: \d+ published, \d+ received, \d+ lost$/m,
          /^ok .*second Shield is refused: ERR_RING_LOCKED$/m
        ]
      : [/^addon +none$/m, /^shared memory +\S/m, /^not run .*takes over: /m]
    for (const line of lines) assert.match(stdout, line)
    for (const name of [home, os.hostname()]) {
      assert.ok(!stdout.includes(name), stdout)
    }

    const made = fs.readFileSync(notes, 'utf8').trim().split('\n')
    assert.ok(made.length >= ENDS.ok, `made: ${made}`)
    assert.deepEqual(
      made.filter((dir) => fs.existsSync(dir)),
      []
    )
    // Bun makes a folder of its own.
    const left = fs.readdirSync(home).filter((name) => name !== '.bun')
    assert.deepEqual(left.sort(), ['notes', 'preloaded.cjs'])
  })

  it('says what fails and why, goes on, and ends with 1', () => {
    const { status, stdout } = check({
      ...preloading(NO_PORTS),
      KINDLY_GUARD_IPC_NO_NATIVE: '1'
    })
    assert.equal(status, 1, stdout)
    assert.match(
      stdout,
      /^FAILED +WebSocket by a port: .*EACCES.*\[ERR_\w+\]$/m
    )
    assert.match(stdout, /^ok +WebSocket by a local socket: 1000 published/m)
    assert.match(stdout, /\n1 ok, 3 failed, 6 not run\n$/)
  })
})

describe('the account of a check', () => {
  /** A client that delivers these threats, and counts so many. */
  function account(threats, { received = threats.length, lost = 0 } = {}) {
    let sequence = 0
    return new Account({
      on() {},
      async pollThreats(callback) {
        for (const threat of threats) {
          sequence = threat.sequence
          callback(threat)
        }
      },
      stats: () => ({ received, lost, sequence }),
      close: async () => {}
    })
  }
  const threat = (sequence, number = sequence) => ({
    sequence,
    details: String(number)
  })

  it('is told when it is exact', async () => {
    const exact = account([threat(1), threat(3), threat(4, 1)], { lost: 1 })
    assert.equal(await exact.until(4), '4 published, 3 received, 1 lost')
  })

  for (const [what, threats, counts, expected] of [
    ['one threat twice', [threat(1), threat(1)], {}, /1 came after 1/],
    ['another order', [threat(2), threat(1)], {}, /1 came after 2/],
    ['a threat of nowhere', [threat(1, 2)], {}, /a wrong threat/],
    ['an older threat', [threat(2, 1), threat(3)], {}, /a wrong threat/],
    ['one that nobody counts', [threat(2)], {}, /received \+ lost is not/],
    ['a count too many', [threat(1)], { received: 2 }, /counted wrongly/]
  ]) {
    it(`fails for ${what}`, async () => {
      const one = account(threats, counts)
      const last = threats.at(-1).sequence
      await assert.rejects(one.until(last), expected)
    })
  }
})
