'use strict'
// Events of many slots, deflated when that helps: whole on the other side.

const assert = require('node:assert/strict')
const { noise, threat } = require('../../helpers/ring.js')
const { collect, until } = require('../../helpers/wait.js')

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

    it('what was lost stands in front of what came behind it', async () => {
      // Many in one read, which is passed on in parts: so much do they inflate.
      const { shield, open } = await pair({ maxEvents: 256 })
      const details = 'x'.repeat(20_000)
      for (let i = 0; i < 300; i++) shield.writeThreat(threat(details))
      const late = await open({ from: 1 })
      const order = []
      late.on('lost', ({ to }) => order.push(to))
      late.on('threat', ({ sequence }) => order.push(sequence))
      await until(() => order.at(-1) === 300, 'the last one')
      const [lost] = order
      assert.deepEqual(
        order,
        Array.from({ length: 301 - lost }, (_, i) => lost + i)
      )
      assert.equal(late.stats().lost, lost)
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
