'use strict'
// F22: a ring file that is cut short under those who use it. Nobody dies of
// it; the writer makes another ring, and clients move over with an exact
// account.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { IpcFactory } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, record, sleep, until } = require('../helpers/wait.js')

const PLACES = {
  nothing: 0,
  'half a header': 300,
  'the header': 4096,
  'no slots': 131072,
  'one page of slots': 131072 + 4096,
  'no lane': 131072 + 65536,
  'all but a page': 131072 + 65536 + 131072 - 4096
}

describe('F22 a ring cut short', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  function write(shield, count) {
    for (let i = 0; i < count; i++) shield.writeThreat(threat(`${i}`))
  }

  /** received + lost, from the first event on, without a gap. */
  class Account {
    constructor(client) {
      this.wrong = []
      this.next = new Map()
      client.on('lost', ({ count, from, to, generation }) => {
        if (count !== to - from + 1) this.wrong.push({ count, from, to })
        this._pass(generation, from, to)
      })
      client.on('threat', ({ id, sequence }) => {
        this._pass(id.slice(0, 16), sequence, sequence)
      })
    }

    _pass(generation, from, to) {
      const next = this.next.get(generation) ?? 1
      if (from !== next) this.wrong.push({ generation, from, to, next })
      this.next.set(generation, to + 1)
    }
  }

  for (const [place, length] of Object.entries(PLACES)) {
    it(`to ${place}: everybody lives and goes on`, async () => {
      const shield = ring.writer({ maxEvents: 128 })
      const first = shield.stats().generation
      const client = ring.client()
      const idle = ring.client()
      const account = new Account(client)
      write(shield, 50)
      await until(() => client.stats().received === 50, 'fifty')
      fs.truncateSync(ring.file, length)
      // Two laps: wherever it was cut, the writer comes there.
      write(shield, 256)
      await until(() => shield.stats().replaced === 1, 'another ring')
      const second = shield.stats().generation
      write(shield, 10)
      const last = shield.stats().sequence
      await until(() => account.next.get(second) === last + 1, 'the last')
      assert.deepEqual(account.wrong, [])
      assert.deepEqual([...account.next.keys()], [first, second])
      assert.equal(account.next.get(first) + last, 317)
      const { received, lost, corrupt } = client.stats()
      assert.equal(received + lost, 316)
      assert.equal(corrupt, 0)
      assert.equal(shield.isHealthy(), true)
      // Who did not read all the while finds the way, too.
      const seen = record(idle, 'threat')
      write(shield, 1)
      await until(() => seen.at(-1)?.sequence === last + 1, 'the newest')
      assert.equal(seen.length + idle.stats().lost, 317)
    })
  }

  it('F47 what a listener of replaced throws costs no threat', async () => {
    const { dir, file } = ring
    const child = ring.child()
    const told = await child.call(
      async (state, at) => {
        const shield = new state.ipc.SharedMemoryIpc({ dir: at.dir })
        const uncaught = []
        process.on('uncaughtException', ({ message }) => uncaught.push(message))
        shield.on('replaced', () => {
          throw new Error('no')
        })
        state.require('node:fs').truncateSync(at.file, 0)
        const sequence = shield.writeThreat({
          threatType: 'Unknown',
          severity: 'Low',
          source: '',
          details: ''
        })
        await state.sleep(1)
        const { error } = shield.stats()
        return { sequence, error, uncaught, healthy: shield.isHealthy() }
      },
      { dir, file }
    )
    assert.deepEqual(told, {
      sequence: 1,
      error: null,
      uncaught: ['no'],
      healthy: true
    })
  })

  it('nobody writes: the reader tells, and waits for another', async () => {
    const child = ring.child()
    await child.call((state, dir) => {
      state.shield = new state.ipc.SharedMemoryIpc({ dir })
    }, ring.dir)
    const client = ring.client()
    const collected = collect(client, 1)
    await child.kill()
    fs.truncateSync(ring.file, 0)
    await until(() => client.stats().error !== null, 'the error')
    assert.equal(client.stats().error.code, 'ERR_RING_TRUNCATED')
    assert.equal(client.stats().writer, 'gone')
    assert.deepEqual(client.poll(), [])
    const before = process.cpuUsage()
    await sleep(500)
    const { user, system } = process.cpuUsage(before)
    // It waits, it does not spin.
    assert(user + system < 250_000, `${user + system} µs in half a second`)
    ring.writer().writeThreat(threat('anew'))
    assert.equal((await collected)[0].details, 'anew')
  })

  it('in the middle of a flood, again and again: exact', async () => {
    const shield = ring.writer({ maxEvents: 1024 })
    const clients = [ring.client(), ring.client(), ring.client()]
    const accounts = clients.map((client) => new Account(client))
    const last = new Map()
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 30; i++) {
        write(shield, 20)
        const { generation, sequence } = shield.stats()
        last.set(generation, sequence)
        if (i === round) fs.truncateSync(ring.file, round * 20_000)
        await sleep(i % 3)
      }
    }
    await until(() => shield.isHealthy(), 'a whole ring')
    write(shield, 1)
    const { generation, sequence } = shield.stats()
    last.set(generation, sequence)
    for (const [i, account] of accounts.entries()) {
      await until(
        () => account.next.get(generation) === sequence + 1,
        `the last one at client ${i}`
      )
      assert.deepEqual(account.wrong, [])
      const { received, lost } = clients[i].stats()
      assert.equal(received + lost, 20 * 30 * 20 + 1)
    }
  })

  it('a batch goes to the next ring, whole', async () => {
    const shield = ring.writer({ maxEvents: 128 })
    const client = ring.client()
    write(shield, 5)
    fs.truncateSync(ring.file, 131072)
    const batch = Array.from({ length: 32 }, (_, i) => threat(`b${i}`))
    assert.equal(shield.writeThreats(batch), 32)
    const seen = []
    client.on('threat', ({ details }) => seen.push(details))
    await until(() => seen.length + client.stats().lost === 37, 'all')
    assert.deepEqual(
      seen.slice(-32),
      batch.map(({ details }) => details)
    )
  })

  it('under a hybrid: nothing is lost but what was in it', async () => {
    const options = { dir: ring.dir, websocket: { port: 0 } }
    const shield = ring.keep(IpcFactory.createHybridTransport(options))
    await shield.ready()
    const client = ring.keep(await IpcFactory.createClient(options))
    const over = ring.keep(
      await IpcFactory.createClient({ ...options, preferShm: false })
    )
    const accounts = [client, over].map((one) => new Account(one))
    await until(() => over.stats().transport === 'websocket', 'a client')
    for (let round = 0; round < 5; round++) {
      write(shield, 30)
      await sleep(20)
      fs.truncateSync(ring.file, 0)
      write(shield, 30)
      await sleep(20)
    }
    const { generation, sequence } = shield.stats()
    for (const account of accounts) {
      await until(
        () => account.next.get(generation) === sequence + 1,
        'the last'
      )
      assert.deepEqual(account.wrong, [])
    }
    // A socket does not care what becomes of a file.
    assert.deepEqual([over.stats().received, over.stats().lost], [300, 0])
    const { received, lost } = client.stats()
    assert.equal(received + lost, 300)
  })
})
