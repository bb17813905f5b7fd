'use strict'
// On Windows: a writer and readers in several processes, that are ended in the
// middle of what they do.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { threat, useRing } = require('../helpers/ring.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { collect, record, until, within } = require('../helpers/wait.js')

/** Opens a writer in a child. */
const openWriter = (state, options) => {
  state.writer = new state.ipc.SharedMemoryIpc(options)
  return state.writer.stats().generation
}

/** Writes `count` threats in a child, the given number at once. */
async function writeMany(state, { count, atOnce, last }) {
  for (let i = 0; i < count; i += atOnce) {
    const list = Array.from({ length: atOnce }, (_, j) => ({
      threatType: 'InjectionAttempt',
      severity: 'High',
      source: 'test',
      details: `${i + j + 1}${last && i + j + 1 === count ? ' last' : ''}`
    }))
    state.writer.writeThreats(list)
    await new Promise(setImmediate)
  }
  return state.writer.stats().sequence
}

/** Writes without an end, and says that it has begun. */
function writeForEver(state) {
  const one = { threatType: 1, severity: 3, source: 'test', details: 'x' }
  const burst = () => {
    for (let i = 0; i < 50; i++) state.writer.writeThreat(one)
    state.next = setImmediate(burst)
  }
  burst()
}

/** Counts what a client gets and loses, and that nothing is out of order. */
function keepAccount(client) {
  const account = { next: 1, received: 0, lost: 0, wrong: [] }
  client.on('lost', ({ count, from, to }) => {
    if (from !== account.next || to - from + 1 !== count) {
      account.wrong.push({ count, from, to, next: account.next })
    }
    account.lost += count
    account.next = to + 1
  })
  client.on('threat', ({ sequence }) => {
    if (sequence !== account.next) {
      account.wrong.push({ sequence, next: account.next })
    }
    account.received++
    account.next = sequence + 1
  })
  return account
}

