'use strict'
// A threat that was received is written again, to another ring, and comes out
// of that as it came out of the first.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { IpcFactory } = require('../../lib/index.js')
const { RingFile, tailField } = require('../helpers/ring-file.js')
const { noise, threat, useRing } = require('../helpers/ring.js')
const { collect } = require('../helpers/wait.js')

const ID = 3

describe('a received threat', () => {
  const current = useRing()
  let first
  let second
  let from
  let to

  beforeEach(() => {
    const ring = current()
    first = ring.writer({ name: 'first', maxEvents: 1024 })
    second = ring.writer({ name: 'second', maxEvents: 1024 })
    from = ring.client({ name: 'first' })
    to = ring.client({ name: 'second' })
  })

  /** A threat without its place in a ring. */
  const contentOf = ({ sequence, generation, priority, ...content }) => {
    assert.ok(sequence > 0 && generation.length === 16 && priority >= 0)
    return content
  }

  /** Writes it again; all is the same but for its place. */
  function assertAgain(received) {
    second.writeThreat(received)
    second.writeThreats([received])
    const all = to.poll()
    assert.equal(all.length, 2)
    for (const again of all) {
      assert.deepEqual(contentOf(again), contentOf(received))
    }
  }

  function send(input) {
    first.writeThreat(input)
    const [received] = from.poll(1)
    return received
  }

  const inputs = {
    'as it is': threat(),
    'with an id and a context': threat('d', { id: 'own', context: [{ a: 1 }] }),
    'with a context of null': threat('d', { context: null }),
    'of type Unknown': threat('d', { threatType: 'Unknown' }),
    'of a type without a name': threat('d', { threatType: 8 }),
    'of the largest type': threat('d', { threatType: 2 ** 32 - 1 }),
    'of a severity without a name': threat('d', { severity: 5 }),
    'of severity 0': threat('d', { severity: 0 }),
    'of neither name': threat('d', { threatType: 99, severity: 255 }),
    'of the last time there is': threat('d', {
      timestampUs: Number.MAX_SAFE_INTEGER
    }),
    'with much text': threat(noise(40_000), { source: noise(300) })
  }
  for (const [name, input] of Object.entries(inputs)) {
    it(`F80 ${name}`, () => {
      const received = send(input)
      const { generation } = first.stats()
      assert.equal(received.id, input.id ?? `${generation}-1`)
      assertAgain(received)
    })
  }

  it('F80 a list of them, and one that is frozen', () => {
    first.writeThreats(Object.values(inputs))
    const list = from.poll()
    assert.equal(list.length, Object.keys(inputs).length)
    second.writeThreats(list.map(Object.freeze))
    assert.deepEqual(to.poll().map(contentOf), list.map(contentOf))
  })

  it('F80 whatever numbers it has', () => {
    fc.assert(
      fc.property(
        fc.record({
          threatType: fc.nat(2 ** 32 - 1),
          severity: fc.nat(255),
          timestampUs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
          blocked: fc.boolean(),
          context: fc.jsonValue()
        }),
        (more) => assertAgain(send(threat('any', more)))
      ),
      // JSON has no -0.
      { examples: [[{ threatType: 0, severity: 0, timestampUs: 1 }]] }
    )
  })

  it('F80 what no writer of ours sends: a late time, none, an empty id', () => {
    const bytes = RingFile.create(first.stats().path.replace('first', 'third'))
    const third = current().client({ name: 'third', from: 1 })
    bytes.publish({ timestampUs: 2n ** 64n - 1n, tail: tailField(ID, '') })
    bytes.publish({ source: Buffer.from([0xff]), sourceUsed: 1 })
    bytes.publish({ timestampUs: 0n })
    bytes.close()
    third.poll().forEach(assertAgain)
    assert.equal(to.stats().received, 6)
  })

  it('F80 over WebSocket, to a ring', async () => {
    const ring = current()
    const options = { dir: ring.dir, name: 'web', preferShm: false }
    const shield = ring.keep(
      IpcFactory.createTransport({ ...options, websocket: { port: 0 } })
    )
    await shield.ready()
    for (const input of Object.values(inputs)) shield.writeThreat(input)
    const client = ring.keep(
      await IpcFactory.createClient({ ...options, from: 'oldest' })
    )
    const list = await collect(client, Object.keys(inputs).length)
    list.forEach(assertAgain)
  })

  it('F80 a code counts beside Unknown alone, and is checked', () => {
    const named = send(threat('d', { threatTypeCode: 99, severityCode: 99 }))
    assert.equal(named.threatType, 'InjectionAttempt')
    assert.equal('threatTypeCode' in named, false)
    const unknown = { threatType: 'Unknown', severity: 'Unknown' }
    assert.throws(() => send(threat('d', unknown)), {
      name: 'RangeError',
      code: 'ERR_INVALID_THREAT',
      message: /threat\.severity: expected Low/
    })
    const wrong = {
      threatTypeCode: [-1, 2 ** 32, 1.5, NaN, '7', null],
      severityCode: [-1, 256, 1.5, NaN, '7', null]
    }
    for (const [field, values] of Object.entries(wrong)) {
      for (const value of values) {
        const codes = { threatTypeCode: 99, severityCode: 99, [field]: value }
        assert.throws(() => send(threat('d', { ...unknown, ...codes })), {
          name: typeof value === 'number' ? 'RangeError' : 'TypeError',
          code: 'ERR_INVALID_THREAT',
          message: new RegExp(`threat\\.${field}: expected a whole number`)
        })
      }
    }
  })
})
