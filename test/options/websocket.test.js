'use strict'
// The options under `websocket`, and those of IpcFactory around them: the
// defaults, every bound, every wrong type, and objects that are traps.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { BlockList } = require('node:net')
const os = require('node:os')
const path = require('node:path')
const fc = require('fast-check')
const { IpcFactory } = require('../../lib/index.js')
const { checkIpc } = require('../../lib/options/ipc.js')
const { FACTORY_CHECKS, namesIn } = require('../../lib/options/check.js')
const {
  checkWebSocket,
  WEBSOCKET_CHECKS
} = require('../../lib/options/websocket.js')
const { hostile, thrower } = require('../helpers/refusals.js')
const { here, IS_WINDOWS, socketPath } = require('../helpers/system.js')

const DEFAULTS = {
  enabled: true,
  host: '127.0.0.1',
  port: 9955,
  socket: true,
  auth: 'token',
  maxClients: 64,
  maxBufferedBytes: 2 ** 20,
  heartbeatMs: 5000,
  stallTimeoutMs: 10_000,
  handshakeTimeoutMs: 5000
}

// Of every type that JSON, TOML or a mistake can bring.
const VALUES = [null, true, 5, 5n, 'text', [], {}, Symbol('s'), () => {}]
const others = (...types) =>
  VALUES.filter((value) => !types.includes(typeof value))

const whole = (low, high) => ({
  fine: [low, low + 1, high - 1, high],
  types: others('number'),
  ranges: [low - 1, high + 1, low + 0.5, NaN, Infinity, -Infinity, 2 ** 53],
  expected: `a whole number from ${low} to ${high}`
})

const flag = {
  fine: [true, false],
  types: others('boolean'),
  ranges: [],
  expected: 'true or false'
}

// Elsewhere a path of so many bytes, on Windows the name of a pipe.
const SOCKETS = IS_WINDOWS
  ? {
      fine: [
        '\\\\.\\pipe\\a',
        '\\\\?\\pipe\\é b',
        `\\\\.\\PIPE\\${'d'.repeat(199)}`
      ],
      wrong: [
        '/',
        'C:\\a.sock',
        '\\\\.\\pipe\\',
        '\\\\host\\pipe\\a',
        '\\\\.\\C:\\a'
      ]
    }
  : {
      fine: ['/', '/a b/é:s.sock', `/${'d'.repeat(99)}`],
      wrong: [`/${'d'.repeat(100)}`, `/${'é'.repeat(50)}`]
    }

