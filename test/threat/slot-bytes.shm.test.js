'use strict'
// The bytes that a writer leaves in the file, for readers in other languages
// that know native/include/kg_layout.h and no more.

const assert = require('node:assert/strict')
const { threat, useRing } = require('../helpers/ring.js')

const SOURCE = { used: 28, at: 54, limit: 64 }
const DETAILS = { used: 30, at: 118, limit: 256 }

/** The text of a lead slot, which must be valid UTF-8 by itself. */
function readText(slot, { used, at, limit }) {
  const length = slot.readUInt16LE(used)
  assert(length <= limit)
  assert(
    slot.subarray(at + length, at + limit).every((byte) => byte === 0),
    'something stands behind the text'
  )
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
    slot.subarray(at, at + length)
  )
}

describe('slot bytes', () => {
  const current = useRing()

  it('F15 text is cut at the last border of a character', () => {
    const ring = current()
    const writer = ring.writer({ maxEvents: 1024 })
    const bytes = ring.bytes()
    for (const character of ['a', 'ü', '中', '😀']) {
      const width = Buffer.byteLength(character)
      for (const field of [SOURCE, DETAILS]) {
        for (let before = field.limit - 5; before <= field.limit; before++) {
          const text = `${'x'.repeat(before)}${character.repeat(20)}`
          const position = bytes.get('head')
          writer.writeThreat(threat(text, { source: text }))
          const shown = readText(bytes.slot(position), field)
          const whole = Math.floor((field.limit - before) / width)
          assert.equal(shown, 'x'.repeat(before) + character.repeat(whole))
        }
      }
    }
  })

  it('F15 text that fits is there whole, in one slot', () => {
    const ring = current()
    const writer = ring.writer({ maxEvents: 16 })
    const source = 'ü'.repeat(32)
    const details = '😀'.repeat(64)
    writer.writeThreat(threat(details, { source }))
    const bytes = ring.bytes()
    const slot = bytes.slot(0)
    assert.equal(bytes.get('head'), 1n)
    assert.equal(readText(slot, SOURCE), source)
    assert.equal(readText(slot, DETAILS), details)
  })

  it('every field stands where kg_layout.h says', () => {
    const ring = current()
    const writer = ring.writer({ maxEvents: 16 })
    writer.writeThreat({
      threatType: 0x12345678,
      severity: 0xab,
      source: 's\0',
      details: 'de',
      blocked: true,
      timestampUs: 0x11223344556677
    })
    const bytes = ring.bytes()
    const slot = bytes.slot(0)
    const publish = slot.readBigUInt64LE(16)
    assert(publish > 0n && publish <= process.hrtime.bigint())
    slot.writeBigUInt64LE(0n, 16)
    slot.writeUInt32LE(0, 40 + 334)
    const expected = Buffer.alloc(384)
    expected.writeBigUInt64LE(1n, 8)
    expected.writeUInt16LE(1, 24)
    expected.writeUInt16LE(2, 28)
    expected.writeUInt16LE(2, 30)
    // Severe enough to be a priority event, the first one.
    expected.writeUInt32LE(2, 32)
    expected.writeUInt32LE(1, 380)
    expected.writeBigUInt64LE(0x11223344556677n, 40)
    expected.writeUInt32LE(0x12345678, 48)
    expected[52] = 0xab
    expected[53] = 1
    expected.write('s\0', 54)
    expected.write('de', 118)
    assert.deepEqual(slot, expected)
    assert.equal(bytes.get('magic'), 0x4b474d53n)
    assert.equal(bytes.get('version'), 3n)
    assert.equal(bytes.get('claim'), 1n)
    assert.equal(bytes.get('lastSequence'), 1n)
    assert.equal(bytes.get('writerPid'), BigInt(process.pid))
  })

  it('a batch carries one publish time, and following sequences', () => {
    const ring = current()
    const writer = ring.writer({ maxEvents: 16 })
    writer.writeThreats([threat('a'), threat('b'), threat('c')])
    const bytes = ring.bytes()
    const slots = [bytes.slot(0), bytes.slot(1), bytes.slot(2)]
    assert.deepEqual(
      slots.map((slot) => [slot.readBigUInt64LE(0), slot.readBigUInt64LE(8)]),
      [
        [0n, 1n],
        [1n, 2n],
        [2n, 3n]
      ]
    )
    assert.equal(new Set(slots.map((slot) => slot.readBigUInt64LE(16))).size, 1)
  })

  it('without checksums the field is zero, and the header says so', () => {
    const ring = current()
    const writer = ring.writer({ maxEvents: 16, enableChecksums: false })
    writer.writeThreat(threat())
    const bytes = ring.bytes()
    assert.equal(bytes.get('flags') & 1n, 0n)
    assert.equal(bytes.slot(0).readUInt32LE(374), 0)
    assert.equal(writer.stats().checksums, false)
    const client = ring.client({ from: 1 })
    assert.equal(client.stats().checksums, false)
    assert.equal(client.poll()[0].details, 'details')
  })
})
