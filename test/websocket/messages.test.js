'use strict'
// The messages that both ends make: what stands in them, and how long they are.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { checkThreat } = require('../../lib/threat/check.js')
const {
  inMessages,
  message,
  replacedLoss,
  textOfThreat,
  textWithin,
  threatMessage,
  threatText,
  unknownLoss
} = require('../../lib/websocket/messages.js')
const {
  STATUS_COMMAND,
  subscribeMessage
} = require('../../lib/websocket/client/commands.js')
const { anyText } = require('../helpers/any-text.js')

const GENERATION = '0123456789abcdef'
const TIME = { timestampUs: 1_700_000_000_123_456 }
const WRITTEN = {
  timestamp: '2023-11-14T22:13:20.123Z',
  timestamp_us: 1_700_000_000_123_456
}
const MESSAGE_BYTES = 262_144

const parsed = (text) => JSON.parse(text)

const record = (more) =>
  checkThreat({
    ...{ threatType: 'PathTraversal', severity: 'High', source: 's' },
    ...{ details: 'd', ...TIME, ...more }
  })

const made = (more) => threatText(record(more), 7, GENERATION, 99, 3)

describe('a threat as JSON', () => {
  const plain = {
    ...{ sequence: 7, id: `${GENERATION}-7`, threat_type: 'PathTraversal' },
    ...{ severity: 'High', source: 's', details: 'd', ...WRITTEN },
    ...{ blocked: false, published_ns: 99, priority_count: 3 }
  }

  it('has all of its fields, and none that it has not', () => {
    assert.deepEqual(parsed(made()), plain)
    const more = { blocked: true, id: 'own', context: { a: ['"', '}'] } }
    assert.deepEqual(parsed(made(more)), { ...plain, ...more })
    assert.deepEqual(parsed(made({ context: null })).context, null)
  })

  it('has the number of what has no name', () => {
    const unnamed = parsed(made({ threatType: 8, severity: 5 }))
    assert.deepEqual(unnamed, {
      ...plain,
      ...{ threat_type: 'Unknown', threat_type_code: 8 },
      ...{ severity: 'Unknown', severity_code: 5 }
    })
    const zero = parsed(made({ threatType: 'Unknown', severity: 0 }))
    assert.equal(zero.threat_type, 'Unknown')
    assert.equal('threat_type_code' in zero, false)
    assert.equal(zero.severity_code, 0)
  })

  it('says its time as ISO 8601, whatever time was said before', () => {
    const seconds = [0, 1, 1, 1_700_000_000, 0, 9_007_199_253]
    for (const second of seconds) {
      for (const milliseconds of [0, 7, 70, 999]) {
        const time = second * 1000 + milliseconds
        // 0 is now.
        const timestampUs = Math.max(1, time * 1000)
        assert.equal(
          parsed(made({ timestampUs })).timestamp,
          new Date(time).toISOString()
        )
      }
    }
  })

  it('says when it is cut', () => {
    const cut = { ...record(), cut: true }
    const text = threatText(cut, 7, GENERATION, 99, 3)
    assert.deepEqual(parsed(text), { ...plain, cut: true })
  })

  describe('that was read from a ring', () => {
    const threat = {
      ...{ sequence: 7, id: 'own', threatType: 'PathTraversal' },
      ...{ severity: 'High', source: 's', details: 'd', ...TIME },
      blocked: true
    }
    const json = {
      ...{ sequence: 7, id: 'own', threat_type: 'PathTraversal' },
      ...{ severity: 'High', source: 's', details: 'd', ...WRITTEN },
      ...{ blocked: true, priority_count: 3 }
    }

    it('has all of its fields, and none that it has not', () => {
      assert.deepEqual(parsed(textOfThreat(threat, 3)), json)
      assert.deepEqual(parsed(textOfThreat(threat, 3, 99)), {
        ...json,
        published_ns: 99
      })
      const more = {
        threatTypeCode: 9,
        severityCode: 0,
        context: [1],
        cut: true
      }
      assert.deepEqual(parsed(textOfThreat({ ...threat, ...more }, 3)), {
        ...json,
        ...{ threat_type_code: 9, severity_code: 0, context: [1], cut: true }
      })
    })

    it('has nothing that every object has', () => {
      Object.prototype.context = 'everywhere'
      try {
        const own = Object.keys(parsed(textOfThreat(threat, 3)))
        assert(!own.includes('context'))
      } finally {
        delete Object.prototype.context
      }
    })

    it('comes without a context that nobody can write, and cut', () => {
      let context = []
      for (let i = 0; i < 100_000; i++) context = [context]
      const text = textOfThreat({ ...threat, context }, 3)
      assert.deepEqual(parsed(text), { ...json, cut: true })
    })
  })

  describe('for a client that takes no more text than so much', () => {
    const within = (text, most) => textWithin(text, GENERATION, most)

    it('property: is the same up to that, and cut behind it', () => {
      const text = anyText({ minLength: 1, maxLength: 300 })
      const optional = fc.option(text, { nil: undefined })
      fc.assert(
        fc.property(
          ...[text, text, optional, optional],
          (source, details, id, context) => {
            const given = { source, details, id, context }
            const whole = made(given)
            const size = (one) => (one ? Buffer.byteLength(one) : 0)
            const json = context === undefined ? '' : JSON.stringify(context)
            const bytes = size(source) + size(details) + size(id) + size(json)
            assert.equal(within(whole, bytes), whole)
            const cut = parsed(within(whole, bytes - 1))
            assert.equal(cut.cut, true)
            assert.equal(cut.id, `${GENERATION}-7`)
            assert.equal('context' in cut, false)
            assert(source.startsWith(cut.source) && size(cut.source) <= 64)
            assert(details.startsWith(cut.details) && size(cut.details) <= 256)
            assert.equal(cut.timestamp_us, WRITTEN.timestamp_us)
          }
        )
      )
    })

    it('an id of the Shield’s own is no text', () => {
      const whole = made({ source: '', details: 'd'.repeat(600) })
      assert.equal(within(whole, 600), whole)
      assert.notEqual(within(whole, 599), whole)
    })

    it('a context that nobody could write is too much', () => {
      const depth = 100_000
      const context = '['.repeat(depth) + ']'.repeat(depth)
      const text = `${made().slice(0, -1)},"context":${context}}`
      const cut = parsed(within(text, text.length - 10))
      assert.deepEqual(cut, { ...plain, cut: true })
    })
  })
})