const KEYS = {
  enabled: flag,
  host: {
    fine: ['127.0.0.1', '127.0.0.0', '127.1.2.3', '127.255.255.255', '::1'],
    types: others('string'),
    ranges: [
      ...['', 'localhost', 'localhost.', 'LOCALHOST', 'ip6-localhost'],
      ...['0.0.0.0', '::', '126.255.255.255', '128.0.0.0', '10.0.0.1'],
      ...['127', '127.1', '127.0.0', '127.0.0.256', '127.0.0.1.', '0127.0.0.1'],
      ...['[::1]', '::1%lo', '::2', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'],
      ...['127.0.0.1:80', ' 127.0.0.1', '127.0.0.1\n', '127.0.0.1\0', '::1 '],
      ...['127.0.0.1.example.com', '１２７.0.0.1', '2130706433', '0x7f000001']
    ],
    expected: "'127.0.0.1' or '::1'"
  },
  port: {
    ...whole(0, 65535),
    fine: [0, 1, 65534, 65535, false]
  },
  socket: {
    fine: [true, false, ...SOCKETS.fine],
    types: others('boolean', 'string'),
    ranges: ['', '\0', '/a\0b', ...SOCKETS.wrong],
    expected: 'a p'
  },
  auth: {
    fine: ['token', 'none'],
    types: others('string'),
    ranges: ['', 'Token', 'NONE', 'token ', 'toString', '__proto__'],
    expected: "'token' or 'none'"
  },
  url: {
    fine: [
      ...['ws://127.0.0.1:9955', 'ws://127.0.0.1:9955/', 'ws://127.0.0.1'],
      ...['ws://127.255.255.255:65535', 'ws://127.0.0.1:1', 'ws://[::1]:9955'],
      ...['ws://[::1]', 'WS://127.0.0.1:9955']
    ],
    types: others('string'),
    ranges: [
      // Names can be made to lead elsewhere.
      ...['ws://localhost:9955', 'ws://localhost.:1', 'ws://LOCALHOST'],
      ...['ws://localhost.localdomain:1', 'ws://127.0.0.1.example.com:1'],
      ...['ws://example.com', 'ws://1.0.0.127.in-addr.arpa'],
      // Other machines, and all of this one's addresses at once.
      ...['ws://10.0.0.1:1', 'ws://0.0.0.0:1', 'ws://[::]:1', 'ws://[::2]:1'],
      ...['ws://126.255.255.255:1', 'ws://128.0.0.1:1', 'ws://192.168.0.1:1'],
      ...['ws://[::ffff:10.0.0.1]:1', 'ws://[fe80::1]:1'],
      // Other protocols.
      ...['wss://127.0.0.1:1', 'http://127.0.0.1:1', 'ftp://127.0.0.1:1'],
      ...['ws+unix:/tmp/x', 'file:///127.0.0.1', 'javascript:alert(1)'],
      // More than a place.
      ...['ws://127.0.0.1:1/path', 'ws://127.0.0.1:1//', 'ws://127.0.0.1:1/?q'],
      ...['ws://127.0.0.1:1?q=1', 'ws://127.0.0.1:1/#f', 'ws://127.0.0.1:1#f'],
      ...['ws://user@127.0.0.1:1', 'ws://user:word@127.0.0.1:1'],
      ...['ws://:word@127.0.0.1:1', 'ws://127.0.0.1:1@10.0.0.1:1'],
      ...['ws://127.0.0.1@example.com', 'ws://example.com\\@127.0.0.1:1'],
      // No place.
      ...['', ' ', 'ws:', 'ws://', 'ws://:1', '127.0.0.1', '127.0.0.1:9955'],
      ...['//127.0.0.1:1', 'ws://127.0.0.1:0', 'ws://127.0.0.1:65536'],
      ...['ws://127.0.0.1:-1', 'ws://127.0.0.1:port', 'ws://127.0.0.256:1'],
      ...['ws://[127.0.0.1]:1', 'ws://::1:1', 'ws://[::1', 'ws://[::1%lo]:1']
    ],
    expected: 'ws://127.0.0.1:port'
  },
  tokenFile: {
    fine: ['/', '/a/b', `/${'d'.repeat(5000)}`].map(here),
    types: others('string'),
    ranges: ['', '\0', '/a\0b'],
    expected: 'a path'
  },
  maxClients: whole(1, 10_000),
  maxBufferedBytes: {
    fine: [65536, 65537, 2 ** 30 - 1, 2 ** 30],
    types: others('number', 'string'),
    ranges: [
      ...[65535, 0, -1, 2 ** 30 + 1, 2 ** 53, 65536.5, NaN, Infinity],
      ...['63KB', '65535', '2GB', '', 'MB', '1TB', '1.5MB', '-1MB', '1e6']
    ],
    expected: ''
  },
  heartbeatMs: whole(10, 3_600_000),
  stallTimeoutMs: whole(10, 3_600_000),
  handshakeTimeoutMs: whole(10, 3_600_000)
}

/** What `action` throws blames an option, and says so like all of ours. */
function refused(action, Type, ...parts) {
  assert.throws(action, (error) => {
    assert.equal(error.constructor, Type, error.stack ?? String(error))
    assert.equal(error.code, 'ERR_INVALID_OPTION')
    for (const part of parts) {
      assert(error.message.includes(part), `no ${part} in: ${error.message}`)
    }
    // Whatever was given, a log can hold what is said of it.
    assert(error.message.length < 1000, `${error.message.length} characters`)
    return true
  })
}

/** Options that are no options, each with what is wrong with it. */
function traps() {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return [
    ...[null, true, 5, 5n, 'text', Symbol('s'), () => {}, proxy],
    hostile({ ownKeys: thrower }),
    hostile({ ownKeys: () => [5] }),
    hostile({ ownKeys: () => ['port'], getOwnPropertyDescriptor: thrower }),
    new Proxy({ port: 1 }, { get: thrower }),
    {
      get port() {
        return thrower()
      }
    }
  ]
}

/** Values that are traps, of no type that any option takes. */
function badValues() {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return [
    ...[proxy, hostile({ get: thrower }), hostile({ getPrototypeOf: thrower })],
    { toString: thrower, valueOf: thrower, toJSON: thrower },
    { [Symbol.toPrimitive]: thrower },
    {
      get [Symbol.toStringTag]() {
        return thrower()
      }
    },
    Object.create(null),
    // As an object, each is something that only looks like the right type.
    ...[new String('::1'), new Number(16), new Boolean(true)],
    'x'.repeat(2 ** 20).split(''),
    new Map([['port', 1]])
  ]
}

describe('options of WebSocket', () => {
  it('are all tested here', () => {
    // An option that somebody adds fails here until it has its row above.
    assert.deepEqual(Object.keys(KEYS), Object.keys(WEBSOCKET_CHECKS))
  })

  describe('that are not given', () => {
    it('have their defaults', () => {
      const absent = Object.keys(KEYS).map((key) => [key, undefined])
      for (const options of [undefined, {}, Object.fromEntries(absent)]) {
        assert.deepEqual(checkWebSocket(options), DEFAULTS)
      }
    })

    it('have them anew each time: nobody changes those of others', () => {
      Object.assign(checkWebSocket(), { host: '0.0.0.0', auth: 'none' })
      assert.deepEqual(checkWebSocket(), DEFAULTS)
    })
  })

  for (const [key, { fine, types, ranges, expected }] of Object.entries(KEYS)) {
    const withValue = (value) => ({ auth: 'none', [key]: value })
    const label = `option websocket.${key}`

    it(`${key}: up to its bounds, they included`, () => {
      for (const value of fine) {
        const checked = checkWebSocket(withValue(value))
        assert.deepEqual(checked, { ...DEFAULTS, ...withValue(value) })
      }
    })

    it(`${key}: a wrong type is a TypeError`, () => {
      for (const value of types) {
        const check = () => checkWebSocket(withValue(value))
        refused(check, TypeError, `${label}: expected `, ', got ')
      }
    })

    it(`${key}: a trap instead of a value is a TypeError`, () => {
      for (const value of badValues()) {
        refused(() => checkWebSocket(withValue(value)), TypeError, label)
      }
    })

    if (ranges.length > 0) {
      it(`${key}: a wrong value is a RangeError that says what would do`, () => {
        for (const value of ranges) {
          const check = () => checkWebSocket(withValue(value))
          refused(check, RangeError, `${label}: expected `, expected)
        }
      })
    }

    // Of the options that are text.
    if (!types.includes('text')) {
      it(`${key}: a text that has no end is a RangeError, and cut in it`, () => {
        const endless = '9'.repeat(2 ** 20)
        refused(() => checkWebSocket(withValue(`${endless}\0`)), RangeError)
      })
    }
  }

  it('maxBufferedBytes: a number far off is told the same bounds', () => {
    // Not those of a size in general: what they allow would not do.
    for (const maxBufferedBytes of [0, -1, NaN, 2 ** 53, '0']) {
      const check = () => checkWebSocket({ maxBufferedBytes })
      refused(check, RangeError, 'from 65536 to 1073741824')
    }
  })

  it('maxBufferedBytes: a string of 2^10, 2^20 and 2^30, too', () => {
    const sizes = {
      '64KB': 65536,
      '1MB': 2 ** 20,
      '1 gb': 2 ** 30,
      65536: 65536
    }
    for (const [text, bytes] of Object.entries(sizes)) {
      const { maxBufferedBytes } = checkWebSocket({ maxBufferedBytes: text })
      assert.equal(maxBufferedBytes, bytes)
    }
  })

  it('tokenFile: made absolute at once', () => {
    const tokenFile = path.join('a', '..', 'token')
    const checked = checkWebSocket({ tokenFile })
    assert.equal(checked.tokenFile, path.resolve('token'))
  })

  it('socket: made absolute at once', () => {
    const made = socketPath('s')
    const options = {
      socket: IS_WINDOWS ? made.replaceAll('\\', '/') : 's',
      tokenFile: '/token'
    }
    const absolute = IS_WINDOWS ? made : path.resolve('s')
    assert.equal(checkWebSocket(options).socket, absolute)
  })

  it('socket: the path of one wants a tokenFile, or auth none', () => {
    refused(
      () => checkWebSocket({ socket: socketPath('a') }),
      TypeError,
      'option websocket.tokenFile is missing',
      'option websocket.socket',
      "option websocket.auth 'none'"
    )
    checkWebSocket({ socket: socketPath('a'), auth: 'none' })
  })

  it('port and socket: one of them is left, or WebSocket is off', () => {
    const neither = { port: false, socket: false }
    refused(
      () => checkWebSocket(neither),
      RangeError,
      'option websocket.port',
      'option websocket.socket',
      'one of them must not be false, or option websocket.enabled be'
    )
    checkWebSocket({ ...neither, enabled: false })
    checkWebSocket({ port: false })
  })

  describe('url', () => {
    const url = 'ws://127.0.0.1:9955'

    it('wants a tokenFile, or auth none', () => {
      for (const more of [{}, { auth: 'token' }, { auth: undefined }]) {
        refused(
          () => checkWebSocket({ url, ...more }),
          TypeError,
          'option websocket.tokenFile is missing',
          'option websocket.url',
          "option websocket.auth 'none'"
        )
      }
      const tokenFile = here('/token')
      const known = checkWebSocket({ url, tokenFile })
      assert.deepEqual(known, { ...DEFAULTS, url, tokenFile })
      const open = checkWebSocket({ url, auth: 'none' })
      assert.deepEqual(open, { ...DEFAULTS, url, auth: 'none' })
    })

    it('is an address of this machine, whatever is accepted', () => {
      const loopback = new BlockList()
      loopback.addSubnet('127.0.0.0', 8)
      loopback.addAddress('::1', 'ipv6')
      const part = fc.constantFrom(
        ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '[::1]', '0', '128'],
        ...[
          'localhost',
          '[::ffff:7f00:1]',
          '[::]',
          '10.0.0.1',
          'a',
          '%31',
          '１'
        ],
        ...[
          '.',
          ':',
          '@',
          '/',
          '\\',
          '?',
          '#',
          ' ',
          '\t',
          ':80',
          ':0',
          '-',
          '%00'
        ]
      )
      const text = fc
        .array(fc.oneof(part, fc.string({ maxLength: 2 })), { maxLength: 5 })
        .map((parts) => `ws://${parts.join('')}`)
      let accepted = 0
      fc.assert(
        fc.property(text, (value) => {
          try {
            checkWebSocket({ url: value, auth: 'none' })
          } catch (error) {
            assert.equal(error.code, 'ERR_INVALID_OPTION')
            return
          }
          const { protocol, hostname, pathname, href } = new URL(value)
          const address = hostname.replace(/^\[|\]$/g, '')
          const family = address.includes(':') ? 'ipv6' : 'ipv4'
          assert(loopback.check(address, family), href)
          assert.deepEqual([protocol, pathname], ['ws:', '/'])
          assert(/^ws:\/\/[0-9.:[\]]+\/[?#]*$/.test(href), href)
          accepted++
        }),
        { numRuns: 5000 }
      )

      assert(accepted > 0, 'nothing was accepted, so nothing was tested')
    })
  })

  describe('that are unknown', () => {
    const all = Object.keys(WEBSOCKET_CHECKS).join(', ')

    it('are a TypeError that names those that exist', () => {
      const own = JSON.parse('{ "__proto__": { "port": 1 } }')
      const names = ['Port', 'max_clients', 'token', 'dir', 'websocket', '']
      for (const name of [
        ...names,
        'constructor',
        'toString',
        'x'.repeat(2e6)
      ]) {
        refused(() => checkWebSocket({ [name]: 1 }), TypeError, all)
      }
      refused(() => checkWebSocket(own), TypeError, '__proto__', all)
      // Of a key that is unknown no value is right, not even none.
      refused(() => checkWebSocket({ Port: undefined }), TypeError, all)
    })
  })

  describe('that are traps', () => {
    it('instead of an object: a TypeError', () => {
      for (const options of traps()) {
        refused(() => checkWebSocket(options), TypeError, 'option websocket: ')
      }
    })

    it('are read once, so that what was checked is what is used', () => {
      const reads = []
      const options = new Proxy(
        { port: 7, host: '::1', auth: 'none' },
        {
          get(target, key) {
            const again = reads.includes(key)
            reads.push(key)
            return again ? '0.0.0.0' : target[key]
          }
        }
      )
      const checked = checkWebSocket(options)
      assert.deepEqual(reads, ['port', 'host', 'auth'])
      assert.deepEqual(
        [checked.port, checked.host, checked.auth],
        [7, '::1', 'none']
      )
    })

    it('are a copy: what is changed later changes nothing', () => {
      const options = { port: 7 }
      const checked = checkWebSocket(options)
      options.port = 8
      assert.equal(checked.port, 7)
      const frozen = Object.freeze({ port: 7 })
      assert.deepEqual(checkWebSocket(frozen), checked)
    })

    it('of any shape: options or a typed error', () => {
      const key = fc.constantFrom(...Object.keys(KEYS), '__proto__', 'other')
      const anything = fc.anything({
        withBigInt: true,
        withNullPrototype: true
      })
      const fields = fc
        .array(fc.tuple(key, anything), { maxLength: 3 })
        .map((pairs) => Object.fromEntries(pairs))
      fc.assert(
        fc.property(fc.oneof(anything, fields), (options) => {
          try {
            const checked = checkWebSocket(options)
            assert.deepEqual(checkWebSocket(checked), checked)
          } catch (error) {
            assert.equal(error.code, 'ERR_INVALID_OPTION', error.stack)
          }
        }),
        { numRuns: 1000 }
      )
    })
  })
})

describe('options of IpcFactory', () => {
  const FILLED = {
    location: {},
    writer: {},
    reader: {
      from: 'latest',
      spinMicros: 50,
      maxEventBytes: 2 ** 20,
      freeze: false
    },
    preferShm: true,
    websocket: DEFAULTS
  }

  it('that are not given have their defaults', () => {
    const absent = Object.keys(FACTORY_CHECKS).map((key) => [key, undefined])
    for (const options of [undefined, {}, Object.fromEntries(absent)]) {
      assert.deepEqual(checkIpc(options), FILLED)
    }
  })

  it('go each to the end that it is for', () => {
    const location = { dir: here('/a'), name: 'b' }
    const writer = {
      maxEvents: 16,
      bufferSize: '1MB',
      enableChecksums: false,
      prioritySeverity: 'High',
      priorityEvents: 16,
      overflow: 'reject',
      readerTimeoutMs: 10,
      maxEventBytes: 4096,
      strictContext: true,
      hugePages: 'require',
      numaNode: 1
    }
    const reader = {
      from: 7,
      reliable: true,
      spinMicros: 3,
      latency: 'low',
      maxEventBytes: 4096,
      hugePages: 'require',
      freeze: true
    }
    const websocket = { port: 0, maxBufferedBytes: '64KB' }
    const options = { ...location, ...writer, ...reader, websocket }
    // An option that somebody adds fails here until it goes somewhere.
    const known = [...Object.keys(options), 'preferShm', 'after'].sort()
    assert.deepEqual(known, namesIn(FACTORY_CHECKS).sort())
    const position = { generation: '0123456789abcdef', sequence: 7 }
    const after = { ...position, priority: 3 }
    const { from, ...rest } = reader
    assert.deepEqual(checkIpc({ ...rest, after }).reader, {
      ...rest,
      from: 'latest',
      after
    })
    assert.deepEqual(checkIpc({ after: position }).reader.after, {
      ...position,
      priority: null
    })
    assert.throws(() => checkIpc({ from, after }), {
      code: 'ERR_INVALID_OPTION',
      message: /after: option from is given, too/
    })
    assert.deepEqual(checkIpc({ ...options, preferShm: false }), {
      location,
      writer: { ...writer, bufferSize: 2 ** 20 },
      reader,
      preferShm: false,
      websocket: { ...DEFAULTS, port: 0, maxBufferedBytes: 65536 }
    })
  })

  it('latency is a preset of spinMicros, which counts when it is given', () => {
    const presets = { idle: 0, balanced: 50, low: 2000 }
    for (const [latency, spinMicros] of Object.entries(presets)) {
      assert.equal(checkIpc({ latency }).reader.spinMicros, spinMicros)
      const both = { latency, spinMicros: 7 }
      assert.equal(checkIpc(both).reader.spinMicros, 7)
    }
  })

  it('a dir is made absolute at once', () => {
    assert.equal(checkIpc({ dir: 'a' }).location.dir, path.resolve('a'))
  })

  it('one transport is left, or nothing is', () => {
    for (const preferShm of [true, false, undefined]) {
      for (const enabled of [true, false, undefined]) {
        const options = { preferShm, websocket: { enabled } }
        if (preferShm === false && enabled === false) {
          const both = ['preferShm', 'websocket.enabled', 'must be true']
          refused(() => checkIpc(options), RangeError, ...both)
        } else {
          const checked = checkIpc(options)
          assert.equal(checked.preferShm, preferShm ?? true)
          assert.equal(checked.websocket.enabled, enabled ?? true)
        }
      }
    }
  })

  it('a size that cannot hold maxEvents: how much can', () => {
    const bufferSize = '64KB'
    const parts = ['option bufferSize', '1000 events need', 'option maxEvents']
    refused(() => checkIpc({ bufferSize }), RangeError, ...parts)
  })

  describe('are checked before anything is opened', () => {
    let base

    beforeEach(() => {
      base = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    })
    afterEach(() => fs.rmSync(base, { recursive: true }))

    const bad = (websocket) => ({ websocket })
    const neither = { preferShm: false, websocket: { enabled: false } }

    /** Calls with what is wrong, each with its error. */
    function* wrong() {
      const plain = [
        [TypeError, 'option', { maxEvent: 16 }],
        [TypeError, 'option maxEvents', { maxEvents: '16' }],
        [RangeError, 'option from', { from: 0 }],
        [TypeError, 'option preferShm', { preferShm: 1 }],
        [RangeError, 'option websocket.port', bad({ port: 65536 })],
        [TypeError, 'option websocket.', bad({ Port: 1 })],
        [RangeError, 'preferShm', neither],
        ...traps().map((trap) => [TypeError, 'option websocket', bad(trap)])
      ]
      for (const [Type, part, options] of plain) {
        yield [Type, part, { dir: path.join(base, 'dir'), ...options }]
      }
      for (const trap of traps()) {
        yield [TypeError, 'option', trap]
      }
    }

    for (const create of ['createTransport', 'createHybridTransport']) {
      it(`by ${create}`, () => {
        for (const [Type, part, options] of wrong()) {
          refused(() => IpcFactory[create](options), Type, part)
        }
        assert.deepEqual(fs.readdirSync(base), [])
      })
    }

    it('by createClient, which rejects', async () => {
      for (const [Type, part, options] of wrong()) {
        const error = await IpcFactory.createClient(options).catch((e) => e)
        const rethrow = () => {
          throw error
        }
        refused(rethrow, Type, part)
      }
      assert.deepEqual(fs.readdirSync(base), [])
    })
  })
})
