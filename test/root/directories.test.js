'use strict'
// Which directory a ring is in when the best one is squatted, full or unknown
// to one end. Needs root, to be several users and to mount file systems.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { publicCopy } = require('../helpers/public-copy.js')
const { useRing } = require('../helpers/ring.js')
const { until, within } = require('../helpers/wait.js')

// Nobody, and somebody else who has no account here.
const STRANGER = { uid: 65534, gid: 65534 }
const VICTIM = { uid: 65533, gid: 65533 }

const IN_SHM = `/dev/shm/kindly-guard-${VICTIM.uid}`
const IN_TMP = `/tmp/kindly-guard-${VICTIM.uid}`

const THREAT = { threatType: 1, severity: 1, source: '', details: '' }

// What the processes of others do.

/** Opens a writer and writes; returns where it is. */
function write(state, { name, details = [], ...options }) {
  state.writer = new state.ipc.SharedMemoryIpc({ name, ...options })
  for (const one of details) {
    state.writer.writeThreat({
      threatType: 1,
      severity: 1,
      source: '',
      details: one
    })
  }
  return state.writer.stats().path
}

/** Opens a client and takes what is there; returns where that was. */
function read(state, { name, ...options }) {
  const client = new state.ipc.ShmClient({ name, from: 'oldest', ...options })
  const details = client.poll().map((threat) => threat.details)
  const { path: file } = client.stats()
  client.close()
  return { file, details }
}

