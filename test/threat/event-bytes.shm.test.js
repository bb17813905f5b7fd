'use strict'
// maxEventBytes: how much text a threat may have where it is written, and of
// how much a reader makes objects.

const assert = require('node:assert/strict')
const zlib = require('node:zlib')
const { IpcFactory } = require('../../lib/index.js')
const {
  textOfThreat,
  threatMessage
} = require('../../lib/websocket/messages.js')
const { parseMessage } = require('../../lib/websocket/protocol.js')
const { spy } = require('../helpers/native.js')
const { noise, threat, useRing } = require('../helpers/ring.js')
const { tailField } = require('../helpers/ring-file.js')
const { collect } = require('../helpers/wait.js')

const MIB = 2 ** 20
// A quarter of it is more than a MiB.
const EVENTS = 16_384

const DETAILS = 2
const CONTEXT = 4

const tooLarge = (bytes, most) => ({
  name: 'IpcError',
  code: 'ERR_EVENT_TOO_LARGE',
  message: new RegExp(`${bytes} bytes, maxEventBytes is ${most}\\.`)
})

/** A threat of exactly so many bytes of text. */
const ofBytes = (bytes, more = {}) => {
  const own = threat('', { source: 'source', ...more })
  const { source, id = '', context } = own
  const json = context === undefined ? '' : JSON.stringify(context)
  const used = Buffer.byteLength(source + id + json)
  return { ...own, details: 'd'.repeat(bytes - used) }
}

/** Counts the calls of a function of an object's until the test is over. */
function useCounts() {
  const restores = []
  afterEach(() => restores.splice(0).forEach((restore) => restore()))
  return (object, name) => {
    const calls = []
    const own = object[name]
    spy(object, name, (...values) => calls.push(values))
    restores.push(() => {
      object[name] = own
    })
    return calls
  }
}

