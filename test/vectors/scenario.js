'use strict'
// What is written to the ring of a test vector, and what a reader must get
// from it. README.md says what the fields of the JSON mean.

const { severityNames, typeNames } = require('../../lib/threat/names.js')
const { field, fitting, Ring } = require('./ring.js')

const GENERATION = 0x0123456789abcdefn
const NEXT_GENERATION = 0xfedcba9876543210n
const START_US = 1_700_000_000_000_000

const hex = (generation) => generation.toString(16).padStart(16, '0')

/** A threat as those who write one give it; what they leave out is usual. */
const event = (number, more = {}) => ({
  type: 1 + (number % 7),
  severity: 1 + (number % 3),
  blocked: number % 2 === 0,
  timestampUs: START_US + number,
  source: `source ${number}`,
  details: `details of event ${number}`,
  ...more
})

const critical = (number, more) => event(number, { severity: 4, ...more })

/** What of it comes out. */
function threatOf(ring, sequence, given) {
  const { type, severity, blocked, timestampUs, source, details } = given
  const typeName = typeNames[type]
  const severityName = severity === 0 ? undefined : severityNames[severity]
  return {
    sequence,
    id: given.id ?? `${hex(ring.generation)}-${sequence}`,
    timestampUs,
    threatType: typeName ?? 'Unknown',
    ...(typeName === undefined ? { threatTypeCode: type } : {}),
    severity: severityName ?? 'Unknown',
    ...(severityName === undefined ? { severityCode: severity } : {}),
    source,
    details,
    blocked,
    ...(given.context === undefined ? {} : { context: given.context })
  }
}

/** What the lead slot alone has of it. */
const cut = (ring, sequence, given) => ({
  ...threatOf(ring, sequence, {
    ...given,
    id: undefined,
    context: undefined,
    source: fitting(Buffer.from(given.source), 64).toString(),
    details: fitting(Buffer.from(given.details), 256).toString()
  }),
  cut: true
})

const lost = (ring, from, to, reason, priority) => ({
  lost: {
    count: to - from + 1,
    from,
    to,
    priority,
    generation: hex(ring.generation),
    reason
  }
})

/** Writes events, and knows what comes out of each. */
class Scenario {
  /** The events, as they were given. */
  given = []

  constructor(about, setup = {}) {
    this.about = about
    this.ring = new Ring({ generation: GENERATION, ...setup })
    this.setup = setup
    this.reads = []
  }

  write(...events) {
    for (const given of events) {
      this.ring.publish(given)
      this.given.push(given)
    }
    return this
  }

  /** Writes so many usual ones. */
  fill(count) {
    const from = this.ring.sequence
    return this.write(
      ...Array.from({ length: count }, (_, i) => event(from + i + 1))
    )
  }

  threats(from, to) {
    return Array.from({ length: to - from + 1 }, (_, i) => {
      const sequence = from + i
      return { threat: threatOf(this.ring, sequence, this.given[sequence - 1]) }
    })
  }

  lost(from, to, reason, priority = 0) {
    return [lost(this.ring, from, to, reason, priority)]
  }

  /** What a reader that joins like this gets. */
  reader(join, ...gives) {
    this.reads.push({ join, gives: gives.flat() })
    return this
  }

  /** @param {number | null} next the sequence that the next writer gives, or
   *   null: it makes another ring */
  writer(next) {
    this.next = next
    return this
  }

  toJSON() {
    const { ring, setup, about, reads, next } = this
    const { predecessor = null } = setup
    return {
      about,
      generation: hex(ring.generation),
      capacity: ring.capacity,
      priorityEvents: ring.priorityEvents,
      checksums: setup.checksums ?? true,
      predecessor: predecessor && {
        generation: hex(predecessor.generation),
        sequence: predecessor.sequence,
        priority: predecessor.priority ?? null
      },
      reads,
      nextSequence: next
    }
  }
}

const OLDEST = 'oldest'
const LATEST = 'latest'
/** Behind an event, knowing how many priority events there were. */
const after = (sequence, priority, generation = GENERATION) => ({
  after: { generation: hex(generation), sequence, priority }
})

module.exports = {
  after,
  critical,
  cut,
  event,
  field,
  GENERATION,
  LATEST,
  lost,
  NEXT_GENERATION,
  OLDEST,
  Scenario,
  threatOf
}
