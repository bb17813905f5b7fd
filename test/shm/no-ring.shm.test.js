'use strict'
// Files that are no ring of this version: each has its own message, and a
// reader leaves them as they are.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { crc32c } = require('../helpers/crc32c.js')
const { threat, useRing } = require('../helpers/ring.js')
const { writeRing } = require('../helpers/ring-file.js')

/** Sets identity fields and seals them, unless it is the seal that is set. */
function reforge(bytes, fields) {
  for (const [name, value] of Object.entries(fields)) bytes.set(name, value)
  if (fields.checksum !== undefined) return
  bytes.set('checksum', 0)
  bytes.set('checksum', crc32c(bytes.identity()))
}

describe('a file that is no ring', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  const SIZE = 131072 + 65536

  /** Forges, then expects the same error of every reader, bytes unchanged. */
  function assertRefused(code, message) {
    const before = fs.readFileSync(ring.ringFile)
    const names = fs.readdirSync(ring.dir)
    for (const from of ['latest', 'oldest', 1]) {
      assert.throws(
        () => ring.client({ from }),
        (error) => {
          assert.equal(error.name, 'IpcError')
          assert.equal(error.code, code)
          assert.match(error.message, message)
          assert(error.message.includes(ring.file), error.message)
          return true
        }
      )
    }
    assert(fs.readFileSync(ring.ringFile).equals(before), 'the file changed')
    assert.deepEqual(fs.readdirSync(ring.dir), names)
  }

  const lengths = [0, 1, 64, 895]
  for (const length of lengths) {
    it(`F19 a file of ${length} bytes: ERR_RING_INVALID`, () => {
      ring.forge()
      fs.truncateSync(ring.ringFile, length)
      assertRefused('ERR_RING_INVALID', /fewer than a header/)
    })
  }

  it('F19 a file of zeros: ERR_RING_INVALID', () => {
    writeRing(ring.file, Buffer.alloc(SIZE))
    assertRefused('ERR_RING_INVALID', /0x00000000 instead of 0x4B474D53/)
  })

  for (const length of [896, 65536, 131072, SIZE - 1, SIZE - 4096]) {
    it(`F22 a ring cut to ${length} bytes: ERR_RING_TRUNCATED`, () => {
      ring.forge()
      fs.truncateSync(ring.ringFile, length)
      assertRefused('ERR_RING_TRUNCATED', new RegExp(`${length} .*${SIZE}`))
    })
  }

  const wrong = [
    ['ERR_RING_INVALID', { magic: 0x534d474b }, /0x534D474B instead/],
    ['ERR_RING_INVALID', { byteOrder: 0x04030201 }, /byte order/],
    ['ERR_RING_VERSION', { version: 2 }, /version 2 .* version 3/],
    ['ERR_RING_VERSION', { version: 4 }, /version 4 .* version 3/],
    ['ERR_RING_VERSION', { version: 0xffffffff }, /version 4294967295/],
    ['ERR_RING_INVALID', { slotBytes: 383 }, /slots are 383 bytes/],
    ['ERR_RING_INVALID', { eventBytes: 0 }, /events of 0/],
    ['ERR_RING_INVALID', { capacity: 0 }, /capacity is 0 slots/],
    ['ERR_RING_INVALID', { capacity: 15 }, /capacity is 15 slots/],
    ['ERR_RING_INVALID', { capacity: 8 }, /capacity is 8 slots/],
    ['ERR_RING_INVALID', { capacity: 2 ** 23 }, /capacity is 8388608 slots/],
    ['ERR_RING_INVALID', { capacity: 2 ** 31 }, /capacity is 2147483648/],
    ['ERR_RING_INVALID', { doorbellOffset: 0 }, /regions/],
    ['ERR_RING_INVALID', { slotsOffset: 2n ** 63n }, /regions/],
    ['ERR_RING_INVALID', { slotsOffset: 65536 }, /regions/],
    ['ERR_RING_INVALID', { laneOffset: 131072 }, /regions/],
    ['ERR_RING_INVALID', { priorityEvents: 3 }, /lane has 3 slots/],
    ['ERR_RING_INVALID', { priorityEvents: 16 }, /regions/],
    ['ERR_RING_INVALID', { fileBytes: 2n ** 62n }, /regions/],
    ['ERR_RING_INVALID', { generation: 0 }, /no generation/],
    ['ERR_RING_INVALID', { checksum: 1 }, /checksum/]
  ]
  for (const [code, fields, message] of wrong) {
    const [[name, value]] = Object.entries(fields)
    it(`F20 a ${name} of ${value}: ${code}`, () => {
      const sized = { capacity: 16, ...fields }
      const bytes = ring.forge({ capacity: 16 })
      // Sealed as it should be, so that the field itself is what is wrong.
      reforge(bytes, sized)
      assertRefused(code, message)
    })
  }

  it('F20 every flipped bit of the identity is refused', () => {
    ring.forge()
    const good = fs.readFileSync(ring.ringFile)
    for (let bit = 0; bit < 128 * 8; bit++) {
      const bad = Buffer.from(good)
      bad[bit >> 3] ^= 1 << (bit & 7)
      writeRing(ring.file, bad)
      assert.throws(
        () => ring.client(),
        ({ code }) => /^ERR_RING_(INVALID|VERSION|TRUNCATED)$/.test(code),
        `bit ${bit}`
      )
    }
    writeRing(ring.file, good)
    ring.client()
  })

  it('F20 the next writer replaces what is no ring', () => {
    writeRing(ring.file, 'no ring')
    assertRefused('ERR_RING_INVALID', /7 bytes/)
    const writer = ring.writer()
    assert.equal(writer.writeThreat(threat()), 1)
    assert.equal(ring.client({ from: 1 }).poll().length, 1)
  })
})
