'use strict'
// `npm run stress` in short, and that it would tell.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { promisify } = require('node:util')
const { Account, threatOf } = require('./stress/account.js')
const { mismatchesOf } = require('./stress/run.js')

const RUN = path.join(__dirname, 'stress', 'run.js')
const TIMEOUT_MS = 120_000

const run = promisify(execFile)
const stress = (...args) => run(process.execPath, [RUN, ...args])

describe('stress', function () {
  this.timeout(TIMEOUT_MS)

  it('F34 F41 kill -9 of 5 writers and 5 readers: exact', async () => {
    const { stdout } = await stress('--kills', '5')
    assert.match(stdout, /: 5 writers and 5 readers killed in /)
    assert.equal(stdout.match(/ reader \d \((reliable|ordinary), /g).length, 8)
    assert.match(stdout, /: torn 0, repeated 0, reordered 0\n/)
    assert.match(stdout, /the first publish: p50 [\d,]+ µs, p99 [\d,]+ µs/)
    assert.match(stdout, /: every account adds up\n$/)
  })

  it('100,000 events through 4 reliable readers: 0 lost', async () => {
    const { stdout } = await stress('--events', '100000')
    assert.match(stdout, /: 100,000 events published in /)
    const whole =
      / reader \d \(reliable, \w+\): from 1, received 100000, lost 0\n/g
    assert.equal(stdout.match(whole).length, 4)
    assert.match(stdout, /: every account adds up\n$/)
  })

  it('an argument that is none: what would do, and 1', async () => {
    for (const args of [['--kills', '0'], ['--events', 'x'], ['--other']]) {
      await assert.rejects(stress(...args), { code: 1, stderr: /^stress: / })
    }
  })

  describe('its account', () => {
    let account

    const event = (sequence) => ({ ...threatOf(sequence), sequence })
    const loss = (from, to, count = to - from + 1) =>
      account.loss({ count, from, to, reason: 'overwritten' })

    /** One that joined behind the tenth. */
    beforeEach(() => {
      account = new Account(11)
    })

    it('adds up: events and losses, in order', () => {
      for (let n = 11; n <= 120; n++) account.threat(event(n))
      loss(121, 130)
      account.threat(event(131))
      assert.deepEqual(account.mismatches(131), [])
      const { received, lost, torn, repeated, reordered } = account
      assert.deepEqual(
        [received, lost, torn, repeated, reordered],
        [111, 10, 0, 0, 0]
      )
    })

    it('tells an event too many or too few', () => {
      account.threat(event(11))
      assert.equal(account.mismatches(12).length, 1)
      assert.equal(account.mismatches(10).length, 1)
    })

    it('tells one that is repeated, reordered or left out', () => {
      account.threat(event(11))
      account.threat(event(11))
      assert.equal(account.repeated, 1)
      account.threat(event(13))
      assert.equal(account.reordered, 1)
      loss(20, 25)
      assert.equal(account.reordered, 2)
      loss(26, 30, 4)
      assert.equal(account.reordered, 3)
      assert(account.mismatches(25).length > 3)
    })

    it('tells one that is torn, in any field', () => {
      const fields = [
        ...['timestampUs', 'source', 'details', 'blocked', 'context']
      ]
      for (const [i, field] of fields.entries()) {
        const sequence = 11 + i
        const other = { ...threatOf(50), blocked: !event(sequence).blocked }
        account.threat({ ...event(sequence), [field]: other[field] })
        assert.equal(account.torn, i + 1, field)
      }
      // The next one's text, as a torn slot would have it.
      account.threat({ ...event(17), sequence: 16 })
      assert.equal(account.torn, fields.length + 1)
    })

    it('of a reliable reader has no loss', () => {
      const fine = { mismatches: [], reliable: true, lost: 0 }
      assert.deepEqual(mismatchesOf([fine, { ...fine, reliable: false }]), [])
      const wrong = [fine, { ...fine, lost: 1 }, { ...fine, mismatches: ['x'] }]
      assert.deepEqual(mismatchesOf(wrong), [
        'reader 2 is reliable and lost',
        'reader 3: x'
      ])
    })
  })
})
