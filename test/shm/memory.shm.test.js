'use strict'
// In which pages a ring is, on a machine as it is: what is wanted is had, or
// refused with what to do. What a machine must be set up for is in root/.

const assert = require('node:assert/strict')
const { MemoryLook } = require('../../lib/shm/memory.js')
const { useClock } = require('../helpers/clock.js')
const { threat, useRing } = require('../helpers/ring.js')

// Over the shim of darwin/, what a process says of itself is Linux's.
const IS_LINUX =
  process.platform === 'linux' && process.env.KG_DARWIN_CACHE === undefined
// 2 ** 15 slots of 384 bytes are more than the 8 MiB from which on huge pages
// are advised.
const LARGE = 2 ** 15

describe('memory of a ring', () => {
  const current = useRing()

  it('a small ring is left to the system, and nothing is asked', () => {
    const writer = current().writer()
    const client = current().client()
    assert.equal(writer.stats().memory, null)
    assert.equal(client.stats().memory, null)
    writer.close()
    client.close()
    assert.equal(client.stats().memory, null)
  })

  it('a large one: what the kernel says of both mappings', () => {
    const writer = current().writer({ maxEvents: LARGE })
    const client = current().client()
    for (const end of [writer, client]) {
      const { memory, fileBytes } = end.stats()
      if (!IS_LINUX) {
        assert.equal(memory, null)
        continue
      }
      assert.equal(memory.pageBytes % 4096, 0)
      assert(memory.residentBytes > 0 && memory.residentBytes <= fileBytes)
      assert(memory.hugeBytes <= memory.residentBytes)
      // A kernel without NUMA names no node.
      const onNodes = memory.nodes.reduce((sum, bytes) => sum + bytes, 0)
      assert([0, memory.residentBytes].includes(onNodes), `${onNodes}`)
    }
    const before = writer.stats().memory
    writer.close()
    assert.equal(writer.stats().memory, null)
    assert.equal(before === null, !IS_LINUX)
  })

  it('off: no huge page, also of a small one', () => {
    const writer = current().writer({ hugePages: 'off' })
    const { memory, fileBytes } = writer.stats()
    if (IS_LINUX) {
      assert.deepEqual([memory.hugeBytes, memory.residentBytes], [0, fileBytes])
    } else {
      assert.equal(memory, null)
    }
  })

  it('require: all of it is in huge pages, or ERR_HUGE_PAGES', () => {
    let writer
    try {
      writer = current().writer({ hugePages: 'require' })
    } catch (error) {
      assert.equal(error.name, 'IpcError')
      assert.equal(error.code, 'ERR_HUGE_PAGES')
      assert.match(error.message, IS_LINUX ? /hugetlbfs/ : /has none for files/)
      writer = current().writer()
      assert.throws(() => current().client({ hugePages: 'require' }), {
        name: 'IpcError',
        code: 'ERR_HUGE_PAGES'
      })
      return
    }
    const { memory, fileBytes } = writer.stats()
    assert.equal(memory.hugeBytes, fileBytes)
  })

  it('a node: the ring is on it, or ERR_NUMA_NODE', () => {
    for (const numaNode of [0, 1023, 'interleave']) {
      let writer
      try {
        writer = current().writer({ numaNode })
      } catch (error) {
        assert.equal(error.name, 'IpcError')
        assert.equal(error.code, 'ERR_NUMA_NODE')
        assert.match(
          error.message,
          IS_LINUX ? /one node|no node 1023 with memory/ : /lets nobody choose/
        )
        // Nothing of it stays.
        current().writer().close()
        continue
      }
      const { memory } = writer.stats()
      assert.notEqual(numaNode, 1023)
      assert(memory.nodes.length > 1)
      if (numaNode === 0) assert.equal(memory.nodes[0], memory.residentBytes)
      else assert(memory.nodes.every((bytes) => bytes < memory.residentBytes))
      writer.close()
    }
  })

  it('a reader takes what its writer placed', () => {
    const writer = current().writer({ maxEvents: LARGE, hugePages: 'off' })
    writer.writeThreat(threat('placed'))
    const client = current().client({ from: 'oldest', hugePages: 'off' })
    assert.equal(client.poll()[0].details, 'placed')
  })

  describe('is looked at once a second', () => {
    const clock = useClock()

    it('of each ring, and what one got is its own', () => {
      clock.begin()
      let looks = 0
      const look = new MemoryLook({
        memory: () => ({ residentBytes: ++looks, nodes: [1] })
      })
      const seen = (generation) => look.of(generation).residentBytes
      look.of('a').nodes.push(2)
      assert.deepEqual(look.of('a'), { residentBytes: 1, nodes: [1] })
      clock.advance(999)
      assert.equal(seen('a'), 1)
      clock.advance(1)
      assert.equal(seen('a'), 2)
      assert.equal(seen('b'), 3)
      assert.equal(seen('b'), 3)
    })

    it('one that is left to the system has none', () => {
      assert.equal(new MemoryLook({ memory: () => null }).of('a'), null)
    })
  })
})