describe('on Windows, several processes', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  const optionsFor = (more = {}) => ({
    dir: ring.dir,
    maxEvents: 1024,
    ...more
  })

  async function writerElsewhere(options, how) {
    const child = ring.child(how)
    await child.call(openWriter, optionsFor(options))
    return child
  }

  it('F33 a second writer is refused, and told whose the ring is', async () => {
    const child = await writerElsewhere()
    assert.throws(
      () => ring.writer(),
      ({ code, message }) => {
        assert.equal(code, 'ERR_RING_LOCKED')
        assert(message.includes(`process ${child.pid} `), message)
        return true
      }
    )
    await child.call((state) => state.writer.close())
    ring.writer()
  })

  it('F34 a killed writer’s ring is taken over at once, nothing lost', async () => {
    const child = await writerElsewhere()
    const client = ring.client({ from: 'oldest' })
    const states = record(client, 'writer')
    const account = keepAccount(client)
    await child.call(writeMany, { count: 500, atOnce: 10 })
    await child.kill()
    const writer = ring.writer({ maxEvents: 1024 })
    assert.equal(writer.stats().sequence, 500)
    writer.writeThreats(Array.from({ length: 100 }, () => threat()))
    await until(() => account.next === 601, 'the last')
    assert.deepEqual(account, { next: 601, received: 600, lost: 0, wrong: [] })
    assert(states.every((state) => ['live', 'gone'].includes(state)))
  })

  it('F34 killed in a flood, again and again: accounts are exact', async () => {
    let client
    let account
    for (let i = 0; i < 8; i++) {
      const child = await writerElsewhere()
      client ??= ring.client({ from: 'oldest' })
      account ??= keepAccount(client)
      const before = account.next
      await child.call(writeForEver)
      await until(() => account.next > before + 500, 'some of the flood')
      await child.kill()
    }
    const writer = ring.writer({ maxEvents: 1024 })
    const { sequence } = writer.stats()
    writer.writeThreat(threat())
    await until(() => account.next === sequence + 2, 'the last')
    assert.deepEqual(account.wrong, [])
    assert.equal(account.received + account.lost, sequence + 1)
    const { received, lost } = client.stats()
    assert.deepEqual([received, lost], [account.received, account.lost])
  })

  it('F41 a killed reliable reader holds up nobody', async () => {
    const writer = ring.writer({ maxEvents: 64, overflow: 'reject' })
    const child = ring.child()
    await child.call((state, dir) => {
      state.client = new state.ipc.ShmClient({ dir, reliable: true })
      // What it never takes.
      state.client.pollThreats(() => new Promise(() => {}))
    }, ring.dir)
    await until(() => writer.stats().readers.length === 1, 'the reader')
    const fill = () => {
      for (let i = 0; i < 1000; i++) writer.writeThreat(threat())
    }
    assert.throws(fill, { code: 'ERR_RING_FULL' })
    const drained = within(once(writer, 'drain'), 'drain')
    await child.kill()
    await drained
    fill()
  })

  it('each answers the other, 300 times: in order', async () => {
    const there = ring.child()
    const rounds = 300
    const back = ring.writer({ name: 'back' })
    const client = ring.client({ name: 'back' })
    await client.close()
    await there.call(
      async (state, { dir, most }) => {
        const forth = new state.ipc.SharedMemoryIpc({ dir, name: 'forth' })
        const listener = new state.ipc.ShmClient({ dir, name: 'back' })
        listener.pollThreats(({ sequence, ...one }) => {
          forth.writeThreat({ ...one, details: `${sequence}` })
          return sequence < most
        })
      },
      { dir: ring.dir, most: rounds }
    )
    const answers = ring.client({ name: 'forth' })
    back.writeThreat(threat('1'))
    let answered = 0
    const done = answers.pollThreats(({ details }) => {
      answered++
      assert.equal(details, String(answered))
      if (answered < rounds) back.writeThreat(threat(String(answered + 1)))
      return answered < rounds
    })
    await until(() => answered === rounds, 'all answers')
    await done
  })

  it('a flood for three readers of their own paces: exact', async () => {
    const child = await writerElsewhere({ maxEvents: 256 })
    const clients = [0, 1, 2].map(() => ring.client({ from: 'oldest' }))
    const accounts = clients.map(keepAccount)
    const COUNT = 20_000
    await child.call(writeMany, { count: COUNT, atOnce: 50, last: true })
    await until(
      () => accounts.every(({ next }) => next === COUNT + 1),
      'the last of each'
    )
    for (const { received, lost, wrong } of accounts) {
      assert.deepEqual(wrong, [])
      assert.equal(received + lost, COUNT)
    }
  })

  it('a program that is not called node.exe', async () => {
    const copy = path.join(ring.dir, 'Code – Insiders.exe')
    fs.copyFileSync(process.execPath, copy)
    const child = await writerElsewhere({}, { execPath: copy })
    const { title, method } = await child.call(({ ipc }) => ({
      title: process.execPath,
      method: ipc.PlatformShm.checksumMethod()
    }))
    assert.equal(title, copy)
    assert.equal(method, 'sse4.2')
    const client = ring.client({ from: 'oldest' })
    await child.call(writeMany, { count: 10, atOnce: 5 })
    assert.deepEqual(sequences(await collect(client, 10)), numbers(1, 10))
    await child.kill()
  })

  it('the loop ends when the last client is closed', async () => {
    const program = ring.program(
      async ({ SharedMemoryIpc, ShmClient }, { dir }) => {
        const writer = new SharedMemoryIpc({ dir })
        const client = new ShmClient({ dir })
        writer.writeThreat({
          threatType: 1,
          severity: 1,
          source: 'test',
          details: 'x'
        })
        await client.pollThreats(() => false)
        await client.close()
        await writer.close()
        console.log('closed')
      }
    )
    const { code, stdout, stderr } = await program.exited
    assert.deepEqual([code, stdout.trim(), stderr], [0, 'closed', ''])
  })
})
