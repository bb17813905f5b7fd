'use strict'
// File systems that are full or read-only, and directories that refuse.
// Needs root, to mount them.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory, SharedMemoryIpc, ShmClient } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, until } = require('../helpers/wait.js')

describe('file systems', () => {
  const opened = []
  let ring
  let mounted

  // Before the ring's own hook removes the directory below.
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()))
    if (mounted !== null) execFileSync('umount', ['-l', mounted])
  })

  const current = useRing()

  beforeEach(() => {
    assert.equal(process.getuid(), 0, 'these tests need root')
    ring = current()
    mounted = null
  })

  function mount(options) {
    const dir = path.join(ring.dir, 'mounted')
    fs.mkdirSync(dir, { mode: 0o700 })
    const more = `mode=700,${options}`
    execFileSync('mount', ['-t', 'tmpfs', '-o', more, 'tmpfs', dir])
    mounted = dir
    return dir
  }

  function remount(options) {
    execFileSync('mount', ['-o', `remount,${options}`, mounted])
  }

  function keep(one) {
    opened.push(one)
    return one
  }

  function refused(action, code, named) {
    assert.throws(action, (error) => {
      assert.equal(error.name, 'IpcError')
      assert.equal(error.code, code, error.message)
      assert(error.message.includes(named), error.message)
      return true
    })
  }

  it('F23 a full tmpfs: ERR_NO_SPACE at creation, and no rest', async () => {
    const dir = mount('size=400k')
    const options = { dir, maxEvents: 1000 }
    for (let i = 0; i < 3; i++) {
      refused(() => new SharedMemoryIpc(options), 'ERR_NO_SPACE', dir)
      assert.deepEqual(fs.readdirSync(dir), ['kindly-guard.lock'])
    }
    // A smaller one fits, and so does this one once there is room.
    keep(new SharedMemoryIpc({ dir, maxEvents: 16 })).close()
    remount('size=2m')
    const writer = keep(new SharedMemoryIpc(options))
    const client = keep(new ShmClient({ dir }))
    writer.writeThreat(threat('room'))
    assert.equal((await collect(client, 1))[0].details, 'room')
  })

  it('F23 filled up later: a ring has its blocks, no signal', async () => {
    const dir = mount('size=1m')
    const writer = keep(new SharedMemoryIpc({ dir, maxEvents: 1000 }))
    const client = keep(new ShmClient({ dir }))
    assert.throws(() => {
      for (let i = 0; ; i++) {
        fs.writeFileSync(path.join(dir, `fill-${i}`), Buffer.alloc(65536))
      }
    }, /ENOSPC/)
    for (let i = 0; i < 3000; i++) writer.writeThreat(threat(`${i}`))
    const threats = await collect(client, 1024)
    assert.equal(threats.at(-1).sequence, 3000)
    assert.equal(client.stats().corrupt, 0)
  })

  it('F23 full while the ring is replaced: the old one stays', async () => {
    const dir = mount('size=1m')
    const first = keep(new SharedMemoryIpc({ dir, maxEvents: 1000 }))
    first.writeThreat(threat('kept'))
    await first.close()
    // 4,096 slots do not fit.
    refused(
      () => new SharedMemoryIpc({ dir, maxEvents: 4096 }),
      'ERR_NO_SPACE',
      dir
    )
    const client = keep(new ShmClient({ dir, from: 'oldest' }))
    assert.equal(client.poll()[0].details, 'kept')
    const second = keep(new SharedMemoryIpc({ dir, maxEvents: 1000 }))
    assert.equal(second.writeThreat(threat('on')), 2)
    assert.equal((await collect(client, 1))[0].details, 'on')
  })

  it('F31 a read-only file system: ERR_READ_ONLY, until mended', async () => {
    const dir = mount('size=2m')
    await keep(new SharedMemoryIpc({ dir })).close()
    const made = path.join(dir, 'made')
    remount('ro')
    refused(() => new SharedMemoryIpc({ dir }), 'ERR_READ_ONLY', dir)
    refused(() => new SharedMemoryIpc({ dir: made }), 'ERR_READ_ONLY', made)
    refused(() => new ShmClient({ dir }), 'ERR_READ_ONLY', dir)
    remount('rw')
    const writer = keep(new SharedMemoryIpc({ dir }))
    const client = keep(new ShmClient({ dir }))
    writer.writeThreat(threat('mended'))
    assert.equal((await collect(client, 1))[0].details, 'mended')
    keep(new SharedMemoryIpc({ dir: made }))
  })

  it('F31 EACCES of a plain user: ERR_ACCESS, until mended', async () => {
    // 0700 and root's: nobody else gets through.
    const dir = path.join(ring.dir, 'his')
    fs.mkdirSync(dir, { mode: 0o700 })
    fs.chownSync(dir, 65534, 65534)
    const child = ring.child({ uid: 65534, gid: 65534, cwd: '/' })
    const open = (state, { dir: where, end }) => {
      state[end] = new state.ipc[end]({ dir: where })
    }
    for (const end of ['SharedMemoryIpc', 'ShmClient']) {
      await assert.rejects(child.call(open, { dir, end }), (error) => {
        assert.equal(error.name, 'IpcError')
        assert.equal(error.code, 'ERR_ACCESS', error.message)
        assert(error.message.includes(dir), error.message)
        return true
      })
    }
    fs.chmodSync(ring.dir, 0o711)
    // A directory that he may not make.
    await assert.rejects(
      child.call(open, { dir: `${ring.dir}/new`, end: 'SharedMemoryIpc' }),
      { code: 'ERR_ACCESS' }
    )
    await child.call(open, { dir, end: 'SharedMemoryIpc' })
    await child.call(open, { dir, end: 'ShmClient' })
    fs.chmodSync(ring.dir, 0o700)
  })

  it('F23 F60 a full tmpfs: the hybrid serves, the ring comes later', async () => {
    const dir = mount('size=400k')
    const options = { dir, maxEvents: 1000, websocket: { port: 0 } }
    const shield = keep(IpcFactory.createHybridTransport(options))
    await shield.ready()
    const { transport, errors } = shield.stats()
    assert.deepEqual(
      [transport, errors.shm.code],
      ['websocket', 'ERR_NO_SPACE']
    )
    const client = keep(
      await IpcFactory.createClient({ ...options, from: 'oldest' })
    )
    shield.writeThreat(threat('full'))
    assert.equal((await collect(client, 1))[0].details, 'full')
    remount('size=2m')
    await until(() => shield.isShmActive(), 'the ring')
    await until(() => client.isShmActive(), 'the client in it')
    shield.writeThreat(threat('room'))
    assert.equal((await collect(client, 1))[0].details, 'room')
    assert.equal(client.stats().lost, 0)
  })

  it('F31 F60 a read-only file system: the hybrid serves', async () => {
    const dir = mount('size=2m')
    remount('ro')
    const shield = keep(
      IpcFactory.createHybridTransport({ dir, websocket: { port: 0 } })
    )
    const before = process.env.XDG_RUNTIME_DIR
    process.env.XDG_RUNTIME_DIR = ring.dir
    try {
      await shield.ready()
      const { transport, errors, websocket } = shield.stats()
      assert.deepEqual(
        [transport, errors.shm.code],
        ['websocket', 'ERR_READ_ONLY']
      )
      assert(!websocket.discoveryFile.startsWith(dir))
    } finally {
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR
      else process.env.XDG_RUNTIME_DIR = before
    }
    remount('rw')
    await until(() => shield.isShmActive(), 'the ring')
  })
})
