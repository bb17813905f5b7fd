'use strict'
// loadConfig: its arguments, and what the environment may say.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { inspect } = require('node:util')
const { loadConfig } = require('../../lib/index.js')
const {
  ALL,
  DEFAULT,
  loadFrom,
  MB,
  PREFIX,
  refused,
  SECTIONS,
  tomlOf,
  useFolder,
  variableOf
} = require('../helpers/config.js')

describe('loadConfig', () => {
  const current = useFolder()
  let file

  beforeEach(() => {
    file = path.join(current(), 'shield.toml')
  })

  const load = (content, env) => loadFrom(file, content, env)

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
})
