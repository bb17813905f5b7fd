'use strict'
// What run.js runs with the sanitized addon: publishing, cutting files short,
// closing and terminating workers, in every way that touches the C core.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')

const LIBRARY = path.join(process.argv[2], 'lib', 'index.js')
const { IpcFactory, SharedMemoryIpc, ShmClient } = require(LIBRARY)

const BASE = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
const WORKERS = 25
const DEADLINE_MS = 60_000

const threat = (details, more = {}) => ({
  threatType: 'InjectionAttempt',
  severity: 'High',
  source: 'sanitized',
  details,
  blocked: true,
  ...more
})

async function until(condition, what) {
  const deadline = Date.now() + DEADLINE_MS
  while (!condition()) {
    assert(Date.now() < deadline, `never came true: ${what}`)
    await sleep(2)
  }
}

const fileIn = (dir) => path.join(dir, 'kindly-guard.shm')

/** Texts of every length about the borders of slots. */
function texts() {
  const lengths = [0, 1, 63, 64, 65, 255, 256, 257, 339, 340, 341, 700, 5000]
  return lengths.flatMap((length) =>
    ['x', 'é', '\u{1f6e1}'].map((one) => one.repeat(length))
  )
}

const PARTS = {
  async 'every text goes round'(dir) {
    const shield = new SharedMemoryIpc({ dir, maxEvents: 4096 })
    const client = new ShmClient({ dir })
    const got = []
    client.on('threat', ({ details }) => got.push(details))
    const sent = texts()
    for (const text of sent) {
      shield.writeThreat(
        threat(text, { id: `id ${text.length}`, context: { text } })
      )
    }
    shield.writeThreats(sent.map((text) => threat(text, { source: text })))
    await until(() => got.length === 2 * sent.length, 'all texts')
    assert.deepEqual(got, [...sent, ...sent])
    for (const from of ['oldest', 'latest', 3, sent.length]) {
      const again = new ShmClient({ dir, from })
      again.poll()
      again.stats()
      again.close()
    }
    client.close()
    shield.close()
  },

  async 'a reliable reader'(dir) {
    const shield = new SharedMemoryIpc({
      dir,
      overflow: 'reject',
      maxEvents: 16
    })
    const client = new ShmClient({ dir, reliable: true })
    let received = 0
    let refused = 0
    for (let i = 0; i < 300; i++) {
      try {
        shield.writeThreat(threat(`${i}`))
      } catch (error) {
        assert.equal(error.code, 'ERR_RING_FULL')
        refused++
        const room = shield.writable()
        received += client.poll().length
        await room
        shield.writeThreat(threat(`${i}`))
      }
    }
    received += client.poll().length
    assert.deepEqual([received, client.stats().lost], [300, 0])
    assert(refused > 0 && shield.stats().readers.length === 1)
    client.close()
    shield.close()
  },

  async 'a file cut short, and the host handles SIGBUS'(dir) {
    const shield = new SharedMemoryIpc({ dir, maxEvents: 128 })
    const client = new ShmClient({ dir })
    const listener = () => {}
    let published = 0
    client.on('threat', () => {})
    const lengths = [0, 300, 4096, 65536, 131072, 135168]
    for (const [i, length] of lengths.entries()) {
      for (let n = 0; n < 30; n++, published++) shield.writeThreat(threat('a'))
      process[i % 2 === 0 ? 'on' : 'removeListener']('SIGBUS', listener)
      fs.truncateSync(fileIn(dir), length)
      for (let n = 0; n < 300; n++, published++) shield.writeThreat(threat('b'))
      await until(() => shield.stats().replaced === i + 1, 'another ring')
      await until(() => {
        const { received, lost } = client.stats()
        return received + lost === published
      }, 'the account')
    }
    client.close()
    shield.close()
  },

  async 'a file full of garbage'(dir) {
    const shield = new SharedMemoryIpc({ dir, maxEvents: 64 })
    const client = new ShmClient({ dir, from: 'oldest' })
    client.on('threat', () => {})
    const file = fs.openSync(fileIn(dir), 'r+')
    const bytes = Buffer.alloc(64)
    let state = 1
    const random = (below) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return (state >>> 4) % below
    }
    for (let i = 0; i < 2000; i++) {
      for (let n = 0; n < bytes.length; n++) bytes[n] = random(256)
      // Anywhere behind the identity.
      fs.writeSync(file, bytes, 0, 1 + random(63), 128 + random(155_000))
      shield.writeThreat(threat('x'.repeat(random(900))))
      client.stats()
      if (i % 20 === 0) {
        const other = new ShmClient({
          dir,
          from: ['oldest', 'latest', 1][i % 3]
        })
        other.poll()
        other.close()
        shield.stats()
        await sleep(0)
      }
    }
    fs.closeSync(file)
    client.close()
    shield.close()
    new SharedMemoryIpc({ dir, maxEvents: 64 }).close()
  },

  async 'hybrids, rings that are removed'(dir) {
    const options = { dir, websocket: { port: 0 } }
    const shield = IpcFactory.createHybridTransport(options)
    await shield.ready()
    const client = await IpcFactory.createClient(options)
    let received = 0
    client.on('threat', () => received++)
    await until(() => client.isShmActive(), 'shared memory')
    for (let i = 0; i < 5; i++) {
      shield.writeThreat(threat('a'))
      await until(() => received === i + 1, 'it')
      fs.unlinkSync(fileIn(dir))
      await until(() => shield.stats().shm.replaced === i + 1, 'another')
    }
    await client.close()
    await shield.close()
  },

  async 'objects that nobody closes'(dir) {
    const shield = new SharedMemoryIpc({ dir, maxEvents: 64 })
    for (let i = 0; i < 50; i++) {
      const client = new ShmClient({ dir, from: 'oldest' })
      if (i % 2 === 0) client.on('threat', () => {}).removeAllListeners()
      shield.writeThreat(threat('a'))
      client.poll()
      if (i % 10 === 9) {
        global.gc()
        await sleep(5)
      }
    }
    shield.close()
    shield.close()
  },

  async 'terminated workers'(dir) {
    const shield = new SharedMemoryIpc({ dir, maxEvents: 1024 })
    const writing = setInterval(() => shield.writeThreat(threat('a')), 1)
    const source = `
      const { ShmClient, SharedMemoryIpc } = require(${JSON.stringify(LIBRARY)})
      const { parentPort, workerData: { dir, i } } = require('node:worker_threads')
      const client = new ShmClient({ dir, from: 'oldest', reliable: i % 2 === 0 })
      client.on('threat', () => { if (i % 5 === 0) for (;;); })
      if (i % 3 === 0) (async () => { for await (const one of client); })()
      const own = new SharedMemoryIpc({ dir, name: 'own' + i })
      setInterval(() => own.writeThreat({
        threatType: 1, severity: 1, source: '', details: 'b'.repeat(i * 50)
      }), 0)
      parentPort.postMessage('there')`
    for (let i = 0; i < WORKERS; i++) {
      const worker = new Worker(source, { eval: true, workerData: { dir, i } })
      await once(worker, 'message')
      await sleep(i)
      if (i % 4 === 0) fs.truncateSync(path.join(dir, `own${i}.shm`), 0)
      await worker.terminate()
    }
    clearInterval(writing)
    shield.close()
  }
}

async function main() {
  const maps = fs.readFileSync('/proc/self/maps', 'utf8')
  assert(/libasan/.test(maps) && /libubsan/.test(maps), 'no sanitizers')
  for (const [name, part] of Object.entries(PARTS)) {
    const dir = fs.mkdtempSync(path.join(BASE, 'kindly-guard-sanitized-'))
    try {
      await part(dir)
    } finally {
      fs.rmSync(dir, { recursive: true, force: true })
    }
    console.log(`sanitized: ${name}: fine`)
  }
  process.exit(0)
}

main()
