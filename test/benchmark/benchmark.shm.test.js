'use strict'
// The benchmarks run, print figures, and notice what is wrong. Contents and
// shapes are asserted, times never.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')
const { BenchmarkClient, IpcError } = require('../../lib/index.js')
const { threatOf, verify } = require('../../lib/benchmark/threats.js')
const { BASE } = require('../helpers/ring.js')
const { RingFile } = require('../helpers/ring-file.js')

const execute = promisify(execFile)
const ROOT = path.join(__dirname, '..', '..')
const program = (...args) => execute(process.execPath, args, { cwd: ROOT })

/** The directories of this process's benchmarks. Others that end meanwhile, or
 * that were killed long ago, are not to be found here. */
const ours = () =>
  ['/dev/shm', os.tmpdir()]
    .filter((dir) => fs.existsSync(dir))
    .flatMap((dir) => fs.readdirSync(dir))
    .filter((name) => name.startsWith(`kindly-guard-benchmark-${process.pid}-`))

/** A threat as it would be received. */
const received = (threat, index) => ({
  sequence: index + 1,
  id: 'an-id',
  timestampUs: 1,
  ...threat
})

describe('benchmark', function () {
  // Many processes, one after the other, each of which warms up.
  this.timeout(180_000)

  // Of a process that once had the same number.
  const before = ours()
  const left = () => ours().filter((name) => !before.includes(name))

  for (const transport of ['shm', 'websocket']) {
    it(`measures latency over ${transport}`, async () => {
      const client = new BenchmarkClient({ latency: 'idle' })
      const options = { transport, events: 30, pauseMs: 2 }
      const result = await client.measureLatency(options)
      const { min, mean, p50, p90, p99, max, ...rest } = result
      console.log(`      p50 ${p50.toFixed(0)} µs, p90 ${p90.toFixed(0)} µs`)
      assert.deepEqual(rest, options)
      const order = [0, min, p50, p90, p99, max]
      assert.deepEqual(
        order,
        [...order].sort((a, b) => a - b)
      )
      assert.ok(mean >= min && mean <= max)
    })

    for (const batch of [1, 64]) {
      it(`measures throughput over ${transport}, ${batch} a call`, async () => {
        const client = new BenchmarkClient()
        const options = { transport, events: 20_000, batch }
        const result = await client.measureThroughput(options)
        const { seconds, eventsPerSecond, ...rest } = result
        console.log(`      ${Math.round(eventsPerSecond)} events/s`)
        assert.deepEqual(rest, options)
        assert.equal(eventsPerSecond, options.events / seconds)
      })
    }
  }

  it('compares the transports', async () => {
    const { shm, websocket, ratios } = await new BenchmarkClient().compare({
      latencyEvents: 10,
      throughputEvents: 5000,
      pauseMs: 1,
      batch: 8
    })
    assert.equal(shm.latency.transport, 'shm')
    assert.equal(websocket.throughput.transport, 'websocket')
    assert.equal(websocket.latency.events, 10)
    assert.equal(shm.throughput.batch, 8)
    assert.equal(ratios.p50, shm.latency.p50 / websocket.latency.p50)
    assert.equal(
      ratios.throughput,
      shm.throughput.eventsPerSecond / websocket.throughput.eventsPerSecond
    )
  })

  it('leaves nothing behind', () => {
    assert.deepEqual(left(), [])
  })

  it('refuses options that mean nothing', async () => {
    const refused = { code: 'ERR_INVALID_OPTION' }
    assert.throws(() => new BenchmarkClient({ dir: '/tmp' }), refused)
    assert.throws(() => new BenchmarkClient({ latency: 'high' }), refused)
    const client = new BenchmarkClient()
    await assert.rejects(client.measureLatency({ transport: 'ws' }), refused)
    await assert.rejects(client.measureThroughput({ batch: 0 }), refused)
    await assert.rejects(client.compare({ events: 1 }), refused)
  })

  it('fails when the Shield dies', async () => {
    const { BenchmarkRun } = require('../../lib/benchmark/run.js')
    const run = await BenchmarkRun.open('shm', {}, {})
    const measured = run.singles(1000, 1)
    const [dir] = left()
    const ring = new RingFile(path.join(BASE, dir, 'kindly-guard.shm'))
    process.kill(Number(ring.get('writerPid')), 'SIGKILL')
    ring.close()
    await assert.rejects(measured, (error) => {
      assert.ok(error instanceof IpcError)
      assert.equal(error.code, 'ERR_BENCHMARK_FAILED')
      return true
    })
    await run.close()
    assert.deepEqual(left(), [])
  })

  it('fails when the Shield cannot be started, and leaves nothing', async () => {
    const { execPath } = process
    process.execPath = path.join(__dirname, 'nothing')
    try {
      await assert.rejects(new BenchmarkClient().measureLatency(), {
        code: 'ERR_BENCHMARK_FAILED'
      })
    } finally {
      process.execPath = execPath
    }
    assert.deepEqual(left(), [])
  })

  it('verifies every field, the order and the sequence', () => {
    const index = 5
    const threat = threatOf(index)
    verify(received(threat, index), index)
    for (const damage of [
      { sequence: 7 },
      { id: '' },
      { timestampUs: 0 },
      { threatType: 'Nothing' },
      { severity: 'Nothing' },
      { source: 'mcp' },
      { details: `${threat.details} ` },
      { blocked: !threat.blocked }
    ]) {
      const wrong = { ...received(threat, index), ...damage }
      assert.throws(() => verify(wrong, index), /not what was sent/)
    }
  })

  it('sends other strings with each event', () => {
    const details = Array.from({ length: 5000 }, (_, i) => threatOf(i).details)
    assert.equal(new Set(details).size, 5000)
    assert(new Set(details.map(({ length }) => length)).size > 20)
  })

  it('npm run benchmark-ipc prints a table', async () => {
    const { stdout } = await program(
      'bench/benchmark-ipc.js',
      '--latency-events=10',
      '--throughput-events=5000'
    )
    assert.match(stdout, /\| latency p50, µs +\|/)
    assert.match(stdout, /\| events a second +\|/)
  })

  it('npm run bench:require loads each part, and what it is given', async () => {
    const given = path.join(BASE, `kindly-guard-loaded-${process.pid}.js`)
    fs.writeFileSync(given, '')
    try {
      const args = ['--rounds', '1', '--file', given]
      const { stdout, stderr } = await program('bench/require.js', ...args)
      assert.equal(stderr, '')
      const rows = stdout.trim().split('\n').slice(2)
      const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()))
      const names = cells.map(([, name]) => name)
      assert.deepEqual(names, [
        'bare',
        'ws',
        'client',
        'client, addon',
        'client, reading a ring',
        'shield',
        'whole',
        path.basename(given)
      ])
      const filesOf = (name) => Number(cells[names.indexOf(name)].at(-2))
      assert.equal(filesOf('bare'), 0)
      assert.equal(filesOf(path.basename(given)), 1)
      assert.ok(filesOf('client') > 0)
      assert.ok(filesOf('client, reading a ring') > filesOf('client, addon'))
    } finally {
      fs.rmSync(given)
    }
  })

  const small = ['benchmark-ipc', 'bridge', 'fallback', 'require', 'wake-up']
  for (const name of small) {
    it(`${name} says what it takes, and what it does not`, async () => {
      const file = `bench/${name}.js`
      const { stdout, stderr } = await program(file, '--help')
      assert.match(stdout, new RegExp(`^npm run (bench:)?${name} `))
      assert.equal(stderr, '')
      await assert.rejects(program(file, '--nope'), (error) => {
        assert.equal(error.code, 2)
        assert.match(error.stderr, /^Unknown option '--nope'[^]*npm run /)
        return true
      })
    })
  }

  it('blocks.js says what it takes, and what it does not', async () => {
    const { stdout, stderr } = await program('bench/blocks.js', '--help')
    assert.match(stdout, /^Usage: node bench\/blocks\.js FOLDER/)
    assert.equal(stderr, '')
    const wrong = [
      [[], /^FOLDER is missing/],
      [['bench'], /^bench: it has no lib/],
      [['.', '1x'], /^ROUNDS: .*1x/],
      [['.', '1', 'old'], /^STRINGS: .*old/],
      [['.', '1', 'fresh', 'toString'], /^KIND: .*toString/]
    ]
    for (const [args, message] of wrong) {
      await assert.rejects(program('bench/blocks.js', ...args), (error) => {
        assert.equal(error.code, 2)
        assert.match(error.stderr, message)
        assert.match(error.stderr, /Usage: node bench\/blocks\.js/)
        return true
      })
    }
  })
})
