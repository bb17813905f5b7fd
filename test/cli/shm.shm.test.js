'use strict'
// `--transport shm`: the ring and nothing else, by every command.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { CommandLine, details, line } = require('../helpers/command-line')

const SHM = ['--transport', 'shm']

describe('kindly-guard-ipc --transport shm', () => {
  const cli = new CommandLine()
  beforeEach(() => cli.setUp())
  afterEach(() => cli.tearDown())

  /** A tail that has said that it waits. */
  async function waiting(...args) {
    const reader = cli.follow('tail', ...SHM, '--wait', '--json', ...args)
    await cli.until(reader, ({ stderr }) => stderr.includes('waiting for one'))
    return reader
  }

  const words = (...list) =>
    list.map((word) => line({ details: word })).join('')

  async function ended(reader) {
    reader.process.kill('SIGTERM')
    const { code, stdout, stderr } = await reader.ended
    return { code, stderr, words: details(stdout) }
  }

  it('a tail that waited prints a ring from its beginning', async () => {
    const reader = await waiting()
    // It has looked again before these processes have come and gone.
    for (let i = 0; i < 3; i++) await cli.run(['stats', ...SHM])
    await cli.run(['publish', ...SHM], words('one', 'two'))
    await cli.until(reader, ({ stdout }) => stdout.includes('"two"'))
    assert.deepEqual(await ended(reader), {
      code: 0,
      // Told once, however often it looked.
      stderr: 'no ring yet, waiting for one\n',
      words: ['one', 'two']
    })
  })

  it('a tail that waited begins where it was told to', async () => {
    const reader = await waiting('--from', '2', '--follow')
    await cli.run(['publish', ...SHM], words('one', 'two', 'three'))
    await cli.until(reader, ({ stdout }) => stdout.includes('"three"'))
    assert.deepEqual((await ended(reader)).words, ['two', 'three'])
  })

  it('a tail that found a ring prints what comes after it', async () => {
    await cli.run(['publish', ...SHM], words('old'))
    const reader = cli.follow('tail', ...SHM, '--wait', '--json')
    const writer = cli.follow('publish', ...SHM)
    while (!reader.stdout.includes('"new"')) {
      writer.process.stdin.write(words('new'))
      await cli.until(writer, () => true)
      await new Promise((resolve) => {
        setTimeout(resolve, 5)
      })
    }
    const { code, words: got } = await ended(reader)
    assert.deepEqual([code, got.includes('old')], [0, false])
  })

  it('a tail that waits ends by a signal', async () => {
    const reader = await waiting()
    reader.process.kill('SIGINT')
    const { code, signal, stdout } = await reader.ended
    assert.deepEqual([code, signal, stdout], [0, null, ''])
  })

  it('a tail does not wait for a ring that is wrong', async () => {
    const file = path.join(cli.dir, 'kindly-guard.shm')
    fs.writeFileSync(file, 'no ring', { mode: 0o600 })
    const { code, stderr } = await cli.run(['tail', ...SHM, '--wait'])
    assert.equal(code, 1)
    assert.match(stderr, /\[ERR_RING_(INVALID|TRUNCATED)]\n$/)
  })

  it('without a ring, tail and stats say so and open no socket', async () => {
    for (const command of ['tail', 'stats']) {
      const { code, stdout, stderr } = await cli.run([command, ...SHM])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /\[ERR_NO_RING]\n$/)
    }
    const writer = cli.follow('publish', ...SHM)
    writer.process.stdin.write('?\n')
    await cli.until(writer, ({ stderr }) => stderr.includes('line 1:'))
    const names = fs.readdirSync(cli.dir)
    assert.deepEqual(
      names.filter((name) => /\.(sock|json)$/.test(name)),
      []
    )
    const { code, stdout } = await cli.run(['stats', ...SHM])
    assert.equal(code, 0)
    assert.match(stdout, /^path .*kindly-guard\.shm\n.*\nwriter {6}live\n/)
  })
})
