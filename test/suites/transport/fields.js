'use strict'
// What is written comes out, every field of it.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { Severity, ThreatType } = require('../../../lib/index.js')
const { anyText } = require('../../helpers/any-text.js')
const { threat } = require('../../helpers/ring.js')
const { collect } = require('../../helpers/wait.js')

const typeNames = Object.keys(ThreatType)
const severityNames = Object.keys(Severity)

/** Whether it is a priority threat, of a writer that nobody told which are. */
const hasPriority = ({ severity }) =>
  severity === 'Critical' || severity >= Severity.Critical

/** The threat that must come out for one that was written with all fields. */
function expected(input, { sequence, generation, priority }) {
  const { threatType, severity, id, context } = input
  const out = {
    sequence,
    id: id ?? `${generation}-${sequence}`,
    timestampUs: input.timestampUs,
    threatType: typeNames.includes(threatType) ? threatType : 'Unknown',
    severity: severityNames.includes(severity) ? severity : 'Unknown',
    source: input.source,
    details: input.details,
    blocked: input.blocked ?? false,
    generation,
    priority
  }
  if (typeof threatType === 'number') {
    if (threatType < typeNames.length) out.threatType = typeNames[threatType]
    else out.threatTypeCode = threatType
  }
  if (typeof severity === 'number') {
    if (severity >= 1 && severity <= severityNames.length) {
      out.severity = severityNames[severity - 1]
    } else out.severityCode = severity
  }
  if (context !== undefined) out.context = JSON.parse(JSON.stringify(context))
  return out
}

const text = fc.oneof(
  anyText({ maxLength: 90 }),
  fc.string({ unit: 'grapheme', maxLength: 300, size: 'max' }),
  fc.string({ maxLength: 1000, size: 'max' })
)

const anyThreat = fc.record(
  {
    threatType: fc.oneof(
      fc.constantFrom(...typeNames),
      fc.nat(12),
      fc.nat(2 ** 31 - 1).map((n) => n * 2 + 1)
    ),
    severity: fc.oneof(
      fc.constantFrom(...severityNames),
      fc.integer({ min: 0, max: 255 })
    ),
    source: text,
    details: text,
    timestampUs: fc.oneof(
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fc.constant(Number.MAX_SAFE_INTEGER)
    ),
    blocked: fc.boolean(),
    id: anyText({ minLength: 1, maxLength: 50 }),
    context: fc.jsonValue()
  },
  {
    noNullPrototype: true,
    requiredKeys: ['threatType', 'severity', 'source', 'details', 'timestampUs']
  }
)

