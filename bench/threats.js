'use strict'
// The threats of all benchmarks, the same in every process that asks, and ways
// to get one wrong.
//
// As in a daemon, the strings of a threat are made anew for each event: V8 has
// neither put their parts together nor hashed them when they are sent. Strings
// that went round before have been through both.

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
const SEVERITIES = ['Low', 'Medium', 'High']
// One in so many is Critical, which the writer keeps a copy of.
const CRITICAL_EVERY = 100
const FILES = ['.env', 'todo.md', 'main.py', 'README.md', 'src/app.ts']
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
const SERVERS = 40
// Those whose names a daemon holds; the others come out of messages.
const KNOWN = 8

/** How details are made: what stands before the position, and all of it. */
const LONG = {
  mark: 'byte ',
  make: (at, file, excerpt) => `byte ${at} of ${file}: ${excerpt}`
}
const SHORT = {
  mark: '#',
  make: (at, _file, excerpt) => `#${at} ${excerpt}`
}

/** Characters of `details`, from and to (excluded), and how they are made. */
const KINDS = {
  varied: { from: 32, to: 188, ...LONG },
  small: { from: 10, to: 24, ...SHORT },
  full: { from: 256, to: 257, ...LONG }, // what one slot holds
  large: { from: 4096, to: 4097, ...LONG }, // several slots
  // Each with a character that makes two bytes of all others in V8.
  unicode: { from: 32, to: 188, ...LONG, first: '\u202e' },
  // Each is copied by the writer a second time.
  critical: { from: 32, to: 188, ...LONG, criticalEvery: 1 }
}

/** Another one for each event, of as many digits. */
const positionOf = (index) => 1_000_000 + (index % 9_000_000)
const DIGITS = 7

/** A small generator with a fixed seed (Park and Miller's). */
function makeRandom(seed) {
  let state = seed
  return (limit) => {
    state = (state * 48271) % 2147483647
    return state % limit
  }
}

/** A copy that is in one piece. */
const flat = (text) => Buffer.from(text, 'utf16le').toString('utf16le')

function makeExcerpt(random, first, length) {
  let text = first
  while (text.length < length) text += `${WORDS[random(WORDS.length)]} `
  return flat(text.slice(0, length))
}

/** What threats are put together from, over and over again. */
function makeParts(kind) {
  const { from, to, mark, make, first = '' } = kind
  const { criticalEvery = CRITICAL_EVERY } = kind
  const random = makeRandom(20261123)
  return Array.from({ length: VARIETY }, (_, i) => {
    const file = FILES[random(FILES.length)]
    const isKnown = random(2) === 1
    const server = random(isKnown ? KNOWN : SERVERS)
    const source = flat(`mcp/server-${server}`)
    const bare = make(positionOf(0), file, '').length
    const length = from + random(to - from)
    const excerpt = makeExcerpt(random, first, length - bare)
    const details = make(positionOf(0), file, excerpt)
    return {
      threatType: TYPES[random(TYPES.length)],
      severity:
        (i + 1) % criticalEvery === 0
          ? 'Critical'
          : SEVERITIES[random(SEVERITIES.length)],
      blocked: random(2) === 1,
      known: isKnown ? source : null,
      server,
      source,
      file,
      excerpt,
      behindPosition: flat(details.slice(mark.length + DIGITS))
    }
  })
}

/** Threats as a daemon makes them. */
function makeFresh(kind) {
  const parts = makeParts(kind)
  const { mark, make } = kind
  return {
    at(index) {
      const part = parts[index % VARIETY]
      return {
        threatType: part.threatType,
        severity: part.severity,
        source: part.known ?? `mcp/server-${part.server}`,
        details: make(positionOf(index), part.file, part.excerpt),
        blocked: part.blocked
      }
    },
    expected: (index) => parts[index % VARIETY],
    // Piece by piece, so that it costs little and makes nothing long.
    hasDetails(details, index) {
      const head = `${mark}${positionOf(index)}`
      return (
        details.slice(0, head.length) === head &&
        details.slice(head.length) === parts[index % VARIETY].behindPosition
      )
    }
  }
}

/** The same over and over again: each string in one piece since the start. */
function makePrepared(kind) {
  const fresh = makeFresh(kind)
  const threats = Array.from({ length: VARIETY }, (_, index) => {
    const threat = fresh.at(index)
    const { source, details } = threat
    return { ...threat, source: flat(source), details: flat(details) }
  })
  const at = (index) => threats[index % VARIETY]
  return {
    at,
    expected: at,
    hasDetails: (details, index) => details === at(index).details
  }
}

/**
 * The endless list that sender and receiver have.
 * @param {{ kind?: keyof KINDS, strings?: 'fresh' | 'prepared' }} [options]
 * @returns {{ longest: number, at: (index: number) => object,
 *   isText: (threat: object, index: number) => boolean,
 *   verify: (threat: object, index: number) => void }}
 *   `at` makes number `index`, from 0; `isText` compares the two strings alone;
 *   `verify` throws unless what was received is that number of the list
 */
function makeStream({ kind = 'varied', strings = 'fresh' } = {}) {
  const make = strings === 'fresh' ? makeFresh : makePrepared
  const { at, expected, hasDetails } = make(KINDS[kind])
  const isText = (threat, index) =>
    threat.source === expected(index).source &&
    hasDetails(threat.details, index)
  return {
    longest: KINDS[kind].to - 1,
    at,
    isText,
    verify(threat, index) {
      const { threatType, severity, blocked } = expected(index)
      if (
        threat.sequence !== index + 1 ||
        !isText(threat, index) ||
        threat.threatType !== threatType ||
        threat.severity !== severity ||
        threat.blocked !== blocked ||
        threat.timestampUs <= 0 ||
        threat.id.length === 0
      ) {
        throw new Error(
          `event ${index} is not what was sent: ${JSON.stringify(threat)}`
        )
      }
    }
  }
}

/** A threat that verify() must refuse in the place of `threat`. */
const DAMAGES = {
  details: (threat) => ({ ...threat, details: `${threat.details.slice(1)}X` }),
  source: (threat) => ({ ...threat, source: 'mcp/server-X' }),
  threatType: ({ threatType, ...rest }) => ({
    ...rest,
    threatType: threatType === TYPES[0] ? TYPES[1] : TYPES[0]
  }),
  severity: ({ severity, ...rest }) => ({
    ...rest,
    severity: severity === 'Low' ? 'High' : 'Low'
  }),
  blocked: ({ blocked, ...rest }) => ({ ...rest, blocked: !blocked })
}

/** The same list with a wrong threat in one place. */
const withDamage = (stream, index, damage) => ({
  ...stream,
  at: (i) => (i === index ? DAMAGES[damage](stream.at(i)) : stream.at(i))
})

module.exports = { DAMAGES, KINDS, makeStream, VARIETY, withDamage }
