'use strict'
// What every binding to the C library has to do with Node at the other end. Its
// program takes the words that python/native_peer.py and cpp/peer.cpp describe,
// and prints lines of JSON.

const assert = require('node:assert/strict')
const { useRing } = require('../helpers/ring.js')
const { sleep, until } = require('../helpers/wait.js')
const { hasMapped } = require('./maps.js')
const { Program } = require('./program.js')

const COUNT = 100_000
const LONG_MS = 240_000
const SMALL = { maxEvents: 256, priorityEvents: 16 }
const PATIENT = { overflow: 'reject', readerTimeoutMs: 60_000 }

const CONTEXT = { score: 0.97, rule: 'prompt-injection' }

/** The texts that `texts` writes, as a Node client gives them. */
const TEXTS = [
  { threatType: 'UnicodeBiDi', severity: 'Critical', source: '', details: '' },
  {
    threatType: 'Unknown',
    threatTypeCode: 77,
    severity: 'Unknown',
    severityCode: 9,
    timestampUs: 5,
    source: 'a\0b\0',
    details: '忽略之前的指示 🧨 é',
    blocked: true,
    id: 'own-ü',
    context: CONTEXT
  },
  {
    threatType: 'SuspiciousPattern',
    severity: 'Low',
    source: 's'.repeat(65),
    details: 'ü'.repeat(200)
  },
  {
    threatType: 'InjectionAttempt',
    severity: 'Low',
    source: '',
    details: 'x忽'.repeat(3000)
  }
].map((text) => ({ blocked: false, ...text }))

// The same, as `print` gives them: types and severities are numbers.
const PRINTED = [
  [2, 4],
  [77, 9],
  [6, 1],
  [4, 1]
].map(([threatType, severity], i) => {
  const { source, details, blocked, id = '', context = null } = TEXTS[i]
  const [sequence, cut] = [i + 1, false]
  const texts = { source, details, blocked, id, context }
  return { sequence, threatType, severity, ...texts, cut }
})

const detailsOf = (number) =>
  `details ${number}` + (number % 50 === 0 ? ' long'.repeat(100) : '')

/** A program at the other end of a ring. */
class Peer extends Program {
  /** Resolves behind its first line: it has its ring. */
  async ready() {
    await until(
      () => this.lines.length > 0 || !this.isRunning,
      'its first line'
    )
    assert(this.lines.length > 0, this.stderr)
    return this.lines[0].ready
  }

  /** @returns {Promise<object>} its last line, when it has ended well */
  async result() {
    assert.equal(await this.exited, 0, this.stderr)
    assert.equal(this.stderr, '')
    return this.lines.at(-1)
  }
}

/**
 * @param {string} name of the language
 * @param {() => { command: string, args?: string[], env: object }} program
 */