describe('maxEventBytes', () => {
  const current = useRing()
  const count = useCounts()
  let ring

  beforeEach(() => {
    ring = current()
  })

  describe('of a writer', () => {
    const kinds = {
      details: {},
      'a long source': { source: 's'.repeat(1000) },
      'an id': { id: 'i'.repeat(1000) },
      'a context': { context: { text: 'c'.repeat(1000), list: [1, 2] } },
      'text of several bytes': { source: '€'.repeat(1000), id: '😀' }
    }
    for (const [name, more] of Object.entries(kinds)) {
      it(`F63 1 MiB, ${name} counted; a byte more is refused`, () => {
        const writer = ring.writer({ maxEvents: EVENTS })
        const client = ring.client({ from: 1 })
        writer.writeThreat(ofBytes(MIB, more))
        const before = [writer.stats(), ring.fingerprint()]
        const refused = tooLarge(MIB + 1, MIB)
        const input = ofBytes(MIB + 1, more)
        assert.throws(() => writer.writeThreat(input), refused)
        assert.throws(() => writer.writeThreats([threat(), input]), {
          ...refused,
          message: /^threats\[1\]: .*maxEventBytes is 1048576\./
        })
        assert.deepEqual([writer.stats(), ring.fingerprint()], before)
        const [one] = client.poll()
        assert(one.details === ofBytes(MIB, more).details)
        assert.equal('cut' in one, false)
        assert.deepEqual(client.poll(), [])
      })
    }

    it('F63 what deflates to little counts as it was', () => {
      const writer = ring.writer({ maxEvents: EVENTS, maxEventBytes: 100_000 })
      writer.writeThreat(ofBytes(100_000))
      assert(writer.stats().bytes < 10_000, 'it was deflated')
      assert.throws(
        () => writer.writeThreat(ofBytes(100_001)),
        tooLarge(100_001, 100_000)
      )
    })

    it('F63 over WebSocket alone', async () => {
      const shield = ring.keep(
        IpcFactory.createTransport({
          dir: ring.dir,
          maxEvents: EVENTS,
          preferShm: false,
          websocket: { port: 0 }
        })
      )
      await shield.ready()
      const refused = tooLarge(MIB + 1, MIB)
      assert.throws(() => shield.writeThreat(ofBytes(MIB + 1)), refused)
      assert.throws(() => shield.writeThreats([ofBytes(MIB + 1)]), {
        code: refused.code
      })
      assert.equal(shield.writeThreat(ofBytes(MIB)), 1)
    })

    it('F63 another number, and its limits', () => {
      const wrong = [4095, 22_281_901, '4095', '22MB', NaN]
      for (const maxEventBytes of wrong) {
        assert.throws(() => ring.writer({ maxEventBytes }), {
          name: 'RangeError',
          code: 'ERR_INVALID_OPTION',
          message: /option maxEventBytes: .* from 4096 to 22281900/
        })
      }
      const writer = ring.writer({ maxEvents: 64, maxEventBytes: '4KB' })
      writer.writeThreat(ofBytes(4096))
      assert.throws(
        () => writer.writeThreat(ofBytes(4097)),
        tooLarge(4097, 4096)
      )
    })
  })

  describe('of a reader', () => {
    it('F63 more than its own is cut, and reading goes on', async () => {
      const writer = ring.writer({ maxEvents: EVENTS, maxEventBytes: '2MB' })
      const large = ofBytes(MIB + 1, { id: 'own', context: { a: 1 } })
      const small = ring.client({ from: 1 })
      const wide = ring.client({ from: 1, maxEventBytes: '2MB' })
      writer.writeThreats([threat('before'), large, threat('behind')])
      const [before, cut, behind] = await collect(small, 3)
      assert.deepEqual([before.details, behind.details], ['before', 'behind'])
      const { generation } = writer.stats()
      assert.deepEqual(
        { ...cut, timestampUs: 0 },
        {
          sequence: 2,
          id: `${generation}-2`,
          timestampUs: 0,
          threatType: 'InjectionAttempt',
          severity: 'High',
          source: 'source',
          details: 'd'.repeat(256),
          blocked: true,
          generation,
          priority: 0,
          cut: true
        }
      )
      const { received, lost, corrupt, error } = small.stats()
      assert.deepEqual([received, lost, corrupt, error], [3, 0, 0, null])
      const [, whole] = await collect(wide, 3)
      assert(whole.details === large.details)
      assert.deepEqual([whole.id, whole.context], ['own', { a: 1 }])
      assert.equal('cut' in whole, false)
    })

    it('F63 more than its own, deflated', () => {
      const writer = ring.writer({ maxEvents: EVENTS })
      const small = ring.client({ from: 1, maxEventBytes: 20_000 })
      writer.writeThreats([ofBytes(20_000), ofBytes(20_001), ofBytes(500_000)])
      const inflations = count(zlib, 'inflateRawSync')
      const cuts = small.poll().map(({ cut }) => cut)
      assert.deepEqual(cuts, [undefined, true, true])
      assert.equal(inflations.length, 3)
      for (const [, { maxOutputLength }] of inflations) {
        assert(maxOutputLength <= 20_000 + 32, `${maxOutputLength}`)
      }
      assert.equal(small.stats().corrupt, 0)
    })

    it('F63 over WebSocket, what a ring has cut says so', () => {
      const bytes = ring.forge({ capacity: EVENTS })
      const reader = ring.client({ from: 1 })
      bytes.publish({ details: 'lead', tail: Buffer.alloc(MIB + 33) })
      const [cut] = reader.poll()
      assert.equal(cut.cut, true)
      const { generation, priority } = cut
      const text = threatMessage(generation, [textOfThreat(cut, priority)])
      const { threats } = parseMessage(Buffer.from(text), false)
      assert.deepEqual(threats, [cut])
    })

    it('F63 no JSON of more than its own is parsed', () => {
      const context = { text: noise(30_000) }
      const writer = ring.writer({ maxEvents: EVENTS })
      const small = ring.client({ from: 1, maxEventBytes: 20_000 })
      writer.writeThreat(threat('', { context }))
      const parsed = count(JSON, 'parse')
      const [one] = small.poll()
      assert.deepEqual([one.cut, one.context], [true, undefined])
      assert.deepEqual(parsed, [])
    })

    it('F63 a field that stands there ever again is made once', () => {
      const bytes = ring.forge({ capacity: EVENTS })
      const client = ring.client({ from: 1 })
      const empty = tailField(CONTEXT, '')
      const tail = Buffer.concat([
        ...new Array(100_000).fill(empty),
        tailField(CONTEXT, '{"a":1}'),
        tailField(DETAILS, 'the last')
      ])
      bytes.publish({ details: 'cut', tail })
      const parsed = count(JSON, 'parse')
      const [one] = client.poll()
      assert.deepEqual([one.details, one.context], ['the last', { a: 1 }])
      assert.equal(parsed.length, 1)
    })

    it('F63 a bomb is cut, and no error', () => {
      const bytes = ring.forge({ capacity: EVENTS })
      const client = ring.client({ from: 1 })
      const tail = zlib.deflateRawSync(Buffer.alloc(300 * MIB), { level: 1 })
      bytes.publish({ details: 'lead', tail, flags: 1 })
      bytes.publish({ details: 'next' })
      const [one, next] = client.poll()
      assert.deepEqual([one.details, one.cut], ['lead', true])
      assert.deepEqual([next.details, next.cut], ['next', undefined])
      assert.equal(client.stats().corrupt, 0)
    })

    it('F63 text that does not inflate is cut, too', () => {
      const bytes = ring.forge({ capacity: 64 })
      const client = ring.client({ from: 1 })
      bytes.publish({
        details: 'lead',
        tail: Buffer.alloc(400, 0xff),
        flags: 1
      })
      const [one] = client.poll()
      assert.deepEqual([one.details, one.cut], ['lead', true])
      assert.equal(client.stats().corrupt, 1)
    })
  })
})
