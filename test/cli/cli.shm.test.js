'use strict'

// The command line as a whole, and its commands publish and stats.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { version } = require('../../package.json')
const { readLines } = require('../../lib/cli/lines.js')
const { ShmClient } = require('../../lib/index.js')
const {
  CommandLine,
  details,
  line,
  MAIN,
  parse
} = require('../helpers/command-line')

describe('kindly-guard-ipc', () => {
  const cli = new CommandLine()
  beforeEach(() => cli.setUp())
  afterEach(() => cli.tearDown())

  describe('publish', () => {
    it('writes what tail then shows', async () => {
      const input = line({ details: 'first', blocked: true })
      const published = await cli.run(['publish'], input)
      assert.deepEqual(published, {
        code: 0,
        signal: null,
        stdout: '',
        stderr: 'published 1, refused 0\n'
      })
      const { code, stdout, stderr } = await cli.run([
        'tail',
        '--from',
        'oldest'
      ])
      assert.match(
        stdout,
        /^20\d\d-\d\d-\d\dT[\d:.]+Z {2}High +InjectionAttempt +blocked {2}src\/app\.js:1 {2}first\n$/
      )
      assert.deepEqual([code, stderr], [0, ''])
    })

    it('names each bad line, goes on, and ends with 1', async () => {
      const input = Buffer.concat([
        Buffer.from(`${line({ details: 'good' })}{bad\n[1]\nnull\n`),
        Buffer.from(line({ severity: 'Tiny' })),
        Buffer.from(line({ source: 7 })),
        Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
        Buffer.from(line({ details: 'also good' }))
      ])
      const { code, stderr } = await cli.run(['publish'], input)
      const told = stderr.trim().split('\n')
      assert.equal(code, 1)
      assert.equal(told.length, 7)
      assert.match(told[0], /^line 2: .*JSON/)
      assert.match(told[1], /^line 3: a threat is a JSON object$/)
      assert.match(told[2], /^line 4: a threat is a JSON object$/)
      assert.match(
        told[3],
        /^line 5: .*severity.*'Tiny'.*\[ERR_INVALID_THREAT]$/
      )
      assert.match(told[4], /^line 6: .*source.*\[ERR_INVALID_THREAT]$/)
      assert.equal(told[5], 'line 7: not valid UTF-8')
      assert.equal(told[6], 'published 2, refused 6')
      const { stdout } = await cli.run(['tail', '--from', 'oldest', '--json'])
      assert.deepEqual(details(stdout), ['good', 'also good'])
    })

    it('takes CRLF, blank lines and a last line without an end', async () => {
      const one = line({ details: 'one' }).replace('\n', '\r\n')
      const two = line({ details: 'two' }).trim()
      const { stderr } = await cli.run(['publish'], `\n${one}\r\n  \n${two}`)
      assert.equal(stderr, 'published 2, refused 0\n')
      const { stdout } = await cli.run(['tail', '--from', 'oldest', '--json'])
      assert.deepEqual(details(stdout), ['one', 'two'])
    })

    it('passes over a line of more than 16 MiB', async () => {
      const input = `${'x'.repeat(2 ** 24 + 1)}\n${line({ details: 'next' })}`
      const { stderr } = await cli.run(['publish'], input)
      assert.equal(
        stderr,
        'line 1: longer than 16777216 bytes\npublished 1, refused 1\n'
      )
    })

    it('leaves a ring that another writer holds alone', async () => {
      await cli.openWriter()
      const { code, stderr } = await cli.run(['publish'], line({}))
      assert.equal(code, 1)
      assert.match(stderr, /^kindly-guard-ipc: .* \[ERR_RING_LOCKED]\n$/)
    })

    it('ends by SIGINT with its summary, 130 and a free ring', async () => {
      const writer = await cli.openWriter()
      writer.process.kill('SIGINT')
      const { code, stderr } = await writer.ended
      assert.equal(code, 130)
      assert.match(stderr, /\npublished 0, refused 1\n$/)
      assert.equal((await cli.run(['publish'], line({}))).code, 0)
    })

    it('ends by SIGINT while it waits for a reader, too', async () => {
      const config = path.join(cli.dir, 'config.toml')
      fs.writeFileSync(
        config,
        '[ipc.shm]\noverflow = "reject"\nreader_timeout_ms = 3600000\n'
      )
      const writer = cli.follow(
        ...['publish', '--config', config, '--max-events', '16']
      )
      writer.process.stdin.write('?\n')
      await cli.until(writer, ({ stderr }) => stderr.includes('line 1:'))
      const client = new ShmClient({ dir: cli.dir, reliable: true })
      try {
        writer.process.stdin.write(line({}).repeat(40))
        await cli.until(writer, () => client.stats().published === 16)
        writer.process.kill('SIGINT')
        const { code, stderr } = await writer.ended
        assert.equal(code, 130)
        assert.match(stderr, /\npublished 16, refused 1\n$/)
      } finally {
        await client.close()
      }
    })
  })

  for (const [flag, value] of [
    ['--name', '../other'],
    ['--dir', ''],
    ['--max-events', '99999999'],
    ['--buffer-size', 'large']
  ]) {
    it(`ends with 2 for ${flag} '${value}', and names it`, async () => {
      const { code, stderr } = await cli.collect(['publish', flag, value]).ended
      assert.equal(code, 2)
      assert(stderr.startsWith(`kindly-guard-ipc: ${flag}: expected `), stderr)
    })
  }

  it('ends with 1 when its output could not be written', async () => {
    await cli.run(['publish'], line({}))
    for (const args of [
      ['stats', '--dir', cli.dir],
      ['tail', '--from', 'oldest', '--dir', cli.dir],
      ['--help'],
      ['tail', '--version']
    ]) {
      const full = fs.openSync('/dev/full', 'w')
      const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
        stdio: ['ignore', full, 'pipe'],
        encoding: 'utf8'
      })
      fs.closeSync(full)
      assert.equal(status, 1, args.join(' '))
      assert.match(stderr, /^kindly-guard-ipc: .* \[ENOSPC]\n$/)
    }
  })

  describe('stats', () => {
    it('shows a ring, with and without a living writer', async () => {
      const writer = await cli.openWriter()
      const live = JSON.parse((await cli.run(['stats', '--json'])).stdout)
      assert.equal(live.writer, 'live')
      assert.deepEqual([live.published, live.oldest], [0, null])
      writer.process.stdin.end(line({}).repeat(3))
      await writer.ended
      const { code, stdout } = await cli.run(['stats', '--json'])
      const gone = { ...live, writer: 'gone', published: 3, oldest: 1 }
      assert.deepEqual(JSON.parse(stdout), gone)
      assert.equal(code, 0)
      const human = (await cli.run(['stats'])).stdout
      assert(human.includes(path.join(cli.dir, 'kindly-guard.shm')))
      assert(human.includes(gone.generation))
      assert.match(human, /^writer +gone$/m)
      assert.match(human, /^capacity +1024 slots$/m)
      assert.match(human, /^published +3$/m)
    })

    it('names the oldest threat that is still held', async () => {
      await cli.run(['publish', '--max-events', '16'], line({}).repeat(40))
      const { oldest, published } = parse(
        (await cli.run(['stats', '--json'])).stdout
      )[0]
      const first = await cli.run(['tail', '--from', 'oldest', '--json'])
      assert.equal(published, 40)
      assert.equal(oldest, parse(first.stdout)[0].sequence)
      assert(oldest > 1)
    })
  })

  describe('the command line itself', () => {
    for (const args of [
      [],
      ['frobnicate'],
      ['constructor'],
      ['--bogus'],
      ['tail', '--bogus'],
      ['tail', 'extra'],
      ['tail', '--from', 'yesterday'],
      ['tail', '--from', '0'],
      ['tail', '--limit', '1.5'],
      ['publish', '--max-events', 'many'],
      ['stats', '--dir']
    ]) {
      it(`refuses '${args.join(' ')}' with 2`, async () => {
        const { code, stdout, stderr } = await cli.collect(args).ended
        assert.deepEqual([code, stdout], [2, ''])
        assert.match(stderr, /^kindly-guard-ipc: .+\nTry: .*--help\n$/)
      })
    }

    const all = ['publish', 'bridge', 'tail', 'top', 'stats', 'unread']
    all.push('doctor', 'check', 'build', 'claude-hook')

    it('lists all commands', async () => {
      const { stdout } = await cli.collect(['--help']).ended
      const listed = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) {2,}\S/gm)]
      assert.deepEqual(
        listed.map(([, name]) => name),
        all
      )
    })

    for (const command of [[], ...all.map((name) => [name])]) {
      const name = ['kindly-guard-ipc', ...command].join(' ')
      it(`helps with ${name} and tells its version`, async () => {
        const help = await cli.collect([...command, '--help']).ended
        assert(help.stdout.startsWith(`Usage: ${name} `))
        assert.deepEqual([help.code, help.stderr], [0, ''])
        const asked = await cli.collect([...command, '--version']).ended
        assert.deepEqual([asked.code, asked.stdout], [0, `${version}\n`])
      })
    }

    for (const command of ['tail', 'stats']) {
      it(`says in one line that ${command} found no ring`, async () => {
        const { code, stdout, stderr } = await cli.run([command])
        assert.deepEqual([code, stdout], [1, ''])
        assert.match(stderr, /^kindly-guard-ipc: .+ \[ERR_NO_RING]\n$/)
        assert(stderr.includes(cli.dir))
      })
    }
  })

  describe('lines of stdin', () => {
    async function read(bytes, size, limit) {
      const lines = []
      const chunks = (function* () {
        for (let at = 0; at < bytes.length; at += size) {
          yield bytes.subarray(at, at + size)
        }
      })()
      for await (const each of readLines(chunks, limit)) lines.push(each)
      return lines
    }

    it('are the same however the chunks are cut', async () => {
      const bytes = Buffer.from('\ufeffé\r\n\n😀漢\n\r\nlast')
      const expected = ['é', '', '😀漢', '', 'last']
      for (let size = 1; size <= bytes.length; size++) {
        const lines = await read(bytes, size)
        assert.deepEqual(
          lines,
          expected.map((text, i) => ({ number: i + 1, text }))
        )
      }
    })

    it('may be as long as the limit and not a byte longer', async () => {
      const bytes = Buffer.from('12345678\n123456789\n1234\n')
      for (const size of [1, 3, 100]) {
        assert.deepEqual(await read(bytes, size, 8), [
          { number: 1, text: '12345678' },
          { number: 2, error: 'longer than 8 bytes' },
          { number: 3, text: '1234' }
        ])
      }
    })
  })
})
