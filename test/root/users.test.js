'use strict'
// Several users of one machine. Needs root, which can be any of them.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory, SharedMemoryIpc, ShmClient } = require('../../lib/index.js')
const { LIBRARY } = require('../helpers/child.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect } = require('../helpers/wait.js')

// Nobody, and somebody else who has no account here.
const STRANGER = { uid: 65534, gid: 65534 }
const VICTIM = { uid: 65533, gid: 65533 }

describe('users', () => {
  const current = useRing()
  let ring
  let removed

  beforeEach(() => {
    assert.equal(process.getuid(), 0, 'these tests need root')
    ring = current()
    removed = []
  })

  afterEach(() => {
    for (const dir of removed) fs.rmSync(dir, { recursive: true, force: true })
  })

  /** A process of another user with nothing of root's in its environment. */
  function as(user, env = {}) {
    return ring.child({
      ...user,
      cwd: '/',
      env: { PATH: process.env.PATH, ...env }
    })
  }

  function unsafe(blamed) {
    return (error) => {
      assert.equal(error.name, 'IpcError')
      assert.equal(error.code, 'ERR_UNSAFE_PATH', error.message)
      assert(error.message.includes(blamed), error.message)
      return true
    }
  }

  it('F28 the directory of another user: ERR_UNSAFE_PATH', () => {
    new SharedMemoryIpc({ dir: ring.dir }).close()
    const before = fs.readFileSync(ring.file)
    fs.chownSync(ring.dir, STRANGER.uid, STRANGER.gid)
    for (const End of [SharedMemoryIpc, ShmClient]) {
      assert.throws(() => new End({ dir: ring.dir }), unsafe(ring.dir))
      assert.throws(() => new End({ dir: ring.dir }), /user 65534/)
    }
    assert(fs.readFileSync(ring.file).equals(before))
    assert.equal(fs.statSync(ring.dir).uid, STRANGER.uid)
  })

  for (const name of ['kindly-guard.shm', 'kindly-guard.lock']) {
    it(`F28 a ${name} of another user: ERR_UNSAFE_PATH`, () => {
      new SharedMemoryIpc({ dir: ring.dir }).close()
      const file = path.join(ring.dir, name)
      fs.chownSync(file, STRANGER.uid, STRANGER.gid)
      assert.throws(() => new SharedMemoryIpc({ dir: ring.dir }), unsafe(file))
      assert.equal(fs.statSync(file).uid, STRANGER.uid)
    })
  }

  it("F26 another user's symbolic link: its target unchanged", async () => {
    const mine = path.join(ring.dir, 'mine')
    fs.mkdirSync(mine, { mode: 0o700 })
    new SharedMemoryIpc({ dir: mine }).close()
    // A place where everybody may put something, as /dev/shm is.
    const open = path.join(ring.dir, 'open')
    fs.mkdirSync(open)
    fs.chmodSync(open, 0o1777)
    fs.chmodSync(ring.dir, 0o711)
    const link = path.join(open, 'kindly-guard-0')
    await as(STRANGER).call(
      (state, { target, at }) =>
        state.require('node:fs').symlinkSync(target, at),
      { target: mine, at: link }
    )
    const before = fs.readdirSync(mine)
    for (const End of [SharedMemoryIpc, ShmClient]) {
      assert.throws(() => new End({ dir: link }), unsafe(link))
    }
    assert.deepEqual(fs.readdirSync(mine), before)
  })

  it('F30 another user cannot read, write or lock a ring', async () => {
    const writer = ring.writer()
    writer.writeThreat(threat('secret'))
    const before = ring.fingerprint()
    const child = as(STRANGER)
    const outcomes = await child.call(
      (state, { dir, file, lock }) => {
        const code = (action) => {
          try {
            action()
            return 'done'
          } catch (error) {
            return error.code
          }
        }
        const fs2 = state.require('node:fs')
        return {
          uid: process.getuid(),
          client: code(() => new state.ipc.ShmClient({ dir })),
          writer: code(() => new state.ipc.SharedMemoryIpc({ dir })),
          read: code(() => fs2.readFileSync(file)),
          lock: code(() => fs2.openSync(lock, 'r')),
          list: code(() => fs2.readdirSync(dir)),
          unlink: code(() => fs2.unlinkSync(file))
        }
      },
      { dir: ring.dir, file: ring.file, lock: ring.lock }
    )
    assert.deepEqual(outcomes, {
      uid: STRANGER.uid,
      client: 'ERR_UNSAFE_PATH',
      writer: 'ERR_UNSAFE_PATH',
      read: 'EACCES',
      lock: 'EACCES',
      list: 'EACCES',
      unlink: 'EACCES'
    })
    // Nor when the directory lets him through: the files are 0600.
    fs.chmodSync(ring.dir, 0o711)
    const read = await child.call(
      (state, { file }) => {
        try {
          return state.require('node:fs').readFileSync(file).length
        } catch (error) {
          return error.code
        }
      },
      { file: ring.file }
    )
    assert.equal(read, 'EACCES')
    fs.chmodSync(ring.dir, 0o700)
    assert.deepEqual(ring.fingerprint(), before)
    assert.equal(writer.isHealthy(), true)
  })

  it('F30 two users with defaults have two rings and no clash', async () => {
    const name = `test-${process.pid}-users`
    const open = (state, options) => {
      state.writer = new state.ipc.SharedMemoryIpc(options)
      state.client = new state.ipc.ShmClient(options)
      state.writer.writeThreat({
        threatType: 1,
        severity: 1,
        source: `${process.getuid()}`,
        details: ''
      })
      const [one] = state.client.poll()
      return { path: state.writer.stats().path, source: one?.source }
    }
    removed.push('/dev/shm/kindly-guard-65533', '/dev/shm/kindly-guard-65534')
    for (const dir of removed) assert(!fs.existsSync(dir), `${dir} is there`)
    const paths = []
    for (const user of [STRANGER, VICTIM]) {
      const opened = await as(user).call(open, { name })
      assert.equal(opened.source, `${user.uid}`)
      const dir = path.dirname(opened.path)
      assert.equal(fs.statSync(dir).uid, user.uid)
      assert.equal(fs.statSync(dir).mode & 0o7777, 0o700)
      paths.push(opened.path)
    }
    assert.notEqual(paths[0], paths[1])
  })

  it('F28 a squatted default directory gives way to the next', async () => {
    const squatted = `/dev/shm/kindly-guard-${VICTIM.uid}`
    assert(!fs.existsSync(squatted))
    // The Shield takes the locks of the other places, too.
    removed.push(squatted, `/tmp/kindly-guard-${VICTIM.uid}`)
    fs.mkdirSync(squatted, { mode: 0o777 })
    fs.chownSync(squatted, STRANGER.uid, STRANGER.gid)
    const home = path.join(ring.dir, 'run')
    fs.chmodSync(ring.dir, 0o711)
    fs.mkdirSync(home, { mode: 0o700 })
    fs.chownSync(home, VICTIM.uid, VICTIM.gid)
    const victim = as(VICTIM, { XDG_RUNTIME_DIR: home, TMPDIR: home })
    const name = `test-${process.pid}-squat`
    const file = await victim.call(
      (state, options) => {
        state.writer = new state.ipc.SharedMemoryIpc(options)
        return state.writer.stats().path
      },
      { name }
    )
    assert.equal(file, path.join(home, 'kindly-guard', `${name}.shm`))
    // The reader goes past the squatter too, even when he offers a ring.
    await as(STRANGER)
      .call(
        (state, options) => {
          state.writer = new state.ipc.SharedMemoryIpc(options)
        },
        { name, dir: squatted }
      )
      .catch(({ code }) => {
        // Mode 0777 & ~umask is open to others: not even the squatter's own.
        assert.equal(code, 'ERR_UNSAFE_PATH')
      })
    fs.chmodSync(squatted, 0o700)
    await as(STRANGER).call(
      (state, options) => {
        state.writer = new state.ipc.SharedMemoryIpc(options)
      },
      { name, dir: squatted }
    )
    const read = await victim.call(
      (state, options) => {
        return new state.ipc.ShmClient(options).stats().path
      },
      { name }
    )
    assert.equal(read, file)
  })

  it('F35 another pid namespace: the lock counts, no pid does', async () => {
    const writer = ring.writer()
    const script = `
      const { SharedMemoryIpc } = require(${JSON.stringify(LIBRARY)})
      try {
        new SharedMemoryIpc({ dir: ${JSON.stringify(ring.dir)} }).close()
        console.log(process.pid, 'opened')
      } catch ({ code }) {
        console.log(process.pid, code)
      }`
    const inside = () =>
      execFileSync(
        'unshare',
        ['--pid', '--fork', process.execPath, '-e', script],
        { encoding: 'utf8' }
      ).trim()
    assert.equal(inside(), '1 ERR_RING_LOCKED')
    writer.writeThreat(threat())
    await writer.close()
    assert.equal(inside(), '1 opened')
    assert.equal((await collect(ring.client({ from: 1 }), 1))[0].sequence, 1)
  })

  it('F30 F55 another user gets nothing of a WebSocket', async () => {
    const shield = IpcFactory.createHybridTransport({
      dir: ring.dir,
      websocket: { port: 0 }
    })
    await shield.ready()
    shield.writeThreat(threat('secret'))
    const { url, socket, discoveryFile } = shield.stats().websocket
    const child = as(STRANGER)
    const outcome = await child.call(
      async (state, { file, target, local }) => {
        const read = (() => {
          try {
            return state.require('node:fs').readFileSync(file, 'utf8')
          } catch ({ code }) {
            return code
          }
        })()
        const WebSocket = state.require('ws')
        const opened = await new Promise((resolve) => {
          const client = new WebSocket(target)
          client.on('open', () => resolve('open'))
          client.on('error', ({ message }) => resolve(message))
        })
        const connected = await new Promise((resolve) => {
          const client = state.require('node:net').connect(local)
          client.on('connect', () => resolve('connected'))
          client.on('error', ({ code }) => resolve(code))
        })
        return { read, opened, connected }
      },
      { file: discoveryFile, target: url, local: socket }
    )
    assert.deepEqual(outcome, {
      read: 'EACCES',
      opened: 'Unexpected server response: 401',
      connected: 'EACCES'
    })
    assert.equal(shield.stats().websocket.admitted, 0)
    await shield.close()
  })

  it('F28 F58 a user who has our directory and our port: WebSocket', async () => {
    // The place where the ring would be, and the port where clients look.
    const home = path.join(ring.dir, 'home')
    fs.mkdirSync(home, { mode: 0o700 })
    const dir = path.join(ring.dir, 'squatted')
    fs.mkdirSync(dir, { mode: 0o777 })
    fs.chownSync(dir, STRANGER.uid, STRANGER.gid)
    const child = as(STRANGER)
    const port = await child.call(async (state) => {
      const { WebSocketServer } = state.require('ws')
      const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
      state.heard = []
      server.on('connection', (socket, { rawHeaders }) => {
        state.heard.push(rawHeaders.join())
        socket.send(
          '{"type":"threat","generation":"0123456789abcdef","threats":[]}'
        )
      })
      await new Promise((resolve) => {
        server.on('listening', resolve)
      })
      return server.address().port
    })
    const before = process.env.XDG_RUNTIME_DIR
    process.env.XDG_RUNTIME_DIR = home
    try {
      const options = { dir, websocket: { port } }
      const shield = IpcFactory.createHybridTransport(options)
      await shield.ready()
      const { transport, errors, websocket } = shield.stats()
      assert.equal(transport, 'websocket')
      assert.equal(errors.shm.code, 'ERR_UNSAFE_PATH')
      assert.notEqual(websocket.port, port)
      assert(websocket.discoveryFile.startsWith(home))
      const client = await IpcFactory.createClient({
        ...options,
        from: 'oldest'
      })
      shield.writeThreat(threat('by WebSocket'))
      assert.equal((await collect(client, 1))[0].details, 'by WebSocket')
      // Nobody has told the stranger anything.
      assert.deepEqual(await child.call(({ heard }) => heard), [])
      await client.close()
      await shield.close()
    } finally {
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR
      else process.env.XDG_RUNTIME_DIR = before
    }
  })
})
