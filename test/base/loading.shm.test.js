'use strict'
// What `require` of the package and of its parts loads, and what it leaves for
// when it is first used; and what is said when that cannot be loaded then.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { ROOT } = require('../helpers/pages.js')
const { threat, useRing } = require('../helpers/ring.js')
const { within } = require('../helpers/wait.js')

const WS = /^node_modules\/ws\//
const TOML = /^node_modules\/smol-toml\//
const SHIELD =
  /^lib\/(shield|websocket\/server|benchmark|cli)\/|^lib\/shm\/writer/
const CLIENT = /^lib\/(client|benchmark|cli)\//
const ADDON = /\.node$/
// What Node itself loads when it is asked for, and takes long.
const NETWORK = ['crypto', 'http', 'https', 'net', 'tls', 'zlib']
const BUILTINS = [...NETWORK, 'assert', 'child_process']

/** Does one thing after the other, and prints what had been loaded behind each. */
async function look(_ipc, { root, part, dir }) {
  // Of tests alone, states are asserted.
  delete process.env.NODE_ENV
  const { createRequire } = require('node:module')
  const { join, relative } = require('node:path')
  const from = createRequire(join(root, 'test.js'))
  const loaded = {}
  const note = (step) => {
    loaded[step] = {
      files: Object.keys(require.cache).map((file) =>
        relative(root, file).replaceAll('\\', '/')
      ),
      builtins: process.moduleLoadList
        .filter((name) => name.startsWith('NativeModule '))
        .map((name) => name.slice('NativeModule '.length))
    }
  }
  const connected = async (client) => {
    while (client.stats().transport !== 'websocket') {
      await new Promise((resolve) => {
        setTimeout(resolve, 5)
      })
    }
  }
  const steps = {
    async client(ipc) {
      ipc.PlatformShm.checksumMethod()
      note('addon')
      const client = await ipc.createClient({ dir, from: 'oldest' })
      await client.pollThreats(() => false)
      note('ring')
      const other = await ipc.createClient({ dir, preferShm: false })
      await connected(other)
      note('websocket')
      await client.close()
      await other.close()
    },
    async shield(ipc) {
      const options = { dir, name: 'other' }
      const ring = { ...options, websocket: { enabled: false } }
      const shield = ipc.createTransport(ring)
      await shield.ready()
      note('ring')
      await shield.close()
      ipc.loadConfig(undefined, {})
      note('environment')
      ipc.loadConfig(join(dir, 'options.toml'))
      note('toml')
      const both = { ...options, websocket: { port: 0 } }
      const hybrid = ipc.createHybridTransport(both)
      await hybrid.ready()
      note('websocket')
      await hybrid.close()
    },
    async whole(ipc) {
      void ipc.PlatformShm
      note('addon')
    }
  }
  note('nothing')
  const ipc = from(`kindly-guard-ipc${part === 'whole' ? '' : `/${part}`}`)
  note('required')
  await steps[part](ipc)
  process.stdout.write(JSON.stringify(loaded))
}

/** As where the packages that this one needs were not installed. */
async function goWithout(ipc, { dir }) {
  const Module = require('node:module')
  const resolve = Module._resolveFilename
  Module._resolveFilename = function find(name, ...rest) {
    if (name !== 'ws' && name !== 'smol-toml') {
      return Reflect.apply(resolve, this, [name, ...rest])
    }
    const error = new Error(`Cannot find module '${name}'\nRequire stack: ...`)
    throw Object.assign(error, { code: 'MODULE_NOT_FOUND' })
  }
  const seen = { uncaught: [] }
  process.on('uncaughtException', ({ stack }) => seen.uncaught.push(stack))
  const plain = ({ name, code, message }) => ({ name, code, message })
  const attempt = (action) => {
    try {
      action()
    } catch (error) {
      return plain(error)
    }
    return null
  }
  const ring = await ipc.IpcFactory.createClient({ dir, from: 'oldest' })
  await ring.pollThreats(({ details }) => {
    seen.details = details
    return false
  })
  await ring.close()
  const client = await ipc.IpcFactory.createClient({ dir, preferShm: false })
  while (client.stats().errors.websocket === null) {
    await new Promise((done) => {
      setTimeout(done, 5)
    })
  }
  seen.client = plain(client.stats().errors.websocket)
  seen.reason = client.state.reason
  const other = { dir, name: 'other', websocket: { port: 0 } }
  seen.shield = attempt(() => ipc.IpcFactory.createHybridTransport(other))
  seen.toml = attempt(() => ipc.loadConfig(`${dir}/options.toml`))
  // It was tried in vain, and is there now.
  Module._resolveFilename = resolve
  while (client.stats().transport !== 'websocket') {
    await new Promise((done) => {
      setTimeout(done, 5)
    })
  }
  await client.close()
  process.stdout.write(JSON.stringify(seen))
}

