'use strict'
// Every key that loadConfig knows, with what may stand there and what may not,
// and a folder of its own for the file of every test.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const fc = require('fast-check')
const { stringify } = require('smol-toml')
const { loadConfig } = require('../../lib/index.js')
const { anyText } = require('./any-text.js')
const { here, IS_WINDOWS, socketPath } = require('./system.js')

const MB = 2 ** 20
const PREFIX = 'KINDLY_GUARD_IPC_'

/** The default configuration, with its comments. */
const DEFAULT = `
[ipc.shm]
buffer_size = "1MB"        # the file may not be larger
max_events = 1000          # at least so many slots
enable_checksums = true
prefer_shm = true
[ipc.websocket]
enabled = true
host = "127.0.0.1"
port = 9955
auth = "token"
`

// --- Every key -------------------------------------------------------------
// `fine` are two values that come out as they are, `any` makes more of them.
// `wrong` are values with the class and a part of their error, `texts` are
// wrong in the environment.

const LONG = fc.nat(2 ** 32)

const whole = (key, low, high) => ({
  key,
  fine: [low, high],
  any: fc.integer({ min: low, max: high }),
  wrong: [
    [TypeError, 'expected a number', '16', true, []],
    [
      RangeError,
      `expected a whole number from ${low} to ${high}`,
      ...[low - 1, high + 1, low + 0.5, NaN, Infinity]
    ]
  ],
  texts: ['many', '1.5', 'x5', 'xtrue', 'truex', `${high + 1}`]
})

const flag = (key) => ({
  key,
  fine: [false, true],
  any: fc.boolean(),
  wrong: [[TypeError, 'expected true or false', 0, 'true', []]],
  texts: ['yes', '2', ' true', 'true ', '10']
})

const choice = (key, ...choices) => ({
  key,
  fine: [choices[0], choices[1]],
  any: fc.constantFrom(...choices),
  wrong: [
    [TypeError, 'expected a string', true, 5, []],
    [RangeError, `'${choices[0]}'`, 'other', '', 'toString']
  ],
  texts: ['other', choices[0].toUpperCase()]
})

const place = (key) => ({
  key,
  fine: ['/one/place', '/another'].map(here),
  any: anyText({ minLength: 1, maxLength: 20 })
    .filter((text) => !text.includes('\0'))
    .map((text) => path.resolve('/', text)),
  wrong: [
    [TypeError, 'expected a string', true, 5, []],
    [RangeError, 'expected a path', '']
  ],
  texts: ['a\0b']
})

const literal = fc.oneof(
  fc.constant('::1'),
  fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `127.0.${a}.${b}`)
)

