'use strict'
// bindings/python, a reader that is made from docs/format.md alone: the test
// vectors, and rings that Node writes in other processes.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')
const vectors = require('../vectors/expected.js')
const { hasMapped } = require('./maps.js')
const { BINDING, endPython, startPython, runPython } = require('./python.js')

const { expected, NAMES, parseLines, place, wordsOf } = vectors

const FOLLOW = path.join(__dirname, 'python', 'follow.py')
const TAIL = ['-m', 'kindly_guard_ipc.tail']
const COUNT = 100_000
const LONG_MS = 240_000

describe('a reader in Python', function pythonReader() {
  this.timeout(LONG_MS)
  const ring = useRing()

  afterEach(endPython)

  const wordsForPython = (read) => {
    const [how, ...others] = wordsOf(read)
    return how === 'after'
      ? [how, read.join.after.generation, ...others]
      : [how]
  }

  for (const name of NAMES) {
    it(`reads the test vector ${name}`, async () => {
      place(name, ring().dir)
      for (const read of expected(name).reads) {
        const args = [...TAIL, ring().dir, ...wordsForPython(read)]
        const { code, stdout, stderr } = await runPython(args)
        assert.equal(code, 0, stderr)
        assert.deepEqual(parseLines(stdout), read.gives)
      }
    })
  }

  it('passes tests of its own', async () => {
    const args = ['-W', 'error', '-m', 'unittest', 'discover', '-s', 'tests']
    const { code, stderr } = await runPython(args, { cwd: BINDING })
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^Ran [1-9]\d* tests/m)
    assert.doesNotMatch(stderr, /skipped/)
  })

  /** A writer in a process of its own, with a small ring. */
  async function startWriter(options = {}) {
    const writer = ring().child()
    await writer.call(
      (state, { dir, ...others }) => {
        state.writer = new state.ipc.SharedMemoryIpc({
          dir,
          maxEvents: 256,
          priorityEvents: 16,
          ...others
        })
        // Some thousand, then a look at what else there is.
        state.write = async (count) => {
          for (let i = 0; i < count; i++) {
            const number = state.writer.stats().sequence + 1
            state.writer.writeThreat({
              threatType: 'PathTraversal',
              severity: 1 + (number % 4),
              source: 'writer',
              details:
                `details ${number}` +
                (number % 50 === 0 ? ' long'.repeat(100) : ''),
              blocked: false
            })
            if (i % 200 === 0) await state.sleep(1)
          }
          return state.writer.stats().sequence
        }
      },
      { dir: ring().dir, ...options }
    )
    return writer
  }

  const write = (writer, count) =>
    writer.call((state, number) => state.write(number), count)

  const follow = (
    count,
    { join = 'latest', sums = true, maps = true, stays = false } = {}
  ) =>
    startPython([
      ...[FOLLOW, ring().dir, String(count), join],
      ...[sums, maps, stays].map((flag) => (flag ? 'yes' : 'no'))
    ])

  const isReady = (program) =>
    until(
      () => program.lines.length > 0 || program.process.exitCode !== null,
      'Python has joined'
    )

  /** The account of one that ended. */
  async function accountOf(program) {
    assert.equal(await program.exited, 0, program.stderr)
    const account = program.lines.at(-1)
    assert.deepEqual(account.wrong, [])
    assert.equal(account.corrupt, 0)
    assert.deepEqual(account.totals, [account.received, account.lost])
    return account
  }

  for (const how of [{ sums: false }, { sums: true }, { maps: false }]) {
    const name = Object.entries(how).join(' ').replace(',', ' ')
    it(`F2 reads while Node writes ${COUNT}, to the unit (${name})`, async () => {
      const writer = await startWriter()
      const reader = follow(COUNT, how)
      await isReady(reader)
      assert.equal(await write(writer, COUNT), COUNT)
      const account = await accountOf(reader)
      assert.equal(account.received + account.lost, COUNT)
      assert(account.received > 0)
      assert.equal(account.next, COUNT + 1)
      // Every fourth was critical, and each loss tells how many of them it had.
      assert.equal(account.unknown, 0)
      assert.equal(account.priority, COUNT / 4)
    })
  }

  it('F34 reads all that a writer published which is killed, and what the next one does', async () => {
    const first = await startWriter()
    const reader = follow(COUNT)
    await isReady(reader)
    const written = write(first, 10 * COUNT).catch(() => {})
    await until(() => ring().bytes().get('head') > 5000n, 'thousands')
    await first.kill('SIGKILL')
    await written
    const account = await accountOf(reader)
    assert.equal(
      BigInt(account.received + account.lost),
      ring().bytes().get('lastSequence')
    )

    const second = await startWriter()
    const [more, published] = [follow(500), account.next - 1]
    await isReady(more)
    assert.equal(await write(second, 500), published + 500)
    const [{ ready }] = more.lines
    assert.equal(ready[1], published + 1)
    assert.equal((await accountOf(more)).next, published + 501)
  })

  it('F41 is killed itself, and the writer does not notice', async () => {
    const writer = await startWriter({ overflow: 'reject' })
    const reader = follow(COUNT)
    await isReady(reader)
    const written = write(writer, 20_000)
    await until(() => ring().bytes().get('head') > 2000n, 'thousands')
    assert.equal(await reader.kill(), 'SIGKILL')
    assert.equal(await written, 20_000)
    const last = follow(20_000, { join: 'oldest' })
    await writer.kill()
    const account = await accountOf(last)
    assert.equal(account.next, 20_001)
    assert.equal(account.received + account.before, 20_000)
  })

  it('F25 goes over to the ring that takes the place of its own', async () => {
    const first = await startWriter()
    const reader = follow(3000, { stays: true })
    await isReady(reader)
    await write(first, 1000)
    await first.kill()
    const second = await startWriter({ maxEvents: 512 })
    await write(second, 1000)
    await until(
      () => hasMapped(reader.process.pid, ring().file),
      'the reader in the second ring'
    )
    await second.call((state) => state.writer.close())
    const third = await startWriter({ maxEvents: 1024 })
    await write(third, 1000)
    const account = await accountOf(reader)
    assert.equal(account.received + account.lost, 3000)
    assert.equal(account.next, 1001)
  })

  it('F22 is told of a ring that was cut short, and reads the next one', async () => {
    const writer = await startWriter()
    await write(writer, 10)
    await writer.kill()
    const reader = follow(20, { join: 'oldest', maps: false })
    await isReady(reader)
    fs.truncateSync(ring().file, 65_536)
    assert.equal(await reader.exited, 1)
    assert.match(reader.stderr, /RingTruncated/)
    const next = await startWriter()
    await write(next, 5)
    const again = follow(5, { join: 'oldest' })
    assert.equal((await accountOf(again)).received, 5)
  })
})
