'use strict'
// Where a client looks for the server: which discovery files, which of them is
// taken, and what the options say instead.

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const {
  findRecords,
  liveRecords,
  locator,
  places,
  urlOf
} = require('../../lib/websocket/locate.js')
const {
  HOME_FOLDER,
  IS_WINDOWS,
  OWN_DIRECTORY,
  OWN_FOLDER
} = require('../helpers/system.js')

const TOKEN = '0123456789abcdef'.repeat(4)
const SOCKET = '/run/kindly-guard.sock'
const URL = 'ws://127.0.0.1:9955'
const RECORD = {
  ...{ version: 1, state: 'live', socket: SOCKET, port: 9955 },
  ...{ host: '127.0.0.1', auth: 'token', token: TOKEN },
  ...{ generation: '00ff00ff00ff00ff', dir: null, pid: 4711 },
  startedAt: '2025-01-02T03:04:05.678Z'
}

describe('where the server is', () => {
  const { [OWN_DIRECTORY]: before } = process.env
  const { homedir } = os
  let base
  let runtime
  let home
  let dir

  beforeEach(() => {
    base = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    runtime = path.join(base, 'run')
    home = path.join(base, 'home')
    dir = path.join(base, 'dir')
    for (const each of [runtime, home, dir]) fs.mkdirSync(each, 0o700)
    fs.mkdirSync(path.dirname(path.join(home, HOME_FOLDER)), {
      recursive: true
    })
    process.env[OWN_DIRECTORY] = runtime
    os.homedir = () => home
  })

  afterEach(() => {
    os.homedir = homedir
    if (before === undefined) delete process.env[OWN_DIRECTORY]
    else process.env[OWN_DIRECTORY] = before
    fs.rmSync(base, { recursive: true, force: true })
  })

  const homes = () => [
    path.join(runtime, OWN_FOLDER),
    path.join(home, HOME_FOLDER)
  ]
  const hashOf = (text) =>
    createHash('sha256')
      .update(IS_WINDOWS ? text.toLowerCase() : text)
      .digest('hex')
      .slice(0, 16)

  /** Writes a record at one of the places. */
  const put = (location, at, more = {}) => {
    const place = places(location)[at]
    writeDiscovery(place.dir, place.name, { ...RECORD, ...more })
  }
  const pidsOf = ({ records }) => records.map(({ pid }) => pid)

  describe('its files', () => {
    it('stand in the runtime directory or at home', () => {
      const found = places({})
      const all = homes().map((one) => ({ dir: one, name: 'kindly-guard' }))
      assert.deepEqual(found, all)
      assert.equal(places({ name: 'other' })[1].name, 'other')
    })

    it('of a dir: in it, or at home by a name of its own', () => {
      const name = `other-${hashOf(dir)}`
      assert.deepEqual(places({ dir, name: 'other' }), [
        { dir, name: 'other' },
        ...homes().map((one) => ({ dir: one, name }))
      ])
      assert.equal(places({ dir })[0].name, 'kindly-guard')
    })

    it('are the newest first', () => {
      put({}, 0, { pid: 1, startedAt: '2025-01-01T00:00:00.000Z' })
      put({}, 1, { pid: 2, startedAt: '2025-01-01T00:00:00.001Z' })
      const { records, error } = findRecords({})
      assert.deepEqual(pidsOf({ records }), [2, 1])
      assert.equal(error, null)
      put({}, 0, { pid: 1, startedAt: '2025-01-01T00:00:00.002Z' })
      assert.deepEqual(pidsOf(findRecords({})), [1, 2])
    })

    it('none: no records, and no error', () => {
      assert.deepEqual(findRecords({ dir }), { records: [], error: null })
    })

    it('that cannot be read: the first such error, and the others count', () => {
      put({ dir }, 2, { pid: 3 })
      const [first, second] = places({ dir })
      fs.writeFileSync(path.join(first.dir, `${first.name}.json`), '{', {
        mode: 0o600
      })
      fs.mkdirSync(second.dir, 0o755)
      fs.chmodSync(second.dir, 0o755)
      const { records, error } = findRecords({ dir })
      assert.deepEqual(pidsOf({ records }), [3])
      assert.equal(error.code, 'ERR_DISCOVERY_INVALID')
    })

    it('of one Shield that closed: its live one does not count', () => {
      const closed = { state: 'closed', sequence: 7, priority: null }
      put({}, 0)
      put({}, 1, closed)
      assert.deepEqual(
        findRecords({}).records.map(({ state }) => state),
        ['closed']
      )
      assert.deepEqual(liveRecords({}), [])
      // Of another one it does.
      for (const other of [
        { pid: 5 },
        { port: 1 },
        { startedAt: '2025-01-02T03:04:05.679Z' }
      ]) {
        put({}, 1, { ...closed, ...other })
        assert.equal(findRecords({}).records.length, 2)
        assert.deepEqual(pidsOf({ records: liveRecords({}) }), [4711])
      }
    })
  })

  it('a URL of its port, in brackets where it must be', () => {
    assert.equal(urlOf({ host: '127.0.0.1', port: 9955 }), URL)
    assert.equal(urlOf({ host: '::1', port: 1 }), 'ws://[::1]:1')
    assert.equal(urlOf({ host: '127.0.0.1', port: null }), null)
  })

  describe('by the discovery file', () => {
    it('its socket and its port, with the token', () => {
      put({ dir }, 0)
      const locate = locator({ dir }, {})
      assert.deepEqual(locate(), {
        ...{ socket: SOCKET, url: URL, token: TOKEN },
        ...{ port: 9955, isGiven: false }
      })
      put({ dir }, 0, { auth: 'none' })
      assert.equal(locate().token, null)
    })

    it('looks anew each time', () => {
      const locate = locator({ dir }, {})
      assert.throws(locate, { code: 'ERR_WEBSOCKET_UNREACHABLE' })
      put({ dir }, 0)
      assert.equal(locate().url, URL)
    })

    it('tries the next one at each attempt', () => {
      put({}, 0, { port: 1, startedAt: '2025-01-01T00:00:00.001Z' })
      put({}, 1, { port: 2, startedAt: '2025-01-01T00:00:00.000Z' })
      const locate = locator({}, { socket: true })
      const ports = Array.from({ length: 5 }, () => locate().port)
      assert.deepEqual(ports, [1, 2, 1, 2, 1])
    })

    it('without the socket, where that is switched off', () => {
      put({ dir }, 0)
      const place = locator({ dir }, { socket: false })()
      assert.deepEqual([place.socket, place.url], [null, URL])
      put({ dir }, 0, { port: null })
      assert.throws(locator({ dir }, { socket: false }), {
        code: 'ERR_WEBSOCKET_UNREACHABLE',
        message: /has a Unix socket and no port, and websocket.socket is false/
      })
      const { socket, url, port } = locator({ dir }, { socket: true })()
      assert.deepEqual([socket, url, port], [SOCKET, null, null])
    })

    it('without a socket, as an older Shield has it', () => {
      put({ dir }, 0, { socket: null })
      const { socket, url } = locator({ dir }, {})()
      assert.deepEqual([socket, url], [null, URL])
    })

    it('none: all the places are named', () => {
      const [first, second, third] = places({ dir }).map((place) =>
        path.join(place.dir, `${place.name}.json`)
      )
      assert.throws(locator({ dir }, {}), (error) => {
        assert.equal(error.code, 'ERR_WEBSOCKET_UNREACHABLE')
        assert.equal(error.isAbsent, true)
        const all = `there is no ${first} and no ${second} and no ${third}`
        assert(error.message.includes(all), error.message)
        return true
      })
    })

    it('of a Shield that closed: that is said', () => {
      const closed = { state: 'closed', sequence: 7, priority: null }
      put({ dir }, 0, closed)
      assert.throws(locator({ dir }, {}), (error) => {
        assert.equal(error.isAbsent, true)
        assert.match(error.message, /the Shield that was here has closed/)
        return true
      })
      // That another place cannot be read is no news then.
      fs.mkdirSync(places({ dir })[1].dir, 0o755)
      fs.chmodSync(places({ dir })[1].dir, 0o755)
      assert.throws(locator({ dir }, {}), /has closed/)
    })

    it('that cannot be read, and no other: the error of that', () => {
      fs.chmodSync(dir, 0o755)
      assert.throws(locator({ dir }, {}), { code: 'ERR_UNSAFE_PATH' })
    })
  })

  describe('by the options', () => {
    it('a url, or a socket, without any file', () => {
      const none = { token: null, port: null, isGiven: true }
      assert.deepEqual(locator({ dir }, { url: URL })(), {
        ...{ socket: null, url: URL, ...none }
      })
      assert.deepEqual(locator({ dir }, { socket: '/a' })(), {
        ...{ socket: '/a', url: null, ...none }
      })
      assert.deepEqual(locator({ dir }, { socket: '/a', url: URL })(), {
        ...{ socket: '/a', url: URL, ...none }
      })
    })

    describe('a token file', () => {
      let tokenFile

      beforeEach(() => {
        tokenFile = path.join(base, 'token')
      })

      const write = (content) =>
        fs.writeFileSync(tokenFile, content, { mode: 0o600 })

      it('that is not there: named', () => {
        assert.throws(locator({ dir }, { url: URL, tokenFile }), (error) => {
          assert.equal(error.code, 'ERR_WEBSOCKET_UNREACHABLE')
          assert.equal(error.isAbsent, true)
          const what = `there is no token file ${tokenFile}`
          assert(error.message.includes(what))
          return true
        })
      })

      it('of a token alone, beside a url or a socket', () => {
        write(TOKEN)
        const token = { token: TOKEN, port: null, isGiven: true }
        assert.deepEqual(locator({ dir }, { url: URL, tokenFile })(), {
          ...{ socket: null, url: URL, ...token }
        })
        // Where is said by nobody else.
        assert.throws(locator({ dir }, { tokenFile }), {
          code: 'ERR_DISCOVERY_INVALID',
          message:
            /token is a bare token: websocket\.url or websocket\.socket must say where to/
        })
      })

      it('that is a copy of the discovery file says where, too', () => {
        write(JSON.stringify(RECORD))
        const place = {
          ...{ socket: SOCKET, url: URL, token: TOKEN },
          ...{ port: 9955, isGiven: false }
        }
        assert.deepEqual(locator({ dir }, { tokenFile })(), place)
        const off = locator({ dir }, { tokenFile, socket: false })()
        assert.deepEqual(off, { ...place, socket: null })
      })

      it('beside a url: the url, with the port of the file', () => {
        write(JSON.stringify(RECORD))
        const other = 'ws://127.0.0.1:7'
        const options = { tokenFile, url: other }
        assert.deepEqual(locator({ dir }, options)(), {
          ...{ socket: null, url: other, token: TOKEN },
          ...{ port: 9955, isGiven: true }
        })
        const both = { tokenFile, socket: '/a' }
        assert.deepEqual(locator({ dir }, both)(), {
          ...{ socket: '/a', url: URL, token: TOKEN },
          ...{ port: 9955, isGiven: true }
        })
      })

      it('of a Shield without a port: the proof names its socket', () => {
        write(JSON.stringify({ ...RECORD, port: null }))
        const { port } = locator({ dir }, { tokenFile, url: URL })()
        assert.equal(port, 'socket')
      })
    })
  })
})