function describeFields(pair) {
  describe('fields', () => {
    let shield
    let client
    let generation
    let priority

    beforeEach(async () => {
      const made = await pair({ maxEvents: 4096 })
      shield = made.shield
      client = await made.open()
      generation = shield.stats().generation
      priority = 0
    })

    /** The next threat that was written, as it must come out. */
    function next(input, sequence) {
      priority += hasPriority(input) ? 1 : 0
      return expected(input, { sequence, generation, priority })
    }

    /** Writes the inputs one by one and compares what comes out. */
    async function roundTrip(inputs) {
      const outputs = inputs.map((input) => {
        const stamped = { timestampUs: 1_700_000_000_000_001, ...input }
        const sequence = shield.writeThreat(stamped)
        return next(stamped, sequence)
      })
      assert.deepEqual(await collect(client, inputs.length), outputs)
    }

    it('all types and severities, by name and by number', async () => {
      const types = [...typeNames, ...Object.values(ThreatType)]
      const severities = [...severityNames, ...Object.values(Severity)]
      await roundTrip(
        types.flatMap((threatType) =>
          severities.map((severity) =>
            threat(`${threatType} ${severity}`, { threatType, severity })
          )
        )
      )
    })

    it('F14 numbers without a name are Unknown and keep the number', () =>
      roundTrip(
        [8, 255, 256, 65_536, 2 ** 31, 2 ** 32 - 1].flatMap((threatType) =>
          [0, 5, 127, 128, 255].map((severity) =>
            threat('unknown', { threatType, severity })
          )
        )
      ))

    it('empty texts, and both values of blocked', () =>
      roundTrip([
        threat('', { source: '' }),
        threat('', { blocked: false }),
        threat('x', { source: '', blocked: undefined })
      ]))

    it('F15 text around the borders of its array, whole', async () => {
      const characters = ['a', 'ü', '中', '😀']
      const inputs = []
      for (const character of characters) {
        for (const length of [
          61, 62, 63, 64, 65, 66, 253, 254, 255, 256, 257
        ]) {
          // The character begins at that byte; everything before is one byte.
          const value = `${'x'.repeat(length)}${character}end`
          inputs.push(threat(value, { source: value }))
          inputs.push(threat(`${'x'.repeat(length)}${character}`))
        }
      }
      await roundTrip(inputs)
    })

    it('F16 NUL at the start, inside, at the end and alone', () =>
      roundTrip(
        ['\0', '\0a', 'a\0b', 'a\0', '\0\0\0', `${'a'.repeat(63)}\0`].map(
          (value) => threat(value, { source: value, id: value })
        )
      ))

    it('64 KiB texts, of one and of many bytes a character', () =>
      roundTrip([
        threat('a'.repeat(65_536), { source: 'b'.repeat(65_536) }),
        threat('中'.repeat(21_845), { source: '😀'.repeat(16_384) })
      ]))

    it('an id of its own, short and long', () =>
      roundTrip([
        threat('id', { id: 'x' }),
        threat('id', { id: 'ü'.repeat(5000) }),
        threat('id', { id: '0000000000000000-1' })
      ]))

    it('any JSON as context, with what else does not fit', async () => {
      const contexts = [
        null,
        false,
        0,
        -1.5e300,
        '',
        'text',
        [],
        {},
        { a: [1, { b: null }], 'ü\0': '😀' },
        JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
        new Date(0),
        { dropped: undefined, nan: NaN },
        'c'.repeat(100_000)
      ]
      await roundTrip(contexts.map((context) => threat('context', { context })))
      await roundTrip([
        threat('d'.repeat(300), {
          source: 's'.repeat(70),
          id: 'i'.repeat(400),
          context: { all: 'four' }
        })
      ])
      assert.equal({}.polluted, undefined)
    })

    it('a threat without a time gets the time of writing', async () => {
      const before = Date.now() * 1000
      shield.writeThreat(threat())
      const [{ timestampUs }] = await collect(client, 1)
      // The clock of JavaScript cuts to milliseconds.
      assert(timestampUs >= before, `${timestampUs} < ${before}`)
      assert(timestampUs <= (Date.now() + 1) * 1000)
      assert(Number.isInteger(timestampUs))
    })

    it('F17 events of one microsecond have different ids', async () => {
      const same = { timestampUs: 1_700_000_000_000_000 }
      shield.writeThreats(Array.from({ length: 500 }, () => threat('x', same)))
      const threats = await collect(client, 500)
      assert.equal(new Set(threats.map(({ id }) => id)).size, 500)
      assert.equal(new Set(threats.map((one) => one.timestampUs)).size, 1)
    })

    it('a plain object that shares nothing with the next one', async () => {
      const input = threat('one', { context: { list: [1] } })
      shield.writeThreat(input)
      shield.writeThreat(input)
      input.context.list.push(2)
      const [one, two] = await collect(client, 2)
      assert.equal(Object.getPrototypeOf(one), Object.prototype)
      one.context.list.push(3)
      assert.deepEqual(two.context, { list: [1] })
      const extra = ['context', 'threatTypeCode', 'severityCode']
      shield.writeThreat(threat())
      const [plain] = await collect(client, 1)
      assert.deepEqual(
        extra.filter((key) => key in plain),
        []
      )
    })

    it('property: whatever is written comes out', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyThreat, { minLength: 1, maxLength: 40 }),
          fc.boolean(),
          async (inputs, atOnce) => {
            const first = shield.stats().sequence + 1
            if (atOnce) shield.writeThreats(inputs)
            else for (const input of inputs) shield.writeThreat(input)
            assert.deepEqual(
              await collect(client, inputs.length),
              inputs.map((input, i) => next(input, first + i))
            )
          }
        ),
        { numRuns: 150 }
      )
      assert.equal(client.stats().corrupt, 0)
      assert.equal(client.stats().lost, 0)
    })
  })
}

module.exports = { describeFields }
