'use strict'
// On Windows: the small file that has a ring's name and says which file is the
// ring, and files that are in use.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { threat, useRing } = require('../helpers/ring.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { collect, record, until } = require('../helpers/wait.js')

const NOBODYS = '0'.repeat(16)
// libuv's word for a file that is shared with nobody.
const UV_FS_O_EXLOCK = 0x10000000

const ALONE = fs.constants.O_RDWR | UV_FS_O_EXLOCK

/** Whether nobody has a file open. */
function isFree(file) {
  try {
    fs.closeSync(fs.openSync(file, ALONE))
    return true
  } catch {
    return false
  }
}

const details = (threats) => threats.map((one) => Number(one.details))

describe('on Windows, the file with a ring’s name', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  const nameOf = (generation) => `kindly-guard.shm.${generation}.ring`
  const pathOf = (generation) => path.join(ring.dir, nameOf(generation))
  const rings = () =>
    fs.readdirSync(ring.dir).filter((name) => name.endsWith('.ring'))

  /** A ring with three events, whose writer is gone. */
  async function leaveRing() {
    const writer = ring.writer({ maxEvents: 64 })
    writer.writeThreats([threat('1'), threat('2'), threat('3')])
    const { generation } = writer.stats()
    await writer.close()
    return generation
  }

  it('is small, and says which file is the ring', async () => {
    const generation = await leaveRing()
    const text = fs.readFileSync(ring.file, 'latin1')
    assert.match(
      text,
      /^kindly-guard ring \.[0-9a-f]{16}\.ring [0-9a-f]{16}\n$/
    )
    assert(text.includes(`.${generation}.ring `))
    assert.deepEqual(rings(), [nameOf(generation)])
    const bytes = fs.readFileSync(pathOf(generation))
    assert.equal(bytes.toString('latin1', 0, 4), 'SMGK')
  })

  it('is what people are told', async () => {
    const writer = ring.writer()
    assert.equal(writer.stats().path, ring.file)
  })

  const cut = (text) => text.subarray(0, 40)
  const flipped = (text) => Buffer.from(text).fill('f', 20, 24)
  const longer = (text) => Buffer.concat([text, Buffer.from('\n')])
  const renamed = (name) => (text) =>
    Buffer.from(text.toString('latin1').replace(/\.[^ ]+/, name), 'latin1')
  const damages = {
    'is cut': cut,
    'has a wrong checksum': flipped,
    'is longer': longer,
    'is text': () => Buffer.from('nothing of a ring'),
    'is large': () => Buffer.alloc(1 << 20, 'x'),
    'has a path': renamed('\\..\\..\\..\\a.ring')
  }
  for (const [what, damage] of Object.entries(damages)) {
    it(`that ${what}: no ring for a reader, a new one by a writer`, async () => {
      const generation = await leaveRing()
      fs.writeFileSync(ring.file, damage(fs.readFileSync(ring.file)))
      assert.throws(() => ring.client(), { code: 'ERR_RING_INVALID' })
      const writer = ring.writer({ maxEvents: 64 })
      assert.notEqual(writer.stats().generation, generation)
      const client = ring.client()
      writer.writeThreat(threat())
      const [{ sequence }] = await collect(client, 1)
      assert.equal(sequence, 1)
    })
  }

  it('that is a ring itself: no ring, and its bytes stay apart', async () => {
    const generation = await leaveRing()
    fs.copyFileSync(pathOf(generation), ring.file)
    assert.throws(() => ring.client(), { code: 'ERR_RING_INVALID' })
    const writer = ring.writer({ maxEvents: 64 })
    assert.notEqual(writer.stats().generation, generation)
    assert.equal(fs.statSync(ring.file).size, 58)
  })

  it('that leads to what is gone: no ring, and a new one', async () => {
    const generation = await leaveRing()
    fs.unlinkSync(pathOf(generation))
    assert.throws(() => ring.client(), { code: 'ERR_NO_RING' })
    assert.notEqual(ring.writer().stats().generation, generation)
  })

  it('that is a directory: unsafe for both', async () => {
    fs.mkdirSync(ring.file)
    assert.throws(() => ring.client(), { code: 'ERR_UNSAFE_PATH' })
    assert.throws(() => ring.writer(), { code: 'ERR_UNSAFE_PATH' })
  })

  it('in other letters of the same case-blind name: the same ring', async () => {
    const writer = ring.writer()
    writer.writeThreat(threat())
    const client = ring.client({ name: 'Kindly-GUARD', from: 'oldest' })
    assert.deepEqual(sequences(await collect(client, 1)), [1])
    assert.throws(() => ring.writer({ name: 'KINDLY-guard' }), {
      code: 'ERR_RING_LOCKED'
    })
  })

  for (const [what, act] of Object.entries({
    removed: (file) => fs.unlinkSync(file),
    damaged: (file) => fs.writeFileSync(file, 'nothing of a ring')
  })) {
    it(`F24 is made again when it is ${what}: readers lose nothing`, async () => {
      const writer = ring.writer({ maxEvents: 64 })
      const client = ring.client({ from: 'oldest' })
      const { generation } = writer.stats()
      writer.writeThreats([threat('1'), threat('2')])
      act(ring.file)
      writer.writeThreat(threat('3'))
      // As its beat does.
      assert.equal(writer.isHealthy(), true)
      assert.notEqual(writer.stats().generation, generation)
      const lost = record(client, 'lost')
      writer.writeThreats([threat('4'), threat('5')])
      assert.deepEqual(details(await collect(client, 5)), numbers(1, 5))
      assert.deepEqual(lost, [])
      const late = await collect(ring.client({ from: 'oldest' }), 2)
      assert.deepEqual(details(late), [4, 5])
    })
  }

  it('a ring that is replaced stays while a reader has it, no longer', async () => {
    const old = await leaveRing()
    const client = ring.client({ from: 'oldest' })
    const next = ring.writer({ maxEvents: 128 })
    next.writeThreat(threat('4'))
    const { generation } = next.stats()
    assert.deepEqual(rings().sort(), [nameOf(old), nameOf(generation)].sort())
    assert.deepEqual(details(await collect(client, 4)), numbers(1, 4))
    await client.close()
    await next.close()
    // What a client has left is closed a moment later.
    await until(() => isFree(pathOf(old)), 'the end of the old reader')
    ring.writer({ maxEvents: 128 })
    assert.deepEqual(rings(), [nameOf(generation)])
  })

  it('what others left half-made is swept away, and nothing else', async () => {
    const left = nameOf(NOBODYS)
    const others = [
      'kindly-guard.shm.ring',
      `kindly-guard.shm.${NOBODYS}0.ring`,
      `other.shm.${NOBODYS}.ring`
    ]
    const generation = await leaveRing()
    for (const name of [left, ...others]) {
      fs.writeFileSync(path.join(ring.dir, name), '')
    }
    ring.writer()
    assert.deepEqual(rings().sort(), [nameOf(generation), ...others].sort())
  })

  it('a ring in use can be neither removed, renamed nor cut short', async () => {
    const writer = ring.writer()
    const client = ring.client()
    const file = pathOf(writer.stats().generation)
    const isInUse = (error) => {
      assert.match(error.code, /^(EBUSY|EPERM|EACCES|UNKNOWN)$/)
      return true
    }
    assert.throws(() => fs.unlinkSync(file), isInUse)
    assert.throws(() => fs.renameSync(file, `${file}x`), isInUse)
    assert.throws(() => fs.truncateSync(file, 65536), isInUse)
    assert.throws(() => fs.unlinkSync(ring.lock), isInUse)
    writer.writeThreat(threat())
    assert.deepEqual(sequences(await collect(client, 1)), [1])
    assert.equal(writer.isHealthy(), true)
  })

  it('F7 one with a second name is refused', async () => {
    const generation = await leaveRing()
    for (const file of [ring.lock, pathOf(generation)]) {
      const second = path.join(ring.dir, 'second')
      fs.linkSync(file, second)
      assert.throws(() => ring.writer(), {
        code: 'ERR_UNSAFE_PATH',
        message: /second name/
      })
      fs.unlinkSync(second)
    }
    assert.equal(ring.writer().stats().generation, generation)
  })

  it('a file that somebody has for himself: refused by name, for so long', async () => {
    await leaveRing()
    const child = ring.child()
    await child.call(
      (state, { file, flags }) => {
        state.fd = state.require('node:fs').openSync(file, flags)
      },
      { file: ring.lock, flags: ALONE }
    )
    assert.throws(
      () => ring.writer(),
      ({ code, message }) => {
        assert.equal(code, 'ERR_ACCESS')
        assert(message.includes(ring.lock), message)
        return true
      }
    )
    await child.call(({ fd, require: load }) => load('node:fs').closeSync(fd))
    ring.writer()
  })

  it('while the writer beats, readers stay on its ring', async () => {
    const writer = ring.writer()
    const client = ring.client()
    const { generation } = writer.stats()
    const states = record(client, 'writer')
    client.on('threat', () => {})
    for (let i = 0; i < 5; i++) {
      assert.equal(writer.isHealthy(), true)
    }
    writer.writeThreat(threat())
    await until(() => client.stats().received === 1, 'the event')
    assert.equal(writer.stats().generation, generation)
    assert.deepEqual(
      states.filter((state) => state !== 'live'),
      []
    )
  })
})
