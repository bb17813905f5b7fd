'use strict'
// What each end takes of the other's messages: every field at its bounds, and
// the one error that says what is wrong.

const assert = require('node:assert/strict')
const {
  parseMessage,
  ProtocolError
} = require('../../lib/websocket/protocol.js')
const {
  parseCommand,
  UnknownCommandError
} = require('../../lib/websocket/server/commands.js')

const GENERATION = '0123456789abcdef'
const MAX = Number.MAX_SAFE_INTEGER
const NO_SEQUENCES = [0, -1, 1.5, MAX + 3, '1', null, [1]]
const NO_COUNTS = [-1, 1.5, MAX + 1, '1', [1]]

const bytes = (value) => Buffer.from(JSON.stringify(value))
const command = (value) => parseCommand(bytes(value), false)
const received = (value) => parseMessage(bytes(value), false)

function refused(action, message) {
  assert.throws(action, (error) => {
    assert(error instanceof ProtocolError, error.stack)
    assert.match(error.message, message)
    return true
  })
}

for (const [end, parse] of [
  ['a server', parseCommand],
  ['a client', parseMessage]
]) {
  describe(`what ${end} takes for a message`, () => {
    it('is text, JSON, an object, and has a type', () => {
      const fine = bytes({ type: 'get_status' })
      refused(() => parse(fine, true), /^the message is binary/)
      for (const text of ['', '{', '{"type":', 'undefined']) {
        refused(
          () => parse(Buffer.from(text), false),
          /^the message is no JSON/
        )
      }
      for (const value of [null, 5, 'type', true, [], [{ type: 'status' }]]) {
        refused(() => parse(bytes(value), false), /^the message is no object/)
      }
      for (const value of [{}, { type: null }, { type: 5 }, { type: ['a'] }]) {
        refused(() => parse(bytes(value), false), /^the message has no type/)
      }
    })

    it('does not have what every object has', () => {
      Object.prototype.type = 'get_status'
      try {
        refused(() => parse(bytes({}), false), /^the message has no type/)
      } finally {
        delete Object.prototype.type
      }
    })
  })
}

describe('commands', () => {
  it('subscribe: from the latest unless it is told', () => {
    const none = { generation: undefined, maxEventBytes: undefined }
    assert.deepEqual(command({ type: 'subscribe' }), {
      ...{ type: 'subscribe', from: 'latest', priority: null, ...none }
    })
    const all = {
      ...{ type: 'subscribe', from: 17, generation: GENERATION },
      ...{ priority: 3, maxEventBytes: 4096 }
    }
    assert.deepEqual(command({ ...all, other: 1 }), all)
  })

  const fields = {
    from: {
      fine: ['latest', 'oldest', 'start', 1, MAX, MAX + 1],
      wrong: [...NO_SEQUENCES, 'newest', ''],
      message: /^subscribe: from is 'latest', 'oldest', 'start' or a sequence$/
    },
    generation: {
      fine: [GENERATION, 'f'.repeat(16)],
      wrong: [
        null,
        '',
        5,
        GENERATION.slice(1),
        `${GENERATION}0`,
        'F'.repeat(16)
      ],
      message: /^subscribe: generation is 16 hex digits$/
    },
    priority: {
      fine: [null, 0, 2 ** 32 - 1],
      wrong: [...NO_COUNTS, 2 ** 32],
      message: /^subscribe: priority is a whole number below 2\^32$/
    },
    maxEventBytes: {
      fine: [4096, MAX],
      wrong: [...NO_SEQUENCES, 4095],
      message: /^subscribe: maxEventBytes is a whole number from 4096$/
    }
  }
  for (const [key, { fine, wrong, message }] of Object.entries(fields)) {
    it(`subscribe: ${key}, and what it may not be`, () => {
      for (const value of fine) {
        assert.equal(command({ type: 'subscribe', [key]: value })[key], value)
      }
      for (const value of wrong) {
        refused(() => command({ type: 'subscribe', [key]: value }), message)
      }
    })
  }

  it('unsubscribe and get_status have nothing but their type', () => {
    for (const type of ['unsubscribe', 'get_status']) {
      assert.deepEqual(command({ type, from: 'nowhere' }), { type })
    }
  })

  it('any other is unknown, and those that exist are named', () => {
    for (const type of ['', 'status', 'toString', 'x'.repeat(1000)]) {
      assert.throws(
        () => command({ type }),
        (error) => {
          assert(error instanceof UnknownCommandError)
          const named = `the command ${type.slice(0, 40)} is unknown; `
          const exist = 'these exist: subscribe, unsubscribe, get_status'
          assert.equal(error.message, named + exist)
          return true
        }
      )
    }
  })
})

