'use strict'
// What becomes of a threat before there is any ring: the record, or the error
// that names the field, what would do and what was given.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { checkThreat, limitsOf, stamp } = require('../../lib/threat/check.js')

const TYPES = [
  ...['Unknown', 'UnicodeInvisible', 'UnicodeBiDi', 'UnicodeHomoglyph'],
  ...['InjectionAttempt', 'PathTraversal', 'SuspiciousPattern'],
  'RateLimitViolation'
]
const SEVERITIES = ['Low', 'Medium', 'High', 'Critical']
const MAX = Number.MAX_SAFE_INTEGER

const threat = (more = {}) => ({
  ...{ threatType: 'PathTraversal', severity: 'High' },
  ...{ source: 'test', details: 'details', ...more }
})

/** What checking it throws, which has the package's code. */
function refusal(input, limits) {
  try {
    checkThreat(input, limits)
  } catch (error) {
    return error
  }
  assert.fail('it was taken')
}

function assertRefused(input, name, message) {
  const error = refusal(input)
  assert.equal(error.code, 'ERR_INVALID_THREAT')
  assert.equal(error.name, name)
  assert.match(error.message, message)
  return error
}

const cause = new Error('not now')

/** With a property that throws when it is read. */
const throwing = (given, key) =>
  Object.defineProperty(given, key, {
    get() {
      throw cause
    }
  })

