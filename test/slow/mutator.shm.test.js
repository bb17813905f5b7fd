'use strict'
// `npm run stress:mutator` in short, and that it would tell.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')
const { Damage, KINDS } = require('./mutator/damage.js')
const { mismatchesOf } = require('./mutator/run.js')
const { threat, useRing } = require('../helpers/ring.js')

const RUN = path.join(__dirname, 'mutator', 'run.js')
const TIMEOUT_MS = 180_000
const CLIENTS = 6

const run = promisify(execFile)
const mutate = (...args) => run(process.execPath, [RUN, ...args])

describe('a ring that is damaged while it is used', function () {
  this.timeout(TIMEOUT_MS)
  const current = useRing()

  it('F13 F22 F61 5 s: nobody ends, and every account is exact again', async () => {
    const { stdout } = await mutate('--seconds', '5')
    const [, acts] = /: (\d+) acts: /.exec(stdout)
    assert(Number(acts) > 100, stdout)
    assert.match(stdout, / control +[\d.]+ +[\d.]+ +[\d.]+\n/)
    assert.match(stdout, /third longest: -?[\d.]+ ms above/)
    const fresh = stdout.match(/ fresh: received 500, lost 0;/g)
    assert.equal(fresh.length, CLIENTS)
    assert.match(stdout, /: every account is exact again\n$/)
  })

  it('an argument that is none: what would do, and 1', async () => {
    for (const args of [['--seconds', '0'], ['--seed', 'x'], ['--other']]) {
      await assert.rejects(mutate(...args), { code: 1, stderr: /^mutator: / })
    }
  })

  it('every act changes something', () => {
    const writer = current().writer({ maxEvents: 1024, overflow: 'reject' })
    for (let i = 0; i < 2000; i++) writer.writeThreat(threat(`${i}`))
    writer.close()
    const damage = new Damage(current().dir, 1)
    const before = fs.readFileSync(current().file)
    // Long enough for each to have been.
    for (let i = 0; i < 3000; i++) {
      damage.act()
      if (!fs.existsSync(current().file)) {
        fs.writeFileSync(current().file, before, { mode: 0o600 })
      }
    }
    assert.deepEqual(Object.keys(damage.counts).sort(), [...KINDS].sort())
  })

  it('an account that is not exact is told', () => {
    const fine = { received: 500, lost: 0, wrong: [] }
    const told = (account) => mismatchesOf([['a', { ...fine, ...account }]])
    assert.deepEqual(told({}), [])
    assert.equal(told({ received: 499 }).length, 1)
    assert.equal(told({ received: 499, lost: 1 }).length, 1)
    assert.equal(told({ wrong: ['fresh 2 came where 1 belongs'] }).length, 1)
  })
})