const KEYS = {
  shm: {
    dir: place('dir'),
    name: {
      key: 'name',
      fine: ['one', 'two.2'],
      any: fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/),
      wrong: [
        [TypeError, 'expected a string', true, 5, []],
        [RangeError, 'expected 1 to 64 letters', '', '.x', 'a/b', 'ü']
      ],
      texts: ['.x', 'a/b']
    },
    max_events: whole('maxEvents', 1, 2 ** 22),
    buffer_size: {
      key: 'bufferSize',
      fine: [MB, 3 * MB],
      // So large that it can hold any max_events.
      any: LONG.map((more) => 2 ** 31 + more),
      wrong: [
        [TypeError, 'a string like "1MB"', true, []],
        [RangeError, 'a string like "1MB"', '', '1TB', '-1MB', '1.5MB'],
        [RangeError, 'expected a whole number from 1', 0, -1, 1.5, NaN]
      ],
      texts: ['large', '1TB', '-1']
    },
    enable_checksums: flag('enableChecksums'),
    priority_severity: {
      key: 'prioritySeverity',
      fine: ['High', 'none'],
      any: fc.oneof(
        fc.constantFrom('Low', 'Medium', 'High', 'Critical', 'none'),
        fc.integer({ min: 1, max: 255 })
      ),
      wrong: [
        [TypeError, 'expected a string', true, []],
        [RangeError, "expected 'Low'", 'high', '', 'Unknown'],
        [RangeError, 'expected a whole number from 1', 0, 256, 1.5]
      ],
      texts: ['high', '0', '256']
    },
    priority_events: whole('priorityEvents', 0, 65_536),
    overflow: choice('overflow', 'overwrite', 'reject'),
    reader_timeout_ms: whole('readerTimeoutMs', 10, 3_600_000),
    max_event_bytes: {
      key: 'maxEventBytes',
      fine: [4096, 22_281_900],
      any: fc.integer({ min: 4096, max: 22_281_900 }),
      wrong: [
        [TypeError, 'a string like "1MB"', true, []],
        [RangeError, 'a string like "1MB"', '', '1TB', '-1MB'],
        [RangeError, 'a whole number from 4096 to 22281900', 4095, 22_281_901]
      ],
      texts: ['large', '1TB', '4095']
    },
    strict_context: flag('strictContext'),
    huge_pages: choice('hugePages', 'require', 'off', 'auto'),
    numa_node: {
      key: 'numaNode',
      fine: [0, 'interleave'],
      any: fc.oneof(
        fc.constant('interleave'),
        fc.integer({ min: 0, max: 1023 })
      ),
      wrong: [
        [TypeError, "the number of a node, or 'interleave'", true, []],
        [RangeError, "the number of a node, or 'interleave'", 'all', '', '1'],
        [RangeError, 'expected a whole number from 0 to 1023', -1, 1024, 0.5]
      ],
      texts: ['all', '-1', '1024']
    },
    from: {
      key: 'from',
      fine: ['oldest', 7],
      any: fc.oneof(
        fc.constantFrom('latest', 'oldest'),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
      ),
      wrong: [
        [TypeError, "'latest', 'oldest' or a sequence", true, []],
        [RangeError, "'latest', 'oldest' or a sequence", 'newest', '', '7'],
        [RangeError, 'expected a whole number from 1', 0, -1, 1.5]
      ],
      texts: ['newest', '-1']
    },
    reliable: flag('reliable'),
    spin_micros: whole('spinMicros', 0, 1_000_000),
    latency: choice('latency', 'idle', 'low', 'balanced'),
    freeze: flag('freeze'),
    prefer_shm: flag('preferShm')
  },
  websocket: {
    enabled: flag('enabled'),
    host: {
      key: 'host',
      fine: ['127.0.0.1', '::1'],
      any: literal,
      wrong: [
        [TypeError, 'expected a string', true, 5, []],
        [RangeError, "'127.0.0.1' or '::1'", 'localhost', '0.0.0.0', '']
      ],
      texts: ['localhost', '0.0.0.0']
    },
    port: {
      ...whole('port', 0, 65535),
      any: fc.oneof(fc.integer({ min: 0, max: 65535 }), fc.constant(false)),
      wrong: [
        [TypeError, 'from 0 to 65535, or false for none', '16', true, []],
        [RangeError, 'a whole number from 0 to 65535', -1, 65536, 0.5, NaN]
      ]
    },
    socket: {
      key: 'socket',
      fine: [false, true],
      any: fc.oneof(
        fc.boolean(),
        fc
          .stringMatching(/^[a-zé :/]{1,20}$/)
          .map((text) =>
            IS_WINDOWS
              ? socketPath(text.replaceAll('/', '-'))
              : path.resolve('/', text)
          )
      ),
      wrong: [
        [TypeError, 'true, false, or the path of a socket', 5, []],
        [RangeError, 'expected a path', '']
      ],
      texts: ['a\0b']
    },
    auth: choice('auth', 'token', 'none'),
    url: {
      key: 'url',
      fine: ['ws://127.0.0.1:9955', 'ws://[::1]:1'],
      any: fc
        .tuple(literal, fc.integer({ min: 1, max: 65535 }))
        .map(([host, port]) =>
          host === '::1' ? `ws://[::1]:${port}` : `ws://${host}:${port}`
        ),
      wrong: [
        [TypeError, 'expected a string', true, 5, []],
        [RangeError, 'expected ws://127.0.0.1:port', 'ws://localhost:1', '']
      ],
      texts: ['ws://localhost:1', '9955']
    },
    token_file: place('tokenFile'),
    max_clients: whole('maxClients', 1, 10_000),
    max_buffered_bytes: {
      key: 'maxBufferedBytes',
      fine: [65536, MB],
      any: fc.integer({ min: 65536, max: 2 ** 30 }),
      wrong: [
        [TypeError, 'a string like "1MB"', true, []],
        [RangeError, 'a string like "1MB"', '', '1TB'],
        [RangeError, 'a whole number from 65536 to 1073741824', 65535, 2 ** 31]
      ],
      texts: ['large', '1TB', '65535']
    },
    heartbeat_ms: whole('heartbeatMs', 10, 3_600_000),
    stall_timeout_ms: whole('stallTimeoutMs', 10, 3_600_000),
    handshake_timeout_ms: whole('handshakeTimeoutMs', 10, 3_600_000)
  }
}

