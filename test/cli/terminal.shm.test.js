'use strict'
// What the commands say to a person at a terminal, and what they do when they
// could not run for a while.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { CommandLine, details, line } = require('../helpers/command-line')

describe('kindly-guard-ipc at a terminal', () => {
  const cli = new CommandLine()
  beforeEach(() => cli.setUp())
  afterEach(() => cli.tearDown())

  /** A command whose stdin and stderr are a terminal's, as it thinks. */
  function atTerminal(...args) {
    const file = path.join(cli.dir, 'terminal.js')
    fs.writeFileSync(
      file,
      'process.stderr.isTTY = true; process.stdin.isTTY = true'
    )
    const env = { NODE_OPTIONS: `--require ${file}` }
    return cli.collect([...args, '--dir', cli.dir], env)
  }

  const says = (child, text) =>
    cli.until(child, ({ stderr }) => stderr.includes(text))

  it('tail says what it reads, and how its writer is', async () => {
    const reader = atTerminal('tail', '--wait', '--json')
    await says(reader, 'no Shield yet, waiting for one\n')
    const config = path.join(cli.dir, 'config.toml')
    fs.writeFileSync(config, '[ipc.websocket]\nport = 0\n')
    const over = ['--transport', 'websocket', '--config', config]
    const first = cli.follow('publish', ...over)
    first.process.stdin.write(line({ details: 'one' }))
    await cli.until(reader, ({ stdout }) => stdout.includes('"one"'))
    first.process.stdin.end()
    await says(reader, 'connecting: ')
    const second = await cli.openWriter()
    await says(reader, 'shm: the ring is there\n')
    second.process.stdin.end()
    await says(reader, 'the writer is gone\n')
    const third = await cli.openWriter()
    await says(reader, 'the writer lives\n')
    third.process.stdin.end()
    await third.ended
    reader.process.kill('SIGINT')
    const { code, stdout } = await reader.ended
    assert.equal(code, 0)
    assert.deepEqual(details(stdout), ['one'])
  })

  it('publish says what it waits for', async () => {
    const writer = atTerminal('publish')
    await says(writer, 'reading threats from stdin, one JSON object per line')
    writer.process.stdin.end(line({}))
    const { code, stderr } = await writer.ended
    assert.equal(code, 0)
    assert.match(stderr, /\npublished 1, refused 0\n$/)
  })

  it('in a pipe, tail says nothing of that', async () => {
    const reader = cli.follow('tail', '--from', 'oldest', '--wait', '--json')
    await says(reader, 'waiting for one\n')
    await cli.run(['publish'], line({ details: 'one' }))
    const { stderr } = await reader.ended
    assert.equal(stderr, 'no Shield yet, waiting for one\n')
  })

  /** A publish whose ring holds all that a test writes. */
  async function openLargeWriter() {
    const writer = cli.follow('publish', '--max-events', '8192')
    writer.process.stdin.write('?\n')
    await says(writer, 'line 1:')
    return writer
  }

  it('a tail that was stopped prints what was published last, and ends', async () => {
    const writer = await openLargeWriter()
    const reader = cli.follow('tail', '--from', 'oldest', '--json')
    writer.process.stdin.write(line({ details: 'first' }))
    await cli.until(reader, ({ stdout }) => stdout.includes('"first"'))
    reader.process.kill('SIGSTOP')
    writer.process.stdin.end(line({ details: 'last' }).repeat(3000))
    await writer.ended
    reader.process.kill('SIGCONT')
    const { code, stdout } = await reader.ended
    assert.equal(code, 0)
    assert.deepEqual(details(stdout), ['first', ...Array(3000).fill('last')])
  })

  it('a tail with a limit that was stopped prints no more than that', async () => {
    const writer = await openLargeWriter()
    const args = ['tail', '--from', 'oldest', '--json', '--limit', '5']
    const reader = cli.follow(...args)
    writer.process.stdin.write(line({ details: 'first' }))
    await cli.until(reader, ({ stdout }) => stdout.includes('"first"'))
    reader.process.kill('SIGSTOP')
    writer.process.stdin.end(line({ details: 'last' }).repeat(3000))
    await writer.ended
    reader.process.kill('SIGCONT')
    const { code, stdout } = await reader.ended
    assert.deepEqual([code, details(stdout).length], [0, 5])
  })

  for (const limit of ['0', '-1', '1.5', 'many', '9007199254740993']) {
    it(`tail --limit=${limit}: a wrong command line`, async () => {
      const { code, stderr } = await cli.run(['tail', `--limit=${limit}`])
      assert.equal(code, 2)
      assert(stderr.includes(`from 1, not '${limit}'\n`), stderr)
    })
  }

  it('without WebSocket and without a ring, the ring is what is missing', async () => {
    const file = path.join(cli.dir, 'config.toml')
    fs.writeFileSync(file, '[ipc.websocket]\nenabled = false\n')
    for (const command of ['tail', 'stats']) {
      const { code, stderr } = await cli.run([command, '--config', file])
      assert.equal(code, 1)
      assert.match(stderr, /\[ERR_NO_RING]\n$/)
    }
  })
})
