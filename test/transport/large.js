'use strict'
// Events of many slots, deflated when that helps: whole on the other side.

const assert = require('node:assert/strict')
const { noise, threat } = require('../helpers/ring.js')
const { collect } = require('../helpers/wait.js')

function describeLarge(pair) {
  describe('large events', () => {
    let made
    let client

    beforeEach(async () => {
      made = await pair({ maxEvents: 4096 })
      client = await made.open()
    })

    /** Comes out as it went in. */
    async function assertRound(input) {
      made.shield.writeThreat(input)
      const [out] = await collect(client, 1)
      for (const [field, value] of Object.entries(input)) {
        assert.deepEqual(out[field], value, field)
      }
    }

    for (const bytes of [2047, 16_375, 16_376, 65_536, 100_000, 340_000]) {
      it(`${bytes} bytes of text, alike or not`, async () => {
        await assertRound(threat('x'.repeat(bytes)))
        await assertRound(threat(noise(bytes)))
        await assertRound(threat('', { source: noise(bytes) }))
        await assertRound(threat('', { id: noise(bytes) }))
        assert.equal(client.stats().corrupt, 0)
      })
    }

    it('characters of any width, cut nowhere', async () => {
      for (const character of ['ü', '中', '😀', '\0', '\ufeff']) {
        for (const before of [0, 1, 2, 3]) {
          const text = 'a'.repeat(before) + character.repeat(20_000)
          await assertRound(threat(text, { source: text, id: text }))
        }
      }
    })

    it('a context of many parts', async () => {
      const context = Array.from({ length: 2000 }, (_, i) => ({
        file: `src/${i}.js`,
        line: i,
        text: '"\\\u0001é😀',
        none: null
      }))
      await assertRound(threat('short', { context }))
      const nested = { a: { b: { c: noise(50_000) } } }
      await assertRound(threat('short', { context: nested }))
    })

    it('every field at once, and small ones between them', async () => {
      const wide = noise(30_000)
      const large = threat(wide, {
        source: wide,
        id: wide,
        context: { wide },
        timestampUs: 7
      })
      made.shield.writeThreat(threat('before'))
      made.shield.writeThreats([threat('a'), large, threat('b'), large])
      made.shield.writeThreat(threat('behind'))
      const threats = await collect(client, 6)
      assert.deepEqual(
        threats.map(({ details }) => details),
        ['before', 'a', wide, 'b', wide, 'behind']
      )
      assert.deepEqual(threats[4].context, { wide })
      assert.equal(threats[4].id, wide)
    })

    it('the bound is what there is to show, however small deflated', async () => {
      const most = 1023 * 340 - 8
      await assertRound(threat('x'.repeat(most)))
      const before = made.shield.stats()
      assert.throws(
        () => made.shield.writeThreat(threat('x'.repeat(most + 1))),
        { code: 'ERR_EVENT_TOO_LARGE' }
      )
      assert.deepEqual(made.shield.stats(), before)
      await assertRound(threat('next'))
    })
  })
}

module.exports = { describeLarge }
