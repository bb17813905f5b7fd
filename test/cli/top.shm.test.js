'use strict'
// `kindly-guard-ipc top` in a real terminal: what is seen there, and that the
// terminal is given back on every way out.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { CommandLine, MAIN } = require('../helpers/command-line.js')
const { Terminal } = require('../helpers/terminal.js')
const { threat, useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')

const HOSTILE = {
  source: 'mcp \u001b[31m\u202e',
  details: '\u001b[2J\u001b[?1049l\r\n日本語 done'
}

describe('kindly-guard-ipc top', function () {
  this.timeout(60_000)
  const ring = useRing()
  const cli = new CommandLine()
  let terminals

  beforeEach(() => {
    cli.setUp()
    terminals = []
  })
  afterEach(async () => {
    await Promise.all(terminals.map((each) => each.close()))
    await cli.tearDown()
  })

  function open({ args = [], ...options } = {}) {
    const command = [
      process.execPath,
      MAIN,
      'top',
      '--dir',
      ring().dir,
      ...args
    ]
    const terminal = new Terminal(command, {
      ...options,
      env: { NO_COLOR: '1', ...options.env }
    })
    terminals.push(terminal)
    return terminal
  }

  const write = (writer, count, more) => {
    for (let i = 0; i < count; i++) writer.writeThreat(threat('d', more))
  }

  /** A screen that shows a ring, with three threats that came since. */
  async function openWithThreats(options) {
    const writer = ring().writer(options?.ring)
    const terminal = open(options)
    await terminal.shows(/shm, (the Shield is )?live/)
    write(writer, 2, { ...HOSTILE, severity: 'Critical' })
    write(writer, 1, { threatType: 'PathTraversal', severity: 'Low' })
    await terminal.shows(/Critical +2/)
    return { terminal, writer }
  }

  /** The terminal is as it was before. */
  async function assertGivenBack(terminal, end) {
    await until(() => !terminal.isTaken, 'the other screen is left')
    assert.deepEqual(await terminal.ended(), {
      ...end,
      echo: true,
      lines: true
    })
    assert.equal(terminal.hasCursor, true)
    assert.equal(terminal.wraps, true)
    assert.equal(terminal.isTaken, false)
  }
  const WELL = { code: 0, signal: null }

  it('on 80 × 24 shows all that there is to show', async () => {
    const { terminal, writer } = await openWithThreats({
      ring: { overflow: 'reject', maxEvents: 64 }
    })
    const { lines } = terminal
    assert.equal(lines.length, 24)
    assert.match(lines[0], /^kindly-guard-ipc top +\d\d:\d\d:\d\d UTC$/)
    assert.match(
      lines[1],
      /^shm, the Shield is live since .*the ring is there$/
    )
    assert.equal(lines[2], ring().file)
    assert.match(lines[4], /^threats +3, [\d.]+\/s, 3 blocked$/)
    assert.match(lines[5], /^lost +0$/)
    assert.match(
      lines[6],
      /^latency +p50 [\d.]+ [µm]s .* max [\d.]+ m?[µms]*s$/
    )
    assert.match(lines[7], /^readers .*this one 0 behind$/)
    assert.match(lines[9], /^severity +type$/)
    assert.match(lines[10], /^Critical +2 +[\d.]+\/s +InjectionAttempt +2 /)
    assert.match(lines[13], /^Low +1 +[\d.]+\/s +\w+ +0 /)
    const shown = terminal.screen
    assert.match(shown, /\d\d:\d\d Critical InjectionAttempt +mcp \\x1b\[31m/)
    assert.match(shown, /\\x1b\[2J\\x1b\[\?1049l/)
    assert.match(shown, /Low +PathTraversal +test +d$/m)
    assert.equal(lines[23], 'q quits')
    const reader = ring().child()
    await reader.call((state, dir) => {
      state.client = new state.ipc.ShmClient({ dir, reliable: true })
    }, ring().dir)
    write(writer, 2)
    // Looked for every few seconds.
    await terminal.shows(/1 reliable \(2 slots behind\)/)
    terminal.type('q')
    await assertGivenBack(terminal, WELL)
  })

  it('on 40 × 10 shows what matters, and what fits', async () => {
    const { terminal } = await openWithThreats({ columns: 40, rows: 10 })
    const { lines } = terminal
    assert.match(lines[0], /^shm, live +[\d.]+\/s$/)
    assert.equal(lines[1], '3 threats, 0 lost')
    assert.equal(lines[2], 'Critical 2  Low 1')
    assert.match(lines[3], /^p50 .* p99 /)
    assert.match(lines[4], /reliable, this one 0 behi/)
    assert.match(lines[5], /^Critical +mcp/)
    assert.match(lines[7], /^Low +test +d$/)
    assert.equal(lines[9], 'q quits')
    terminal.type('\u0003')
    await assertGivenBack(terminal, WELL)
  })

  it('follows the size of the terminal, also to one line', async () => {
    const { terminal } = await openWithThreats()
    terminal.resize(40, 10)
    await terminal.shows(/^shm, live/)
    terminal.resize(9, 1)
    await until(() => terminal.screen === 'q quits', 'one line')
    terminal.resize(100, 30)
    await terminal.shows(/^kindly-guard-ipc top/)
    terminal.type('q')
    await assertGivenBack(terminal, WELL)
  })

  it('waits for a Shield, and tells when it has ended', async () => {
    const terminal = open()
    await terminal.shows(/connecting, no Shield/)
    const writer = ring().writer()
    await terminal.shows(/shm, the Shield is live/)
    await writer.close()
    await terminal.shows(/the Shield is gone/)
    terminal.type('\u0004')
    await assertGivenBack(terminal, WELL)
  })

  for (const name of ['SIGINT', 'SIGTERM']) {
    it(`${name} gives the terminal back`, async () => {
      const { terminal } = await openWithThreats()
      assert.equal(terminal.isTaken, true)
      assert.equal(terminal.hasCursor, false)
      assert.equal((await terminal.state()).echo, false)
      process.kill(await terminal.pid(), name)
      await assertGivenBack(terminal, WELL)
    })
  }

  it('an error gives the terminal back, and is told behind that', async () => {
    const file = path.join(cli.dir, 'fails.cjs')
    fs.writeFileSync(
      file,
      "setTimeout(() => { throw new Error('on purpose') }, 3000)"
    )
    const terminal = open({ env: { NODE_OPTIONS: `--require ${file}` } })
    await until(() => terminal.isTaken, 'the other screen')
    await assertGivenBack(terminal, { code: 1, signal: null })
    await terminal.shows('Error: on purpose')
  })

  for (const [how, stop] of [
    ['Ctrl-Z', (terminal) => terminal.type('\u001a')],
    [
      'SIGTSTP',
      async (terminal) => process.kill(await terminal.pid(), 'SIGTSTP')
    ]
  ]) {
    it(`${how} gives the terminal back until it goes on`, async () => {
      const { terminal, writer } = await openWithThreats()
      await stop(terminal)
      await until(() => !terminal.isTaken, 'the other screen is left')
      const isStopped = async () => {
        const stat = fs.readFileSync(
          `/proc/${await terminal.pid()}/stat`,
          'utf8'
        )
        return stat.includes(') T ')
      }
      await until(isStopped, 'it is stopped')
      assert.equal(terminal.hasCursor, true)
      assert.deepEqual(await terminal.state(), { echo: true, lines: true })
      process.kill(await terminal.pid(), 'SIGCONT')
      await until(() => terminal.isTaken, 'the other screen')
      write(writer, 1)
      await terminal.shows(/High +1/)
      terminal.type('q')
      await assertGivenBack(terminal, WELL)
    })
  }

  it('ends when its terminal is gone', async () => {
    const { terminal } = await openWithThreats()
    const pid = await terminal.pid()
    terminal.hangUp()
    await until(() => {
      try {
        process.kill(pid, 0)
        return false
      } catch {
        return true
      }
    }, 'its end')
  })

  it('without a terminal says what to do', async () => {
    const { code, stdout, stderr } = await cli.run(['top'])
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /top needs a terminal; --once prints one screen/)
  })

  it('--once prints one screen without steering anything', async () => {
    const writer = ring().writer()
    const child = cli.collect(['top', '--once', '--dir', ring().dir])
    const timer = setInterval(() => write(writer, 1, HOSTILE), 20)
    const { code, stdout, stderr } = await child.ended
    clearInterval(timer)
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^kindly-guard-ipc top/)
    assert.match(stdout, /^High +[1-9]/m)
    assert.match(stdout, /InjectionAttempt +mcp \\x1b\[31m/)
    // eslint-disable-next-line no-control-regex
    assert.equal(/[\u0000-\u0009\u000b-\u001f\u202e]/.test(stdout), false)
  })

  it('--once into a pipe that is closed is no failure', async () => {
    ring().writer()
    const child = cli.start(['top', '--once', '--dir', ring().dir])
    child.process.stdout.destroy()
    const { code } = await child.ended
    assert.equal(code, 0)
  })
})