describe('messages', () => {
  it('a threat: the texts as they are, and whether a gap has left them', () => {
    assert.deepEqual(parsed(threatMessage(GENERATION, ['{"a":1}', '2'])), {
      ...{ type: 'threat', generation: GENERATION, threats: [{ a: 1 }, 2] }
    })
    assert.deepEqual(parsed(threatMessage(GENERATION, ['1'], true)), {
      ...{ type: 'threat', generation: GENERATION },
      ...{ rescued: true, threats: [1] }
    })
  })

  it('any other: its type and its fields', () => {
    const text = message('status', { generation: GENERATION, sequence: 3 })
    assert.deepEqual(parsed(text), {
      ...{ type: 'status', generation: GENERATION, sequence: 3 }
    })
    assert.deepEqual(parsed(STATUS_COMMAND), { type: 'get_status' })
  })

  it('subscribe: what the cursor says, and what the client takes', () => {
    const latest = subscribeMessage({ from: 'latest', priority: null })
    assert.deepEqual(parsed(latest), { type: 'subscribe', from: 'latest' })
    const position = { from: 7, generation: GENERATION, priority: 0 }
    assert.deepEqual(parsed(subscribeMessage(position, 4096)), {
      ...{ type: 'subscribe', ...position, maxEventBytes: 4096 }
    })
  })

  it('subscribe: that, whatever toJSON all objects have', () => {
    const position = { from: 7, generation: GENERATION, priority: 0 }
    const text = subscribeMessage(position, 4096)
    Object.prototype.toJSON = () => 'evil'
    try {
      assert.equal(subscribeMessage(position, 4096), text)
    } finally {
      delete Object.prototype.toJSON
    }
  })

  it('the rest of a generation, as far as it is known', () => {
    assert.deepEqual(unknownLoss(GENERATION), {
      ...{ count: null, from: null, to: null, priority: null },
      ...{ generation: GENERATION, reason: 'replaced' }
    })
    const position = { generation: GENERATION, next: 5, priority: 2 }
    const loss = {
      ...{ count: 3, from: 5, to: 7, priority: 3 },
      ...{ generation: GENERATION, reason: 'replaced' }
    }
    const last = { sequence: 7, priority: 5 }
    assert.deepEqual(replacedLoss(position, last), loss)
    for (const [before, behind] of [
      [2, undefined],
      [2, null],
      [null, 5],
      // More than there are events.
      [2, 6]
    ]) {
      assert.deepEqual(
        replacedLoss(
          { ...position, priority: before },
          { sequence: 7, priority: behind }
        ),
        { ...loss, priority: null }
      )
    }
  })

  it(`lists for messages of ${MESSAGE_BYTES} bytes, or one text`, () => {
    const half = 'x'.repeat(MESSAGE_BYTES / 2)
    const lists = (texts) => [...inMessages(texts)].map((list) => list.length)
    assert.deepEqual(lists([]), [])
    assert.deepEqual(lists(['a']), [1])
    assert.deepEqual(lists([half, half, half]), [2, 1])
    assert.deepEqual(lists([half, half, half, half]), [2, 2])
    const less = half.slice(1)
    assert.deepEqual(lists([less, half, half, half]), [3, 1])
    const large = half + half
    assert.deepEqual(lists([large, 'a', large, 'a', 'a']), [1, 2, 2])
  })

  it('property: no text is left out, none comes twice', () => {
    const text = fc.integer({ min: 1, max: 200_000 }).map((n) => 'x'.repeat(n))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
        assert.deepEqual([...inMessages(texts)].flat(), texts)
      })
    )
  })
})
