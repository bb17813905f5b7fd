'use strict'
// Sources by their bytes: always the text that stands there, however often its
// place in the table was another's.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { SourceCache } = require('../../lib/threat/source-cache.js')
const { anyText } = require('../helpers/any-text.js')

const BYTES = 256

describe('the cache of sources', () => {
  let bytes
  let cache

  beforeEach(() => {
    const buffer = new ArrayBuffer(BYTES)
    bytes = Buffer.from(buffer)
    cache = new SourceCache(buffer)
  })

  const put = (text, offset = 0) => {
    bytes.fill(0xff, offset, offset + 70)
    bytes.write(text, offset)
    return cache.get(offset, Buffer.byteLength(text))
  }

  it('property: a text is what stands there, whatever stood before', () => {
    // Few letters, so that many are alike but for a part of them.
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 32 }),
      anyText({ maxLength: 16 })
    )
    const step = fc.tuple(
      text,
      fc.nat(40).map((half) => 2 * half)
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        for (const [one, offset] of steps) assert.equal(put(one, offset), one)
      }),
      { examples: [[['ab', 'abab', 'aab', 'bab', ''].map((one) => [one, 0])]] }
    )
  })

  it('a text that repeats is made once, wherever it stands', () => {
    const { utf8Slice } = Buffer.prototype
    let made = 0
    Buffer.prototype.utf8Slice = function counted(...values) {
      made++
      return Reflect.apply(utf8Slice, this, values)
    }
    try {
      for (const text of ['even', 'odd', 'ééé']) {
        made = 0
        // What stands beside it is not the same each time.
        for (const offset of [0, 2, 100]) {
          bytes.fill(offset, 0, 200)
          bytes.write(text, offset)
          const length = Buffer.byteLength(text)
          bytes.fill(0, offset + length, offset + length + 2)
          assert.equal(cache.get(offset, length), text)
        }
        assert.equal(made, 1, text)
      }
    } finally {
      Buffer.prototype.utf8Slice = utf8Slice
    }
  })

  it('texts that differ in one byte alone, of every place and length', () => {
    for (let length = 1; length <= 64; length++) {
      const text = 'x'.repeat(length)
      for (let at = 0; at < length; at++) {
        const other = `${text.slice(0, at)}y${text.slice(at + 1)}`
        assert.equal(put(text), text)
        assert.equal(put(other), other)
      }
      assert.equal(put(`${text}x`.slice(0, length)), text)
    }
  })
})
