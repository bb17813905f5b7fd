'use strict'
// That `npm run soak` would tell. That nothing grows, `.ci/run` has it say of a
// minute.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')
const { judge, LIMITS, slopeOf, STEP_MB } = require('./soak/judge.js')
const { tellSlopes } = require('./soak/run.js')

const RUN = path.join(__dirname, 'soak', 'run.js')
const TIMEOUT_MS = 240_000

// Hours of a quarter of a second.
const SHORT = ['--minutes', '0.1']

const run = promisify(execFile)
const soak = (...args) => run(process.execPath, [RUN, ...args])

const seriesOf = (valueOf) =>
  Array.from({ length: 24 }, (_, hour) => ({ hour, value: valueOf(hour) }))

describe('soak', function () {
  this.timeout(TIMEOUT_MS)

  it('leaks and a wrong account turn it red, and it leaves nothing', async () => {
    const kinds = [...Object.keys(LIMITS), 'account']
    let place
    const leaking = soak(...SHORT, '--leak', kinds.join(','))
    await assert.rejects(leaking, ({ code, stdout }) => {
      assert.equal(code, 1)
      for (const kind of ['rss', 'heap', 'descriptors']) {
        assert.match(stdout, new RegExp(`WRONG: not flat: editor ${kind}: `))
        assert.doesNotMatch(stdout, new RegExp(`not flat: shield ${kind}: `))
      }
      assert.match(stdout, /WRONG: not flat: files shm: /)
      assert.match(stdout, /^soak: 24 hours of an editor in 0\.1 minutes, in /)
      assert.match(
        stdout,
        /: 48 windows came and went, 6 Shields began again, /
      )
      assert.match(stdout, /, 6 were killed, 6 stood still, 6 floods\n/)
      assert.match(
        stdout,
        /: {3}editor heap: [\d.]+ to [\d.]+ MB, slope -?[\d.]+ /
      )
      assert.match(stdout, /: {3}files shm: [\d.]+ to [\d.]+ MB, slope /)
      const counts = stdout.matchAll(/client \d: received (\d+), lost (\d+)\n/g)
      const sums = [...counts].map(
        ([, got, lost]) => Number(got) + Number(lost)
      )
      // A burst before the first hour; each hour 8 and 5 bursts; 6 floods.
      const all = 200 + 24 * (8 + 5 * 200) + 6 * 20_480
      assert.deepEqual(sums, [all, all])
      assert.match(stdout, /WRONG: client of steady: the last event is missing/)
      assert.match(stdout, /: failed\n$/)
      ;[, place] = /minutes, in (\/\S+)\n/.exec(stdout)
      return true
    })
    assert.equal(fs.existsSync(place), false)
  })

  it('an argument that is none: what would do, and 1', async () => {
    for (const args of [
      ['--minutes', '0'],
      ['--days', '.5'],
      ['--leak', 'x'],
      ['--other']
    ]) {
      const refused = { code: 1, stderr: /^soak: [^]*\nnpm run soak -- / }
      await assert.rejects(soak(...args), refused)
    }
    const { stdout } = await soak('--help')
    assert.match(stdout, /^npm run soak -- \[options\]\n/)
  })

  describe('its judge', () => {
    it('the slope is that of least squares', () => {
      const { slope, error } = slopeOf(seriesOf((hour) => 3 + 2 * hour))
      assert.ok(Math.abs(slope - 2) < 1e-9)
      assert.ok(error < 1e-6)
      // By hand: 1.5 through (0, 0), (1, 2), (2, 3); one degree is left.
      const three = [0, 2, 3].map((value, hour) => ({ hour, value }))
      const fitted = slopeOf(three)
      assert.ok(Math.abs(fitted.slope - 1.5) < 1e-9)
      assert.ok(Math.abs(fitted.error - Math.sqrt(1 / 6 / 2)) < 1e-9)
    })

    it('what is kept each hour is not flat, and noise is', () => {
      const noise = (hour) => ((hour * 7919) % 13) / 13
      for (const [kind, { most }] of Object.entries(LIMITS)) {
        const hourly = most / 24
        const flat = (valueOf) => judge(kind, seriesOf(valueOf)).isFlat
        assert.ok(flat(() => 5))
        assert.ok(flat((hour) => 5 + most * noise(hour)))
        assert.ok(flat((hour) => 5 - 10 * hour))
        // One sample is no slope, however high it is.
        assert.ok(flat((hour) => 5 + (hour === 23 ? 10 * most : 0)))
        assert.ok(flat((hour) => 5 + 0.9 * hourly * hour))
        assert.ok(!flat((hour) => 5 + 1.1 * hourly * hour))
        assert.ok(!flat((hour) => 5 + 4 * hourly * hour + most * noise(hour)))
      }
    })

    it('the first hours do not count, the last ones do', () => {
      const most = 10 * LIMITS.heap.most
      const early = (hour) => Math.min(hour, 7) * most
      assert.ok(judge('heap', seriesOf(early)).isFlat)
      const late = (hour) => Math.max(hour - 8, 0) * most
      assert.ok(!judge('heap', seriesOf(late)).isFlat)
    })

    it('a step of the resident set is no leak, wherever it comes', () => {
      for (let at = 0; at < 24; at++) {
        const stepped = (hour) => 60 + (hour >= at ? STEP_MB : 0)
        assert.ok(judge('rss', seriesOf(stepped)).isFlat, String(at))
      }
    })

    it('each series is told by itself', () => {
      const told = []
      const of = (who, kind, valueOf) =>
        seriesOf(valueOf).map((sample) => ({ who, kind, ...sample }))
      const wrong = tellSlopes(
        [
          ...of('editor', 'descriptors', (hour) => 20 + hour),
          ...of('shield', 'descriptors', () => 20)
        ],
        (text) => told.push(text.trim())
      )
      assert.deepEqual(told, [
        'editor descriptors: 20.00 to 43.00 , slope 1.0000 ± 0.0000 an hour',
        'shield descriptors: 20.00 to 20.00 , slope 0.0000 ± 0.0000 an hour'
      ])
      assert.deepEqual(wrong, [
        `not flat: ${told[0]}; ${LIMITS.descriptors.most} a day are the most`
      ])
    })
  })
})
