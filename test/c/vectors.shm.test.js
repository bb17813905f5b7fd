'use strict'
// The test vectors in C: a program over the public API reads from each what
// stands beside it.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')
const { severityNames, typeNames } = require('../../lib/threat/names.js')
const { compileC, COMPILING_MS } = require('../helpers/c-program.js')
const { useRing } = require('../helpers/ring.js')
const vectors = require('../vectors/expected.js')
const { fitting } = require('../vectors/ring.js')

const { expected, NAMES, parseLines, place, wordsOf } = vectors
const run = promisify(execFile)

/** An item as C prints it, with names for its numbers. */
function named({ lost, threat }) {
  if (lost !== undefined) return { lost }
  const { threatType, severity, ...others } = threat
  const typeName = typeNames[threatType]
  const severityName = severity === 0 ? undefined : severityNames[severity]
  return {
    threat: {
      ...others,
      threatType: typeName ?? 'Unknown',
      ...(typeName === undefined ? { threatTypeCode: threatType } : {}),
      severity: severityName ?? 'Unknown',
      ...(severityName === undefined ? { severityCode: severity } : {})
    }
  }
}

/** Without zlib, C leaves a continuation deflated, so the event is cut to the
 * lead slot's text. */
function notInflated(generation, { threat }) {
  const start = (text, bytes) => fitting(Buffer.from(text), bytes).toString()
  const source = start(threat.source, 64)
  const details = start(threat.details, 256)
  const isCut = source !== threat.source || details !== threat.details
  const id = `${generation}-${threat.sequence}`
  return {
    threat: { ...threat, ...(isCut ? { cut: true } : {}), id, source, details }
  }
}

/** How C joins: it knows of one ring, and begins another one at its first
 * event. */
const wordsForC = ({ generation }, read) =>
  wordsOf(
    generation === (read.join.after?.generation ?? generation)
      ? read
      : { join: { after: { sequence: 0, priority: 0 } } }
  )

/** What C must then get: what was lost of another ring is for its reader. */
const givesForC = ({ generation }, { gives }) =>
  gives.filter(
    ({ lost }) => lost === undefined || lost.generation === generation
  )

function describeVectors(zlib) {
  const ring = useRing()
  let dir
  let program

  before(async function compileReader() {
    this.timeout(COMPILING_MS)
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    program = path.join(dir, 'read')
    await compileC(program, ['vectors', 'read.c'], { zlib })
  })

  after(() => fs.rmSync(dir, { recursive: true }))

  for (const name of NAMES) {
    const { reads, ...vector } = expected(name)
    for (const read of reads) {
      it(`${name}, ${wordsOf(read).join(' ')}`, async () => {
        place(name, ring().dir)
        const words = wordsForC(vector, read)
        const { stdout } = await run(program, [ring().dir, ...words])
        const [info, ...items] = parseLines(stdout)
        assert.deepEqual({ ...vector, ...info }, vector)
        const gives = givesForC(vector, read)
        const isLeft = name === 'deflated' && !zlib
        assert.deepEqual(
          items.map(named),
          isLeft
            ? gives.map((item) => notInflated(vector.generation, item))
            : gives
        )
      })
    }
  }
}

describe('test vectors in C', () => describeVectors(false))
describe('test vectors in C, with zlib', () => describeVectors(true))
