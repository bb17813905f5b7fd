'use strict'
// F82 Node's permission model with parts of it missing, and --no-addons: the
// transport that is left is used, errors name what would allow more, and nothing
// is thrown that nobody catches. The package needs no --allow-worker and no
// --allow-child-process, so that no test here gives them unless it says so.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { Program } = require('../helpers/child.js')
const { ROOT } = require('../helpers/pages.js')
const { threat } = require('../helpers/ring.js')
const { within } = require('../helpers/wait.js')

const has = (flag) => process.allowedNodeEnvironmentFlags.has(flag)
const MODEL = ['--permission', '--experimental-permission'].find(has)

const ADDONS = '--allow-addons'
const READ = '--allow-fs-read'
const WRITE = '--allow-fs-write'
const NET = '--allow-net'

/** A Shield and a client of it in one process; prints what became of them. */
async function useBoth(ipc, { dir, websocket, sample }) {
  const told = { uncaught: [] }
  process.on('uncaughtException', ({ stack }) => told.uncaught.push(stack))
  const plain = (error) => error && { code: error.code, text: error.message }
  const plainAll = ({ shm, websocket: other }) => ({
    shm: plain(shm),
    websocket: plain(other)
  })

  told.reason = ipc.PlatformShm.unavailableReason()
  const shield = ipc.IpcFactory.createHybridTransport({ dir, websocket })
  shield.on('error', () => {})
  told.ready = await shield.ready().then(
    () => null,
    (error) => plain(error)
  )
  const { transport, errors } = shield.stats()
  told.shield = { transport, ...plainAll(errors) }
  const client = await ipc.IpcFactory.createClient({ dir, from: 'oldest' })
  client.on('error', () => {})
  try {
    shield.writeThreat(sample)
    const options = { signal: AbortSignal.timeout(30_000) }
    await client.pollThreats(({ details }) => {
      told.got = details
      return false
    }, options)
  } catch (error) {
    told.thrown = plain(error)
  }
  const { transport: by, errors: failed } = client.stats()
  told.client = { transport: by, ...plainAll(failed) }
  await client.close()
  await shield.close()
  process.stdout.write(JSON.stringify(told))
}

/** A client alone, for as long as it has not failed over WebSocket. */
async function useClient(ipc, { dir }) {
  const { setTimeout: sleep } = require('node:timers/promises')
  const client = await ipc.IpcFactory.createClient({ dir, preferShm: false })
  client.on('error', () => {})
  while (client.stats().errors.websocket === null) {
    await sleep(5)
  }
  const { code, message } = client.stats().errors.websocket
  await client.close()
  process.stdout.write(JSON.stringify({ code, message }))
}

/** What a call throws, or rejects with. */
async function fails(ipc, { call, args }) {
  try {
    await (call === 'benchmark'
      ? new ipc.BenchmarkClient().measureLatency(...args)
      : ipc.loadConfig(...args))
  } catch ({ name, code, message }) {
    process.stdout.write(JSON.stringify({ name, code, message }))
  }
}