describe('default directories', () => {
  const current = useRing()
  let ring
  let home
  let name
  let number = 0
  let removed

  beforeEach(() => {
    assert.equal(process.getuid(), 0, 'these tests need root')
    ring = current()
    name = `test-${process.pid}-directories-${number++}`
    removed = [IN_SHM, IN_TMP]
    for (const dir of removed) assert(!fs.existsSync(dir), `${dir} is there`)
    fs.chmodSync(ring.dir, 0o711)
    home = own('home', VICTIM)
  })

  afterEach(() => {
    for (const dir of removed) fs.rmSync(dir, { recursive: true, force: true })
  })

  /** A directory of a user's. */
  function own(base, { uid, gid }, mode = 0o700) {
    const dir = path.join(ring.dir, base)
    fs.mkdirSync(dir)
    fs.chmodSync(dir, mode)
    fs.chownSync(dir, uid, gid)
    return dir
  }

  /** A process of another user with nothing of root's in its environment. */
  function as(user, env) {
    return ring.child({
      ...user,
      cwd: '/',
      env: { PATH: process.env.PATH, ...env }
    })
  }

  const victim = (env = { HOME: home }) => as(VICTIM, env)

  function squat(dir) {
    fs.mkdirSync(dir, { mode: 0o700 })
    fs.chownSync(dir, STRANGER.uid, STRANGER.gid)
  }

  const isLocked = (promise) =>
    assert.rejects(promise, { name: 'IpcError', code: 'ERR_RING_LOCKED' })

  it('F68 both squatted: there is one more in the home', async () => {
    squat(IN_SHM)
    squat(IN_TMP)
    const shield = victim()
    const file = await shield.call(write, { name, details: ['a', 'b'] })
    const dir = path.join(home, '.kindly-guard', 'shm')
    assert.equal(file, path.join(dir, `${name}.shm`))
    for (const made of [dir, path.dirname(dir)]) {
      const { uid, mode } = fs.statSync(made)
      assert.deepEqual([uid, mode & 0o7777], [VICTIM.uid, 0o700])
    }
    // Another process finds it, and another Shield too.
    const found = await victim().call(read, { name })
    assert.deepEqual(found, { file, details: ['a', 'b'] })
    await isLocked(victim().call(write, { name }))
    await shield.kill()
    assert.equal(await victim().call(write, { name }), file)
  })

  it('F68 the squatter goes: the next Shield goes on, exactly', async () => {
    squat(IN_SHM)
    squat(IN_TMP)
    const shield = victim()
    const first = await shield.call(write, { name, details: ['a', 'b'] })
    const reader = victim()
    await reader.call(
      (state, options) => {
        state.got = []
        state.lost = []
        state.client = new state.ipc.ShmClient({ ...options, from: 'oldest' })
        state.client.on('threat', ({ details }) => state.got.push(details))
        state.client.on('lost', (loss) => state.lost.push(loss))
      },
      { name }
    )
    await until(
      async () => (await reader.call(({ got }) => got.length)) === 2,
      'what was written'
    )
    fs.rmdirSync(IN_SHM)
    fs.rmdirSync(IN_TMP)
    // The best directory is free, but a Shield lives.
    await isLocked(victim().call(write, { name }))
    await shield.call(({ writer }) => {
      writer.writeThreat({
        threatType: 1,
        severity: 1,
        source: '',
        details: 'c'
      })
    })
    await shield.kill()
    const next = victim()
    const second = await next.call(write, { name, details: ['d'] })
    assert.equal(path.dirname(second), IN_SHM)
    assert.notEqual(second, first)
    await until(
      async () => (await reader.call(({ got }) => got.length)) === 4,
      'the client in the new ring'
    )
    assert.deepEqual(await reader.call(({ got, lost }) => [got, lost]), [
      ['a', 'b', 'c', 'd'],
      []
    ])
    // Of two rings, that of the living writer.
    assert.equal((await victim().call(read, { name })).file, second)
    // Of two without one, the newest.
    await next.kill()
    assert.equal((await victim().call(read, { name })).file, second)
  })

  it('F68 a Shield without a ring takes its turn there, too', async () => {
    squat(IN_SHM)
    squat(IN_TMP)
    const shield = victim()
    await shield.call(
      async (state, options) => {
        state.shield = state.ipc.IpcFactory.createHybridTransport({
          ...options,
          preferShm: false,
          websocket: { port: 0 }
        })
        await state.shield.ready()
      },
      { name }
    )
    await isLocked(victim().call(write, { name }))
    fs.rmdirSync(IN_SHM)
    await isLocked(victim().call(write, { name }))
  })

  it('F68 F74 one more, and one end lacks a part of its environment', async () => {
    squat(IN_SHM)
    const runtime = own('run', VICTIM)
    const temporary = own('tmp', VICTIM)
    const shield = victim({
      HOME: home,
      XDG_RUNTIME_DIR: runtime,
      TMPDIR: temporary
    })
    const file = await shield.call(write, { name, details: ['a'] })
    assert.equal(path.dirname(file), path.join(runtime, 'kindly-guard'))
    for (const env of [
      {},
      { HOME: home },
      { TMPDIR: temporary },
      { XDG_RUNTIME_DIR: home, HOME: runtime, TMPDIR: runtime },
      { XDG_RUNTIME_DIR: '/nowhere', HOME: '', TMPDIR: 'relative' }
    ]) {
      // Never two Shields.
      await isLocked(victim(env).call(write, { name }))
      // A reader finds it, or says that there is none.
      await assert.rejects(victim(env).call(read, { name }), {
        name: 'IpcError',
        code: 'ERR_NO_RING'
      })
    }
    const also = { XDG_RUNTIME_DIR: runtime }
    assert.equal((await victim(also).call(read, { name })).file, file)
  })

  it('F74 with the best directory the environment has no effect', async () => {
    const shield = victim({})
    const file = await shield.call(write, { name, details: ['a'] })
    assert.equal(path.dirname(file), IN_SHM)
    const his = own('his', STRANGER, 0o777)
    for (const env of [
      { HOME: home },
      { HOME: his, XDG_RUNTIME_DIR: his, TMPDIR: his },
      { HOME: 'a', XDG_RUNTIME_DIR: 'b', TMPDIR: 'c' },
      { HOME: '', XDG_RUNTIME_DIR: '', TMPDIR: '' },
      { HOME: '/dev/null', XDG_RUNTIME_DIR: file, TMPDIR: '/proc/1' },
      { HOME: `/${'x'.repeat(5000)}`, TMPDIR: `/${'y'.repeat(600)}` }
    ]) {
      assert.equal((await victim(env).call(read, { name })).file, file)
      await isLocked(victim(env).call(write, { name }))
    }
    assert.deepEqual(fs.readdirSync(his), [])
  })

  it("F74 nothing is put into another user's directories", async () => {
    squat(IN_SHM)
    squat(IN_TMP)
    // As sudo leaves them, and a place that its owner can exchange.
    const his = own('his', STRANGER, 0o777)
    const env = { HOME: his, XDG_RUNTIME_DIR: his, TMPDIR: his }
    await assert.rejects(victim(env).call(write, { name }), {
      name: 'IpcError',
      code: 'ERR_UNSAFE_PATH'
    })
    await assert.rejects(victim(env).call(read, { name }), {
      name: 'IpcError',
      code: 'ERR_NO_RING'
    })
    // By WebSocket neither: its discovery file has no place.
    await victim(env)
      .call(
        async (state, options) => {
          const shield = state.ipc.IpcFactory.createHybridTransport({
            ...options,
            websocket: { port: 0 }
          })
          await shield.ready()
          shield.close()
        },
        { name }
      )
      .catch(({ name: type }) => assert.equal(type, 'IpcError'))
    assert.deepEqual(fs.readdirSync(his), [])
  })

  it('F74 the working directory is gone', async () => {
    const gone = own('gone', VICTIM)
    const child = victim()
    await child.call((_state, dir) => process.chdir(dir), gone)
    fs.rmdirSync(gone)
    await child.call(write, { name, details: ['a'] })
    assert.equal((await child.call(read, { name })).details[0], 'a')
    for (const End of ['SharedMemoryIpc', 'ShmClient']) {
      await assert.rejects(
        child.call(
          (state, { End: Type, dir }) => new state.ipc[Type]({ dir }).close(),
          { End, dir: 'relative' }
        ),
        { code: 'ERR_INVALID_OPTION' }
      )
    }
  })

  /** Runs a program as the victim, with a /dev/shm of its own. */
  async function inNamespace(size, program, argument) {
    const library = path.join(publicCopy(), 'lib', 'index.js')
    const script = `
      const ipc = require(${JSON.stringify(library)})
      const argument = ${JSON.stringify({ ...argument, library })}
      ;(${program})(ipc, argument).then((value) => {
        console.log(JSON.stringify(value))
        process.exit()
      })`
    const mounting =
      `mount -t tmpfs -o mode=1777,size=${size} tmpfs /dev/shm && ` +
      'exec setpriv --reuid "$1" --regid "$1" --clear-groups ' +
      '--inh-caps=-all "$2" -e "$3"'
    const child = spawn(
      'unshare',
      [
        '--mount',
        'sh',
        '-c',
        mounting,
        'sh',
        `${VICTIM.uid}`,
        process.execPath,
        script
      ],
      { cwd: '/', env: { PATH: process.env.PATH } }
    )
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (data) => {
      stdout += data
    })
    child.stderr.on('data', (data) => {
      stderr += data
    })
    const ended = new Promise((resolve) => {
      child.on('close', resolve)
    })
    assert.equal(await within(ended, 'its end'), 0, stderr)
    return JSON.parse(stdout)
  }

  it('F70 no room in the best one: the next with room, and found', async () => {
    const outcome = await inNamespace(
      '400k',
      async (ipc, { name: base, threat, library }) => {
        const { execFileSync } = require('node:child_process')
        const { setTimeout: sleep } = require('node:timers/promises')
        const code = (action) => {
          try {
            return action()
          } catch (error) {
            return error.code
          }
        }
        // A small one has room, and stays for late readers.
        const first = new ipc.SharedMemoryIpc({ name: base, maxEvents: 16 })
        const client = new ipc.ShmClient({ name: base, from: 'oldest' })
        const got = []
        const lost = []
        client.on('threat', (one) => got.push(one.details))
        client.on('lost', (loss) => lost.push(loss))
        first.writeThreat({ ...threat, details: 'a' })
        first.writeThreat({ ...threat, details: 'b' })
        const small = first.stats().path
        first.close()
        const second = new ipc.SharedMemoryIpc({ name: base, maxEvents: 1000 })
        second.writeThreat({ ...threat, details: 'c' })
        while (got.length < 3) await sleep(5)
        // In a process that knows nothing of this one.
        const other = `
          const ipc = require(${JSON.stringify(library)})
          const client = new ipc.ShmClient({ name: '${base}', from: 'oldest' })
          console.log(client.stats().path, client.poll()[0].details)
          client.close()`
        const told = execFileSync(process.execPath, ['-e', other])
        return {
          small,
          large: second.stats().path,
          found: `${told}`.trim(),
          got,
          lost,
          third: code(() => new ipc.SharedMemoryIpc({ name: base })),
          explicit: code(
            () =>
              new ipc.SharedMemoryIpc({
                name: `${base}-explicit`,
                dir: small.slice(0, small.lastIndexOf('/')),
                maxEvents: 1000
              })
          )
        }
      },
      { name, threat: THREAT }
    )
    const large = path.join(IN_TMP, `${name}.shm`)
    assert.deepEqual(outcome, {
      small: path.join(IN_SHM, `${name}.shm`),
      large,
      found: `${large} c`,
      got: ['a', 'b', 'c'],
      lost: [],
      third: 'ERR_RING_LOCKED',
      explicit: 'ERR_NO_SPACE'
    })
  })
})
