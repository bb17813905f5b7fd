'use strict'
// The threats of a benchmark, the same in every process that asks. Each differs
// from the others, and its strings are made anew, as a Shield makes them:
// strings that were sent before would flatter V8's caches.

const { Severity, ThreatType } = require('../threat/names.js')

const TYPES = Object.keys(ThreatType)
const SEVERITIES = Object.keys(Severity)
const WORDS = [
  'select',
  'union',
  'ignore previous instructions',
  '../../etc/passwd',
  'zero width space',
  'right-to-left override',
  'tool call',
  'workspace file',
  'prompt',
  'rate exceeded'
]
const SERVERS = 40

/** Spreads an index over 32 bits (Fibonacci hashing, Knuth). */
const spread = (index) => Math.imul(index + 1, 0x9e3779b1) >>> 0

/** Number `index` of the stream, from 0. */
function threatOf(index) {
  const random = spread(index)
  const word = (shift) => WORDS[(random >>> shift) % WORDS.length]
  return {
    threatType: TYPES[random % TYPES.length],
    severity: SEVERITIES[(random >>> 3) % SEVERITIES.length],
    source: `mcp/server-${random % SERVERS}`,
    details: `#${index} ${word(5)} ${word(11)} ${word(17)} in ${word(23)}`,
    blocked: (random & 1) === 1
  }
}

/**
 * Throws unless a threat is number `index` of the stream.
 * @param {import('../index').Threat} threat what was received
 * @param {number} index from 0
 */
function verify(threat, index) {
  const expected = threatOf(index)
  const isRight =
    threat.sequence === index + 1 &&
    threat.details === expected.details &&
    threat.source === expected.source &&
    threat.threatType === expected.threatType &&
    threat.severity === expected.severity &&
    threat.blocked === expected.blocked &&
    threat.timestampUs > 0 &&
    threat.id !== ''
  if (!isRight) {
    const got = JSON.stringify(threat)
    throw new Error(`event ${index} is not what was sent: ${got}`)
  }
}

module.exports = { threatOf, verify }
