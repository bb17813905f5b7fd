'use strict'

// `kindly-guard-ipc tail`: what it prints, when it ends, what it never prints.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { Writable } = require('node:stream')
const { Output } = require('../../lib/cli/output.js')
const { toJson } = require('../../lib/cli/tail.js')
const { CommandLine, line, parse, details } = require('../helpers/command-line')

const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}]|(?! )\p{Zs}/u

const ESCAPE = '\u001b'

/** The colours that tail uses, and no others. */
const OUR_COLORS = new RegExp(`${ESCAPE}\\[(?:[0127]|27|3[1-6]|1;37;41)m`, 'g')

describe('kindly-guard-ipc tail', () => {
  const cli = new CommandLine()
  beforeEach(() => cli.setUp())
  afterEach(() => cli.tearDown())

  it('prints a threat while the writer still runs, and ends with it', async () => {
    const writer = await cli.openWriter()
    const reader = cli.follow('tail', '--from', 'oldest', '--json')
    writer.process.stdin.write(line({ details: 'now' }))
    await cli.until(reader, ({ stdout }) => stdout.includes('"now"'))
    assert.equal(writer.process.exitCode, null)
    writer.process.stdin.end(line({ details: 'last' }))
    const { code, stdout } = await reader.ended
    assert.deepEqual(details(stdout), ['now', 'last'])
    assert.equal(code, 0)
  })

  it('prints only what comes after it, and stays when the writer goes', async () => {
    const writer = await cli.openWriter()
    writer.process.stdin.write(line({ details: 'old' }))
    const old = cli.follow('tail', '--from', 'oldest', '--limit', '1')
    await old.ended
    const reader = cli.follow('tail', '--json')
    const busy = setInterval(() => writer.process.stdin.write(line({})), 10)
    await cli.until(reader, ({ stdout }) => stdout !== '')
    clearInterval(busy)
    writer.process.stdin.end()
    await writer.ended
    await cli.run(['publish'], line({ details: 'new' }))
    await cli.until(reader, ({ stdout }) => stdout.includes('"new"'))
    reader.process.kill('SIGINT')
    const { code, stdout } = await reader.ended
    assert(!stdout.includes('"old"'))
    assert.equal(code, 0)
  })

  it('goes on with the next writers when told to follow', async () => {
    const reader = cli.follow('tail', '--from', '1', '--wait', '-f', '--json')
    const words = ['one', 'two', 'three', 'four', 'five']
    for (const word of words) {
      await cli.run(['publish'], line({ details: word }))
      await cli.until(reader, ({ stdout }) => stdout.includes(`"${word}"`))
    }
    reader.process.kill('SIGINT')
    assert.deepEqual(details((await reader.ended).stdout), words)
  })

  it('waits for a ring and prints it from its beginning', async () => {
    const reader = cli.follow('tail', '--wait', '--json')
    await cli.until(reader, ({ stderr }) => stderr.includes('waiting for one'))
    await cli.run(
      ['publish'],
      line({ details: 'one' }) + line({ details: 'two' })
    )
    await cli.until(reader, ({ stdout }) => stdout.includes('"two"'))
    reader.process.kill('SIGTERM')
    const { code, stdout } = await reader.ended
    assert.deepEqual(details(stdout), ['one', 'two'])
    assert.equal(code, 0)
  })

  it('begins at a number and ends at a limit', async () => {
    const all = ['a', 'b', 'c', 'd'].map((text) => line({ details: text }))
    await cli.run(['publish'], all.join(''))
    const args = ['tail', '--from', '2', '--limit', '2', '--json']
    const { code, stdout } = await cli.run(args)
    assert.deepEqual(details(stdout), ['b', 'c'])
    assert.equal(code, 0)
    assert.equal((await cli.run(['tail', '--from', '9'])).stdout, '')
  })

  it('prints as JSON exactly what was published', async () => {
    const sent = [
      { source: '\0nul\0', details: 'in\0side and at the end\0' },
      { source: '源'.repeat(100), details: '😀 é \u202e'.repeat(2000) },
      {
        id: 'own-1',
        context: { file: 'a.js', lines: [1, 2], '\u200b': null }
      }
    ]
    await cli.run(['publish'], sent.map(line).join(''))
    const { stdout } = await cli.run(['tail', '--from', 'oldest', '--json'])
    const got = parse(stdout)
    assert.equal(got.length, sent.length)
    sent.forEach((threat, i) => {
      for (const [key, value] of Object.entries(threat)) {
        assert.deepEqual(got[i][key], value)
      }
    })
  })

  it('prints JSON that can be published again, numbers kept', async () => {
    const sent = line({ threatType: 99, severity: 200, timestampUs: 12345 })
    await cli.run(['publish'], sent)
    const args = ['tail', '--from', 'oldest', '--json']
    const first = await cli.run(args)
    await cli.run(['publish'], first.stdout)
    const [one, two] = parse((await cli.run(args)).stdout)
    assert.deepEqual([one.threatTypeCode, one.severityCode], [99, 200])
    assert.match(one.generation, /^[0-9a-f]{16}$/)
    // Of a severity above Critical, both are priority threats.
    assert.deepEqual([one.priority, two.priority], [1, 2])
    assert.deepEqual(two, { ...one, sequence: 2, priority: 2 })
  })

  it('prints a threat without a context that JSON cannot write', () => {
    const told = []
    const tell = (text) => told.push(text)
    const tooDeep = {
      toJSON() {
        throw new RangeError('Maximum call stack size exceeded')
      }
    }
    const json = toJson({ sequence: 7, context: tooDeep }, tell)
    assert.equal(json, '{"sequence":7}')
    assert.deepEqual(told, ['threat 7: its context is nested too deeply'])
  })

  it('prints a threat with a deep context, or without, and says so', () => {
    const nested = '['.repeat(1e5) + ']'.repeat(1e5)
    const told = []
    const tell = (text) => told.push(text)
    const json = toJson({ sequence: 7, context: JSON.parse(nested) }, tell)
    // Node 26 has no limit to what it writes.
    const isWhole = told.length === 0
    const without = '{"sequence":7}'
    const whole = `{"sequence":7,"context":${nested}}`
    assert(json === (isWhole ? whole : without), json.slice(0, 80))
    assert.equal(told.length, isWhole ? 0 : 1)
  })

  it('tells on stderr what is lost', async () => {
    const input = line({}).repeat(40)
    await cli.run(['publish', '--max-events', '16'], input)
    const human = await cli.run(['tail', '--from', '1'])
    const json = await cli.run(['tail', '--from', '1', '--json'])
    const { lost } = JSON.parse(json.stderr)
    assert.equal(lost.reason, 'overwritten')
    assert.equal(lost.from, 1)
    assert.equal(
      human.stderr,
      `lost ${lost.count} threats (1 to ${lost.to}): overwritten\n`
    )
    assert.equal(lost.count + parse(json.stdout).length, 40)
  })

  it('tells how many of the lost were priority threats', async () => {
    const args = ['publish', '--max-events', '16']
    const told = async (from) => {
      const { stderr } = await cli.run(['tail', '--from', from])
      return stderr.split(':')[0]
    }
    await cli.run(args, line({ severity: 'Low' }).repeat(17))
    assert.equal(await told('oldest'), 'lost 1 threat (1)')
    await cli.run(args, line({ severity: 'Critical' }).repeat(40))
    assert.equal(
      await told('oldest'),
      'lost 41 threats, 24 of them priority threats (1 to 41)'
    )
    // The counter before the second one is gone.
    assert.equal(
      await told('2'),
      'lost 16 threats, an unknown number of them priority threats (2 to 17)'
    )
  })

  it('marks a threat that came cut', async () => {
    const long = line({ details: 'x'.repeat(5000) })
    await cli.run(['publish'], line({ details: 'whole' }) + long)
    const small = { KINDLY_GUARD_IPC_MAX_EVENT_BYTES: '4096' }
    const { stdout } = await cli.run(['tail', '--from', 'oldest'], '', small)
    const [whole, cut] = stdout.trimEnd().split('\n')
    assert(whole.endsWith('  whole'))
    assert(cut.endsWith('xxx  [cut]'))
  })

  it('ends quietly when its pipe is closed', async () => {
    const writer = await cli.openWriter()
    const reader = cli.start(['tail', '--from', 'oldest', '--dir', cli.dir])
    const heard = once(reader.process.stdout, 'data')
    writer.process.stdin.write(line({}))
    await heard
    reader.process.stdout.destroy()
    let said = ''
    reader.process.stderr.on('data', (text) => (said += text))
    const busy = setInterval(() => writer.process.stdin.write(line({})), 10)
    const { code, signal } = await reader.ended
    clearInterval(busy)
    assert.deepEqual(
      { code, signal, said },
      { code: 0, signal: null, said: '' }
    )
  })

  it('ends by SIGINT with 0, also when nobody reads its pipe', async () => {
    // More than a pipe holds and its two ends buffer.
    const input = line({ details: 'x'.repeat(20000) }).repeat(60)
    await cli.run(['publish', '--max-events', '8192'], input)
    const args = ['tail', '--from', 'oldest', '--follow', '--json']
    const reader = cli.start([...args, '--dir', cli.dir])
    await once(reader.process.stdout, 'readable')
    reader.process.kill('SIGINT')
    const [code] = await once(reader.process, 'exit')
    reader.process.stdout.resume()
    assert.equal(code, 0)
  })

  it('waits until what it wrote was taken', async () => {
    const taken = []
    const stream = new Writable({
      highWaterMark: 8,
      write: (chunk, _encoding, done) => taken.push({ chunk, done })
    })
    const output = new Output(stream, assert.fail)
    assert.equal(output.write('small'), null)
    output.flush()
    assert.equal(output.write('larger than the mark'), null)
    output.flush()
    const blocked = output.write('next')
    assert(blocked instanceof Promise)
    taken[0].done()
    taken[1].done()
    await blocked
    output.flush()
    assert.equal(
      taken.map(({ chunk }) => String(chunk)).join(''),
      'small\nlarger than the mark\nnext\n'
    )
  })

  describe('what attackers write', () => {
    // Sequences that no line of ours uses: blinking, a title, a C1 control.
    const hostile =
      '\u001b[5mblink \u001b]0;title\u0007 \u009b2J \r\n\t\b\u007f \u202e\u2066 ' +
      '\u200b\u200d\ufeff \u{e0041}\ufe0f \u3164\u2800\u00a0\u2028 C:\\x'

    it('never reaches the terminal as it is', async () => {
      await cli.run(['publish'], line({ source: hostile, details: hostile }))
      const args = ['tail', '--from', 'oldest']
      const plain = (await cli.run(args)).stdout.slice(0, -1)
      const json = (await cli.run([...args, '--json'])).stdout.slice(0, -1)
      const colored = await cli.run(args, '', { FORCE_COLOR: '1' })
      // Only our own colours may be left.
      const bare = colored.stdout.slice(0, -1).replace(OUR_COLORS, '')
      assert.notEqual(colored.stdout.slice(0, -1), bare)
      assert.equal(bare, plain)
      for (const text of [plain, json]) assert.doesNotMatch(text, HIDDEN)
      assert(plain.includes('\\x1b[5mblink'))
      assert(plain.includes('\\u{202e}\\u{2066}'))
      assert(plain.includes('C:\\\\x'))
      assert.equal(JSON.parse(json).details, hostile)
    })

    it('never reaches the terminal in an error message either', async () => {
      const { code, stderr } = await cli.run(['publish'], `${hostile}\n`)
      assert.equal(code, 1)
      for (const text of stderr.trim().split('\n')) {
        assert.doesNotMatch(text, HIDDEN)
      }
    })

    it('is not coloured in a pipe, nor where NO_COLOR is set', async () => {
      await cli.run(['publish'], line({ severity: 'Critical' }))
      for (const env of [{}, { NO_COLOR: '1' }]) {
        const { stdout } = await cli.run(['tail', '--from', 'oldest'], '', env)
        assert.match(stdout, /Critical/)
        assert(!stdout.includes(ESCAPE))
      }
    })
  })
})
