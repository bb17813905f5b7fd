'use strict'
// Large threats between C and JavaScript, deflated by either; and what both of
// them say of a text: whether it is UTF-8, and whether it is JSON.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { isDeepStrictEqual } = require('node:util')
const fc = require('fast-check')
const { anyText } = require('../helpers/any-text.js')
const { compileC, COMPILING_MS } = require('../helpers/c-program.js')
const { noise, useRing } = require('../helpers/ring.js')
const { parseLines } = require('../vectors/expected.js')

const KIB = 1024
const MIB = KIB * KIB
const MAX_EVENTS = 65_536

const CONTEXT = { rule: 'é€😀', list: [1, null, { deep: [true] }], text: '\n"' }

/** A threat of each kind: in one slot, in several, deflated, of all texts. */
const THREATS = [
  { source: 'short', details: 'text', id: 'own' },
  { source: 'plain', details: 'abc '.repeat(200), context: CONTEXT },
  { source: 'x', details: `${'ignore all '.repeat(9000)}é`, id: '€-1' },
  { source: 'ü'.repeat(9000), details: noise(20_000), context: CONTEXT },
  {
    source: '/path'.repeat(100),
    details: '😀 words '.repeat(20_000),
    id: 'i'.repeat(400),
    context: { ...CONTEXT, more: 'zip '.repeat(5000) }
  }
]
// Of these, those that are deflated.
const DEFLATED = [false, false, true, true, true]

const fieldsOf = ({ source, details, id, context }) => ({
  source,
  details,
  ...(id === undefined ? {} : { id }),
  ...(context === undefined ? {} : { context })
})

/** Compares one by one: all of them at once would fill the screen. */
function assertTexts(threats) {
  assert.equal(threats.length, THREATS.length)
  threats.forEach((threat, i) => {
    const [got, wanted] = [threat, THREATS[i]].map(fieldsOf)
    for (const field of Object.keys({ ...got, ...wanted })) {
      const isSame = isDeepStrictEqual(got[field], wanted[field])
      assert(isSame, `threat ${i}: ${field} is another one`)
    }
    assert.equal(threat.cut, undefined)
  })
}

/** Texts as the program takes them. */
const asInput = (texts) =>
  Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text)
      return [Buffer.from(`${bytes.length}\n`), bytes]
    })
  )

