'use strict'
// bindings/rust over the C library: the test vectors, and rings between Rust and
// Node in other processes, in both directions.

const assert = require('node:assert/strict')
const path = require('node:path')
const { severityNames, typeNames } = require('../../lib/threat/names.js')
const { useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')
const { fitting } = require('../vectors/ring.js')
const vectors = require('../vectors/expected.js')
const { hasMapped } = require('./maps.js')
const rust = require('./rust.js')

const { expected, NAMES, parseLines, place, wordsOf } = vectors
const { cargo, endRust, PEER, run, startRust, targetDir } = rust

const COUNT = 100_000
const LONG_MS = 240_000
const COMPILING_MS = 600_000

/** Without zlib the library leaves a continuation deflated, so the event is cut to
 * the lead slot's text. */
function notInflated(generation, { threat }) {
  const start = (text, bytes) => fitting(Buffer.from(text), bytes).toString()
  const source = start(threat.source, 64)
  const details = start(threat.details, 256)
  const isCut = source !== threat.source || details !== threat.details
  const id = `${generation}-${threat.sequence}`
  return {
    threat: { ...threat, ...(isCut ? { cut: true } : {}), id, source, details }
  }
}

/** A threat as a line that `peer texts` reads. */
function lineOf(threat) {
  const hex = (text) =>
    text === undefined ? '-' : Buffer.from(text).toString('hex')
  const context =
    threat.context === undefined ? undefined : JSON.stringify(threat.context)
  return [
    typeNames.indexOf(threat.threatType),
    severityNames.indexOf(threat.severity),
    threat.blocked,
    threat.timestampUs,
    hex(threat.source),
    hex(threat.details),
    hex(threat.id),
    hex(context)
  ].join(' ')
}

const TEXTS = [
  '',
  'a\0b\r\n\t"\\\u001f',
  '\u202eevil\u202c \u200b\ufeff',
  'Ignore — 忽略之前的指示',
  '👩‍💻 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 é e\u0301',
  '\ufffd\uffff\u{10ffff}',
  'ü'.repeat(128),
  'ü'.repeat(129),
  `${'x'.repeat(255)}€`,
  '忽'.repeat(1000)
]

/** Threats with each of those texts in each place. */
const THREATS = TEXTS.map((text, i) => ({
  threatType: typeNames[i % typeNames.length],
  severity: severityNames[1 + (i % 4)],
  source: text,
  details: TEXTS[TEXTS.length - 1 - i],
  blocked: i % 2 === 0,
  timestampUs: 1_700_000_000_000_000 + i,
  ...(text === '' ? {} : { id: `id ${text}`, context: { [text]: [i, text] } })
}))

/** Of what was read, what was written. */
function asWritten({ generation, id, sequence, ...threat }) {
  delete threat.priority
  return id === `${generation}-${sequence}` ? threat : { ...threat, id }
}

describe('Rust', function rustLibrary() {
  this.timeout(LONG_MS)
  const ring = useRing()
  let peer

  let inflating

  /** A peer in a folder, which what is compiled otherwise has not. */
  async function compile(folder, ...features) {
    const env = { CARGO_TARGET_DIR: folder }
    const { code, stderr } = await cargo(PEER, ['build', ...features], { env })
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stderr, /warning/)
    return path.join(folder, 'debug', 'peer')
  }

  before(async function compilePeers() {
    this.timeout(2 * COMPILING_MS)
    const folder = targetDir()
    peer = await compile(folder)
    const other = path.join(folder, 'zlib')
    inflating = await compile(other, '--features', 'zlib')
  })

  afterEach(endRust)

  /** What Rust says that a vector has. */
  async function readVector(program, name, read) {
    place(name, ring().dir)
    const [how, ...others] = wordsOf(read)
    const from =
      how === 'after' ? [how, read.join.after.generation, ...others] : [how]
    const { code, stdout, stderr } = await run(program, [
      'tail',
      ring().dir,
      ...from
    ])
    assert.equal(code, 0, stderr)
    return parseLines(stdout)
  }

  for (const name of NAMES) {
    const { generation, reads } = expected(name)
    for (const read of reads) {
      it(`reads the test vector ${name}, ${wordsOf(read).join(' ')}`, async () => {
        const gives =
          name === 'deflated'
            ? read.gives.map((item) => notInflated(generation, item))
            : read.gives
        assert.deepEqual(await readVector(peer, name, read), gives)
      })
    }
  }

  it('reads the test vector deflated whole, with zlib', async () => {
    const { reads } = expected('deflated')
    for (const read of reads) {
      const found = await readVector(inflating, 'deflated', read)
      assert.deepEqual(found, read.gives)
    }
  })

  it('exchanges large texts with Node, deflated by either', async () => {
    const large = THREATS.map((threat) => ({
      ...threat,
      details: threat.details.repeat(20_000 / (threat.details.length + 1) + 2)
    }))
    const writer = ring().writer({ maxEvents: 4096 })
    for (const threat of large) writer.writeThreat(threat)
    const { generation } = writer.ringStats()
    const bytes = writer.stats().bytes
    const args = ['tail', ring().dir, 'oldest']
    const { code, stdout, stderr } = await run(inflating, args)
    assert.equal(code, 0, stderr)
    const read = parseLines(stdout).map(({ threat }) => ({
      ...threat,
      generation
    }))
    assert.deepEqual(read.map(asWritten), large)
    writer.close()

    const client = ring().client()
    const input = large.map((threat) => `${lineOf(threat)}\n`).join('')
    const written = await run(inflating, ['texts', ring().dir], { input })
    assert.equal(written.code, 0, written.stderr)
    assert.deepEqual(client.poll().map(asWritten), large)
    // Of the same size: both have deflated it.
    const ratio = client.stats().bytes / bytes
    assert(ratio > 0.5 && ratio < 2, `${ratio}`)
    assert(bytes < input.length / 4)
  })

  it('Node reads the texts that Rust writes', async () => {
    const input = THREATS.map((threat) => `${lineOf(threat)}\n`).join('')
    const { code, stderr } = await run(peer, ['texts', ring().dir], { input })
    assert.equal(code, 0, stderr)
    const read = ring().client({ from: 'oldest' }).poll()
    assert.deepEqual(read.map(asWritten), THREATS)
  })

  it('Rust reads the texts that Node writes', async () => {
    const writer = ring().writer()
    for (const threat of THREATS) writer.writeThreat(threat)
    const { code, stdout, stderr } = await run(peer, [
      'tail',
      ring().dir,
      'oldest'
    ])
    assert.equal(code, 0, stderr)
    const { generation } = writer.ringStats()
    const read = parseLines(stdout).map(({ threat }) => ({
      ...threat,
      generation
    }))
    assert.deepEqual(read.map(asWritten), THREATS)
  })

  const follow = (count, join, ...flags) =>
    startRust(peer, [...['follow', ring().dir, String(count), join], ...flags])

  const write = (count, ...flags) =>
    startRust(peer, ['write', ring().dir, String(count), ...flags])

  const isReady = (program) =>
    until(
      () => program.lines.length > 0 || program.process.exitCode !== null,
      'Rust has joined'
    )

  /** The last line of a program that ended well. */
  async function lastOf(program) {
    assert.equal(await program.exited, 0, program.stderr)
    return program.lines.at(-1)
  }

  /** The account of a reader that ended. */
  async function accountOf(program) {
    const account = await lastOf(program)
    assert.deepEqual(account.wrong, [])
    assert.equal(account.corrupt, 0)
    const { before, lost, received, totals } = account
    assert.deepEqual(totals, [received, lost, before])
    return account
  }

  /** The sequence up to which the ring is published. */
  const lastSequence = () => Number(ring().bytes().get('lastSequence'))

  /** A reader in Node, in a process of its own, that checks each event. */
  async function startNodeReader() {
    const reader = ring().child()
    await reader.call(
      (state, { dir }) => {
        const client = new state.ipc.ShmClient({ dir, from: 'oldest' })
        Object.assign(state, { client, received: 0, lost: 0, wrong: [] })
        state.expected = 1
        client.on('lost', ({ count, from, to }) => {
          if (from !== state.expected) state.wrong.push({ from, to })
          state.expected = to + 1
          state.lost += count
        })
        client.pollThreats(({ sequence, details, severity }) => {
          const long = sequence % 50 === 0 ? ' long'.repeat(100) : ''
          const names = ['Low', 'Medium', 'High', 'Critical']
          if (
            sequence !== state.expected ||
            details !== `details ${sequence}${long}` ||
            severity !== names[sequence % 4]
          ) {
            state.wrong.push({ sequence, details, severity })
          }
          state.expected = sequence + 1
          state.received++
        })
      },
      { dir: ring().dir }
    )
    const account = () =>
      reader.call(({ client, expected: next, received, lost, wrong }) => {
        const stats = client.stats()
        const totals = [stats.received, stats.lost]
        return { next, received, lost, wrong: wrong.slice(0, 3), totals }
      })
    return {
      /** The account once everything up to `sequence` is in it. */
      async accountAt(sequence) {
        let last
        await until(async () => {
          last = await account()
          return last.wrong.length > 0 || last.next > sequence
        }, `Node has all of ${sequence}`)
        const { next, received, lost, wrong, totals } = last
        assert.deepEqual([wrong, next], [[], sequence + 1])
        assert.deepEqual(totals, [received, lost])
        return last
      }
    }
  }

  /** A writer in Node, in a process of its own, with a small ring. */
  async function startNodeWriter(options = {}) {
    const writer = ring().child()
    await writer.call(
      (state, { dir, ...others }) => {
        state.writer = new state.ipc.SharedMemoryIpc({
          dir,
          maxEvents: 256,
          priorityEvents: 16,
          ...others
        })
      },
      { dir: ring().dir, ...options }
    )
    const writeCount = (count) =>
      writer.call(async (state, number) => {
        for (let i = 0; i < number; i++) {
          const next = state.writer.stats().sequence + 1
          const long = next % 50 === 0 ? ' long'.repeat(100) : ''
          state.writer.writeThreat({
            threatType: 'PathTraversal',
            severity: 1 + (next % 4),
            source: 'writer',
            details: `details ${next}${long}`,
            blocked: false
          })
          if (i % 200 === 0) await state.sleep(1)
        }
        return state.writer.stats().sequence
      }, count)
    return { write: writeCount, process: writer }
  }

  it(`F2 reads while Node writes ${COUNT}, to the unit`, async () => {
    const writer = await startNodeWriter()
    const reader = follow(COUNT, 'latest')
    await isReady(reader)
    assert.equal(await writer.write(COUNT), COUNT)
    const account = await accountOf(reader)
    assert.equal(account.received + account.lost, COUNT)
    assert(account.received > 0)
    assert.equal(account.next, COUNT + 1)
    // Every fourth was critical, and each loss tells how many of them it had.
    assert.equal(account.unknown, 0)
    assert.equal(account.priority, COUNT / 4)
  })

  it(`F2 writes ${COUNT}, which Rust and Node read to the unit`, async () => {
    // The ring, so that the readers can be there first.
    await lastOf(write(1))
    const reader = follow(COUNT + 1, 'oldest', 'stays', 'slow')
    const node = await startNodeReader()
    await isReady(reader)
    const { sequence, published, priority } = await lastOf(
      write(COUNT, 'paced')
    )
    assert.deepEqual([sequence, published], [COUNT + 1, COUNT])
    assert.equal(priority, COUNT / 4)
    const inNode = await node.accountAt(COUNT + 1)
    assert.equal(inNode.received + inNode.lost, COUNT + 1)
    const account = await accountOf(reader)
    assert.equal(account.received + account.lost, COUNT + 1)
    // It was slower than the writer.
    assert(account.lost > 0)
    assert.equal(account.next, COUNT + 2)
  })

  it('is reliable: a full ring is waited for, and nothing is lost', async () => {
    await lastOf(write(1, 'reject'))
    const reader = follow(20_000, 'oldest', 'stays', 'reliable', 'slow')
    await isReady(reader)
    const { sequence, full, rejected } = await lastOf(write(19_999, 'reject'))
    assert.equal(sequence, 20_000)
    assert(full > 0 && rejected >= full)
    const { received, lost } = await accountOf(reader)
    assert.deepEqual([received, lost], [20_000, 0])
  })

  it('F34 is killed as a writer, and what it published is read', async () => {
    await lastOf(write(1))
    const node = await startNodeReader()
    const writer = write(100 * COUNT, 'paced')
    await isReady(writer)
    const reader = follow(100 * COUNT, 'oldest')
    await until(() => lastSequence() > 5000, 'thousands')
    assert.equal(await writer.kill(), 'SIGKILL')
    const last = lastSequence()
    const account = await accountOf(reader)
    assert.equal(account.received + account.lost + account.before, last)
    const inNode = await node.accountAt(last)
    assert.equal(inNode.received + inNode.lost, last)

    // The next one goes on, and so do those that read.
    const more = follow(500, 'latest')
    await isReady(more)
    assert.equal((await lastOf(write(500, 'paced'))).sequence, last + 500)
    const behind = await accountOf(more)
    assert.equal(behind.received + behind.lost, 500)
    assert.equal(behind.next, last + 501)
    assert.equal((await node.accountAt(last + 500)).next, last + 501)
  })

  it('F41 is killed as a reliable reader, and the writer goes on', async () => {
    await lastOf(write(1, 'reject'))
    const killed = follow(COUNT, 'oldest', 'stays', 'reliable', 'slow')
    const reader = follow(20_000, 'oldest', 'stays', 'reliable')
    await isReady(killed)
    await isReady(reader)
    const writer = write(19_999, 'reject')
    await until(() => lastSequence() > 2000, 'thousands')
    assert.equal(await killed.kill(), 'SIGKILL')
    // It would wait for ten minutes for one that lives.
    assert.equal((await lastOf(writer)).sequence, 20_000)
    const { received, lost } = await accountOf(reader)
    assert.deepEqual([received, lost], [20_000, 0])
    const late = await accountOf(follow(20_000, 'oldest'))
    assert.equal(late.received + late.before, 20_000)
  })

  it('F25 goes over to the ring that takes the place of its own', async () => {
    const first = await startNodeWriter()
    const reader = follow(3000, 'latest', 'stays')
    await isReady(reader)
    await first.write(1000)
    await first.process.kill()
    assert.equal((await lastOf(write(1000, 'events=512'))).sequence, 1000)
    await until(
      () => hasMapped(reader.process.pid, ring().file),
      'the reader in the second ring'
    )
    const third = await startNodeWriter({ maxEvents: 1024 })
    await third.write(1000)
    const account = await accountOf(reader)
    assert.equal(account.received + account.lost, 3000)
    assert.equal(account.next, 1001)
  })
})
