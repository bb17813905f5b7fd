'use strict'
// The discovery file: who may have made it, and what may stand in it.

const assert = require('node:assert/strict')
const { ownDirectories } = require('../../lib/base/own-directories.js')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const {
  readDiscovery,
  readTokenFile
} = require('../../lib/websocket/discovery-file.js')
const {
  removeDiscovery,
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { CLOSED, LIVE, NAME, TOKEN } = require('../helpers/discovery-record.js')
const {
  here,
  HOME_FOLDER,
  OWN_DIRECTORY,
  OWN_FOLDER
} = require('../helpers/system.js')

const mode = (file) => fs.lstatSync(file).mode & 0o7777

describe('WebSocket discovery', () => {
  let base
  let dir
  let file

  beforeEach(() => {
    base = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    dir = path.join(base, 'dir')
    file = path.join(dir, `${NAME}.json`)
  })
  afterEach(() => fs.rmSync(base, { recursive: true, force: true }))

  /** A file that is as it should be but for what stands in it. */
  function put(content, to = file) {
    fs.mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 })
    fs.chmodSync(path.dirname(to), 0o700)
    fs.writeFileSync(to, content, { mode: 0o600 })
    fs.chmodSync(to, 0o600)
  }

  function assertThrows(action, code, blamed, what) {
    assert.throws(
      action,
      (error) => {
        assert.equal(error.name, 'IpcError', error.stack)
        assert.equal(error.code, code, error.message)
        assert(error.message.includes(blamed), error.message)
        assert(!error.message.includes(TOKEN), error.message)
        return true
      },
      what
    )
  }

  /** Both readers of the file refuse it, and leave it as it was. */
  function assertRefused(code, what) {
    const before = fs.lstatSync(file)
    assertThrows(() => readDiscovery(dir, NAME), code, file, what)
    assertThrows(() => readTokenFile(file), code, file, what)
    const after = fs.lstatSync(file)
    assert.deepEqual([after.ino, after.mode], [before.ino, before.mode])
  }

  describe('where it is', () => {
    const runtime = here('/run/user/1')
    const own = path.join(runtime, OWN_FOLDER)

    it('in the runtime directory alone, where no home is known', () => {
      const { homedir, userInfo } = os
      os.homedir = () => 'relative'
      os.userInfo = () => ({ homedir: '' })
      try {
        const env = { [OWN_DIRECTORY]: runtime }
        assert.deepEqual(ownDirectories(env), [own])
        assert.deepEqual(ownDirectories({}), [])
      } finally {
        Object.assign(os, { homedir, userInfo })
      }
    })

    it('in the runtime directory, else at home', () => {
      const home = path.join(os.homedir(), HOME_FOLDER)
      const env = { [OWN_DIRECTORY]: runtime }
      assert.deepEqual(ownDirectories(env), [own, home])
      for (const wrong of [undefined, '', 'run', './run']) {
        const odd = { [OWN_DIRECTORY]: wrong }
        assert.deepEqual(ownDirectories(odd), [home])
      }
    })
  })

  describe('what comes back', () => {
    it('is what was written: live, closed, without a token', () => {
      const open = { ...LIVE, auth: 'none', host: '::1', dir: null }
      delete open.token
      for (const record of [LIVE, CLOSED, open]) {
        assert.equal(writeDiscovery(dir, NAME, record), file)
        assert.deepEqual(readDiscovery(dir, NAME), record)
        const { token = null, socket, host, port } = record
        const found = { token, socket, host, port }
        assert.deepEqual(readTokenFile(file), found)
      }
      assert.deepEqual(fs.readdirSync(dir), [`${NAME}.json`])
    })

    it('is null when there is no file or no directory', () => {
      assert.equal(readDiscovery(dir, NAME), null)
      assert.equal(readTokenFile(file), null)
      assert.equal(removeDiscovery(dir, NAME), false)
      assert.equal(fs.existsSync(dir), false)
      writeDiscovery(dir, 'other', LIVE)
      assert.equal(readDiscovery(dir, NAME), null)
      assert.equal(removeDiscovery(dir, NAME), false)
      assert.equal(removeDiscovery(dir, 'other'), true)
      assert.deepEqual(fs.readdirSync(dir), [])
    })

    it('has no field that is unknown or does not belong', () => {
      const more = { ...LIVE, sequence: 7, more: { a: 1 }, toString: 1 }
      put(JSON.stringify(more).replace('{', '{"__proto__":{"pid":1},'))
      const record = readDiscovery(dir, NAME)
      assert.deepEqual(record, LIVE)
      assert.equal(Object.getPrototypeOf(record), Object.prototype)
      put(JSON.stringify({ ...LIVE, auth: 'none' }))
      assert.equal('token' in readDiscovery(dir, NAME), false)
      writeDiscovery(dir, NAME, more)
      assert.deepEqual(JSON.parse(fs.readFileSync(file)), LIVE)
    })

    const long = 'f'.repeat(65)
    const bad = {
      version: [undefined, 0, 2, '1', null],
      state: [undefined, 'dead', '', null, ['live']],
      socket: ['', 'relative', '/a\0b', 5, ['/a'], false],
      port: [undefined, 0, -1, 65536, 1.5, '9955', null],
      host: [undefined, '', 'localhost', '0.0.0.0', '10.0.0.1', '::', ['::1']],
      auth: [undefined, '', 'None', null, true],
      token: [undefined, '', null, TOKEN.slice(1), long, `${TOKEN}\n`, [TOKEN]],
      generation: [undefined, '', 'ff', LIVE.generation.toUpperCase(), 255],
      dir: [undefined, '', 'relative', '/a\0b', 5, ['/a']],
      pid: [undefined, 0, -1, 1.5, '1', null],
      startedAt: [undefined, 0, '', '2025', '2025-13-02T03:04:05.678Z']
    }
    for (const [key, values] of Object.entries(bad)) {
      it(`has a valid ${key} or is refused`, () => {
        for (const value of values) {
          const record = { ...LIVE, [key]: value }
          put(JSON.stringify(record))
          assertRefused('ERR_DISCOVERY_INVALID', `${value}`)
          const write = () => writeDiscovery(path.join(base, 'w'), NAME, record)
          assertThrows(write, 'ERR_DISCOVERY_INVALID', key)
          assert.equal(fs.existsSync(path.join(base, 'w')), false)
        }
      })
    }

    it('may have a socket, and no port then', () => {
      const socket = '/run/user/1000/kindly-guard/kindly-guard.sock'
      for (const record of [
        { ...LIVE, socket },
        { ...LIVE, socket, port: null }
      ]) {
        writeDiscovery(dir, NAME, record)
        assert.deepEqual(readDiscovery(dir, NAME), record)
        const { token, host, port } = record
        const found = { token, socket, host, port }
        assert.deepEqual(readTokenFile(file), found)
      }
      // An older Shield says nothing of one.
      const older = { ...LIVE }
      delete older.socket
      put(JSON.stringify(older))
      assert.deepEqual(readDiscovery(dir, NAME), LIVE)
    })

    it('has its last sequence when it is closed', () => {
      for (const sequence of [undefined, -1, 2 ** 53, 0.5, '1', null]) {
        put(JSON.stringify({ ...CLOSED, sequence }))
        assertRefused('ERR_DISCOVERY_INVALID', `${sequence}`)
      }
      put(JSON.stringify({ ...CLOSED, sequence: 0 }))
      assert.equal(readDiscovery(dir, NAME).sequence, 0)
    })

    it('is refused when it is no record, or has no end', () => {
      const text = JSON.stringify(LIVE)
      for (const content of [
        ...['', ' ', '{', '[]', 'null', '1', '"x"', text.slice(0, -1)],
        ...[`${text}${text}`, `[${text}]`, '['.repeat(60_000), '\0'],
        ...[Buffer.alloc(4096, 0xff), `${text}${' '.repeat(65536)}`],
        `{"version":1,"more":"${'x'.repeat(65536)}"}`
      ]) {
        put(content)
        assertRefused('ERR_DISCOVERY_INVALID', String(content).slice(0, 40))
      }
      put(text + ' '.repeat(65536 - text.length))
      assert.deepEqual(readDiscovery(dir, NAME), LIVE)
    })
  })

  describe('a token that was handed over', () => {
    it('may be bare, in a directory of anybody', () => {
      const handed = path.join(base, 'handed', 'token')
      for (const end of ['', '\n', '\r\n']) {
        put(`${TOKEN}${end}`, handed)
        fs.chmodSync(path.dirname(handed), 0o755)
        const none = { socket: null, host: null, port: null }
        const expected = { token: TOKEN, ...none }
        assert.deepEqual(readTokenFile(handed), expected)
      }
    })

    it('is 64 digits and nothing more', () => {
      const bad = ['', 'secret', TOKEN.slice(1), `${TOKEN}0`, `\n${TOKEN}`]
      for (const text of [...bad, `${TOKEN}\n\n`, TOKEN.toUpperCase()]) {
        put(text)
        assertThrows(() => readTokenFile(file), 'ERR_DISCOVERY_INVALID', file)
      }
    })
  })

  describe('F26 a symbolic link', () => {
    it('as the file: refused, its target unread and unchanged', () => {
      const target = path.join(base, 'target')
      put(JSON.stringify(LIVE), target)
      fs.mkdirSync(dir, { mode: 0o700 })
      fs.symlinkSync(target, file)
      assertRefused('ERR_UNSAFE_PATH')
      // A writer puts its own in the link's place.
      const before = fs.readFileSync(target, 'utf8')
      writeDiscovery(dir, NAME, CLOSED)
      assert.equal(fs.readFileSync(target, 'utf8'), before)
      assert.deepEqual(readDiscovery(dir, NAME), CLOSED)
      assert(fs.lstatSync(file).isFile())
    })

    it('as the file, leading nowhere: refused', () => {
      fs.mkdirSync(dir, { mode: 0o700 })
      fs.symlinkSync(path.join(base, 'nowhere'), file)
      assertRefused('ERR_UNSAFE_PATH')
      assert.equal(removeDiscovery(dir, NAME), true)
    })

    it('as the directory: refused, and nothing is made there', () => {
      const real = path.join(base, 'real')
      writeDiscovery(real, NAME, LIVE)
      const nowhere = path.join(base, 'nowhere')
      for (const target of [real, nowhere]) {
        fs.symlinkSync(target, dir)
        for (const at of [dir, `${dir}/`, `${dir}//`]) {
          for (const action of [readDiscovery, removeDiscovery]) {
            assertThrows(() => action(at, NAME), 'ERR_UNSAFE_PATH', dir)
          }
          const write = () => writeDiscovery(at, NAME, CLOSED)
          assertThrows(write, 'ERR_UNSAFE_PATH', dir)
        }
        fs.unlinkSync(dir)
      }
      assert.equal(fs.existsSync(nowhere), false)
      assert.deepEqual(readDiscovery(real, NAME), LIVE)
    })

    it('in the place of a temporary file: left alone', () => {
      const target = path.join(base, 'target')
      put('unchanged', target)
      fs.mkdirSync(dir, { mode: 0o700 })
      const link = path.join(dir, `.${NAME}.json.0123456789abcdef.tmp`)
      fs.symlinkSync(target, link)
      writeDiscovery(dir, NAME, LIVE)
      assert.equal(fs.readFileSync(target, 'utf8'), 'unchanged')
    })
  })

  describe('F27 what is no plain file', () => {
    it('a directory: refused, by the writer too', () => {
      fs.mkdirSync(file, { recursive: true, mode: 0o700 })
      fs.chmodSync(dir, 0o700)
      assertRefused('ERR_UNSAFE_PATH')
      const write = () => writeDiscovery(dir, NAME, LIVE)
      assertThrows(write, 'ERR_UNSAFE_PATH', file)
      assert.deepEqual(fs.readdirSync(dir), [`${NAME}.json`])
    })

    it('a socket: refused', async () => {
      fs.mkdirSync(dir, { mode: 0o700 })
      const server = net.createServer()
      await once(server.listen(file), 'listening')
      try {
        assertRefused('ERR_UNSAFE_PATH')
      } finally {
        server.close()
      }
    })

    it('a file with a second name: refused', () => {
      writeDiscovery(dir, NAME, LIVE)
      const second = path.join(base, 'second')
      fs.linkSync(file, second)
      assertRefused('ERR_UNSAFE_PATH')
      fs.unlinkSync(second)
      assert.deepEqual(readDiscovery(dir, NAME), LIVE)
    })

    it('a file as the directory: refused', () => {
      put('', dir)
      for (const action of [readDiscovery, removeDiscovery]) {
        assertThrows(() => action(dir, NAME), 'ERR_UNSAFE_PATH', dir)
      }
      const write = () => writeDiscovery(dir, NAME, LIVE)
      assertThrows(write, 'ERR_UNSAFE_PATH', dir)
      assert.equal(fs.readFileSync(dir, 'utf8'), '')
    })
  })

  describe('F28 what others could reach', () => {
    it('the file, by any bit: refused', () => {
      for (const bits of [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666]) {
        writeDiscovery(dir, NAME, LIVE)
        fs.chmodSync(file, bits)
        assertRefused('ERR_UNSAFE_PATH', bits.toString(8))
      }
    })

    it('the directory, by any bit: refused, and not mended', () => {
      writeDiscovery(dir, NAME, LIVE)
      for (const bits of [0o750, 0o705, 0o720, 0o702, 0o710, 0o701, 0o1777]) {
        fs.chmodSync(dir, bits)
        for (const action of [readDiscovery, removeDiscovery]) {
          assertThrows(() => action(dir, NAME), 'ERR_UNSAFE_PATH', dir)
        }
        const write = () => writeDiscovery(dir, NAME, CLOSED)
        assertThrows(write, 'ERR_UNSAFE_PATH', dir)
        assert.equal(mode(dir), bits)
      }
      fs.chmodSync(dir, 0o700)
      assert.deepEqual(readDiscovery(dir, NAME), LIVE)
    })

    it('somebody else owns it: refused', () => {
      // Who we are is asked anew each time; nobody has this number.
      const { geteuid } = process
      writeDiscovery(dir, NAME, LIVE)
      process.geteuid = () => geteuid() + 1
      try {
        assertThrows(() => readDiscovery(dir, NAME), 'ERR_UNSAFE_PATH', dir)
        assertThrows(() => readTokenFile(file), 'ERR_UNSAFE_PATH', file)
        const write = () => writeDiscovery(dir, NAME, CLOSED)
        assertThrows(write, 'ERR_UNSAFE_PATH', dir)
      } finally {
        process.geteuid = geteuid
      }
      assert.deepEqual(readDiscovery(dir, NAME), LIVE)
    })
  })

  for (const umask of [0, 0o22, 0o77, 0o777]) {
    it(`F29 umask ${umask.toString(8)}: 0700 and 0600, exactly`, () => {
      const before = process.umask(umask)
      try {
        writeDiscovery(dir, NAME, LIVE)
      } finally {
        process.umask(before)
      }
      assert.deepEqual([mode(dir), mode(file)], [0o700, 0o600])
      assert.deepEqual(readDiscovery(dir, NAME), LIVE)
    })
  }

  it('left-over temporary files go, those of other names stay', () => {
    const hex = '0123456789abcdef'
    const mine = [
      `.${NAME}.json.${hex}.tmp`,
      `.${NAME}.json.${'0'.repeat(16)}.tmp`
    ]
    const others = [
      `.other.json.${hex}.tmp`,
      `.${NAME}.json.0123.tmp`,
      `.${NAME}.json.${hex}`,
      `${NAME}.json.${hex}.tmp`,
      `.x${NAME}.json.${hex}.tmp`,
      `.${NAME}.json.json.${hex}.tmp`
    ]
    for (const action of [
      () => writeDiscovery(dir, NAME, LIVE),
      () => removeDiscovery(dir, NAME)
    ]) {
      for (const name of [...mine, ...others]) put('', path.join(dir, name))
      action()
      const left = fs.readdirSync(dir).filter((name) => name !== `${NAME}.json`)
      assert.deepEqual(left.sort(), [...others].sort())
    }
    assert.equal(fs.existsSync(file), false)
  })

  it('cannot be made where its parent is missing', () => {
    const deep = path.join(base, 'not', 'made')
    const write = () => writeDiscovery(deep, NAME, LIVE)
    assertThrows(write, 'ERR_SYSTEM', 'ENOENT')
    assert.equal(fs.existsSync(path.join(base, 'not')), false)
  })
})
