'use strict'
// Varied threats for benchmarks, the same in every process that asks: identical
// events would flatter caches.

const TYPES = [
  'UnicodeInvisible',
  'UnicodeBiDi',
  'UnicodeHomoglyph',
  'InjectionAttempt',
  'PathTraversal',
  'SuspiciousPattern',
  'RateLimitViolation',
  'Unknown'
]
const SEVERITIES = ['Low', 'Medium', 'High', 'Critical']
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

// A prime, so that the cycle never falls into step with a ring or a batch.
const VARIETY = 997

/** A small generator with a fixed seed (Park and Miller's). */
function makeRandom(seed) {
  let state = seed
  return (limit) => {
    state = (state * 48271) % 2147483647
    return state % limit
  }
}

/** Lengths of `details`, from and to (excluded), by kind. */
const KINDS = {
  varied: [20, 200],
  small: [8, 24],
  full: [256, 257], // what one slot holds
  large: [4096, 4097] // several slots
}

function makeDetails(random, index, [from, to]) {
  const length = from + random(to - from)
  let text = `#${index}`
  while (text.length < length) text += ` ${WORDS[random(WORDS.length)]}`
  return text.slice(0, length)
}

/**
 * The list that sender and receiver go round and round.
 * @param {'varied' | 'small' | 'full' | 'large'} [kind]
 */
function makeThreats(kind = 'varied') {
  const random = makeRandom(20261123)
  const threats = []
  for (let i = 0; i < VARIETY; i++) {
    threats.push({
      threatType: TYPES[random(TYPES.length)],
      severity: SEVERITIES[random(SEVERITIES.length)],
      source: `mcp/server-${random(40)}`,
      details: makeDetails(random, i, KINDS[kind]),
      blocked: random(2) === 1
    })
  }
  return threats
}

/**
 * Throws unless `threat` is number `index` of the stream.
 * @param {object} threat what was received
 * @param {number} index from 0
 * @param {object[]} threats makeThreats()
 */
function verify(threat, index, threats) {
  const expected = threats[index % VARIETY]
  if (
    threat.sequence !== index + 1 ||
    threat.details !== expected.details ||
    threat.source !== expected.source ||
    threat.threatType !== expected.threatType ||
    threat.severity !== expected.severity ||
    threat.blocked !== expected.blocked ||
    threat.timestampUs <= 0 ||
    threat.id.length === 0
  ) {
    throw new Error(
      `event ${index} is not what was sent: ${JSON.stringify(threat)}`
    )
  }
}

module.exports = { makeThreats, verify, TYPES, VARIETY }
