'use strict'

// The command line over WebSocket, by what there is, and by a configuration.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { CommandLine, line, parse, details } = require('../helpers/command-line')
const { IS_WINDOWS } = require('../helpers/system.js')

describe('kindly-guard-ipc by transport', () => {
  const cli = new CommandLine()
  let config

  beforeEach(() => {
    cli.setUp()
    config = configure('[ipc.websocket]\nport = 0\n')
  })
  afterEach(() => cli.tearDown())

  function configure(toml) {
    const file = path.join(cli.dir, 'config.toml')
    fs.writeFileSync(file, toml)
    return ['--config', file]
  }

  /** A publish over WebSocket that listens; resolves when it does. */
  async function openWriter(...args) {
    const writer = cli.follow('publish', ...config, ...args)
    // It has started before stdin is read, so a refused line proves it.
    writer.process.stdin.write('?\n')
    await cli.until(writer, ({ stderr }) => stderr.includes('line 1:'))
    return writer
  }

  const WEBSOCKET = ['--transport', 'websocket']

  it('a tail over WebSocket prints what came before and after it', async () => {
    const writer = await openWriter(...WEBSOCKET)
    writer.process.stdin.write(line({ details: 'before', context: { a: 1 } }))
    const reader = cli.follow(
      'tail',
      ...WEBSOCKET,
      '--from',
      'oldest',
      '--json'
    )
    await cli.until(reader, ({ stdout }) => stdout.includes('"before"'))
    assert(!fs.existsSync(path.join(cli.dir, 'kindly-guard.shm')))
    // The last ones are not lost with the publisher.
    writer.process.stdin.end(line({ details: 'after' }).repeat(500))
    const { code, stdout, stderr } = await reader.ended
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(details(stdout), [
      'before',
      ...Array.from({ length: 500 }, () => 'after')
    ])
    assert.deepEqual(parse(stdout)[0].context, { a: 1 })
    assert.equal(
      (await writer.ended).stderr.split('\n').at(-2).slice(0, 13),
      'published 501'
    )
  })

  it('stats over WebSocket say where the Shield is', async () => {
    const writer = await openWriter(...WEBSOCKET)
    writer.process.stdin.write(line({}).repeat(3))
    const { socket } = await untilPublished(3)
    if (!IS_WINDOWS) {
      assert.equal(socket, path.join(cli.dir, 'kindly-guard.sock'))
    }
    const { stdout } = await cli.run(['stats', ...WEBSOCKET])
    assert.match(
      stdout,
      /^socket {6}[/\\].*\ngeneration {2}[0-9a-f]{16}\nwriter {6}live\npublished {3}3\n$/
    )
    assert(stdout.includes(`${socket}\n`))
    // Without a ring, that is what there is to say.
    assert.equal((await cli.run(['stats'])).stdout, stdout)
    writer.process.stdin.end()
    await writer.ended
    const ended = await cli.run(['stats', ...WEBSOCKET])
    assert.equal(ended.code, 1)
    assert.match(ended.stderr, /has closed.*\[ERR_WEBSOCKET_UNREACHABLE]\n$/)
  })

  async function untilPublished(count) {
    for (;;) {
      const { stdout } = await cli.run(['stats', ...WEBSOCKET, '--json'])
      const stats = JSON.parse(stdout)
      if (stats.published === count) return stats
    }
  }

  it('auto uses WebSocket where there is no addon', async () => {
    const env = { KINDLY_GUARD_IPC_NO_NATIVE: '1' }
    const args = [...config, '--dir', cli.dir]
    const writer = cli.collect(['publish', ...args], env)
    writer.process.stdin.write(line({ details: 'one' }))
    const reader = cli.collect(
      [
        'tail',
        '--wait',
        '--from',
        'oldest',
        '--limit',
        '1',
        '--json',
        '--dir',
        cli.dir
      ],
      env
    )
    const { code, stdout } = await reader.ended
    assert.equal(code, 0)
    assert.deepEqual(details(stdout), ['one'])
    writer.process.stdin.end()
    assert.equal((await writer.ended).code, 0)
    const shm = await cli.run(['publish', '--transport', 'shm'], '', env)
    assert.equal(shm.code, 1)
    assert.match(shm.stderr, /NO_NATIVE.*\[ERR_SHM_UNAVAILABLE]/)
  })

  it('a second publish is refused while the first lives', async () => {
    await openWriter(...WEBSOCKET)
    const { code, stderr } = await cli.run(['publish', ...config, ...WEBSOCKET])
    assert.equal(code, 1)
    assert.match(stderr, /\[ERR_RING_LOCKED]/)
  })

  it('the configuration names the place, the command line another', async () => {
    const elsewhere = path.join(cli.dir, 'elsewhere')
    const args = configure(
      '[ipc.shm]\ndir = "elsewhere"\nfrom = "oldest"\n[ipc.websocket]\nport = 0\n'
    )
    fs.mkdirSync(elsewhere, { mode: 0o700 })
    const writer = cli.collect(['publish', ...args, ...WEBSOCKET])
    writer.process.stdin.write(line({ details: 'there' }))
    const tail = ['tail', ...args, ...WEBSOCKET, '--wait', '--limit', '1']
    const { stdout } = await cli.collect([...tail, '--json']).ended
    assert.deepEqual(details(stdout), ['there'])
    const here = await cli.run(['tail', ...args, ...WEBSOCKET])
    assert.equal(here.code, 1)
    const file = path.join(cli.dir, 'kindly-guard.json')
    assert(here.stderr.includes(`no ${file}`), here.stderr)
    writer.process.stdin.end()
  })

  it('the environment goes before the configuration', async () => {
    const env = { KINDLY_GUARD_IPC_NAME: 'other' }
    const writer = cli.collect(
      ['publish', ...config, ...WEBSOCKET, '--dir', cli.dir],
      env
    )
    writer.process.stdin.write('?\n')
    await cli.until(writer, ({ stderr }) => stderr.includes('line 1:'))
    assert(fs.existsSync(path.join(cli.dir, 'other.json')))
    writer.process.stdin.end()
  })

  const wrong = {
    '--transport smoke': [2, /--transport takes shm, websocket or auto/],
    '--config nowhere.toml': [1, /nowhere\.toml.*ENOENT.*ERR_CONFIG_INVALID/]
  }
  for (const [args, [code, message]] of Object.entries(wrong)) {
    for (const command of ['publish', 'tail', 'stats']) {
      it(`${command} ${args}: ${code}`, async () => {
        const result = await cli.run([command, ...args.split(' ')])
        assert.equal(result.code, code)
        assert.match(result.stderr, message)
        assert.equal(result.stdout, '')
      })
    }
  }

  it('a wrong value in the configuration is named with its file', async () => {
    const args = configure('[ipc.websocket]\nport = "many"\n')
    const { code, stderr } = await cli.run(['tail', ...args])
    assert.equal(code, 1)
    assert.match(
      stderr,
      /ipc\.websocket\.port in .*config\.toml: expected a whole number from 0 to 65535, or false for none, got 'many' \[ERR_INVALID_OPTION]\n$/
    )
  })

  it('tail and stats find nothing: one line, and 1', async () => {
    for (const command of ['tail', 'stats']) {
      for (const transport of ['auto', 'websocket']) {
        const args = [command, '--transport', transport]
        const { code, stdout, stderr } = await cli.run(args)
        assert.deepEqual([code, stdout], [1, ''])
        assert.match(stderr, /^kindly-guard-ipc: .*\[ERR_[A-Z_]+]\n$/)
      }
    }
  })
})
