'use strict'
// A private file that is changed while it is read: between the look at it, its
// opening and its reading.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { readPrivate } = require('../../lib/base/private-file.js')

const MAX_BYTES = 65_536

describe('a private file that changes while it is read', () => {
  const { fstatSync, openSync } = fs
  const originals = { fstatSync, openSync }
  let dir
  let file

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    file = path.join(dir, 'file')
    fs.writeFileSync(file, 'what was there', { mode: 0o600 })
  })

  afterEach(() => {
    Object.assign(fs, originals)
    fs.rmSync(dir, { recursive: true, force: true })
  })

  /** Once, in front of a call of the system, or behind it. */
  function around(name, { before = () => {}, behind = () => {} }) {
    fs[name] = (...values) => {
      fs[name] = originals[name]
      before()
      const result = originals[name](...values)
      behind()
      return result
    }
  }

  const refused = (code) =>
    assert.throws(
      () => readPrivate(file),
      (error) => {
        assert.equal(error.code, code, error.stack)
        assert(error.message.includes(file))
        return true
      }
    )

  function replaceBy(make) {
    fs.unlinkSync(file)
    make()
  }

  it('F26 a link that comes behind the look: refused, not followed', () => {
    const target = path.join(dir, 'target')
    fs.writeFileSync(target, 'of somebody', { mode: 0o600 })
    around('openSync', {
      before: () => replaceBy(() => fs.symlinkSync(target, file))
    })
    refused('ERR_UNSAFE_PATH')
  })

  it('F27 a directory that comes behind the look: refused', () => {
    around('openSync', {
      before: () => replaceBy(() => fs.mkdirSync(file, { mode: 0o700 }))
    })
    refused('ERR_UNSAFE_PATH')
  })

  it('F28 an open file that comes behind the look: refused', () => {
    around('openSync', {
      before: () =>
        replaceBy(() => {
          fs.writeFileSync(file, 'of anybody')
          fs.chmodSync(file, 0o644)
        })
    })
    refused('ERR_UNSAFE_PATH')
  })

  it('one that is too large by then: refused', () => {
    around('openSync', { before: () => fs.truncateSync(file, MAX_BYTES + 1) })
    refused('ERR_DISCOVERY_INVALID')
  })

  it('none by then: as if there had been none', () => {
    around('openSync', { before: () => fs.unlinkSync(file) })
    assert.equal(readPrivate(file), null)
  })

  it('what grows behind the check: no more than was checked', () => {
    around('fstatSync', {
      behind: () => fs.appendFileSync(file, 'x'.repeat(4 * MAX_BYTES))
    })
    assert.equal(readPrivate(file), 'what was there')
  })

  it('what shrinks behind the check: what is left', () => {
    around('fstatSync', { behind: () => fs.truncateSync(file, 4) })
    assert.equal(readPrivate(file), 'what')
  })

  it('what is replaced behind the check: what was checked', () => {
    around('fstatSync', {
      behind: () => replaceBy(() => fs.writeFileSync(file, 'another one'))
    })
    assert.equal(readPrivate(file), 'what was there')
  })

  it('its descriptor is closed, whatever is found', () => {
    for (const length of [0, MAX_BYTES + 1]) {
      let fd
      fs.openSync = (...values) => {
        fs.openSync = openSync
        fd = openSync(...values)
        fs.truncateSync(file, length)
        return fd
      }
      if (length === 0) assert.equal(readPrivate(file), '')
      else refused('ERR_DISCOVERY_INVALID')
      assert.throws(() => fstatSync(fd), { code: 'EBADF' })
      fs.truncateSync(file, 0)
    }
  })
})
