'use strict'
// How long a line may be, how much of one is shown, and when output goes out,
// just below and just above each bound.

const assert = require('node:assert/strict')
const { mock } = require('node:test')
const { Writable } = require('node:stream')
const { formatThreat, formatLoss } = require('../../lib/cli/format.js')
const { readLines } = require('../../lib/cli/lines.js')
const { Output } = require('../../lib/cli/output.js')
const { describe: describeError, report } = require('../../lib/cli/report.js')
const { turn } = require('../helpers/wait.js')

const MAX_LINE_BYTES = 16 * 1024 * 1024
const REPORTED = 500
const SHOWN = 400
const FLUSH_AT = 65536

const THREAT = {
  sequence: 1,
  timestampUs: 1_704_067_200_000_000,
  threatType: 'InjectionAttempt',
  severity: 'High',
  source: 's',
  details: 'd',
  blocked: true
}

describe('the bounds of the command line', () => {
  afterEach(() => mock.restoreAll())

  async function linesOf(...chunks) {
    const lines = []
    for await (const line of readLines(
      chunks.map((each) => Buffer.from(each))
    )) {
      lines.push(line)
    }
    return lines
  }

  it('a line of 16 MiB is read, a longer one is told, and the next read', async () => {
    const line = Buffer.alloc(MAX_LINE_BYTES, 'x')
    const [longest, tooLong, next] = await linesOf(
      line,
      '\n',
      line,
      'x\nnext\n'
    )
    assert.equal(longest.text.length, MAX_LINE_BYTES)
    assert.deepEqual(tooLong, {
      number: 2,
      error: `longer than ${MAX_LINE_BYTES} bytes`
    })
    assert.deepEqual(next, { number: 3, text: 'next' })
  })

  it('the last line needs no end, and none is made of nothing', async () => {
    const texts = async (...chunks) =>
      (await linesOf(...chunks)).map(({ text }) => text)
    assert.deepEqual(await texts('a\r\nb'), ['a', 'b'])
    assert.deepEqual(await texts('a\n'), ['a'])
    assert.deepEqual(await texts('\n', '', 'b'), ['', 'b'])
    assert.deepEqual(await texts(), [])
  })

  for (const [length, expected] of [
    [REPORTED, 'm'.repeat(REPORTED)],
    [REPORTED + 1, `${'m'.repeat(REPORTED)}...`]
  ]) {
    it(`of a message with ${length} characters, 500 are reported`, () => {
      let told = ''
      mock.method(process.stderr, 'write', (text) => {
        told += text
        return true
      })
      try {
        report('m'.repeat(length))
      } finally {
        mock.restoreAll()
      }
      assert.equal(told, `${expected}\n`)
    })
  }

  it('whatever was thrown is told as one line', () => {
    const coded = Object.assign(new Error('m'), { code: 'C' })
    assert.equal(describeError(coded), 'm [C]')
    assert.equal(describeError(new Error('m')), 'm')
    assert.equal(describeError('text'), 'text')
    assert.equal(describeError(undefined), 'undefined')
    assert.equal(describeError(null), 'null')
  })

  for (const [length, expected] of [
    [SHOWN, 'd'.repeat(SHOWN)],
    [SHOWN + 1, `${'d'.repeat(SHOWN)}... [1 more]`]
  ]) {
    it(`of ${length} characters of details, 400 are shown`, () => {
      const shown = formatThreat({ ...THREAT, details: 'd'.repeat(length) })
      assert.equal(shown.split('  ').at(-1), expected)
    })
  }

  it('no character is shown by half', () => {
    const details = `${'d'.repeat(SHOWN - 1)}😀`
    const shown = formatThreat({ ...THREAT, details })
    assert(shown.endsWith(`${'d'.repeat(SHOWN - 1)}... [2 more]`))
    const whole = `${'d'.repeat(SHOWN - 2)}😀`
    assert(formatThreat({ ...THREAT, details: whole }).endsWith(whole))
  })

  it('a time that is none, and names that are numbers, are shown as such', () => {
    const threat = {
      ...THREAT,
      timestampUs: 9e18,
      threatType: 'Unknown',
      threatTypeCode: 99,
      severity: 'Unknown',
      severityCode: 200,
      blocked: false
    }
    const shown = formatThreat(threat)
    assert(shown.startsWith('9000000000000000000 us  Unknown(200)  '))
    assert.match(shown, / {2}Unknown\(99\) +- {2}/)
    // A severity that has no colour has that of the unknown.
    const strange = { ...THREAT, severity: 'Strange' }
    assert(formatThreat(strange, { color: true }).includes('\u001b[35mStrange'))
  })

  it('a loss whose number or reason is unknown is told all the same', () => {
    const loss = { count: null, from: null, to: null, priority: null }
    assert.equal(
      formatLoss({ ...loss, reason: 'replaced' }),
      'lost an unknown number of threats: the ring was replaced'
    )
    assert.equal(
      formatLoss({ count: 1, from: 4, to: 4, priority: 0, reason: 'new' }),
      'lost 1 threat (4): new'
    )
  })

  describe('output', () => {
    let written
    let output
    let stream
    let failures

    beforeEach(() => {
      written = []
      failures = []
      stream = new Writable({
        highWaterMark: 2 ** 30,
        decodeStrings: false,
        write(chunk, _encoding, done) {
          written.push(chunk)
          done(chunk === 'fail\n' ? new Error('full') : null)
        }
      })
      output = new Output(stream, (error) => failures.push(error.message))
    })

    it('of one turn goes out behind it, or with 65,536 characters', async () => {
      output.write('x'.repeat(FLUSH_AT - 3))
      // With its end one less than enough.
      output.write('')
      assert.deepEqual(written, [])
      output.write('')
      assert.deepEqual(
        written.map(({ length }) => length),
        [FLUSH_AT]
      )
      output.write('later')
      assert.equal(written.length, 1)
      await turn()
      assert.equal(written[1], 'later\n')
    })

    it('that fails is told once, and then there is none', async () => {
      output.write('fail')
      output.flush()
      await turn()
      assert.deepEqual(failures, ['full'])
      stream.emit('error', new Error('still full'))
      assert.equal(output.write('more'), null)
      output.flush()
      await turn()
      assert.deepEqual([written, failures], [['fail\n'], ['full']])
    })
  })
})
