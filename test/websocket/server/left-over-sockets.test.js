'use strict'
// What a Shield that was killed has bound and not put in its place: removed when
// it is a minute old, and nothing else is.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { mock } = require('node:test')
const fs = require('node:fs')
const path = require('node:path')
const { LocalSocket } = require('../../../lib/websocket/server/local-socket.js')
const { useRing } = require('../../helpers/ring.js')

const LEFT_OVER_MS = 60_000
const NAME = '.0123abcd'

describe('sockets that were left', () => {
  const current = useRing()
  let dir
  let now

  beforeEach(() => {
    ;({ dir } = current())
    now = Math.floor(Date.now() / 1000) * 1000
    mock.method(Date, 'now', () => now)
  })

  afterEach(() => mock.restoreAll())

  /** A socket whose process was killed. */
  function leave(name, age) {
    const file = path.join(dir, name)
    const script = `require('node:net').createServer().listen(${JSON.stringify(
      file
    )}, () => process.kill(process.pid, 'SIGKILL'))`
    try {
      execFileSync(process.execPath, ['-e', script])
    } catch (error) {
      assert.equal(error.signal, 'SIGKILL')
    }
    const time = (now - age) / 1000
    fs.utimesSync(file, time, time)
    return file
  }

  /** Whether it is there when a Shield has begun. */
  async function isKept(file) {
    const socket = new LocalSocket(path.join(dir, 'a.sock'), (one) =>
      one.destroy()
    )
    await socket.listen()
    const isThere = fs.existsSync(file)
    socket.take()
    socket.close()
    return isThere
  }

  it('of a minute stay: they may be another’s that begins', async () => {
    assert.equal(await isKept(leave(NAME, LEFT_OVER_MS)), true)
  })

  it('that are older go', async () => {
    assert.equal(await isKept(leave(NAME, LEFT_OVER_MS + 1)), false)
  })

  it('of other names stay, and so do other files', async () => {
    for (const name of ['.0123abcde', '.0123abc', '0123abcd', '.0123abcG']) {
      assert.equal(await isKept(leave(name, 10 * LEFT_OVER_MS)), true, name)
    }
    const file = path.join(dir, NAME)
    fs.writeFileSync(file, '')
    fs.utimesSync(file, 0, 0)
    assert.equal(await isKept(file), true)
  })
})
