'use strict'
// loadConfig: what comes out of a file and the environment.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const fc = require('fast-check')
const { stringify } = require('smol-toml')
const { loadConfig } = require('../../lib/index.js')
const { FACTORY_CHECKS, namesIn } = require('../../lib/options/check.js')
const {
  checkWebSocket,
  WEBSOCKET_CHECKS
} = require('../../lib/options/websocket.js')
const {
  ALL,
  anyOptions,
  asEnvironment,
  asToml,
  DEFAULT,
  KEYS,
  loadFrom,
  MB,
  nest,
  tomlOf,
  useFolder
} = require('../helpers/config.js')
const { IS_WINDOWS } = require('../helpers/system.js')

describe('loadConfig', () => {
  const current = useFolder()
  let base
  let file

  beforeEach(() => {
    base = current()
    file = path.join(base, 'shield.toml')
  })

  const load = (content, env) => loadFrom(file, content, env)

  it('is tested here with every option that there is', () => {
    // An option that somebody adds fails here until it has its row in KEYS.
    const { shm, websocket } = KEYS
    const keys = (rows) => Object.values(rows).map(({ key }) => key)
    // Where a reader left off is its own affair, and no configuration.
    assert.deepEqual(
      [...keys(shm), 'websocket'],
      namesIn(FACTORY_CHECKS).filter((key) => key !== 'after')
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
      // The name of a pipe is absolute.
      const socket = (at) => (IS_WINDOWS ? {} : { socket: at })
      const paths = { ring: 'ring', './ring': 'ring', '..': '..', '.': '.' }
      for (const [given, expected] of Object.entries(paths)) {
        const absolute = path.resolve(folder, expected)
        const toml = stringify({
          ipc: {
            shm: { dir: given },
            websocket: { token_file: given, ...socket(given) }
          }
        })
        const websocket = { tokenFile: absolute, ...socket(absolute) }
        const options = { dir: absolute, websocket }
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
})