/** In a thread: which transport a client there uses. */
async function useWorker(_ipc, { library, dir, sample }) {
  const { once } = require('node:events')
  const { Worker } = require('node:worker_threads')
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads')
     const { ShmClient, SharedMemoryIpc } = require(workerData.library)
     const { dir } = workerData
     const writer = new SharedMemoryIpc({ dir })
     const client = new ShmClient({ dir, from: 'oldest' })
     writer.writeThreat(workerData.sample)
     const [{ details }] = client.poll(1)
     client.close()
     writer.close().then(() => parentPort.postMessage(details))`,
    { eval: true, workerData: { library, dir, sample } }
  )
  const exited = once(worker, 'exit')
  const [got] = await once(worker, 'message')
  await exited
  process.stdout.write(JSON.stringify({ got }))
}

describe("Node's permission model", () => {
  const sample = threat('for whoever may read it')
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })

  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  /** What the program prints, which has to end well. */
  async function run(flags, main, argument) {
    const program = new Program(main, { dir, ...argument }, { flags })
    const { code, stdout, stderr } = await within(program.exited, 'its end')
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }

  async function both(flags) {
    const told = await run(flags, useBoth, { websocket: { port: 0 }, sample })
    assert.deepEqual(told.uncaught, [])
    return told
  }

  /** An IpcError that names a flag. */
  function assertNames(error, code, flag) {
    assert.equal(error?.code, code, JSON.stringify(error))
    assert.match(error.text ?? error.message, new RegExp(`${flag}\\b`))
  }

  it('F82 --no-addons: a reason, and all over WebSocket', async () => {
    const { reason, shield, client, got } = await both(['--no-addons'])
    assert.match(reason, /does not load: --no-addons forbids it$/)
    assertNames(shield.shm, 'ERR_SHM_UNAVAILABLE', '--no-addons')
    assert.equal(shield.transport, 'websocket')
    assert.deepEqual([client.transport, got], ['websocket', sample.details])
  })

  if (MODEL === undefined) {
    it('F82 there is none before Node 20', () => {
      assert.equal(process.permission, undefined)
    })
    return
  }

  const net = has(NET) ? [NET] : []
  const reads = [`${READ}=*`]
  const writes = [`${WRITE}=*`]
  // The package alone.
  const readsPackage = [`${READ}=${ROOT}`]
  const allow = (...parts) => [MODEL, '--no-warnings', ...parts.flat()]

  it('F82 with what it needs: both transports', async () => {
    const flags = allow(reads, writes, net, ADDONS)
    const { ready, reason, shield, client, got } = await both(flags)
    assert.deepEqual([ready, reason, shield.websocket], [null, null, null])
    assert.equal(shield.transport, 'hybrid')
    assert.deepEqual([client.transport, got], ['shm', sample.details])
  })

  it('F82 without addons: a reason, and all over WebSocket', async () => {
    const flags = allow(reads, writes, net)
    const { ready, reason, shield, client, got } = await both(flags)
    assert.match(reason, /--allow-addons would allow it$/)
    assert.equal(ready, null)
    assertNames(shield.shm, 'ERR_SHM_UNAVAILABLE', ADDONS)
    assert.equal(shield.transport, 'websocket')
    assert.deepEqual([client.transport, got], ['websocket', sample.details])
  })

  const denied = {
    'to write files': [WRITE, allow(reads, net, ADDONS)],
    'to read but the package': [READ, allow(readsPackage, writes, net, ADDONS)],
    ...(has(NET) && { 'the net': [NET, allow(reads, writes, ADDONS)] })
  }
  for (const [what, [flag, flags]] of Object.entries(denied)) {
    it(`F82 not allowed ${what}: all over shared memory`, async () => {
      const { ready, reason, shield, client, got } = await both(flags)
      assert.deepEqual([ready, reason, shield.shm], [null, null, null])
      assert.equal(shield.transport, 'shm')
      assertNames(shield.websocket, 'ERR_ACCESS', flag)
      assert.deepEqual([client.transport, got], ['shm', sample.details])
    })
  }

  it('F82 neither addons nor files: ready() and writing say which', async () => {
    const told = await both(allow(reads, net))
    assert.match(told.reason, /--allow-addons/)
    assertNames(told.ready, 'ERR_ACCESS', WRITE)
    assertNames(told.thrown, 'ERR_ACCESS', WRITE)
    assertNames(told.client.shm, 'ERR_SHM_UNAVAILABLE', ADDONS)
    assert.equal(told.client.websocket.code, 'ERR_WEBSOCKET_UNREACHABLE')
  })

  it('F82 a client that may not read the discovery file', async () => {
    const flags = allow(readsPackage, net)
    assertNames(await run(flags, useClient), 'ERR_ACCESS', READ)
  })

  if (has(NET)) {
    it('F82 a client that may not connect', async () => {
      const shield = IpcFactory.createTransport({
        dir,
        preferShm: false,
        websocket: { port: 0 }
      })
      await shield.ready()
      try {
        const error = await run(allow(reads), useClient)
        assertNames(error, 'ERR_ACCESS', NET)
      } finally {
        await shield.close()
      }
    })
  }

  it('F82 a configuration that may not be read', async () => {
    const file = path.join(dir, 'a.toml')
    fs.writeFileSync(file, '')
    const args = { call: 'config', args: [file] }
    const error = await run(allow(readsPackage), fails, args)
    assertNames(error, 'ERR_CONFIG_INVALID', READ)
  })

  it('F82 a benchmark that may not start its Shield', async () => {
    const flags = allow(reads, writes, net, ADDONS)
    const error = await run(flags, fails, { call: 'benchmark', args: [] })
    assert.equal(error.name, 'IpcError')
    assertNames(error, 'ERR_ACCESS', '--allow-child-process')
  })

  it('F82 a thread that is allowed uses shared memory', async () => {
    const library = path.join(ROOT, 'lib', 'index.js')
    const flags = allow(reads, ADDONS, '--allow-worker')
    const { got } = await run(flags, useWorker, { library, sample })
    assert.equal(got, sample.details)
  })
})