function testPeer(name, program) {
  describe(`${name} and Node`, function peers() {
    this.timeout(LONG_MS)
    const ring = useRing()
    let running = []

    afterEach(async () => {
      await Promise.all(running.map((peer) => peer.kill()))
      running = []
    })

    function start(what, ...words) {
      const { command, args = [], env } = program()
      const all = [...args, what, ring().dir, ...words.map(String)]
      const peer = new Peer(command, all, { env })
      running.push(peer)
      return peer
    }

    const write = (count, overflow = 'overwrite') =>
      start('write', count, overflow)

    const yesOrNo = (flag) => (flag ? 'yes' : 'no')

    const follow = (
      count,
      { join = 'latest', reliable = false, stays = false } = {}
    ) => start('follow', count, join, yesOrNo(reliable), yesOrNo(stays))

    /** The account of a reader that ended. */
    async function accountOf(reader) {
      const account = await reader.result()
      assert.equal(account.wrong, '')
      assert.equal(account.corrupt, 0)
      assert.deepEqual(account.totals, [account.received, account.lost])
      return account
    }

    /** A writer of Node's in a process of its own. */
    async function startNode(options = {}) {
      const child = ring().child()
      await child.call(
        (state, { dir, ...others }) => {
          state.writer = new state.ipc.SharedMemoryIpc({ dir, ...others })
          state.write = async (count) => {
            for (let i = 0; i < count; i++) {
              const number = state.writer.stats().sequence + 1
              const threat = {
                threatType: 'PathTraversal',
                severity: 1 + (number % 4),
                source: 'writer',
                details:
                  `details ${number}` +
                  (number % 50 === 0 ? ' long'.repeat(100) : ''),
                blocked: false
              }
              for (;;) {
                try {
                  state.writer.writeThreat(threat)
                  break
                } catch (error) {
                  if (error.code !== 'ERR_RING_FULL') throw error
                  await state.writer.writable()
                }
              }
              if (i % 200 === 0) await state.sleep(1)
            }
            return state.writer.stats().sequence
          }
        },
        { dir: ring().dir, ...SMALL, ...options }
      )
      return child
    }

    const nodeWrites = (child, count) =>
      child.call((state, number) => state.write(number), count)

    /** A client of Node's that checks what comes, and that nothing is missing. */
    function nodeFollows(options = {}) {
      const client = ring().client(options)
      const begin = client.stats().published + 1
      // From and to, of threats and of losses.
      const ranges = []
      const wrong = []
      client.on('lost', ({ from, to }) => ranges.push([from, to]))
      /** Until `isOver` says so and nothing is left; the account. */
      return async (isOver) => {
        for (;;) {
          const over = isOver()
          const threats = client.poll()
          for (const { sequence, source, details } of threats) {
            ranges.push([sequence, sequence])
            if (source !== 'writer' || details !== detailsOf(sequence)) {
              wrong.push(`${sequence}: ${source} ${details}`)
            }
          }
          if (over && threats.length === 0) break
          await sleep(1)
        }
        ranges.sort(([a], [b]) => a - b)
        let next = begin
        for (const [from, to] of ranges) {
          if (from !== next) wrong.push(`${from} where ${next} was expected`)
          next = to + 1
        }
        assert.deepEqual(wrong.slice(0, 3), [])
        const { received, lost } = client.stats()
        assert.equal(received + lost, next - begin)
        return { received, lost }
      }
    }

    it('Node reads every text that it writes', async () => {
      await start('texts').result()
      const client = ring().client({ from: 'oldest' })
      const threats = client.poll()
      const { generation } = client.stats()
      assert.deepEqual(
        threats.map(({ timestampUs, generation: _, priority: __, ...rest }) =>
          rest.id === `${generation}-${rest.sequence}`
            ? { ...rest, timestampUs, id: undefined }
            : { ...rest, timestampUs }
        ),
        TEXTS.map((text, i) => ({
          id: undefined,
          sequence: i + 1,
          timestampUs: threats[i].timestampUs,
          ...text
        }))
      )
    })

    it('reads every text that Node writes', async () => {
      const writer = ring().writer(SMALL)
      TEXTS.forEach(({ threatTypeCode, severityCode, ...text }) =>
        writer.writeThreat({
          ...text,
          threatType: threatTypeCode ?? text.threatType,
          severity: severityCode ?? text.severity
        })
      )
      const printing = start('print')
      await printing.result()
      assert.equal(printing.lines[1].timestampUs, 5)
      assert.deepEqual(
        printing.lines.map(({ timestampUs, ...line }) => {
          assert(timestampUs > 0)
          return line
        }),
        PRINTED
      )
    })

    it(`F2 reads while Node writes ${COUNT}, to the unit`, async () => {
      const writer = await startNode()
      const reader = follow(COUNT)
      await reader.ready()
      assert.equal(await nodeWrites(writer, COUNT), COUNT)
      const account = await accountOf(reader)
      assert.equal(account.received + account.lost, COUNT)
      assert(account.received > 0)
      assert.equal(account.next, COUNT + 1)
    })

    it(`F2 writes ${COUNT} while Node reads, to the unit`, async () => {
      const first = write(0)
      await first.result()
      const drain = nodeFollows()
      const writer = write(COUNT)
      const { received, lost } = await drain(() => !writer.isRunning)
      assert.equal((await writer.result()).published, COUNT)
      assert.equal(received + lost, COUNT)
      assert(received > 0)
    })

    it(`loses none of ${COUNT} as a reader that Node waits for`, async () => {
      const writer = await startNode(PATIENT)
      const reader = follow(COUNT, { reliable: true })
      await reader.ready()
      assert.equal(await nodeWrites(writer, COUNT), COUNT)
      const account = await accountOf(reader)
      assert.deepEqual([account.received, account.lost], [COUNT, 0])
    })

    it(`waits with ${COUNT} for a reader of Node's`, async () => {
      await write(0, 'reject').result()
      const drain = nodeFollows({ reliable: true })
      const writer = write(COUNT, 'reject')
      // Long enough behind for a ring to fill.
      await writer.ready()
      await sleep(100)
      const { received, lost } = await drain(() => !writer.isRunning)
      const { published, rejected } = await writer.result()
      assert.deepEqual([published, received, lost], [COUNT, COUNT, 0])
      assert(rejected > 0)
    })

    it('F34 is killed as a writer: what it published is read, and gone on with', async () => {
      await write(0).result()
      const drain = nodeFollows()
      const writer = write(1e9)
      await until(() => ring().bytes().get('head') > 5000n, 'thousands')
      assert.equal(await writer.kill(), 'SIGKILL')
      const { received, lost } = await drain(() => true)
      const published = Number(ring().bytes().get('lastSequence'))
      assert.equal(received + lost, published)

      const next = write(500)
      assert.equal(await next.ready(), published)
      const after = await drain(() => !next.isRunning)
      assert.equal((await next.result()).published, published + 500)
      assert.equal(after.received + after.lost, published + 500)
    })

    it('F34 reads all that a writer of Node published which is killed', async () => {
      const writer = await startNode()
      const reader = follow(1e9)
      await reader.ready()
      const written = nodeWrites(writer, 1e9).catch(() => {})
      await until(() => ring().bytes().get('head') > 5000n, 'thousands')
      await writer.kill('SIGKILL')
      await written
      const account = await accountOf(reader)
      const published = Number(ring().bytes().get('lastSequence'))
      assert.equal(account.received + account.lost, published)
    })

    it('F41 is killed as a reader that is waited for, and the writer goes on', async () => {
      const writer = await startNode(PATIENT)
      const reader = follow(1e9, { reliable: true })
      await reader.ready()
      const written = nodeWrites(writer, 20_000)
      await until(() => ring().bytes().get('head') > 2000n, 'thousands')
      assert.equal(await reader.kill(), 'SIGKILL')
      assert.equal(await written, 20_000)
      const last = follow(1e9, { join: 'oldest' })
      await last.ready()
      await writer.kill()
      const account = await accountOf(last)
      assert.equal(account.next, 20_001)
      assert.equal(account.received + account.before, 20_000)
      assert.equal(account.lost, 0)
    })

    it('F25 goes over to the ring that takes the place of its own', async () => {
      const first = await startNode()
      const reader = follow(3000, { stays: true })
      await reader.ready()
      await nodeWrites(first, 1000)
      await first.kill()
      const second = await startNode({ maxEvents: 512 })
      await nodeWrites(second, 1000)
      await until(
        () => hasMapped(reader.process.pid, ring().file),
        'the reader in the second ring'
      )
      await second.call((state) => state.writer.close())
      const third = await startNode({ maxEvents: 1024 })
      await nodeWrites(third, 1000)
      const account = await accountOf(reader)
      assert.equal(account.received + account.lost, 3000)
      assert.equal(account.next, 1001)
    })
  })
}

module.exports = { Peer, testPeer }
