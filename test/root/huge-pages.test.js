'use strict'
// Rings in huge pages: transparent ones on a tmpfs that gives them by advice,
// and those of a hugetlbfs. Needs root, to mount both and to reserve pages;
// what was reserved before is put back.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory, SharedMemoryIpc, ShmClient } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, until } = require('../helpers/wait.js')

const RESERVED = '/proc/sys/vm/nr_hugepages'
const HUGE = 2 ** 21
// Those of a ring of the default size, and of one that takes its place.
const PAGES = 6
const SLOT_BYTES = 384
// More than the 8 MiB from which on huge pages are advised.
const LARGE = 2 ** 15

// Copies a file into one that can only be mapped.
const COPY = `
import mmap, sys
with open(sys.argv[1], 'rb') as old, open(sys.argv[2], 'r+b') as new:
    text = old.read()
    mmap.mmap(new.fileno(), ${HUGE})[: len(text)] = text
`

describe('huge pages', () => {
  const opened = []
  let reserved
  let mounted

  before(() => {
    assert.equal(process.getuid(), 0, 'these tests need root')
    reserved = fs.readFileSync(RESERVED, 'utf8')
    fs.writeFileSync(RESERVED, `${Number(reserved) + PAGES}`)
    const got = Number(fs.readFileSync(RESERVED, 'utf8')) - Number(reserved)
    assert.equal(got, PAGES, 'the kernel has no such pages left')
  })

  after(() => fs.writeFileSync(RESERVED, reserved))

  // Before the ring's own hook removes the directory below.
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()))
    for (const dir of mounted) execFileSync('umount', ['-l', dir])
  })

  const current = useRing()

  beforeEach(() => {
    mounted = []
  })

  function mount(type, options) {
    const dir = path.join(current().dir, `mounted-${mounted.length}`)
    fs.mkdirSync(dir, { mode: 0o700 })
    const more = `mode=700,${options}`
    execFileSync('mount', ['-t', type, '-o', more, type, dir])
    mounted.push(dir)
    return dir
  }

  const advising = () => mount('tmpfs', 'huge=advise,size=64m')
  const without = () => mount('tmpfs', 'huge=never,size=64m')
  const hugetlbfs = () => mount('hugetlbfs', 'pagesize=2M')

  function keep(one) {
    opened.push(one)
    return one
  }

  function refused(action, code, ...named) {
    assert.throws(action, (error) => {
      assert.equal(error.code, code, error.message)
      for (const part of named) {
        assert(error.message.includes(part), error.message)
      }
      return true
    })
  }

  /** Where the header says that the regions are, and the file's bytes. */
  function regions(dir) {
    const file = path.join(dir, 'kindly-guard.shm')
    const fd = fs.openSync(file)
    const header = Buffer.alloc(128)
    fs.readSync(fd, header)
    fs.closeSync(fd)
    return {
      fileBytes: Number(header.readBigUInt64LE(32)),
      doorbell: Number(header.readBigUInt64LE(40)),
      slots: Number(header.readBigUInt64LE(48)),
      size: fs.statSync(file).size
    }
  }

  /** A reader in a process of its own takes all that there is. */
  function readElsewhere(dir, hugePages) {
    const child = current().child()
    return child.call(
      (state, options) => {
        const client = new state.ipc.ShmClient({ ...options, from: 'oldest' })
        const details = []
        for (let got; (got = client.poll()).length > 0;) {
          details.push(...got.map((one) => one.details))
        }
        const { memory } = client.stats()
        client.close()
        return { details, memory }
      },
      { dir, hugePages }
    )
  }

  for (const [what, mountIt, options] of [
    ['a tmpfs with huge=advise', advising, { hugePages: 'require' }],
    ['a hugetlbfs', hugetlbfs, { hugePages: 'require' }],
    ['a hugetlbfs, by default', hugetlbfs, {}]
  ]) {
    it(`${what}: all of a ring is in huge pages, at both ends`, async () => {
      const dir = mountIt()
      const writer = keep(new SharedMemoryIpc({ dir, ...options }))
      const { fileBytes, memory } = writer.stats()
      assert.equal(memory.hugeBytes, fileBytes)
      assert.equal(memory.residentBytes, fileBytes)
      assert.deepEqual(regions(dir), {
        fileBytes,
        doorbell: HUGE,
        slots: 2 * HUGE,
        size: fileBytes
      })
      assert.equal(fileBytes, 3 * HUGE)
      for (let i = 0; i < 2000; i++) writer.writeThreat(threat(`${i}`))
      const read = await readElsewhere(dir, 'require')
      assert.equal(read.details.at(-1), '1999')
      assert.equal(read.memory.hugeBytes, fileBytes)
      // One that is reliable and woken: it writes to its part of the file.
      const client = keep(new ShmClient({ dir, reliable: true, ...options }))
      const coming = collect(client, 1)
      writer.writeThreat(threat('woken'))
      assert.equal((await coming)[0].details, 'woken')
      assert.equal(client.stats().corrupt, 0)
    })

    it(`${what}: the next writer goes on with the ring`, async () => {
      const dir = mountIt()
      const first = keep(new SharedMemoryIpc({ dir, ...options }))
      first.writeThreat(threat('kept'))
      const { generation } = first.stats()
      await first.close()
      assert.equal(first.stats().memory, null)
      const next = keep(new SharedMemoryIpc({ dir, ...options }))
      assert.equal(next.stats().generation, generation)
      assert.equal(next.writeThreat(threat('on')), 2)
      assert.equal(next.stats().memory.hugeBytes, 3 * HUGE)
    })

    it(`F22 ${what}: cut short under both ends, no signal ends them`, async () => {
      const dir = mountIt()
      const writer = keep(new SharedMemoryIpc({ dir, ...options }))
      const client = keep(new ShmClient({ dir, from: 'oldest', ...options }))
      writer.writeThreat(threat('before'))
      await collect(client, 1)
      const { generation } = writer.stats()
      fs.truncateSync(path.join(dir, 'kindly-guard.shm'), 0)
      // The writer makes another ring at the first that it writes.
      writer.writeThreat(threat('behind'))
      assert.notEqual(writer.stats().generation, generation)
      assert.equal((await collect(client, 1))[0].details, 'behind')
      assert.equal(writer.stats().memory.hugeBytes, 3 * HUGE)
    })
  }

  it('auto: advised for a large ring, and not for a small one', async () => {
    const dir = advising()
    const small = keep(new SharedMemoryIpc({ dir, name: 'small' }))
    assert.equal(small.stats().memory, null)
    assert(small.stats().fileBytes < HUGE)
    const writer = keep(new SharedMemoryIpc({ dir, maxEvents: LARGE }))
    const { fileBytes, memory } = writer.stats()
    // All but the end, which is no whole one.
    assert.equal(memory.hugeBytes, Math.floor(fileBytes / HUGE) * HUGE)
    assert.deepEqual(regions(dir), {
      fileBytes,
      doorbell: 65536,
      slots: 131072,
      size: fileBytes
    })
    writer.writeThreat(threat('large'))
    const read = await readElsewhere(dir, 'auto')
    assert.deepEqual(read.details, ['large'])
    // Nor the beginning, of which a reader protects a part.
    assert.equal(read.memory.hugeBytes, memory.hugeBytes - HUGE)
  })

  it('off: small pages, at each end by itself', async () => {
    const dir = advising()
    const writer = keep(
      new SharedMemoryIpc({ dir, maxEvents: LARGE, hugePages: 'off' })
    )
    assert.equal(writer.stats().memory.hugeBytes, 0)
    const read = await readElsewhere(dir, 'off')
    assert.equal(read.memory.hugeBytes, 0)
    refused(
      () => new ShmClient({ dir, hugePages: 'require' }),
      'ERR_HUGE_PAGES',
      dir,
      "the writer hugePages 'require'"
    )
  })

  it('a tmpfs that gives none: ERR_HUGE_PAGES, and no rest', () => {
    const dir = without()
    refused(
      () => new SharedMemoryIpc({ dir, hugePages: 'require' }),
      'ERR_HUGE_PAGES',
      'huge=advise',
      'hugetlbfs'
    )
    assert.deepEqual(fs.readdirSync(dir), ['kindly-guard.lock'])
    const writer = keep(new SharedMemoryIpc({ dir, maxEvents: LARGE }))
    assert.equal(writer.stats().memory.hugeBytes, 0)
    execFileSync('mount', ['-o', 'remount,huge=advise', dir])
    const other = { dir, name: 'other', hugePages: 'require' }
    assert.equal(
      keep(new SharedMemoryIpc(other)).stats().memory.hugeBytes,
      3 * HUGE
    )
  })

  it('require: a ring in small pages is replaced, and named', async () => {
    const dir = advising()
    const first = keep(new SharedMemoryIpc({ dir }))
    first.writeThreat(threat('before'))
    const client = keep(new ShmClient({ dir, from: 'oldest' }))
    assert.equal((await collect(client, 1))[0].details, 'before')
    await first.close()
    const writer = keep(new SharedMemoryIpc({ dir, hugePages: 'require' }))
    assert.equal(writer.stats().memory.hugeBytes, 3 * HUGE)
    writer.writeThreat(threat('behind'))
    assert.equal((await collect(client, 1))[0].details, 'behind')
    assert.equal(client.stats().lost, 0)
  })

  it('require: where none can be had, the ring that is there stays', () => {
    const dir = without()
    const first = keep(new SharedMemoryIpc({ dir }))
    const { generation } = first.stats()
    first.close()
    const options = { dir, hugePages: 'require' }
    refused(() => new SharedMemoryIpc(options), 'ERR_HUGE_PAGES')
    const next = keep(new SharedMemoryIpc({ dir }))
    assert.equal(next.stats().generation, generation)
  })

  it('a hugetlbfs with too few pages: ERR_HUGE_PAGES says how many', () => {
    const dir = hugetlbfs()
    const total = /^HugePages_Total: +(\d+)$/m.exec(
      fs.readFileSync('/proc/meminfo', 'utf8')
    )
    const maxEvents = Math.ceil((Number(total[1]) * HUGE) / SLOT_BYTES)
    refused(
      () => new SharedMemoryIpc({ dir, maxEvents }),
      'ERR_HUGE_PAGES',
      dir,
      'vm.nr_hugepages',
      'HugePages_Free'
    )
    // A lock has no bytes, and what was allocated of the ring was given back.
    assert.deepEqual(fs.readdirSync(dir), ['kindly-guard.lock'])
    keep(new SharedMemoryIpc({ dir }))
    const small = mount('hugetlbfs', 'pagesize=2M,size=4M')
    refused(
      () => new SharedMemoryIpc({ dir: small }),
      'ERR_HUGE_PAGES',
      small,
      'the size of its mount'
    )
  })

  it('a hugetlbfs and off, or a bufferSize: an error that says so', () => {
    const dir = hugetlbfs()
    refused(
      () => new SharedMemoryIpc({ dir, hugePages: 'off' }),
      'ERR_INVALID_OPTION',
      'hugePages',
      dir
    )
    refused(
      () => new SharedMemoryIpc({ dir, bufferSize: '2MB' }),
      'ERR_INVALID_OPTION',
      'bufferSize is 2097152 bytes',
      `need ${3 * HUGE}`
    )
  })

  it('F19 a ring of small regions on a hugetlbfs: ERR_RING_INVALID', async () => {
    const dir = hugetlbfs()
    const { path: from } = keep(
      new SharedMemoryIpc({ dir: current().dir })
    ).stats()
    // Nothing can be written there but by a mapping, which Node has not.
    const file = path.join(dir, 'kindly-guard.shm')
    fs.closeSync(fs.openSync(file, 'w', 0o600))
    fs.truncateSync(file, HUGE)
    execFileSync('python3', ['-c', COPY, from, file])
    refused(
      () => new ShmClient({ dir }),
      'ERR_RING_INVALID',
      dir,
      'its pages of 2097152 bytes'
    )
    // The next writer replaces it.
    const next = keep(new SharedMemoryIpc({ dir }))
    assert.equal(next.stats().memory.hugeBytes, 3 * HUGE)
  })

  it('F64 a ring with holes on a hugetlbfs: refused, and none is filled', () => {
    const dir = hugetlbfs()
    keep(new SharedMemoryIpc({ dir })).close()
    const file = path.join(dir, 'kindly-guard.shm')
    fs.truncateSync(file, 2 * HUGE)
    fs.truncateSync(file, 3 * HUGE)
    const blocks = () => fs.statSync(file).blocks
    const before = blocks()
    refused(() => new ShmClient({ dir }), 'ERR_RING_INVALID', 'lacks some')
    assert.equal(blocks(), before)
    const next = keep(new SharedMemoryIpc({ dir }))
    assert.equal(next.stats().memory.hugeBytes, 3 * HUGE)
  })

  it('a Shield and its client on a hugetlbfs, WebSocket beside it', async () => {
    const dir = hugetlbfs()
    const options = { dir, websocket: { port: 0 } }
    const shield = keep(IpcFactory.createHybridTransport(options))
    await shield.ready()
    const client = keep(
      await IpcFactory.createClient({ ...options, from: 'oldest' })
    )
    shield.writeThreat(threat('over it'))
    assert.equal((await collect(client, 1))[0].details, 'over it')
    assert.equal(client.stats().transport, 'shm')
    const { transport, shm, websocket } = shield.stats()
    assert.equal(transport, 'hybrid')
    assert.equal(shm.memory.hugeBytes, 3 * HUGE)
    // No file there has bytes that are written.
    assert.notEqual(path.dirname(websocket.discoveryFile), dir)
  })

  it('a Shield that requires what is not there serves by WebSocket', async () => {
    const dir = without()
    const options = { dir, hugePages: 'require', websocket: { port: 0 } }
    const shield = keep(IpcFactory.createHybridTransport(options))
    await shield.ready()
    const { transport, errors } = shield.stats()
    assert.deepEqual(
      [transport, errors.shm.code],
      ['websocket', 'ERR_HUGE_PAGES']
    )
    // Once the system gives them, it has a ring.
    execFileSync('mount', ['-o', 'remount,huge=advise', dir])
    await until(() => shield.stats().transport === 'hybrid', 'the ring')
    assert.equal(shield.stats().shm.memory.hugeBytes, 3 * HUGE)
  })
})
