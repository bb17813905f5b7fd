'use strict'
// loadConfig: what it does not take of a file, and what the error names.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { inspect } = require('node:util')
const { stringify } = require('smol-toml')
const { IpcError, loadConfig } = require('../../lib/index.js')
const { Child } = require('../helpers/child.js')
const {
  ALL,
  DEFAULT,
  KEYS,
  loadFrom,
  MB,
  refused,
  SECTIONS,
  tomlOf,
  useFolder
} = require('../helpers/config.js')
const { IS_WINDOWS } = require('../helpers/system.js')

// Windows has one answer for all of these.
const [TOO_LONG, NO_FOLDER] = IS_WINDOWS
  ? ['ENOENT', 'ENOENT']
  : ['ENAMETOOLONG', 'ENOTDIR']

describe('loadConfig', () => {
  const current = useFolder()
  let base
  let file

  beforeEach(() => {
    base = current()
    file = path.join(base, 'shield.toml')
  })

  const load = (content, env) => loadFrom(file, content, env)

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
      assert.equal(websocket.tokenFile, path.resolve(base, '/token'))
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
        // What is wrong there, and not the lines of the file.
        assert.throws(
          () => loadConfig(file, {}),
          ({ cause, message }) =>
            /, column \d+: [^\n.]{9,}\. [^\n]*$/.test(message) &&
            cause === undefined
        )
      }
    })

    it('what is no UTF-8, which TOML must be', () => {
      // Replaced, it would be the name of another directory.
      fs.writeFileSync(file, '[ipc.shm]\ndir = "caf\xe9"\n', 'latin1')
      unusable(file)
      assert.throws(
        () => loadConfig(file, {}),
        ({ cause }) => cause instanceof TypeError
      )
      fs.writeFileSync(file, '\ufeff[ipc.shm]\nname = "a"\n', 'utf16le')
      unusable(file)
    })

    it('a missing file, folder, link or a name that is too long', () => {
      unusable(file, 'ENOENT')
      assert.throws(
        () => loadConfig(file, {}),
        ({ cause }) => cause.code === 'ENOENT'
      )
      // A reader of the log does not know where the process stood.
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
      unusable(path.join(base, 'n'.repeat(300)), TOO_LONG)
      fs.writeFileSync(path.join(base, 'plain'), '')
      unusable(path.join(base, 'plain', 'shield.toml'), NO_FOLDER)
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
})