describe('loading', () => {
  const current = useRing()

  beforeEach(async () => {
    const { dir } = current()
    fs.writeFileSync(path.join(dir, 'options.toml'), '[ipc.shm]\n')
    const options = { dir, websocket: { port: 0 } }
    const shield = current().keep(IpcFactory.createHybridTransport(options))
    await shield.ready()
    shield.writeThreat(threat('from the ring'))
  })

  async function run(main, argument) {
    const program = current().program(main, argument, {
      bare: main === look
    })
    const { code, stdout, stderr } = await within(program.exited, 'its end')
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }

  /** What a program has loaded of these behind each of its steps. */
  async function loadedBy(part) {
    const loaded = await run(look, { root: ROOT, part })
    const { builtins: before } = loaded.nothing
    const isNew = (name) => !before.includes(name)
    const at = (step) => {
      const { files, builtins } = loaded[step]
      assert.ok(files.length > 0, step)
      return {
        has: (pattern) => files.filter((file) => pattern.test(file)),
        builtins: BUILTINS.filter(isNew).filter((name) =>
          builtins.includes(name)
        )
      }
    }
    return Object.assign(at, { network: NETWORK.filter(isNew) })
  }

  function assertNone(step, patterns) {
    for (const pattern of patterns) assert.deepEqual(step.has(pattern), [])
  }

  it('a client reads a ring without a network, and without a Shield’s code', async () => {
    const at = await loadedBy('client')
    assertNone(at('required'), [WS, TOML, SHIELD, CLIENT, ADDON])
    assert.deepEqual(at('required').builtins, [])
    assert.equal(at('addon').has(ADDON).length, 1)
    assertNone(at('addon'), [WS, TOML, SHIELD, CLIENT])
    assert.deepEqual(at('addon').builtins, [])
    assert.notDeepEqual(at('ring').has(CLIENT), [])
    assertNone(at('ring'), [WS, TOML, SHIELD])
    assert.deepEqual(at('ring').builtins, [])
  })

  it('a client’s first WebSocket brings ws, and no Shield', async () => {
    const at = await loadedBy('client')
    assert.notDeepEqual(at('websocket').has(WS), [])
    assertNone(at('websocket'), [TOML, SHIELD])
    assert.deepEqual(at('websocket').builtins, at.network)
  })

  it('a Shield loads each part when it is first used, and nothing of a client', async () => {
    const at = await loadedBy('shield')
    assertNone(at('required'), [WS, TOML, SHIELD, CLIENT, ADDON])
    assert.deepEqual(at('required').builtins, [])
    assert.notDeepEqual(at('ring').has(SHIELD), [])
    assertNone(at('ring'), [WS, TOML, CLIENT])
    assertNone(at('environment'), [WS, TOML, CLIENT])
    assert.notDeepEqual(at('toml').has(TOML), [])
    assertNone(at('toml'), [WS, CLIENT])
    assert.notDeepEqual(at('websocket').has(WS), [])
    assertNone(at('websocket'), [CLIENT])
  })

  it('the whole package is both, and loads no more', async () => {
    const at = await loadedBy('whole')
    assertNone(at('required'), [WS, TOML, SHIELD, CLIENT, ADDON])
    assert.deepEqual(at('required').builtins, [])
    assertNone(at('addon'), [WS, TOML, SHIELD, CLIENT])
    assert.deepEqual(at('addon').builtins, [])
  })

  it('all parts have the same classes', () => {
    const whole = require('kindly-guard-ipc')
    const parts = [
      require('kindly-guard-ipc/client'),
      require('kindly-guard-ipc/shield')
    ]
    for (const part of parts) {
      for (const name of Object.keys(part)) {
        const other = name in whole ? whole : whole.IpcFactory
        assert.equal(part[name], other[name], name)
        assert.notEqual(part[name], undefined, name)
      }
    }
  })

  it('what cannot be loaded is an IpcError, and is tried again', async () => {
    const seen = await run(goWithout, {})
    assert.equal(seen.details, 'from the ring')
    const missing = (name) => ({
      name: 'IpcError',
      code: 'ERR_SYSTEM',
      message:
        `A system call failed. the package ${name} cannot be loaded: Cannot ` +
        `find module '${name}'; install kindly-guard-ipc again, or have your ` +
        'bundler put all of it in. The message names the call and its errno.'
    })
    assert.deepEqual(seen.client, missing('ws'))
    assert.match(seen.reason, /the package ws cannot be loaded/)
    assert.deepEqual(seen.shield, missing('ws'))
    assert.deepEqual(seen.toml, missing('smol-toml'))
    assert.deepEqual(seen.uncaught, [])
  })
})