describe('checkThreat', () => {
  it('makes a record of what is given, and nothing else', () => {
    const record = checkThreat(threat({ other: 1 }))
    assert.deepEqual(record, {
      ...{ type: 5, severity: 3, blocked: false, timestampUs: 0 },
      ...{ source: 'test', details: 'details', id: undefined },
      ...{ context: undefined, deflated: undefined, isShort: true }
    })
    const given = { blocked: true, timestampUs: 7, id: 'i', context: { a: 1 } }
    assert.deepEqual(checkThreat(threat(given)), {
      ...record,
      ...{ blocked: true, timestampUs: 7, id: 'i' },
      ...{ context: '{"a":1}', isShort: false }
    })
  })

  it('property: names and numbers are the ring’s numbers', () => {
    const type = fc.oneof(
      fc.constantFrom(...TYPES.slice(1)),
      fc.integer({ min: 0, max: 2 ** 32 - 1 })
    )
    const severity = fc.oneof(
      fc.constantFrom(...SEVERITIES),
      fc.integer({ min: 0, max: 255 })
    )
    fc.assert(
      fc.property(type, severity, (threatType, severityGiven) => {
        const given = threat({ threatType, severity: severityGiven })
        const record = checkThreat(given)
        const numberOf = (names, value, first) =>
          typeof value === 'number' ? value : names.indexOf(value) + first
        assert.equal(record.type, numberOf(TYPES, threatType, 0))
        assert.equal(record.severity, numberOf(SEVERITIES, severityGiven, 1))
      }),
      { examples: TYPES.slice(1).map((name) => [name, 'Low']) }
    )
  })

  for (const [field, names, last] of [
    ['threatType', TYPES, 2 ** 32 - 1],
    ['severity', SEVERITIES, 255]
  ]) {
    it(`${field}: a name of the list, or a number up to ${last}`, () => {
      for (const code of [0, 1, last]) {
        const record = checkThreat(threat({ [field]: code }))
        assert.equal(record[field === 'severity' ? field : 'type'], code)
      }
      const list = `${names.join(', ')} or a whole number up to ${last}`
      const message = new RegExp(`^threat\\.${field}: expected ${list}, got `)
      for (const value of [-1, last + 1, 0.5, NaN, 'high', 'toString', '']) {
        assertRefused(threat({ [field]: value }), 'RangeError', message)
      }
      for (const value of [null, undefined, true, {}, ['High'], 1n]) {
        assertRefused(threat({ [field]: value }), 'TypeError', message)
      }
    })
  }

  it('an Unknown has the number beside it', () => {
    const both = { threatType: 'Unknown', severity: 'Unknown' }
    const codes = { threatTypeCode: 2 ** 32 - 1, severityCode: 255 }
    const record = checkThreat(threat({ ...both, ...codes }))
    assert.deepEqual([record.type, record.severity], [2 ** 32 - 1, 255])
    const none = checkThreat(threat({ threatType: 'Unknown' }))
    assert.equal(none.type, 0)
    const zero = { ...both, threatTypeCode: 0, severityCode: 0 }
    assert.equal(checkThreat(threat(zero)).severity, 0)
    assertRefused(threat(both), 'RangeError', /^threat\.severity: .*'Unknown'$/)
    for (const [field, last] of [
      ['threatTypeCode', 2 ** 32 - 1],
      ['severityCode', 255]
    ]) {
      const message = new RegExp(
        `^threat\\.${field}: expected a whole number up to ${last}, got `
      )
      for (const value of [-1, last + 1, 0.5]) {
        const given = threat({ ...both, ...codes, [field]: value })
        assertRefused(given, 'RangeError', message)
      }
      for (const value of [null, '7']) {
        const given = threat({ ...both, ...codes, [field]: value })
        assertRefused(given, 'TypeError', message)
      }
      // Beside a name it is nothing.
      checkThreat(threat({ [field]: 'x' }))
    }
    // Nor beside a number, or what is neither.
    const numbers = checkThreat(
      threat({ ...codes, threatType: 9, severity: 9 })
    )
    assert.deepEqual([numbers.type, numbers.severity], [9, 9])
    for (const field of ['threatType', 'severity']) {
      const given = threat({ ...both, ...codes, [field]: 'Bogus' })
      assertRefused(given, 'RangeError', /got 'Bogus'$/)
    }
  })

  it('an Unknown whose number cannot be read: the reason is the cause', () => {
    const given = throwing(threat({ threatType: 'Unknown' }), 'threatTypeCode')
    const error = assertRefused(given, 'TypeError', /reading threw$/)
    assert.equal(error.cause, cause)
  })

  for (const field of ['source', 'details', 'id']) {
    it(`${field}: text that UTF-8 can carry`, () => {
      for (const value of [null, 5, {}, ['a'], Object('a')]) {
        const message = new RegExp(
          `^threat\\.${field}: expected a string, got `
        )
        assertRefused(threat({ [field]: value }), 'TypeError', message)
      }
      for (const value of ['\ud800', 'a\udc00', '\udc00\ud800', 'a\ud83db']) {
        const message = new RegExp(
          `^threat\\.${field}: expected text without lone surrogates`
        )
        assertRefused(threat({ [field]: value }), 'RangeError', message)
      }
      const record = checkThreat(threat({ [field]: '\u{1f600}é\0' }))
      assert.equal(record[field], '\u{1f600}é\0')
    })
  }

  it('an id has a character at least', () => {
    const message = /^threat\.id: expected a string that is not empty, got ''$/
    assertRefused(threat({ id: '' }), 'RangeError', message)
    assert.equal(checkThreat(threat({ source: '', details: '' })).source, '')
  })

  it('blocked: true or false, false when it is not given', () => {
    const message = /^threat\.blocked: expected true or false, got /
    for (const blocked of [null, 0, 1, 'true', {}]) {
      assertRefused(threat({ blocked }), 'TypeError', message)
    }
    assert.equal(checkThreat(threat({ blocked: undefined })).blocked, false)
    assert.equal(checkThreat(threat({ blocked: true })).blocked, true)
  })

  it('timestampUs: whole microseconds from 1 to 2^53-1', () => {
    for (const timestampUs of [1, MAX]) {
      const record = checkThreat(threat({ timestampUs }))
      assert.equal(record.timestampUs, timestampUs)
    }
    for (const timestampUs of [0, -1, 0.5, MAX + 1, NaN, Infinity]) {
      assertRefused(
        threat({ timestampUs }),
        'RangeError',
        /^threat\.timestampUs: expected whole microseconds since 1970, from 1 to 2\^53-1, got /
      )
    }
    for (const timestampUs of [null, '7', 7n, new Date()]) {
      const message = /^threat\.timestampUs: expected a number, got /
      assertRefused(threat({ timestampUs }), 'TypeError', message)
    }
  })

  it('stamp() gives a time to who has none', () => {
    const records = [checkThreat(threat()), checkThreat(threat())]
    const own = checkThreat(threat({ timestampUs: 7 }))
    stamp([...records, own])
    assert.equal(own.timestampUs, 7)
    for (const { timestampUs } of records) {
      assert(Number.isSafeInteger(timestampUs) && timestampUs > 1e15)
    }
  })

  it('what is no threat: a TypeError that shows it', () => {
    const message = /^threat: expected an object, got /
    for (const value of [null, undefined, 5, 'text', true, () => {}]) {
      assertRefused(value, 'TypeError', message)
    }
  })

  it('what cannot be read: a TypeError with the reason as its cause', () => {
    const given = throwing(threat(), 'details')
    const message = /^threat: expected an object whose fields can be read/
    assert.equal(assertRefused(given, 'TypeError', message).cause, cause)
  })

  it('each property is read once', () => {
    const reads = []
    const whole = threat({ blocked: true, timestampUs: 7, id: 'i', context: 1 })
    checkThreat(
      new Proxy(whole, {
        get(target, key) {
          reads.push(key)
          return target[key]
        }
      })
    )
    assert.deepEqual(reads.sort(), Object.keys(whole).sort())
  })

  const inherited = {
    ...{ threatType: 'PathTraversal', severity: 'High', blocked: true },
    ...{ timestampUs: 7, source: 'everywhere', details: 'everywhere' },
    ...{ id: 'everywhere', context: 'everywhere' }
  }
  for (const [field, value] of Object.entries(inherited)) {
    it(`what every object has as its ${field} is no threat’s`, () => {
      const given = threat({ blocked: false })
      delete given[field]
      Object.prototype[field] = value
      let outcome
      try {
        outcome = checkThreat(given)
      } catch (error) {
        outcome = error
      } finally {
        delete Object.prototype[field]
      }
      const isNeeded = ['threatType', 'severity', 'source', 'details']
      if (isNeeded.includes(field)) {
        assert.equal(outcome.code, 'ERR_INVALID_THREAT')
        assert(outcome.message.startsWith(`threat.${field}: `))
      } else {
        const without = { blocked: false, timestampUs: 0 }
        assert.equal(outcome[field], without[field])
        assert.equal(outcome.isShort, true)
      }
    })
  }

  it('beside what every object has, its own fields count', () => {
    class Found {
      get details() {
        return 'of the class'
      }
    }
    const given = Object.assign(new Found(), {
      ...{ threatType: 1, severity: 2, blocked: true, timestampUs: 9 },
      ...{ source: 's', id: 'i', context: [1] }
    })
    Object.prototype.id = 'everywhere'
    let record
    try {
      record = checkThreat(given)
    } finally {
      delete Object.prototype.id
    }
    assert.deepEqual(
      { ...record },
      {
        ...{ type: 1, severity: 2, blocked: true, timestampUs: 9 },
        ...{ source: 's', details: 'of the class', id: 'i', context: '[1]' },
        ...{ deflated: undefined, isShort: false }
      }
    )
  })

  it('is short without id and context and below 512 units of text', () => {
    const isShort = (more) => checkThreat(threat(more)).isShort
    assert.equal(isShort({ source: 'x'.repeat(11), details: 'd' }), true)
    const source = 's'.repeat(256)
    assert.equal(isShort({ source, details: 'd'.repeat(255) }), true)
    assert.equal(isShort({ source, details: 'd'.repeat(256) }), false)
    assert.equal(isShort({ id: 'i' }), false)
    assert.equal(isShort({ context: null }), false)
  })

  describe('maxEventBytes', () => {
    const limits = limitsOf({ maxEventBytes: 4096 })
    // Of each field alone, since each of them counts.
    const filled = {
      source: (text) => ({ source: text, details: '' }),
      details: (text) => ({ source: '', details: text }),
      id: (text) => ({ source: '', details: '', id: text }),
      context: (text) => ({
        source: '',
        details: '',
        context: text.slice(0, -2)
      })
    }
    for (const [field, fill] of Object.entries(filled)) {
      it(`counts the bytes of ${field}, and the last one that fits`, () => {
        checkThreat(threat(fill('a'.repeat(4096))), limits)
        const error = refusal(threat(fill('a'.repeat(4097))), limits)
        assert.equal(error.code, 'ERR_EVENT_TOO_LARGE')
        assert.match(
          error.message,
          /its texts have 4097 bytes, maxEventBytes is 4096/
        )
      })
    }

    it('counts bytes, not units, of all of them together', () => {
      const parts = { source: '€', details: 'é', id: '\u{1f600}', context: 'a' }
      // 3, 2, 4, and 1 with two quotation marks.
      const room = 4096 - 3 - 2 - 4 - 3
      const fitting = { ...parts, details: `é${'a'.repeat(room)}` }
      checkThreat(threat(fitting), limits)
      const longer = { ...parts, details: `é${'a'.repeat(room + 1)}` }
      assert.equal(refusal(threat(longer), limits).code, 'ERR_EVENT_TOO_LARGE')
    })

    it('counts all three bytes of a unit', () => {
      const details = '€'.repeat(1366) // 4098 bytes
      const error = refusal(threat({ source: '', details }), limits)
      assert.equal(error.code, 'ERR_EVENT_TOO_LARGE')
    })

    it('is 2^20 by default', () => {
      assert.deepEqual(limitsOf(), {
        maxEventBytes: 2 ** 20,
        strictContext: false
      })
      const details = 'a'.repeat(2 ** 20)
      checkThreat(threat({ source: '', details }))
      const longer = threat({ source: 'a', details })
      assert.equal(refusal(longer).code, 'ERR_EVENT_TOO_LARGE')
    })
  })

  it('strictContext is the writer’s', () => {
    const given = threat({ context: { at: new Date(0) } })
    assert.equal(
      checkThreat(given).context,
      '{"at":"1970-01-01T00:00:00.000Z"}'
    )
    const strict = limitsOf({ strictContext: true })
    assert.equal(refusal(given, strict).code, 'ERR_INVALID_THREAT')
  })

  it('what deflating shortens comes deflated', () => {
    const long = checkThreat(threat({ details: 'a'.repeat(20_000) }))
    assert(Buffer.isBuffer(long.deflated))
    assert.equal(
      checkThreat(threat({ details: 'a'.repeat(600) })).deflated,
      undefined
    )
  })
})
