'use strict'
// The test vectors: one for each kind of event, and rings in every state that a
// reader meets.

const DEFLATED = require('./deflate.js')
const {
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
} = require('./scenario.js')

const oldRing = () =>
  new Scenario('A ring that was retired, since another one took its place.')
    .write(critical(1))
    .fill(4)
    .write(critical(6))

const CASES = {
  empty() {
    return new Scenario('A new ring, in which nothing was published.')
      .reader(OLDEST)
      .reader(LATEST)
      .writer(1)
  },

  plain() {
    const made = new Scenario('Three events of one slot each.').fill(3)
    return made
      .reader(OLDEST, made.threats(1, 3))
      .reader(LATEST)
      .reader(after(1, 0), made.threats(2, 3))
      .reader(after(3, 0))
      .reader(after(7, 0))
      .writer(4)
  },

  numbers() {
    const made = new Scenario(
      'All types and severities, numbers without a name, and the first and the ' +
        'last time.'
    )
    for (let type = 0; type <= 8; type++) {
      made.write(event(1, { type }))
    }
    made.write(event(1, { type: 2 ** 32 - 1, blocked: true }))
    for (let severity = 0; severity <= 5; severity++) {
      made.write(event(1, { severity }))
    }
    return made.reader(OLDEST, made.threats(1, 16)).writer(17)
  },

  texts() {
    const made = new Scenario(
      'Texts that are empty, that just fit, and that hold or end with NUL.'
    ).write(
      event(1, { source: '', details: '' }),
      event(2, { source: 's'.repeat(64), details: 'd'.repeat(256) }),
      event(3, { source: 'é'.repeat(32), details: '🛡'.repeat(64) }),
      event(4, { source: 'a\0b\0', details: '\0' }),
      event(5, { timestampUs: 1 }),
      event(6, { timestampUs: Number.MAX_SAFE_INTEGER })
    )
    return made.reader(OLDEST, made.threats(1, 6)).writer(7)
  },

  long() {
    const made = new Scenario(
      'Texts that do not fit: with one byte too many, cut inside of a ' +
        'character, and continuations that just fill their slots or do not.'
    ).write(
      event(1, { source: 's'.repeat(65) }),
      event(2, { source: `${'s'.repeat(63)}é`, details: `${'€'.repeat(86)}!` }),
      event(3, { details: 'd'.repeat(340 - 8) }),
      event(4, { details: 'd'.repeat(340 - 8 + 1) }),
      event(5, { source: 's'.repeat(2 * 340 - 8) }),
      event(6)
    )
    return made.reader(OLDEST, made.threats(1, 6)).writer(7)
  },

  own() {
    const made = new Scenario('An id and a context of its own.').write(
      event(1, { id: 'one' }),
      event(2, {
        context: { file: 'ü.js', lines: [1, 2], nested: { a: null } }
      }),
      event(3, { id: 'thrée', context: 'text', details: 'd'.repeat(300) }),
      event(4, { context: null })
    )
    return made.reader(OLDEST, made.threats(1, 4)).writer(5)
  },

  fields() {
    const made = new Scenario(
      'Continuations of another writer: an unknown tag, a tag that stands there ' +
        'twice, and a field that reaches behind the end.'
    )
    const long = 'd'.repeat(300)
    const short = field(3, 'never seen')
    short.writeUInt32LE(1000, 4)
    const write = (given, ...fields) =>
      made.write({ ...given, continuation: Buffer.concat(fields) })
    write(event(1, { id: 'own' }), field(9, 'new'), field(3, 'own'))
    write(event(2, { id: 'second' }), field(3, 'first'), field(3, 'second'))
    write(event(3, { details: long }), field(2, long), short)
    const [first, second, { threat }] = made.threats(1, 3)
    const third = { threat: { ...threat, cut: true } }
    return made.reader(OLDEST, [first, second, third]).writer(4)
  },

  deflated() {
    const made = new Scenario('Continuations that are deflated.')
    for (const [i, { text, deflated }] of DEFLATED.entries()) {
      const continuation = Buffer.from(deflated, 'base64')
      made.write({ ...event(i + 1, text), continuation, deflated: true })
    }
    made.write(event(3))
    return made.reader(OLDEST, made.threats(1, 3)).writer(4)
  },

  unchecked() {
    const made = new Scenario('A ring without checksums.', {
      checksums: false
    }).write(event(1), event(2, { id: 'own' }), event(3))
    return made.reader(OLDEST, made.threats(1, 3)).writer(4)
  },

  wrapped() {
    const made = new Scenario(
      'More slots were written than there are, and an event lies on both ends ' +
        'of them: its lead slot is the last one.'
    )
      .fill(15)
      .write(event(16, { details: 'd'.repeat(800) }))
      .fill(5)
    // Positions 15 to 18 are of event 16, and 8 to 23 still stand.
    return made
      .reader(OLDEST, made.lost(1, 8, 'before-join'), made.threats(9, 21))
      .reader(after(7, 0), made.lost(8, 8, 'overwritten'), made.threats(9, 21))
      .reader(after(8, 0), made.threats(9, 21))
      .reader(after(12, 0), made.threats(13, 21))
      .reader(LATEST)
      .writer(22)
  },

  lapped() {
    const made = new Scenario(
      'A reader is many laps behind. The oldest slots are the rest of an event ' +
        'whose beginning was overwritten.'
    )
      .fill(84)
      .write(critical(85), event(86, { details: 'd'.repeat(800) }))
      .fill(14)
    // Positions 85 to 88 are of event 86; 87 to 102 still stand.
    return made
      .reader(OLDEST, made.lost(1, 86, 'before-join', 1), made.threats(87, 100))
      .reader(
        after(0, 0),
        made.lost(1, 86, 'overwritten', 1),
        made.threats(87, 100)
      )
      .reader(
        after(80, 0),
        made.lost(81, 86, 'overwritten', 1),
        made.threats(87, 100)
      )
      .reader(
        after(80, null),
        made.lost(81, 86, 'overwritten', null),
        made.threats(87, 100)
      )
      .writer(101)
  },

  damaged() {
    const made = new Scenario(
      'Single bits of a lead slot and of a continuation slot are wrong.'
    )
      .fill(3)
      .write(critical(4), event(5), event(6, { details: 'd'.repeat(800) }))
      .fill(2)
    made.ring.flip(3, 8 * 100)
    made.ring.flip(6, 8 * 300 + 5)
    return made
      .reader(
        OLDEST,
        made.threats(1, 3),
        made.lost(4, 4, 'corrupt', 1),
        made.threats(5, 5),
        made.lost(6, 6, 'corrupt'),
        made.threats(7, 8)
      )
      .writer(9)
  },

  'damaged-end'() {
    const made = new Scenario(
      'The last two events are damaged. Only the last sequence tells that there ' +
        'were two.'
    ).fill(6)
    made.ring.flip(4, 0)
    made.ring.flip(5, 8 * 16)
    return made
      .reader(OLDEST, made.threats(1, 4), made.lost(5, 6, 'corrupt', null))
      .writer(null)
  },

  'dead-copying'() {
    const made = new Scenario(
      'The writer died while it copied an event of three slots over older ones: ' +
        'its claim is ahead, two slots are whole and the third is half-written.'
    ).fill(20)
    const { ring } = made
    const slots = ring.stage(event(21, { details: 'd'.repeat(600) }))
    ring.claim(slots)
    const half = Buffer.from(
      ring.bytes.subarray(ring.at(22), ring.at(22) + 384)
    )
    slots[2].copy(half, 0, 0, 100)
    ring.copy([slots[0], slots[1], half])
    ring.sequence--
    // Positions 4 to 6 are gone with it.
    return made
      .reader(OLDEST, made.lost(1, 7, 'before-join'), made.threats(8, 20))
      .reader(after(2, 0), made.lost(3, 7, 'overwritten'), made.threats(8, 20))
      .writer(21)
  },

  'dead-publishing'() {
    const made = new Scenario(
      'The writer died between storing the last sequence and the head: its event ' +
        'is whole and not seen, and the next writer publishes it.'
    ).fill(5)
    const { ring } = made
    const slots = ring.stage(event(6))
    ring.claim(slots)
    ring.copy(slots)
    ring.storeSequence()
    return made.reader(OLDEST, made.threats(1, 5)).reader(LATEST).writer(7)
  },

  lane() {
    const made = new Scenario(
      'A flood has overwritten priority events, which stand in the lane.',
      { priorityEvents: 8 }
    )
      .write(...Array.from({ length: 9 }, (_, i) => critical(i + 1)))
      .fill(10)
      .write(critical(20, { details: 'd'.repeat(300) }), critical(21))
      .fill(29)
      .write(critical(51))
      .fill(4)
    // The lane has 6 to 9, 20 (which takes two slots), 21 and 51: eight slots.
    return made
      .reader(
        after(0, 0),
        made.lost(1, 5, 'overwritten', 5),
        made.threats(6, 9),
        made.lost(10, 19, 'overwritten'),
        made.threats(20, 21),
        made.lost(22, 39, 'overwritten'),
        made.threats(40, 55)
      )
      .reader(
        after(20, 10),
        made.threats(21, 21),
        made.lost(22, 39, 'overwritten'),
        made.threats(40, 55)
      )
      .reader(OLDEST, made.lost(1, 39, 'before-join', 11), made.threats(40, 55))
      .writer(56)
  },

  'lane-cut'() {
    const made = new Scenario(
      'An event that takes more than a quarter of the lane stands there as its ' +
        'lead slot alone.',
      { priorityEvents: 4 }
    )
      .write(
        critical(1, { id: 'own', context: [1] }),
        critical(2),
        critical(3, { details: '€'.repeat(100) })
      )
      .fill(30)
    const { ring } = made
    const kept = (sequence) => ({
      threat: cut(ring, sequence, made.given[sequence - 1])
    })
    return made
      .reader(
        after(0, 0),
        kept(1),
        made.threats(2, 2),
        kept(3),
        made.lost(4, 17, 'overwritten'),
        made.threats(18, 33)
      )
      .writer(34)
  },

  'lane-behind'() {
    const made = new Scenario(
      'The writer died behind the head and before the lane: the next writer ' +
        'copies what is missing there.',
      { priorityEvents: 4 }
    ).write(event(1), critical(2))
    const { ring } = made
    const third = critical(3)
    const slots = ring.stage(third)
    ring.claim(slots)
    ring.copy(slots)
    ring.store()
    return made
      .reader(OLDEST, made.threats(1, 2), {
        threat: threatOf(ring, 3, third)
      })
      .writer(4)
  },

  'replaced-old'() {
    const made = oldRing()
    made.ring.retire()
    return made.reader(after(3, 1), made.threats(4, 6)).writer(null)
  },

  replaced() {
    const old = oldRing()
    const made = new Scenario(
      'The ring that took the place of replaced-old, of which the reader has ' +
        'read a part.',
      {
        generation: NEXT_GENERATION,
        predecessor: { generation: GENERATION, sequence: 6, priority: 2 }
      }
    ).fill(2)
    const stranger = 0x1111111111111111n
    const unknown = {
      count: null,
      from: null,
      to: null,
      priority: null,
      generation: '1111111111111111',
      reason: 'replaced'
    }
    return made
      .reader(
        after(3, 1),
        lost(old.ring, 4, 6, 'replaced', 1),
        made.threats(1, 2)
      )
      .reader(after(6, 2), made.threats(1, 2))
      .reader(after(9, 0, stranger), { lost: unknown }, made.threats(1, 2))
      .writer(3)
  }
}

/** @returns {Map<string, Scenario>} by name */
const makeAll = () =>
  new Map(Object.entries(CASES).map(([name, make]) => [name, make()]))

module.exports = { makeAll }
