'use strict'
// What Windows has of its own, as far as it is about names, and the patience
// with a file that somebody has open. What a real one does: test/windows/.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { mock } = require('node:test')
const os = require('node:os')
const path = require('node:path')
const {
  isBelow,
  isPipe,
  localDirectories,
  openExclusively,
  replaceFile
} = require('../../lib/base/windows.js')

const refuseWith = (code) => () => {
  throw Object.assign(new Error(code), { code })
}

describe('on Windows', () => {
  afterEach(() => mock.restoreAll())

  it('a user’s own files are in LOCALAPPDATA, else in the profile', () => {
    const home = 'C:\\Users\\é b'
    const own = `${home}\\AppData\\Local\\KindlyGuard`
    const of = (LOCALAPPDATA, where = home) =>
      localDirectories({ LOCALAPPDATA }, where)
    assert.deepEqual(of(undefined), [own])
    assert.deepEqual(of('D:\\data'), ['D:\\data\\KindlyGuard', own])
    // The usual one, which stands once.
    for (const usual of ['\\AppData\\Local', '\\APPDATA\\local\\']) {
      assert.equal(of(home + usual).length, 1)
    }
    for (const wrong of ['', 'data', '.\\data', 'D:data', 5, null]) {
      assert.deepEqual(of(wrong), [own])
    }
    assert.deepEqual(of('D:\\data', null), ['D:\\data\\KindlyGuard'])
    assert.deepEqual(of(undefined, null), [])
  })

  it('what is in a profile, and what only looks like it', () => {
    const roots = ['C:\\Users\\me', '\\\\server\\homes\\me']
    for (const inside of [
      ...['C:\\Users\\me', 'c:\\USERS\\Me\\', 'C:\\Users\\me\\a\\b c\\é'],
      ...['C:/Users/me/a', 'C:\\Users\\me\\..a', 'C:\\Users\\me\\a\\..\\b'],
      '\\\\server\\homes\\me\\a'
    ]) {
      assert.equal(isBelow(inside, roots), true, inside)
    }
    for (const outside of [
      ...['C:\\', 'C:\\Users', 'C:\\Users\\me2', 'C:\\Users\\Public\\a'],
      ...['D:\\Users\\me\\a', 'C:\\Users\\me\\..\\you', '\\\\server\\homes'],
      ...['\\\\other\\homes\\me\\a', '\\\\server\\homes\\me2']
    ]) {
      assert.equal(isBelow(outside, roots), false, outside)
    }
    assert.equal(isBelow('C:\\Users\\me', []), false)
  })

  it('what the name of a pipe is', () => {
    for (const name of [
      '\\\\.\\pipe\\a',
      '\\\\?\\PIPE\\é b',
      '\\\\.\\pipe\\a.b'
    ]) {
      assert.equal(isPipe(name), true, name)
    }
    for (const name of [
      ...['', '/run/a.sock', 'C:\\pipe\\a', '\\\\host\\pipe\\a', 'pipe\\a'],
      ...[
        '\\\\.\\pipe\\',
        '\\\\.\\pipe\\\\a',
        '\\\\.\\pipes\\a',
        '\\\\.\\C:\\a'
      ],
      ...['//./pipe/a', ' \\\\.\\pipe\\a']
    ]) {
      assert.equal(isPipe(name), false, name)
    }
  })

  it('what others can open all the same is no claim', () => {
    const file = path.join(os.tmpdir(), `kindly-guard-test-${process.pid}`)
    const closed = []
    mock.method(fs, 'closeSync', (fd) => closed.push(fd))
    const open = mock.method(fs, 'openSync', () => 7)
    assert.throws(() => openExclusively(file), { code: 'ENOTSUP' })
    assert.deepEqual(closed, [7, 7])
    assert.deepEqual(open.mock.calls[0].arguments.at(-1), 0o600)
  })

  it('what nobody else can open is one, and what somebody has open is not', () => {
    const answers = [() => 7, refuseWith('EBUSY'), refuseWith('EBUSY')]
    mock.method(fs, 'openSync', () => answers.shift()())
    assert.equal(openExclusively('file'), 7)
    assert.throws(() => openExclusively('file'), { code: 'EBUSY' })
  })

  describe('a file that takes another’s place', () => {
    /** Renaming fails so often, with these codes in turn. */
    function refuse(times, ...codes) {
      const rename = mock.method(fs, 'renameSync', () => {
        const code = codes[rename.mock.callCount() % codes.length]
        if (rename.mock.callCount() < times) {
          throw Object.assign(new Error(code), { code })
        }
      })
      return () => rename.mock.calls
    }

    it('waits for who has it open', () => {
      const calls = refuse(6, 'EPERM', 'EACCES', 'EBUSY')
      replaceFile('from', 'to', true)
      assert.equal(calls().length, 7)
      for (const call of calls()) {
        assert.deepEqual(call.arguments, ['from', 'to'])
      }
    })

    it('not for ever', () => {
      const calls = refuse(Infinity, 'EBUSY')
      assert.throws(() => replaceFile('from', 'to', true), { code: 'EBUSY' })
      assert.equal(calls().length, 8)
    })

    it('nor for what does not pass', () => {
      const calls = refuse(Infinity, 'ENOSPC')
      assert.throws(() => replaceFile('from', 'to', true), { code: 'ENOSPC' })
      assert.equal(calls().length, 1)
    })

    it('elsewhere it is asked once', () => {
      const calls = refuse(Infinity, 'EPERM')
      assert.throws(() => replaceFile('from', 'to', false), { code: 'EPERM' })
      assert.equal(calls().length, 1)
    })
  })
})