describe('messages of a server', () => {
  const status = {
    ...{ type: 'status', generation: GENERATION, sequence: 9, next: 10 },
    ...{ priority: 3, heartbeatMs: 100, shm: false, boot: 'b' }
  }
  const lost = {
    ...{ type: 'lost', generation: GENERATION, reason: 'overwritten' },
    ...{ count: 3, from: 5, to: 7, priority: 2 }
  }
  const threat = {
    ...{ sequence: 5, id: 'i', timestamp_us: 7, threat_type: 'Unknown' },
    ...{ severity: 'High', source: 's', details: 'd', blocked: true }
  }
  const threats = (...list) => ({
    ...{ type: 'threat', generation: GENERATION, threats: list }
  })

  it('of a type that is unknown: the type, and no more', () => {
    for (const type of ['future', '', 'toString', '__proto__']) {
      assert.deepEqual(received({ ...status, type }), { type })
    }
  })

  it('each has the generation that it is of', () => {
    const heartbeat = { type: 'heartbeat', sequence: 3 }
    const all = [status, lost, threats(threat), heartbeat]
    for (const one of all) {
      for (const generation of [undefined, null, '', 'x', 'F'.repeat(16)]) {
        const message = new RegExp(`^${one.type}: generation is 16 hex digits$`)
        refused(() => received({ ...one, generation }), message)
      }
      const { generation } = received({ ...one, generation: GENERATION })
      assert.equal(generation, GENERATION)
    }
  })

  it('error: code and message as text, whatever they are', () => {
    const error = { type: 'error', code: 'ERR_EVICTED', message: 'why' }
    assert.deepEqual(received({ ...error, other: 1 }), error)
    assert.deepEqual(received({ type: 'error', code: 5, message: { a: 1 } }), {
      ...{ type: 'error', code: '5', message: '{ a: 1 }' }
    })
  })

  it('status: all of it, and what an older server says', () => {
    assert.deepEqual(received({ ...status, other: 1 }), status)
    const old = { ...status, next: undefined, priority: undefined }
    delete old.shm
    delete old.boot
    assert.deepEqual(received(old), {
      ...{ ...status, next: undefined, priority: null, shm: true, boot: null }
    })
    assert.equal(received({ ...status, boot: 5 }).boot, null)
  })

  const wrong = {
    status: {
      base: status,
      sequence: [[0, MAX], [...NO_COUNTS, null], /^status: sequence is/],
      next: [[1, MAX, MAX + 1], NO_SEQUENCES, /^status: next is a sequence$/],
      heartbeatMs: [[1, MAX], NO_SEQUENCES, /^status: heartbeatMs is/],
      shm: [[true, false], [null, 1, 'true'], /^status: shm is true or false$/],
      priority: [
        [null, 0, 2 ** 32 - 1],
        [...NO_COUNTS, 2 ** 32],
        /^status: priority is a whole number$/
      ]
    },
    heartbeat: {
      base: { type: 'heartbeat', generation: GENERATION, sequence: 1 },
      sequence: [[0, 1, MAX], [...NO_COUNTS, null], /^heartbeat: sequence is/]
    }
  }
  for (const [type, { base, ...fields }] of Object.entries(wrong)) {
    for (const [key, [fine, bad, message]] of Object.entries(fields)) {
      it(`${type}: ${key}, and what it may not be`, () => {
        for (const value of fine) {
          assert.equal(received({ ...base, [key]: value })[key], value)
        }
        for (const value of bad) {
          refused(() => received({ ...base, [key]: value }), message)
        }
      })
    }
  }

  describe('lost', () => {
    it('says what is lost, or that it does not know', () => {
      assert.deepEqual(received({ ...lost, other: 1 }), lost)
      const one = { ...lost, count: 1, from: MAX, to: MAX, priority: 1 }
      assert.deepEqual(received(one), one)
      const older = { ...lost, priority: undefined }
      assert.deepEqual(received(older), { ...lost, priority: null })
      const unknown = { ...lost, count: null, from: 5, to: 'x', priority: -1 }
      assert.deepEqual(received(unknown), {
        ...{ ...lost, count: null, from: null, to: null, priority: null }
      })
    })

    it('for a reason that is known', () => {
      const reasons = ['overwritten', 'corrupt', 'evicted', 'replaced']
      for (const reason of [...reasons, 'before-join']) {
        assert.equal(received({ ...lost, reason }).reason, reason)
      }
      for (const reason of [undefined, null, '', 'other', 'toString']) {
        const message = /^lost: the reason is unknown$/
        refused(() => received({ ...lost, reason }), message)
      }
    })

    it('whose numbers agree', () => {
      for (const more of [
        ...[2, 4, 0, '3', undefined].map((count) => ({ count })),
        ...NO_SEQUENCES.map((from) => ({ from })),
        ...NO_SEQUENCES.map((to) => ({ to })),
        ...[
          { from: 8, count: 0 },
          { to: 4, count: 0 },
          { from: 9, count: -1 }
        ]
      ]) {
        const message = /^lost: count, from and to do not agree$/
        refused(() => received({ ...lost, ...more }), message)
      }
      for (const priority of [4, -1, 0.5, '1']) {
        const message = /^lost: priority is a part of count$/
        refused(() => received({ ...lost, priority }), message)
      }
      for (const priority of [0, 3, null]) {
        assert.equal(received({ ...lost, priority }).priority, priority)
      }
    })
  })

  describe('threat', () => {
    const plain = {
      ...{ sequence: 5, id: 'i', timestampUs: 7, threatType: 'Unknown' },
      ...{ severity: 'High', source: 's', details: 'd', blocked: true },
      ...{ generation: GENERATION, priority: null }
    }
    const parse = (more) => received(threats({ ...threat, ...more }))
    const first = (more) => parse(more).threats[0]

    it('is a list of them, with what is counted beside', () => {
      const more = { published_ns: 0.5, priority_count: 4 }
      assert.deepEqual(received(threats(threat, { ...threat, ...more })), {
        ...{ type: 'threat', generation: GENERATION, rescued: false },
        threats: [plain, { ...plain, priority: 4 }],
        publishedNs: [null, 0.5]
      })
      assert.equal(received({ ...threats(), rescued: true }).rescued, true)
      for (const list of [undefined, null, {}, 'threats']) {
        const one = { ...threats(), threats: list }
        refused(() => received(one), /^threats is a list$/)
      }
      for (const rescued of [null, 1, 'true']) {
        const one = { ...threats(), rescued }
        refused(() => received(one), /^threat: rescued is true or false$/)
      }
      for (const one of [null, 5, 'threat']) {
        refused(() => received(threats(one)), /^a threat is an object$/)
      }
    })

    it('has what it may have beside', () => {
      const codes = { threat_type_code: 0, severity_code: MAX }
      assert.deepEqual(
        first({ ...codes, cut: true, context: null, other: 1 }),
        {
          ...{ ...plain, threatTypeCode: 0, severityCode: MAX },
          ...{ cut: true, context: null }
        }
      )
      assert.deepEqual(first({ cut: false }), plain)
      assert.deepEqual(first({ cut: 1 }), plain)
    })

    it('has nothing that every object has', () => {
      const inherited = { cut: true, context: 1, severity_code: 3 }
      Object.assign(Object.prototype, inherited)
      try {
        // Seen by keys: each of these has the others from its prototype.
        assert.deepEqual(Object.keys(first()), Object.keys(plain))
        refused(() => received(threats(null)), /^a threat is an object$/)
      } finally {
        for (const key of Object.keys(inherited)) delete Object.prototype[key]
      }
    })

    for (const key of [
      ...['sequence', 'id', 'timestamp_us', 'threat_type', 'severity'],
      ...['source', 'details', 'blocked']
    ]) {
      it(`has its own ${key}, not every object’s`, () => {
        const without = { ...threat }
        delete without[key]
        Object.prototype[key] = threat[key]
        try {
          refused(() => received(threats(without)), /./)
        } finally {
          delete Object.prototype[key]
        }
      })
    }

    it('of the right types and ranges', () => {
      const texts = /^id, threat_type, severity, source and details are text$/
      const checks = [
        ['sequence', NO_SEQUENCES, /^a threat has a sequence$/],
        ['timestamp_us', [...NO_COUNTS, null], /^timestamp_us is a whole/],
        ['blocked', [null, 1, 'true'], /^blocked is true or false$/],
        [
          'threat_type_code',
          [...NO_COUNTS, null],
          /^threatTypeCode is a whole/
        ],
        ['severity_code', [...NO_COUNTS, null], /^severityCode is a whole/],
        [
          'priority_count',
          [...NO_COUNTS, 2 ** 32],
          /^priority_count is a whole/
        ],
        ...['id', 'threat_type', 'severity', 'source', 'details'].map((key) => [
          ...[key, [null, 5, ['a'], {}], texts]
        ])
      ]
      for (const [key, values, message] of checks) {
        for (const value of values) {
          refused(() => parse({ [key]: value }), message)
        }
      }
      assert.equal(first({ sequence: MAX, timestamp_us: 0 }).timestampUs, 0)
      const most = 2 ** 32 - 1
      assert.equal(first({ priority_count: most }).priority, most)
    })

    it('a time of publishing that is no number is none', () => {
      for (const published of [null, '5', [5], {}]) {
        const { publishedNs } = parse({ published_ns: published })
        assert.deepEqual(publishedNs, [null])
      }
    })
  })
})