describe('texts in C and in JavaScript', () => {
  const ring = useRing()
  let work
  const program = (name) => path.join(work, name)

  before(async function compilePrograms() {
    this.timeout(COMPILING_MS)
    work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    const read = ['vectors', 'read.c']
    await compileC(program('read'), read, { zlib: true })
    await compileC(program('read-without'), read)
    const exchange = ['c', 'text', 'exchange.c']
    await compileC(program('exchange'), exchange, { zlib: true })
  })

  after(() => fs.rmSync(work, { recursive: true }))

  const run = (name, args, input) =>
    execFileSync(program(name), args, {
      encoding: 'utf8',
      input,
      maxBuffer: 64 * MIB
    })

  /** What C reads; without an id that the reader has made. */
  function readByC(name, generation) {
    const [info, ...items] = parseLines(run(name, [ring().dir, 'oldest']))
    assert.equal(info.generation, generation ?? info.generation)
    return items.map(({ threat }) => {
      const isMade = threat.id === `${info.generation}-${threat.sequence}`
      return { ...threat, id: isMade ? undefined : threat.id }
    })
  }

  it('what Node writes, C reads whole, its id and its context too', () => {
    const shield = ring().writer({ maxEvents: 4096 })
    for (const fields of THREATS) {
      shield.writeThreat({ threatType: 4, severity: 3, ...fields })
    }
    const threats = readByC('read')
    assertTexts(threats)
    // Without zlib they come as well, cut where they were deflated.
    assert.deepEqual(
      readByC('read-without').map(({ cut }) => cut === true),
      DEFLATED
    )
  })

  it('what C writes, Node reads whole, its id and its context too', () => {
    const texts = THREATS.flatMap(({ source, details, id, context }) => [
      ...[source, details, id ?? ''],
      context === undefined ? '' : JSON.stringify(context)
    ])
    run('exchange', ['write', ring().dir], asInput(texts))
    const client = ring().client({ from: 'oldest' })
    const threats = client.poll()
    const own = threats.map((threat) => ({
      ...threat,
      id:
        threat.id === `${threat.generation}-${threat.sequence}`
          ? undefined
          : threat.id
    }))
    assertTexts(own)
    assert.deepEqual(
      readByC('read-without').map(({ cut }) => cut === true),
      DEFLATED
    )
  })

  it('F63 both take as much text of an event, and not a byte more', () => {
    const shield = ring().writer({
      maxEvents: MAX_EVENTS,
      maxEventBytes: 4 * MIB
    })
    const client = ring().client({ from: 'oldest' })
    // The second is one byte too long, whose continuation has one field; the
    // third one is deflated to nearly nothing.
    const lengths = [MIB - 1, MIB, 3 * MIB]
    for (const length of lengths) {
      const details = 'a'.repeat(length)
      shield.writeThreat({ threatType: 4, severity: 3, source: 's', details })
    }
    const fromNode = client.poll()
    while (fromNode.length < lengths.length) fromNode.push(...client.poll())
    const seen = ({ cut, details }) => [cut === true, details.length]
    assert.deepEqual(fromNode.map(seen), [
      [false, MIB - 1],
      [true, 256],
      [true, 256]
    ])
    assert.deepEqual(readByC('read').map(seen), fromNode.map(seen))
  })

  it('F11 C checks what JavaScript takes for UTF-8 and for JSON', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    /** As JavaScript sees it: [is it UTF-8, is it JSON]. */
    const judge = (bytes) => {
      let text
      try {
        text = decoder.decode(bytes)
      } catch {
        return '0 0'
      }
      try {
        JSON.parse(text)
        return '1 1'
      } catch {
        return '1 0'
      }
    }
    const damage = fc.record({
      at: fc.nat(),
      how: fc.constantFrom('drop', 'double', 'put', 'none', 'none'),
      byte: fc.oneof(
        fc.constantFrom(...Buffer.from('{}[]",:\\u0e-+. \n'), 0x80, 0xed, 0xf4),
        fc.integer({ min: 0, max: 255 })
      )
    })
    const spoil = (bytes, { at, how, byte }) => {
      const i = at % (bytes.length + 1)
      const [head, tail] = [bytes.subarray(0, i), bytes.subarray(i)]
      if (how === 'none') return bytes
      if (how === 'drop') return Buffer.concat([head, tail.subarray(1)])
      const more = how === 'put' ? [byte] : tail.subarray(0, 1)
      return Buffer.concat([head, Buffer.from(more), tail])
    }
    const text = fc
      .tuple(
        fc.oneof(
          fc.json().map((json) => Buffer.from(json)),
          fc
            .jsonValue()
            .map((value) => Buffer.from(JSON.stringify(value, null, 1))),
          anyText().map((any) => Buffer.from(any)),
          fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
          fc
            .array(fc.constantFrom(...'[]{},:"\\ue0-1.E+tru nl'), {
              maxLength: 9
            })
            .map((letters) => Buffer.from(letters.join('')))
        ),
        damage
      )
      .map(([bytes, one]) => spoil(bytes, one))
    const texts = fc.sample(text, 20_000)
    const judged = run('exchange', ['check'], asInput(texts))
      .trimEnd()
      .split('\n')
    const wanted = texts.map(judge)
    for (const answer of ['0 0', '1 0', '1 1']) {
      const count = wanted.filter((one) => one === answer).length
      assert(count > 1000, `${answer}: ${count}`)
    }
    const wrong = texts.filter((_, i) => judged[i] !== wanted[i])
    assert.deepEqual(
      wrong.map((bytes) => bytes.toString('latin1')),
      []
    )
  })
})
