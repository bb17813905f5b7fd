'use strict'
// What may stand in the place of the directory, the ring and the lock.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const {
  PlatformShm,
  SharedMemoryIpc,
  ShmClient
} = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { linkRing } = require('../helpers/ring-file.js')
const { IS_WINDOWS } = require('../helpers/system.js')
const { within } = require('../helpers/wait.js')

const mode = (file) => fs.statSync(file).mode & 0o7777

describe('files', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  /** Both ends refuse `dir`, and say which path is to blame. */
  function assertUnsafe(dir, blamed, ends = [SharedMemoryIpc, ShmClient]) {
    for (const End of ends) {
      assert.throws(
        () => new End({ dir }),
        (error) => {
          assert.equal(error.name, 'IpcError')
          assert.equal(error.code, 'ERR_UNSAFE_PATH', error.message)
          assert(error.message.includes(blamed), error.message)
          return true
        }
      )
    }
  }

  it('F32 no ring: ERR_NO_RING has the path, nothing is created', () => {
    const missing = path.join(ring.dir, 'missing')
    const dirs = { [ring.dir]: ring.file, [missing]: missing }
    for (const [dir, named] of Object.entries(dirs)) {
      assert.throws(
        () => new ShmClient({ dir }),
        (error) => {
          assert.equal(error.name, 'IpcError')
          assert.equal(error.code, 'ERR_NO_RING')
          assert(error.message.includes(named), error.message)
          return true
        }
      )
    }
    assert.throws(() => new ShmClient({ dir: ring.dir, name: 'other' }), {
      code: 'ERR_NO_RING',
      message: /other\.shm/
    })
    assert.deepEqual(fs.readdirSync(ring.dir), [])
  })

  it('a reader creates nothing beside a ring either', async () => {
    const writer = ring.writer()
    writer.writeThreat(threat())
    await writer.close()
    fs.unlinkSync(ring.lock)
    const before = fs.readFileSync(ring.file)
    const names = fs.readdirSync(ring.dir)
    assert(names.includes('kindly-guard.shm'))
    const client = ring.client({ from: 'oldest' })
    assert.equal(client.poll().length, 1)
    await client.close()
    assert.deepEqual(fs.readdirSync(ring.dir), names)
    assert(fs.readFileSync(ring.file).equals(before))
  })

  it('a writer makes one directory, and no more than one', () => {
    const dir = path.join(ring.dir, 'made')
    new SharedMemoryIpc({ dir }).close()
    assert.equal(mode(dir), 0o700)
    const deep = path.join(ring.dir, 'not', 'made')
    assert.throws(() => new SharedMemoryIpc({ dir: deep }), {
      code: 'ERR_INVALID_OPTION',
      message: /the directory above it does not exist/
    })
    assert.equal(fs.existsSync(path.join(ring.dir, 'not')), false)
  })

  it('PlatformShm.path names the file that a writer makes', () => {
    const { dir } = ring
    const writer = ring.writer({ name: 'a.b-c_D' })
    assert.equal(
      writer.stats().path,
      PlatformShm.path({ dir, name: 'a.b-c_D' })
    )
    assert(fs.existsSync(writer.stats().path))
  })

  it('a relative dir is where it was, also when the process changes directory', async () => {
    const child = ring.child()
    const paths = await child.call(
      async ({ ipc, require, sleep }, { dir }) => {
        const fs2 = require('node:fs')
        const threats = [
          { threatType: 1, severity: 1, source: '', details: '' }
        ]
        process.chdir(dir)
        const named = ipc.PlatformShm.path({ dir: 'rings' })
        const writer = new ipc.SharedMemoryIpc({ dir: 'rings' })
        const client = new ipc.ShmClient({ dir: './rings/', from: 1 })
        const told = [named, writer.stats().path, client.stats().path]
        process.chdir('/')
        // It is made anew, and found again, where it was.
        writer.writeThreats(threats)
        fs2.unlinkSync(named)
        const healthy = writer.isHealthy()
        writer.writeThreats(threats)
        let received = 0
        // It looks for a successor a few times a second.
        for (let i = 0; i < 1000 && received < 2; i++) {
          received += client.poll().length
          await sleep(5)
        }
        told.push(writer.stats().path, client.stats().path)
        const exists = fs2.existsSync(named)
        return { told, healthy, received, exists, ...writer.stats() }
      },
      { dir: ring.dir }
    )
    const file = path.join(ring.dir, 'rings', 'kindly-guard.shm')
    assert.deepEqual(paths.told, Array(5).fill(file))
    const { healthy, received, exists, replaced } = paths
    assert.deepEqual([healthy, received, exists, replaced], [true, 2, true, 1])
  })

  describe('F26 a symbolic link', () => {
    it('as the directory', () => {
      const real = path.join(ring.dir, 'real')
      const link = path.join(ring.dir, 'link')
      new SharedMemoryIpc({ dir: real }).close()
      fs.symlinkSync(real, link)
      const before = fs.readdirSync(real)
      for (const dir of [link, `${link}/`, `${link}//`]) assertUnsafe(dir, link)
      assert.deepEqual(fs.readdirSync(real), before)
    })

    it('as the directory, leading nowhere', () => {
      const link = path.join(ring.dir, 'link')
      const target = path.join(ring.dir, 'target')
      fs.symlinkSync(target, link)
      assertUnsafe(link, link)
      assert.equal(fs.existsSync(target), false)
    })

    for (const [what, name, ends] of [
      ['ring', 'kindly-guard.shm', [SharedMemoryIpc, ShmClient]],
      ['lock', 'kindly-guard.lock', [SharedMemoryIpc]]
    ]) {
      it(`as the ${what}: its target is unchanged`, () => {
        const target = path.join(ring.dir, 'target')
        // A whole ring, so that nothing but the link is wrong with it.
        new SharedMemoryIpc({ dir: ring.dir, name: 'other' }).close()
        fs.copyFileSync(path.join(ring.dir, 'other.shm'), target)
        fs.chmodSync(target, 0o600)
        const before = fs.readFileSync(target)
        const { mtimeMs } = fs.statSync(target)
        const link = path.join(ring.dir, name)
        fs.symlinkSync(target, link)
        assertUnsafe(ring.dir, link, ends)
        assert(fs.readFileSync(target).equals(before))
        assert.equal(fs.statSync(target).mtimeMs, mtimeMs)
        assert(fs.lstatSync(link).isSymbolicLink())
      })

      it(`as the ${what}, leading nowhere: nothing is made there`, () => {
        const target = path.join(ring.dir, 'target')
        const link = path.join(ring.dir, name)
        fs.symlinkSync(target, link)
        assertUnsafe(ring.dir, link, ends)
        assert.equal(fs.existsSync(target), false)
      })
    }
  })

  describe('F27 what is no plain file', () => {
    const kinds = {
      'a FIFO': (file) => execFileSync('mkfifo', ['-m', '600', file]),
      'a directory': (file) => fs.mkdirSync(file, { mode: 0o700 }),
      'a file with a second name': (file) => {
        new SharedMemoryIpc({ dir: ring.dir, name: 'other' }).close()
        const link = file === ring.file ? linkRing : fs.linkSync
        link(path.join(ring.dir, 'other.shm'), file)
      }
    }
    for (const [kind, make] of Object.entries(kinds)) {
      for (const [what, name, role] of [
        ['ring', 'kindly-guard.shm', 'SharedMemoryIpc'],
        ['ring', 'kindly-guard.shm', 'ShmClient'],
        ['lock', 'kindly-guard.lock', 'SharedMemoryIpc']
      ]) {
        it(`${kind} as the ${what}, for ${role}`, async () => {
          const file = path.join(ring.dir, name)
          make(file)
          const { ino } = fs.lstatSync(file)
          // Elsewhere, because a hang would hang the test.
          const program = ring.program(
            (ipc, { dir, role: end }) => {
              try {
                new ipc[end]({ dir }).close()
                console.log('{}')
              } catch ({ name: type, code, message }) {
                console.log(JSON.stringify({ type, code, message }))
              }
            },
            { role }
          )
          const { code, stdout } = await within(program.exited, 'its end')
          assert.equal(code, 0)
          const error = JSON.parse(stdout)
          assert.equal(error.type, 'IpcError')
          assert.equal(error.code, 'ERR_UNSAFE_PATH', error.message)
          assert(error.message.includes(file), error.message)
          assert.equal(fs.lstatSync(file).ino, ino)
        })
      }
    }

    it('a FIFO as the directory, and a file', () => {
      const fifo = path.join(ring.dir, 'fifo')
      execFileSync('mkfifo', [fifo])
      const file = path.join(ring.dir, 'file')
      fs.writeFileSync(file, '')
      for (const dir of [fifo, file]) assertUnsafe(dir, dir)
    })
  })

  describe('F28 a directory that is open to others', () => {
    for (const open of [0o777, 0o1777, 0o755, 0o750, 0o701, 0o710, 0o720]) {
      it(`mode ${open.toString(8)}`, () => {
        new SharedMemoryIpc({ dir: ring.dir }).close()
        const before = fs.readFileSync(ring.file)
        fs.chmodSync(ring.dir, open)
        assertUnsafe(ring.dir, ring.dir)
        // Nobody's permissions are changed behind his back.
        assert.equal(mode(ring.dir), open)
        assert(fs.readFileSync(ring.file).equals(before))
        fs.chmodSync(ring.dir, 0o700)
        ring.writer()
      })
    }

    for (const open of [0o644, 0o620, 0o602, 0o666]) {
      it(`a ring of mode ${open.toString(8)}`, () => {
        new SharedMemoryIpc({ dir: ring.dir }).close()
        fs.chmodSync(ring.file, open)
        assertUnsafe(ring.dir, ring.file)
        assert.equal(mode(ring.file), open)
      })
    }
  })

  for (const umask of [0, 0o777, 0o077, 0o022]) {
    it(`F29 umask ${umask.toString(8)}: 0700 and 0600`, async () => {
      const program = ring.program(
        (ipc, { dir, mask }) => {
          process.umask(mask)
          const writer = new ipc.SharedMemoryIpc({ dir: `${dir}/made` })
          const stat = (file) => require('node:fs').statSync(file).mode & 0o7777
          console.log(
            JSON.stringify(
              ['', '/kindly-guard.shm', '/kindly-guard.lock'].map((name) =>
                stat(`${dir}/made${name}`)
              )
            )
          )
          const client = new ipc.ShmClient({ dir: `${dir}/made`, from: 1 })
          writer.writeThreat({
            threatType: 1,
            severity: 1,
            source: '',
            details: ''
          })
          if (client.poll().length !== 1) process.exit(3)
        },
        { mask: umask }
      )
      const { code, stdout, stderr } = await within(program.exited, 'its end')
      assert.deepEqual([code, stderr], [0, ''])
      assert.deepEqual(JSON.parse(stdout), [0o700, 0o600, 0o600])
    })
  }

  it('F21 left-over temporary files go, and nothing else', () => {
    const keep = ['kindly-guard.shm.bak', 'kindly-guard.tmp', 'other.shm.1.tmp']
    // On Windows that is what rings are called that are in nobody's place.
    const end = IS_WINDOWS ? 'ring' : 'tmp'
    const gone = [`kindly-guard.shm.0123456789abcdef.${end}`]
    for (const name of [...keep, ...gone]) {
      fs.writeFileSync(path.join(ring.dir, name), 'x', { mode: 0o600 })
    }
    ring.writer()
    assert.deepEqual(
      fs.readdirSync(ring.dir).sort(),
      [
        ...keep,
        'kindly-guard.lock',
        'kindly-guard.shm',
        IS_WINDOWS ? path.basename(ring.ringFile) : 'kindly-guard.wake'
      ].sort()
    )
  })

  it('F23 every block of the file is there from the start', () => {
    const writer = ring.writer({ maxEvents: 4096 })
    const { blocks, size } = fs.statSync(ring.ringFile)
    assert.equal(size, writer.stats().fileBytes)
    assert(blocks * 512 >= size, `${blocks} blocks for ${size} bytes`)
  })

  it('F25 replaced by rename: a new generation, exact', async () => {
    const first = ring.writer({ maxEvents: 64 })
    const client = ring.client()
    const losses = []
    const seen = []
    client.on('lost', (loss) => losses.push(loss))
    const polled = client.pollThreats(({ details }) => {
      seen.push(details)
      return details !== 'last'
    })
    for (let i = 0; i < 5; i++) first.writeThreat(threat(`${i}`))
    await first.close()
    const second = ring.writer({ maxEvents: 128 })
    second.writeThreat(threat('first'))
    second.writeThreat(threat('last'))
    await within(polled, 'the last')
    assert.deepEqual(seen, ['0', '1', '2', '3', '4', 'first', 'last'])
    assert.deepEqual(losses, [])
    const stats = client.stats()
    assert.deepEqual([stats.received, stats.lost], [7, 0])
    assert.equal(stats.generation, second.stats().generation)
  })

  it('F25 replaced while a reader sleeps behind: its loss is exact', async () => {
    const first = ring.writer({ maxEvents: 64 })
    const { generation } = first.stats()
    const client = ring.client()
    const losses = []
    client.on('lost', (loss) => losses.push(loss))
    for (let i = 0; i < 100; i++) first.writeThreat(threat(`${i}`))
    await first.close()
    const second = ring.writer({ maxEvents: 16 })
    for (let i = 0; i < 20; i++) second.writeThreat(threat('new'))
    let last
    const seen = []
    await within(
      client.pollThreats((one) => {
        seen.push(one.sequence)
        last = one
        return !(one.details === 'new' && one.sequence === 20)
      }),
      'the last'
    )
    assert.equal(seen.length, 64 + 16)
    assert.equal(last.id, `${second.stats().generation}-20`)
    assert.deepEqual(losses, [
      {
        ...{ count: 36, from: 1, to: 36, priority: 0 },
        ...{ generation, reason: 'overwritten' }
      },
      {
        count: 4,
        from: 1,
        to: 4,
        priority: 0,
        generation: second.stats().generation,
        reason: 'overwritten'
      }
    ])
    const stats = client.stats()
    assert.deepEqual([stats.received, stats.lost], [80, 40])
  })
})
