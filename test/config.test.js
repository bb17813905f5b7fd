'use strict'
// loadConfig: what a file and the environment may say, what comes out of it,
// and what an error names.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { inspect } = require('node:util')
const fc = require('fast-check')
const { stringify } = require('smol-toml')
const { IpcError, IpcFactory, loadConfig } = require('../lib/index.js')
const { FACTORY_CHECKS } = require('../lib/options.js')
const { checkWebSocket, WEBSOCKET_CHECKS } = require('../lib/websocket-options')
const { Child } = require('./helpers/child.js')
const { TestRing, threat } = require('./helpers/ring.js')
const { collect } = require('./helpers/wait.js')

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
  texts: ['many', '1.5', `${high + 1}`]
})

const flag = (key) => ({
  key,
  fine: [false, true],
  any: fc.boolean(),
  wrong: [[TypeError, 'expected true or false', 0, 'true', []]],
  texts: ['yes', '2', ' true']
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
  fine: ['/one/place', '/another'],
  any: fc
    .string({ unit: 'binary', minLength: 1, maxLength: 20 })
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
    overflow: choice('overflow', 'overwrite', 'reject'),
    reader_timeout_ms: whole('readerTimeoutMs', 10, 3_600_000),
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
    poll_cpu: whole('pollCpu', 0, 1023),
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
    port: whole('port', 0, 65535),
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
    const { url, tokenFile, auth } = websocket
    if (url !== undefined && tokenFile === undefined && auth !== 'none') {
      websocket.tokenFile = '/token'
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

describe('loadConfig', () => {
  let base
  let file

  beforeEach(() => {
    base = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    file = path.join(base, 'shield.toml')
  })
  afterEach(() => fs.rmSync(base, { recursive: true, force: true }))

  /** What comes out of a file with this content. */
  function load(content, env = {}) {
    fs.writeFileSync(file, content)
    return loadConfig(file, env)
  }

  const invalidOption = (Type, content, ...parts) =>
    refused(() => load(content), Type, 'ERR_INVALID_OPTION', ...parts)

  const unusable = (what, ...parts) =>
    refused(
      () => loadConfig(what, {}),
      IpcError,
      'ERR_CONFIG_INVALID',
      what,
      ...parts
    )

  it('is tested here with every option that there is', () => {
    // An option that somebody adds fails here until it has its row above.
    const { shm, websocket } = KEYS
    const keys = (rows) => Object.values(rows).map(({ key }) => key)
    // Where a reader left off is its own affair, and no configuration.
    assert.deepEqual(
      [...keys(shm), 'websocket'],
      Object.keys(FACTORY_CHECKS).filter((key) => key !== 'after')
    )
    assert.deepEqual(keys(websocket), Object.keys(WEBSOCKET_CHECKS))
  })

  describe('what comes out', () => {
    it('is the flat camelCase object of the default configuration', () => {
      const shm = {
        bufferSize: MB,
        maxEvents: 1000,
        enableChecksums: true,
        preferShm: true
      }
      const websocket = {
        enabled: true,
        host: '127.0.0.1',
        port: 9955,
        auth: 'token'
      }
      assert.deepEqual(load(DEFAULT), { ...shm, websocket })
      // Without its section, nothing is said of WebSocket.
      const [old] = DEFAULT.split('[ipc.websocket]')
      assert.deepEqual(load(old), shm)
    })

    for (const [section, name, { key, fine }] of ALL) {
      it(`has ${key} where the file has ${name} in [ipc.${section}]`, () => {
        for (const value of fine) {
          const options = load(tomlOf(section, name, value))
          if (name === 'url') {
            assert.equal(options.websocket.auth, 'none')
            delete options.websocket.auth
          }
          assert.deepEqual(options, nest(section, key, value))
        }
      })
    }

    it('has sizes in bytes: "1MB" is 2^20', () => {
      const texts = ['"1MB"', '"1 mb"', '"1024KB"', '"1048576"', '"1048576B"']
      const sizes = [...texts, '1048576', '1_048_576', '1048576.0', '0x100000']
      for (const text of sizes) {
        const shm = load(`[ipc.shm]\nbuffer_size = ${text}`)
        assert.deepEqual(shm, { bufferSize: MB }, text)
        const limit = load(`[ipc.websocket]\nmax_buffered_bytes = ${text}`)
        const { maxBufferedBytes } = checkWebSocket(limit.websocket)
        assert.equal(maxBufferedBytes, MB, text)
      }
    })

    it('has paths that are relative to the folder of the file', () => {
      const folder = path.join(base, 'a folder')
      fs.mkdirSync(folder)
      file = path.join(folder, 'shield.toml')
      const paths = { ring: 'ring', './ring': 'ring', '..': '..', '.': '.' }
      for (const [given, expected] of Object.entries(paths)) {
        const absolute = path.resolve(folder, expected)
        const toml = stringify({
          ipc: { shm: { dir: given }, websocket: { token_file: given } }
        })
        const options = { dir: absolute, websocket: { tokenFile: absolute } }
        assert.deepEqual(load(toml), options)
        // The path of the file may itself be relative.
        const relative = path.relative(process.cwd(), file)
        assert.deepEqual(loadConfig(relative, {}), options)
      }
    })

    it('has nothing of the other tables of the file', () => {
      const others = `
        title = "Shield"
        max_events = "not ours"
        [shm]
        max_events = "not ours"
        [[rules]]
        ipc = { shm = 1 }
        [shield.ipc.shm]
        max_events = "not ours"
      `
      assert.deepEqual(load(others), {})
      assert.deepEqual(load(`${others}\n${DEFAULT}`), load(DEFAULT))
    })

    it('is an empty object where the file says nothing', () => {
      const tables = ['[ipc]', '[ipc.shm]', '[ipc.websocket]', 'ipc = {}']
      for (const content of ['', '\n', '# a comment', '\ufeff', ...tables]) {
        assert.deepEqual(load(content), {}, content)
      }
    })

    it('is the same however TOML spells it', () => {
      for (const content of [
        'ipc.shm.max_events = 7\nipc.websocket.port = 8',
        'ipc = { shm = { max_events = 7 }, websocket = { port = 8 } }',
        '[ipc]\nshm.max_events = 0x7\nwebsocket = { port = 0b1000 }',
        '[ipc.websocket]\r\nport = 8\r\n[ipc.shm]\r\n"max_events" = 7.0\r\n',
        "\ufeff[ipc . 'shm']\nmax_events=7#\n[ipc.websocket]\nport=8"
      ]) {
        assert.deepEqual(load(content), {
          maxEvents: 7,
          websocket: { port: 8 }
        })
      }
    })

    it('is what any valid options say, written as TOML', () => {
      fc.assert(
        fc.property(anyOptions, (options) => {
          assert.deepEqual(load(asToml(options)), options)
        })
      )
    })

    it('is what any valid options say, in the environment', () => {
      fc.assert(
        fc.property(anyOptions, (options) => {
          const env = asEnvironment(options)
          assert.deepEqual(loadConfig(undefined, env), options)
        })
      )
    })
  })

  describe('an error names key, file, value and what would do', () => {
    for (const [section, name, { wrong }] of ALL) {
      it(`ipc.${section}.${name} of a wrong type or range`, () => {
        for (const [Type, expected, ...values] of wrong) {
          for (const value of values) {
            invalidOption(
              Type,
              tomlOf(section, name, value),
              `ipc.${section}.${name} in ${file}`,
              expected,
              `got ${inspect(value)}`
            )
          }
        }
      })

      it(`ipc.${section}.${name} as a date or a table`, () => {
        const label = `ipc.${section}.${name} in ${file}: expected `
        for (const value of [new Date(0), { a: 1 }, [{ a: 1 }]]) {
          invalidOption(TypeError, tomlOf(section, name, value), label)
        }
      })
    }

    it('a path with a NUL is shown as it was given', () => {
      // The folder's path alone would fill what an error shows of a value.
      const folder = path.join(base, 'd'.repeat(100))
      fs.mkdirSync(folder)
      file = path.join(folder, 'shield.toml')
      for (const [section, name] of [
        ['shm', 'dir'],
        ['websocket', 'token_file']
      ]) {
        invalidOption(
          RangeError,
          `[ipc.${section}]\n${name} = "a\\u0000b"`,
          `ipc.${section}.${name} in ${file}`,
          'expected a path without NUL',
          'a\\x00b'
        )
      }
    })

    for (const [section, rows] of SECTIONS) {
      it(`a key of [ipc.${section}] that is unknown: all that exist`, () => {
        const other = section === 'shm' ? 'port' : 'dir'
        const alike = ['max_event', 'maxEvents', 'websocket', 'after', '']
        for (const name of [...alike, other]) {
          invalidOption(
            TypeError,
            tomlOf(section, name, 1),
            `ipc.${section}.${name} in ${file}`,
            `these exist: ${Object.keys(rows).join(', ')}`
          )
        }
      })
    }

    it('a section that is unknown, or a key beside them: all that exist', () => {
      const exist = 'these exist: shm, websocket'
      for (const name of ['http', 'SHM', 'max_events', '']) {
        const label = `ipc.${name} in ${file}`
        const table = stringify({ ipc: { [name]: { port: 1 } } })
        invalidOption(TypeError, table, label, exist)
        const value = stringify({ ipc: { [name]: 1 } })
        invalidOption(TypeError, value, label, exist)
      }
    })

    it('what is no table where one belongs', () => {
      const texts = ['1', "'shm'", 'false', '[]', '[{}]', '1979-05-27']
      for (const text of texts) {
        const part = 'expected a table, got '
        invalidOption(TypeError, `ipc = ${text}`, `ipc in ${file}`, part)
        for (const section of Object.keys(KEYS)) {
          const label = `ipc.${section} in ${file}`
          const toml = `[ipc]\n${section} = ${text}`
          invalidOption(TypeError, toml, label, part)
        }
      }
      invalidOption(TypeError, "ipc = 'shm'", "expected a table, got 'shm'")
    })

    it('a buffer_size that cannot hold max_events: how much can', () => {
      const tomlFor = (size, events) =>
        `[ipc.shm]\nbuffer_size = ${size}\n${events}`
      for (const [size, events, count] of [
        ['"64KB"', '', 1000],
        [1, 'max_events = 1', 1],
        ['"1MB"', 'max_events = 3000', 3000],
        ['"1GB"', 'max_events = 4194304', 4194304]
      ]) {
        let needed
        refused(
          () => {
            try {
              load(tomlFor(size, events))
            } catch (error) {
              needed = Number(/events need (\d+)/.exec(error.message)[1])
              throw error
            }
          },
          RangeError,
          'ERR_INVALID_OPTION',
          `ipc.shm.buffer_size in ${file}`,
          `${count} events need`,
          `lower ipc.shm.max_events${events === '' ? '' : ` in ${file}`}`
        )
        // What the message says does do, and one byte less does not.
        const { bufferSize } = load(tomlFor(needed, events))
        assert.equal(bufferSize, needed)
        invalidOption(RangeError, tomlFor(needed - 1, events))
      }
    })

    it('an url without a token_file: the three ways out', () => {
      const toml = '[ipc.websocket]\nurl = "ws://127.0.0.1:9955"\n'
      for (const auth of ['', 'auth = "token"']) {
        invalidOption(
          TypeError,
          toml + auth,
          'ipc.websocket.token_file',
          `ipc.websocket.url in ${file}`,
          "'none'"
        )
      }
      const { websocket } = load(`${toml}token_file = "/token"`)
      assert.equal(websocket.tokenFile, '/token')
      assert.equal(load(`${toml}auth = "none"`).websocket.auth, 'none')
    })
  })

  describe('a file that cannot be used is ERR_CONFIG_INVALID', () => {
    it('broken TOML: the line is named', () => {
      const broken = {
        'this is no TOML': 1,
        '[ipc.shm': 1,
        '\0': 1,
        '[ipc.shm]\nname =': 2,
        '[ipc.shm]\r\n\r\nname = "a\r\n"': 3,
        '[ipc.shm]\nname = "a"\nname = "b"': 3,
        '[ipc.shm]\n[ipc.websocket]\n[ipc.shm]': 3,
        '[ipc.shm]\n\n\nmax_events = 99999999999999999999': 4,
        [`a = ${'['.repeat(100_000)}`]: 1,
        [`\na = ${'{ a = '.repeat(100_000)}`]: 2
      }
      for (const [content, line] of Object.entries(broken)) {
        fs.writeFileSync(file, content)
        unusable(file, `${file}, line ${line}, column `)
      }
    })

    it('what is no UTF-8, which TOML must be', () => {
      // Replaced, it would be the name of another directory.
      fs.writeFileSync(file, '[ipc.shm]\ndir = "caf\xe9"\n', 'latin1')
      unusable(file)
      fs.writeFileSync(file, '\ufeff[ipc.shm]\nname = "a"\n', 'utf16le')
      unusable(file)
    })

    it('a missing file, folder, link or a name that is too long', () => {
      unusable(file, 'ENOENT')
      // Whoever reads it in a log does not know where the process stood.
      const relative = path.relative(process.cwd(), file)
      refused(
        () => loadConfig(relative, {}),
        IpcError,
        'ERR_CONFIG_INVALID',
        `${file}: open: ENOENT`
      )
      unusable(path.join(base, 'nowhere', 'shield.toml'), 'ENOENT')
      fs.symlinkSync(path.join(base, 'nowhere'), file)
      unusable(file, 'ENOENT')
      unusable(path.join(base, 'n'.repeat(300)), 'ENAMETOOLONG')
      fs.writeFileSync(path.join(base, 'plain'), '')
      unusable(path.join(base, 'plain', 'shield.toml'), 'ENOTDIR')
    })

    it('a directory or a device', () => {
      unusable(base, 'is no regular file')
      unusable('/dev/zero', 'is no regular file')
    })

    it('a FIFO, without waiting for its other end', async () => {
      execFileSync('mkfifo', [file])
      // Elsewhere, because a hang would hang the test.
      const child = new Child()
      try {
        const answer = await child.call(({ ipc }, fifo) => {
          try {
            return ipc.loadConfig(fifo, {})
          } catch ({ name, code, message }) {
            return { name, code, message }
          }
        }, file)
        assert.deepEqual(
          [answer.name, answer.code],
          ['IpcError', 'ERR_CONFIG_INVALID']
        )
        assert(answer.message.includes(`${file} is no regular file`))
      } finally {
        await child.kill()
      }
    })

    it('a file of more than a mebibyte, and not one of just that', () => {
      const content = DEFAULT.padEnd(MB, '#')
      assert.deepEqual(load(content), load(DEFAULT))
      fs.writeFileSync(file, `${content}#`)
      unusable(file, `more than ${MB} bytes`)
    })

    it('a file that may not be read, which stops everybody but root', () => {
      fs.writeFileSync(file, DEFAULT)
      fs.chmodSync(file, 0)
      if (process.getuid() === 0) {
        assert.equal(loadConfig(file, {}).maxEvents, 1000)
      } else {
        unusable(file, 'EACCES')
      }
    })
  })

  describe('arguments', () => {
    it('a file that is no path: ERR_INVALID_ARGUMENT', () => {
      const wrong = [null, 5, true, '', 'a\0', {}, [], Symbol('s'), () => {}]
      const url = new URL(`file://${file}`)
      for (const value of [...wrong, Buffer.from(file), url]) {
        refused(
          () => loadConfig(value, {}),
          TypeError,
          'ERR_INVALID_ARGUMENT',
          'file: expected the path of a TOML file, got '
        )
      }
    })

    it('an environment that is no object: ERR_INVALID_ARGUMENT', () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      for (const env of [null, 5, 'text', true, Symbol('s'), proxy]) {
        refused(
          () => loadConfig(undefined, env),
          TypeError,
          'ERR_INVALID_ARGUMENT',
          'env: '
        )
      }
    })

    it('variables that are no text: an error that names the variable', () => {
      for (const [section, name] of ALL) {
        const variable = variableOf(section, name)
        for (const value of [null, {}, [], Symbol('s'), () => {}]) {
          refused(
            () => loadConfig(undefined, { [variable]: value }),
            TypeError,
            'ERR_INVALID_OPTION',
            variable
          )
        }
        // True as text would do, and as a boolean must not be worse.
        for (const value of [true, 1n]) {
          try {
            loadConfig(undefined, { [variable]: value })
          } catch (error) {
            assert.equal(error.code, 'ERR_INVALID_OPTION', error.stack)
          }
        }
      }
    })

    it('no file: what the environment says, and nothing more', () => {
      assert.deepEqual(loadConfig(undefined, {}), {})
      const env = { [`${PREFIX}NAME`]: 'other' }
      assert.deepEqual(loadConfig(undefined, env), { name: 'other' })
    })

    it('no environment: that of the process', () => {
      const variable = `${PREFIX}NAME`
      const before = process.env[variable]
      process.env[variable] = 'of-the-process'
      try {
        assert.equal(loadConfig().name, 'of-the-process')
        fs.writeFileSync(file, '[ipc.shm]\nname = "of-the-file"')
        assert.equal(loadConfig(file).name, 'of-the-process')
        assert.equal(loadConfig(file, {}).name, 'of-the-file')
      } finally {
        if (before === undefined) {
          delete process.env[variable]
        } else {
          process.env[variable] = before
        }
      }
    })
  })

  describe('the environment', () => {
    for (const [section, name, { key, fine, texts }] of ALL) {
      const variable = variableOf(section, name)

      it(`${variable} overrides ${name} of the file`, () => {
        const [first, second] = fine
        for (const [inFile, inEnv] of [
          [first, second],
          [second, first]
        ]) {
          const toml = tomlOf(section, name, inFile)
          const options = load(toml, { [variable]: String(inEnv) })
          const own = section === 'shm' ? options : options.websocket
          assert.equal(own[key], inEnv)
        }
      })

      it(`${variable} with a wrong value: named, with value`, () => {
        for (const text of texts) {
          assert.throws(
            () => loadConfig(undefined, { [variable]: text }),
            (error) => {
              assert([TypeError, RangeError].includes(error.constructor))
              assert.equal(error.code, 'ERR_INVALID_OPTION')
              assert(error.message.includes(`${variable}: expected `))
              const shown = inspect(text).slice(1, -1)
              assert(error.message.includes(shown), error.message)
              return true
            }
          )
        }
      })
    }

    it('overrides single keys and leaves the others of the file', () => {
      const env = {
        [`${PREFIX}MAX_EVENTS`]: '500',
        [`${PREFIX}LATENCY`]: 'low',
        [`${PREFIX}WEBSOCKET_PORT`]: '0'
      }
      const { websocket, ...shm } = load(DEFAULT)
      assert.deepEqual(load(DEFAULT, env), {
        ...shm,
        maxEvents: 500,
        latency: 'low',
        websocket: { ...websocket, port: 0 }
      })
    })

    it('says true and false as 1, 0 and in any case', () => {
      const texts = { true: true, TRUE: true, True: true, 1: true }
      Object.assign(texts, {
        false: false,
        FALSE: false,
        False: false,
        0: false
      })
      const flags = {
        PREFER_SHM: 'preferShm',
        ENABLE_CHECKSUMS: 'enableChecksums',
        RELIABLE: 'reliable'
      }
      for (const [text, value] of Object.entries(texts)) {
        for (const [name, key] of Object.entries(flags)) {
          const options = loadConfig(undefined, { [PREFIX + name]: text })
          assert.deepEqual(options, { [key]: value })
        }
        const env = { [`${PREFIX}WEBSOCKET_ENABLED`]: text }
        const { websocket } = loadConfig(undefined, env)
        assert.deepEqual(websocket, { enabled: value })
      }
    })

    it('says a size as "1MB", too', () => {
      const env = { [`${PREFIX}BUFFER_SIZE`]: '1MB' }
      assert.deepEqual(loadConfig(undefined, env), { bufferSize: MB })
    })

    it('says a name and a path of digits as text', () => {
      const env = { [`${PREFIX}NAME`]: '0042', [`${PREFIX}DIR`]: '7' }
      const dir = path.resolve('7')
      assert.deepEqual(loadConfig(undefined, env), { name: '0042', dir })
    })

    it('says digits where words belong: an error with the words', () => {
      for (const [name, word] of [
        ['LATENCY', "'balanced'"],
        ['OVERFLOW', "'reject'"],
        ['WEBSOCKET_AUTH', "'token'"],
        ['WEBSOCKET_HOST', "'127.0.0.1'"]
      ]) {
        const env = { [PREFIX + name]: '5' }
        refused(
          () => loadConfig(undefined, env),
          RangeError,
          'ERR_INVALID_OPTION',
          `${PREFIX}${name}`,
          word
        )
      }
    })

    it('says paths relative to where the process stands when it asks', () => {
      // Made absolute at once, so that process.chdir() does not move them.
      const env = {
        [`${PREFIX}DIR`]: 'ring',
        [`${PREFIX}WEBSOCKET_TOKEN_FILE`]: 'token'
      }
      assert.deepEqual(load('', env), {
        dir: path.resolve('ring'),
        websocket: { tokenFile: path.resolve('token') }
      })
    })

    it('says nothing by a variable that is empty', () => {
      const env = Object.fromEntries(
        ALL.map(([section, name]) => [variableOf(section, name), ''])
      )
      assert.deepEqual(load('', env), {})
      assert.deepEqual(load(DEFAULT, env), load(DEFAULT))
      // Whatever its name is: there is nothing to get wrong.
      assert.deepEqual(load('', { [`${PREFIX}OTHER`]: '' }), {})
    })

    it('says nothing by a variable that is undefined', () => {
      const env = Object.fromEntries(
        ALL.map(([section, name]) => [variableOf(section, name), undefined])
      )
      assert.deepEqual(load('', env), {})
      assert.deepEqual(load(DEFAULT, env), load(DEFAULT))
      assert.deepEqual(load('', { [`${PREFIX}OTHER`]: undefined }), {})
    })

    it('KINDLY_GUARD_IPC_NO_NATIVE is no option and no error', () => {
      for (const value of ['1', '0', 'anything']) {
        const env = { [`${PREFIX}NO_NATIVE`]: value }
        assert.deepEqual(load(DEFAULT, env), load(DEFAULT))
      }
    })

    it('has variables of others, which mean nothing here', () => {
      const env = {
        PATH: '/bin',
        NAME: 'x',
        KINDLY_GUARD_NAME: 'x',
        KINDLY_GUARD_IPC: 'x',
        kindly_guard_ipc_name: 'x',
        [`OTHER_${PREFIX}NAME`]: 'x'
      }
      assert.deepEqual(load('', env), {})
    })

    it('has a variable of ours that is unknown: all that exist', () => {
      const names = ['', 'MAX_EVENT', 'PORT', 'name', 'WEBSOCKET', 'NO_NATIVES']
      const unknown = {
        shm: [...names, 'CONSTRUCTOR', '__PROTO__'],
        websocket: ['WEBSOCKET_', 'WEBSOCKET_DIR', 'WEBSOCKET_port']
      }
      for (const [section, rows] of SECTIONS) {
        for (const name of unknown[section]) {
          const variable = PREFIX + name
          refused(
            () => load(DEFAULT, { [variable]: '1' }),
            TypeError,
            'ERR_INVALID_OPTION',
            `${variable} is unknown`,
            ...Object.keys(rows).map((row) => variableOf(section, row))
          )
        }
      }
    })

    it('makes the sizes of both disagree: both places are named', () => {
      const toml = '[ipc.shm]\nbuffer_size = "1MB"\nmax_events = 1000'
      const events = { [`${PREFIX}MAX_EVENTS`]: '4000' }
      refused(
        () => load(toml, events),
        RangeError,
        'ERR_INVALID_OPTION',
        `ipc.shm.buffer_size in ${file}`,
        `${PREFIX}MAX_EVENTS`
      )
      const size = { [`${PREFIX}BUFFER_SIZE`]: '64KB' }
      refused(
        () => load(toml, size),
        RangeError,
        'ERR_INVALID_OPTION',
        `${PREFIX}BUFFER_SIZE`,
        `ipc.shm.max_events in ${file}`
      )
      const both = { ...events, [`${PREFIX}BUFFER_SIZE`]: '2MB' }
      assert.deepEqual(load(toml, both), {
        maxEvents: 4000,
        bufferSize: 2 * MB
      })
    })
  })

  describe('names of what every object has', () => {
    let before

    beforeEach(() => {
      before = Reflect.ownKeys(Object.prototype)
    })
    afterEach(() => {
      assert.deepEqual(Reflect.ownKeys(Object.prototype), before)
      assert.equal({}.name, undefined)
    })

    const inherited = Object.getOwnPropertyNames(Object.prototype)

    it('as keys and sections: unknown ones', () => {
      for (const name of [...inherited, 'prototype']) {
        for (const content of [
          `[ipc]\n${name} = 1`,
          `[ipc.${name}]\nname = "x"`,
          `[ipc.${name}.prototype]\nname = "x"`,
          `[ipc.shm]\n${name} = "x"`,
          `[ipc.shm.${name}]\nname = "x"`,
          `[ipc.websocket]\n${name}.port = 1`
        ]) {
          invalidOption(TypeError, content, `.${name} in ${file} is unknown`)
        }
      }
    })

    it('as tables beside ours: nothing comes of them', () => {
      for (const name of [...inherited, 'prototype']) {
        for (const content of [
          `[${name}.ipc.shm]\nname = "x"`,
          `[${name}.prototype.ipc.shm]\nname = "x"`,
          `${name} = { ipc = { shm = { name = "x" } } }`
        ]) {
          const options = load(content)
          assert.deepEqual(options, {})
          assert.equal(Object.getPrototypeOf(options), Object.prototype)
        }
      }
    })
  })

  describe('IpcFactory takes what comes out', () => {
    let ring

    beforeEach(() => {
      ring = new TestRing()
    })
    afterEach(() => ring.remove())

    /** One threat from a Shield of these options to a client of those. */
    async function assertCarries(create, options, others = options) {
      const shield = ring.keep(IpcFactory[create](options))
      await shield.ready()
      const sent = shield.writeThreat(threat('configured'))
      const client = ring.keep(await IpcFactory.createClient(others))
      const [received] = await collect(client, 1)
      assert.equal(received.sequence, sent)
      assert.equal(received.details, 'configured')
      return { shield, client }
    }

    for (const create of ['createTransport', 'createHybridTransport']) {
      it(`${create} and createClient: of the default configuration`, async () => {
        const options = load(DEFAULT, {
          [`${PREFIX}DIR`]: ring.dir,
          [`${PREFIX}FROM`]: 'oldest',
          [`${PREFIX}WEBSOCKET_PORT`]: '0'
        })
        await assertCarries(create, options)
      })
    }

    it('all keys at once, for either end', async () => {
      const ipc = { shm: {}, websocket: {} }
      for (const [section, name, { fine }] of ALL) {
        ipc[section][name] = fine.at(-1)
      }
      Object.assign(ipc.shm, { dir: ring.dir, max_events: 1000, poll_cpu: 0 })
      Object.assign(ipc.websocket, { host: '127.0.0.1', port: 0 })
      const options = load(stringify({ ipc }))
      const shield = ring.keep(IpcFactory.createHybridTransport(options))
      await shield.ready()
      const client = ring.keep(await IpcFactory.createClient(options))
      const { websocket } = shield.stats()
      assert.equal(websocket.auth, ipc.websocket.auth)
      assert.equal(websocket.url, `ws://127.0.0.1:${websocket.port}`)
      assert.equal(client.closed, false)
    })

    it('an url and a token_file beside the client’s own file', async () => {
      const own = load(
        '[ipc.shm]\nprefer_shm = false\n[ipc.websocket]\nport = 0',
        { [`${PREFIX}DIR`]: ring.dir }
      )
      const shield = ring.keep(IpcFactory.createTransport(own))
      await shield.ready()
      const { url, discoveryFile } = shield.stats().websocket
      fs.copyFileSync(discoveryFile, path.join(base, 'token.json'))
      fs.chmodSync(path.join(base, 'token.json'), 0o600)
      shield.writeThreat(threat('by token'))
      // It has no other way to the Shield than what the file says.
      const client = ring.keep(
        await IpcFactory.createClient(
          load(
            '[ipc.shm]\ndir = "elsewhere"\nprefer_shm = false\n' +
              'from = "oldest"\n[ipc.websocket]\n' +
              `url = "${url}"\ntoken_file = "token.json"`
          )
        )
      )
      const [received] = await collect(client, 1)
      assert.equal(received.details, 'by token')
      assert.equal(client.stats().url, url)
    })
  })
})
