'use strict'
// Processes in which somebody froze what JavaScript has, or gave properties to
// all objects: what is published is what was given, and what is received what
// was published.

const assert = require('node:assert/strict')
const { useRing } = require('../helpers/ring.js')
const { within } = require('../helpers/wait.js')

const FREEZER = require.resolve('../helpers/freeze-builtins.js')

/** Runs in a process of its own; prints what it saw as JSON. */
async function useAll(ipc, { dir, pollute }) {
  const seen = {}
  const codeOf = (action) => {
    try {
      action()
      return null
    } catch (error) {
      return [error.name, error.code, error.message.length > 20]
    }
  }
  const options = { dir, maxEvents: 64, websocket: { port: 0 } }
  const shield = ipc.IpcFactory.createHybridTransport(options)
  await shield.ready()
  const client = await ipc.IpcFactory.createClient({ dir, from: 'oldest' })
  const other = await ipc.IpcFactory.createClient({
    dir,
    from: 'oldest',
    preferShm: false
  })
  while (other.stats().transport !== 'websocket') {
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
  if (pollute !== undefined) new Function(`(${pollute})()`)()

  const least = {
    threatType: 'PathTraversal',
    severity: 'Low',
    source: 's',
    details: 'd',
    timestampUs: 7
  }
  const context = { list: [1, { a: [] }], text: 't', date: new Date(0) }
  seen.refused = [
    codeOf(() => shield.writeThreat({ source: 's', details: 'd' })),
    codeOf(() => shield.writeThreat(null)),
    codeOf(() => shield.writeThreats([least, { ...least, severity: 'x' }])),
    codeOf(() => new ipc.ShmClient({ dir, name: 'none' })),
    codeOf(() => new ipc.ShmClient({ dir, wrong: 1 })),
    codeOf(() => client.poll(0)),
    codeOf(() => shield.writeThreat({ ...least, details: 'd'.repeat(9000) }))
  ]
  shield.writeThreats([
    least,
    { ...least, context, id: 'own', blocked: true },
    { ...least, threatType: 99, severity: 77 }
  ])

  // A list is what a promise must not resolve with, where it has a `then`.
  const take = async (reader, threats) => {
    await reader.pollThreats((threat) => {
      threats.push({ ...threat })
      return threats.length < 3 ? {} : false
    })
  }
  await take(client, (seen.shm = []))
  await take(other, (seen.websocket = []))
  shield.writeThreat(least)
  for await (const { sequence } of client) {
    seen.iterated = sequence
    break
  }
  const late = new ipc.ShmClient({ dir, from: 2 })
  seen.late = late.poll().map(({ sequence }) => sequence)
  const { transport, received, lost, error } = late.stats()
  seen.stats = { transport, received, lost, error }
  // Own properties alone, whatever stands beside them by now.
  const replacer = (_key, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.assign(Object.create(null), value, { toJSON: undefined })
      : value
  for (const opened of [client, other, late, shield]) await opened.close()
  delete Array.prototype.toJSON
  delete Object.prototype.toJSON
  process.stdout.write(JSON.stringify(seen, replacer))
}

/** Runs in a process of its own: the Shield's socket is removed and made again,
 * its port is given up and another Shield listens, a client comes back. */
async function comeBack(ipc, { dir }) {
  const fs = require('node:fs')
  const pause = () =>
    new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  const threat = {
    threatType: 'PathTraversal',
    severity: 'Low',
    source: 's',
    details: 'd'
  }
  const options = { dir, preferShm: false, websocket: { port: 0 } }
  const start = () => ipc.IpcFactory.createTransport(options)
  const shield = start()
  await shield.ready()
  const client = await ipc.IpcFactory.createClient({ dir, preferShm: false })
  const got = []
  const polled = client.pollThreats(({ sequence }) => got.push(sequence) < 2)
  while (client.stats().transport !== 'websocket') await pause()
  const { then } = Object.prototype
  Object.prototype.then = function () {}

  const { socket } = shield.stats().websocket
  // The pipe of Windows is no file, and stays.
  if (process.platform !== 'win32') {
    fs.unlinkSync(socket)
    while (!fs.existsSync(socket)) await pause()
  }
  shield.writeThreat(threat)
  while (got.length < 1) await pause()
  await shield.close()
  const next = start()
  await next.ready()
  next.writeThreat(threat)
  await polled
  await client.close()
  await next.close()
  Object.prototype.then = then
  process.stdout.write(JSON.stringify(got))
}

// Each is run in that process behind the set-up.
const POLLUTIONS = {
  nothing: undefined,

  'the fields of a threat': () => {
    const fields = {
      threatType: 'InjectionAttempt',
      severity: 'Critical',
      blocked: true,
      timestampUs: 5,
      source: 'evil',
      details: 'evil',
      id: 'evil',
      context: 'evil',
      threatTypeCode: 5,
      severityCode: 5,
      cut: true,
      sequence: 1,
      generation: 'evil',
      priority: 5
    }
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(Object.prototype, name, {
        value,
        writable: true,
        configurable: true
      })
    }
  },

  'setters for the fields of a threat': () => {
    const names = ['context', 'threatTypeCode', 'severityCode', 'cut', 'id']
    for (const name of names) {
      Object.defineProperty(Object.prototype, name, {
        configurable: true,
        get: () => 'evil',
        set() {}
      })
    }
  },

  'fields that cannot be set': () => {
    const names = ['context', 'threatTypeCode', 'severityCode', 'cut']
    for (const name of names) {
      Object.defineProperty(Object.prototype, name, { value: 'evil' })
    }
  },

  'the fields of a message': () => {
    const fields = {
      threat_type_code: 5,
      severity_code: 5,
      timestamp_us: 9,
      priority_count: 9,
      next: 5,
      shm: false,
      threats: []
    }
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(Object.prototype, name, { value, writable: true })
    }
  },

  'a toJSON of all objects': () => {
    Object.prototype.toJSON = () => 'evil'
  },

  'a toJSON of all lists': () => {
    Array.prototype.toJSON = () => 'evil'
  },

  'a then of all objects': () => {
    Object.defineProperty(Object.prototype, 'then', {
      configurable: true,
      value() {}
    })
  },

  'setters for what an error has': () => {
    for (const name of ['code', 'name', 'toJSON']) {
      Object.defineProperty(Object.prototype, name, {
        configurable: true,
        get: () => undefined,
        set() {}
      })
    }
  },

  'names that are frozen in Error.prototype': () => {
    Object.freeze(Error.prototype)
    Object.freeze(TypeError.prototype)
    Object.freeze(RangeError.prototype)
    Object.freeze(Object.prototype)
  },

  options: () => {
    const fields = {
      after: { generation: '0'.repeat(16), sequence: 5 },
      reliable: true,
      freeze: true,
      maxEventBytes: 5,
      maxEvents: 5,
      bufferSize: 5,
      readerTimeoutMs: 5,
      overflow: 'reject',
      enableChecksums: false,
      rejects: true,
      strictContext: true,
      latency: 'evil'
    }
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(Object.prototype, name, { value, writable: true })
    }
  },

  numbers: () => {
    for (const index of [0, 1, 2, 8, 99, 77, 255]) {
      Object.defineProperty(Object.prototype, index, {
        value: 'evil',
        writable: true,
        configurable: true
      })
    }
  }
}