const SECTIONS = Object.entries(KEYS)

/** Every key as [section, its name, what the table says]. */
const ALL = SECTIONS.flatMap(([section, rows]) =>
  Object.entries(rows).map(([name, row]) => [section, name, row])
)

/** Options of one key, as loadConfig gives them. */
const nest = (section, key, value) =>
  section === 'shm' ? { [key]: value } : { websocket: { [key]: value } }

/** A file of one key. An url is nothing without what makes it believable. */
const tomlOf = (section, name, value) =>
  stringify({ ipc: { [section]: { [name]: value } } }) +
  (name === 'url' ? '\nauth = "none"\n' : '')

const variableOf = (section, name) =>
  PREFIX + (section === 'shm' ? '' : 'WEBSOCKET_') + name.toUpperCase()

const entries = (options) =>
  ALL.flatMap(([section, name, { key }]) => {
    const own = section === 'shm' ? options : (options.websocket ?? {})
    return Object.hasOwn(own, key) ? [[section, name, own[key]]] : []
  })

/** Any options at all, of those that are valid. */
const anyOptions = fc
  .tuple(
    ...SECTIONS.map(([, rows]) =>
      fc.record(
        Object.fromEntries(
          Object.values(rows).map((row) => [row.key, row.any])
        ),
        { requiredKeys: [], noNullPrototype: true }
      )
    )
  )
  .map(([shm, websocket]) => {
    const { url, socket, port, tokenFile, auth } = websocket
    const isGiven = url !== undefined || typeof socket === 'string'
    if (isGiven && tokenFile === undefined && auth !== 'none') {
      websocket.tokenFile = here('/token')
    }
    if (port === false && socket === false) {
      websocket.port = 0
    }
    return Object.keys(websocket).length > 0 ? { ...shm, websocket } : shm
  })

function asToml(options) {
  const ipc = { shm: {}, websocket: {} }
  for (const [section, name, value] of entries(options)) {
    ipc[section][name] = value
  }
  return stringify({ ipc })
}

const asEnvironment = (options) =>
  Object.fromEntries(
    entries(options).map(([section, name, value]) => [
      variableOf(section, name),
      String(value)
    ])
  )

/** `action` throws this, and its message has all of `parts`. */
function refused(action, Type, code, ...parts) {
  assert.throws(action, (error) => {
    assert.equal(error.constructor, Type, error.stack ?? String(error))
    assert.equal(error.code, code, error.message)
    for (const part of parts) {
      assert(error.message.includes(part), `no ${part} in: ${error.message}`)
    }
    return true
  })
}

/** In a `describe`: gives the folder of the test that runs. */
function useFolder() {
  let folder
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))
  return () => folder
}

/** What comes out of a file with this content. */
function loadFrom(file, content, env = {}) {
  fs.writeFileSync(file, content)
  return loadConfig(file, env)
}

module.exports = {
  ALL,
  anyOptions,
  asEnvironment,
  asToml,
  DEFAULT,
  KEYS,
  loadFrom,
  MB,
  nest,
  PREFIX,
  refused,
  SECTIONS,
  tomlOf,
  useFolder,
  variableOf
}
