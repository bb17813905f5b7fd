'use strict'
// Short text crosses into the addon as units of UTF-16, which are narrowed when
// all are ASCII; what is longer, or has other characters, must come out whole
// all the same.

const assert = require('node:assert/strict')
const { native } = require('../../lib/shm/addon.js')
const { STAGE, STAGE_MOST } = require('../../lib/shm/native-constants.js')
const { threat, useRing } = require('../helpers/ring.js')

// Node 18 has no String.prototype.isWellFormed.
const isWellFormed = (text) => !/\p{Surrogate}/u.test(text)

describe('text of every length', () => {
  const current = useRing()

  for (const [what, character] of Object.entries({
    'one byte': '~',
    'two bytes': 'é',
    'two bytes, one unit of Latin-1': 'ÿ',
    'three bytes': '€',
    'two bytes, cut to those of ASCII': '\u0141',
    'four bytes': '😀'
  })) {
    it(`F15 F16 with some characters of ${what}`, () => {
      const writer = current().writer({ maxEvents: 4096 })
      const client = current().client({ from: 'oldest' })
      let batch = []
      for (let length = 0; length <= 530; length++) {
        // Around the 16 units that are looked at together.
        for (const count of [0, 1, 4, 5, 6, 8, 9, 15, 16, 17, 18, length]) {
          const some = character.repeat(count)
          const details = `${some}${'a'.repeat(Math.max(0, length - some.length))}`
          const end = details.slice(-20)
          const source = isWellFormed(end) ? end : ''
          const input = threat(details, { source })
          writer.writeThreat(input)
          const [got] = client.poll(1)
          assert.equal(got.details, details)
          assert.equal(got.source, source)
          batch.push(input)
        }
        if (batch.length > 130) {
          writer.writeThreats(batch)
          const got = client.poll(batch.length)
          const texts = ({ source, details }) => ({ source, details })
          assert.deepEqual(got.map(texts), batch.map(texts))
          batch = []
        }
      }
    })
  }

  it('F16 what no threat may have, a lone surrogate, is no wrong UTF-8', () => {
    current().writer().close()
    const writer = new native.Writer({ dir: current().dir })
    writer.setNumbers(new Float64Array(1 + STAGE.COLUMNS * STAGE_MOST))
    const client = current().client({ from: 'oldest' })
    for (const text of [
      '\ud800',
      'a\udbffb',
      '\udc00\ud800',
      '\udc00\udc00',
      '\ud83d😀'
    ]) {
      writer.write('source', text)
      assert.equal(client.poll(1)[0].details, Buffer.from(text).toString())
    }
    writer.close()
  })
})