const LEAST = {
  timestampUs: 7,
  threatType: 'PathTraversal',
  severity: 'Low',
  source: 's',
  details: 'd',
  blocked: false
}

/** @param {string} generation */
const expectedOf = (generation) => [
  { ...LEAST, sequence: 1, id: `${generation}-1`, generation, priority: 0 },
  {
    ...LEAST,
    ...{ sequence: 2, generation, priority: 0 },
    id: 'own',
    blocked: true,
    context: {
      list: [1, { a: [] }],
      text: 't',
      date: '1970-01-01T00:00:00.000Z'
    }
  },
  {
    ...LEAST,
    // Its severity has no name, and is above Critical.
    ...{ sequence: 3, generation, priority: 1 },
    id: `${generation}-3`,
    threatType: 'Unknown',
    threatTypeCode: 99,
    severity: 'Unknown',
    severityCode: 77
  }
]

describe('a process that somebody has changed', () => {
  const current = useRing()

  async function assertRight(pollute, flags = []) {
    const argument = pollute === undefined ? {} : { pollute: String(pollute) }
    const program = current().program(useAll, argument, { flags })
    const { code, stdout, stderr } = await within(program.exited, 'its end')
    assert.equal(code, 0, stderr)
    const seen = JSON.parse(stdout)
    const [generation] = seen.shm[0].id.split('-')
    assert.deepEqual(seen.shm, expectedOf(generation))
    assert.deepEqual(seen.websocket, expectedOf(generation))
    assert.equal(seen.iterated, 4)
    assert.deepEqual(seen.late, [2, 3, 4])
    assert.deepEqual(seen.stats, {
      transport: 'shm',
      received: 3,
      lost: 0,
      error: null
    })
    assert.deepEqual(seen.refused, [
      ['TypeError', 'ERR_INVALID_THREAT', true],
      ['TypeError', 'ERR_INVALID_THREAT', true],
      ['RangeError', 'ERR_INVALID_THREAT', true],
      ['IpcError', 'ERR_NO_RING', true],
      ['TypeError', 'ERR_INVALID_OPTION', true],
      ['RangeError', 'ERR_INVALID_ARGUMENT', true],
      ['IpcError', 'ERR_EVENT_TOO_LARGE', true]
    ])
  }

  for (const [name, pollute] of Object.entries(POLLUTIONS)) {
    it(`F76 by ${name}`, () => assertRight(pollute))
  }

  it('F76 by a then, while sockets are made again and a client comes back', async () => {
    const program = current().program(comeBack)
    const { code, stdout, stderr } = await within(program.exited, 'its end')
    assert.equal(code, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), [1, 1])
  })

  it('F76 by --frozen-intrinsics', () =>
    assertRight(undefined, ['--frozen-intrinsics']))

  it('F76 by freezing all there is before anything is loaded', () =>
    assertRight(undefined, ['--require', FREEZER]))

  it('F76 an event that was cut for the lane says so', () => {
    const layout = require('../../lib/threat/layout.js')
    const { ThreatDecoder } = require('../../lib/threat/decode.js')
    const slots = new ArrayBuffer(layout.SLOT_BYTES)
    const view = new DataView(slots)
    view.setUint16(layout.SPAN_OFFSET, 1, true)
    view.setUint32(layout.FLAGS_OFFSET, layout.EVENT_CUT, true)
    const decoder = new ThreatDecoder(slots, '0123456789abcdef')
    decoder.begin()
    decoder.fill(1)
    const threats = []
    Object.defineProperty(Object.prototype, 'cut', {
      value: 'evil',
      configurable: true
    })
    try {
      decoder.decode(threats)
    } finally {
      delete Object.prototype.cut
    }
    assert.equal(threats[0].cut, true)
  })

  it('F76 a message with __proto__ gives nothing to what it is in', () => {
    const { textOfThreat } = require('../../lib/websocket/messages.js')
    const { parseMessage } = require('../../lib/websocket/protocol.js')
    const place = { generation: '0123456789abcdef', priority: null }
    const threat = { ...LEAST, sequence: 1, id: 'i', ...place }
    const evil = '"__proto__":{"context":"evil","cut":true,"next":9},'
    const text =
      `{${evil}"type":"threat","generation":"0123456789abcdef","threats":[` +
      `${textOfThreat(threat).replace('{', `{${evil}`)}]}`
    const message = parseMessage(Buffer.from(text), false)
    assert.deepEqual(message.threats, [threat])
    assert.equal(message.context, undefined)
    assert.equal({}.context, undefined)
  })
})
