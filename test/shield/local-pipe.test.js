'use strict'
// The local socket of a Shield on Windows. Elsewhere the same code gets a path
// in place of a pipe's name.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const { mock } = require('node:test')
const net = require('node:net')
const path = require('node:path')
const { ownDirectories } = require('../../lib/base/own-directories.js')
const { LocalPipe } = require('../../lib/shield/local-pipe.js')
const { useRing } = require('../helpers/ring.js')
const { GONE, IS_WINDOWS, socketPath } = require('../helpers/system.js')
const { within } = require('../helpers/wait.js')

describe('the pipe of a Shield', () => {
  const current = useRing()
  let names
  let pipe
  let accepted

  function makeName() {
    const name = `${process.pid}-${names.length}`
    names.push(
      IS_WINDOWS ? socketPath(name) : path.join(current().dir, `${name}.sock`)
    )
    return names.at(-1)
  }

  beforeEach(() => {
    names = []
    accepted = 0
    const accept = (socket) => {
      accepted++
      socket.end('here')
    }
    pipe = new LocalPipe(
      { dir: current().dir },
      { isOn: true, accept, makeName }
    )
  })

  afterEach(() => {
    pipe.free()
    mock.restoreAll()
  })

  const refuseToListen = () =>
    mock.method(net.Server.prototype, 'listen', function fake() {
      const error = Object.assign(new Error('full'), {
        code: 'EMFILE',
        syscall: 'listen'
      })
      process.nextTick(() => this.emit('error', error))
      return this
    })

  it('takes connections under its name, and is no claim', async () => {
    assert.equal(pipe.path, null)
    await pipe.take(false)
    assert.deepEqual([pipe.path, pipe.error], [names[0], null])
    assert.equal(pipe.isHeld, false)
    const socket = net.connect(pipe.path)
    socket.setEncoding('utf8')
    const [text] = await within(once(socket, 'data'), 'an answer')
    assert.deepEqual([text, accepted], ['here', 1])
    socket.destroy()
  })

  it('listens once, however often it is asked', async () => {
    await Promise.all([pipe.take(false), pipe.check(false), pipe.check(true)])
    await pipe.check(false)
    assert.equal(names.length, 1)
  })

  it('that cannot listen says why, and listens when it can', async () => {
    refuseToListen()
    await pipe.take(false)
    assert.equal(pipe.path, null)
    assert.equal(pipe.error.code, 'ERR_SYSTEM')
    assert(pipe.error.message.includes(`${names[0]}: listen: EMFILE`))
    mock.restoreAll()
    await pipe.check(false)
    assert.deepEqual([pipe.path, pipe.error], [names[1], null])
  })

  it('is gone when it is freed', async () => {
    await pipe.take(false)
    const [name] = names
    pipe.free()
    assert.equal(pipe.path, null)
    const socket = net.connect(name)
    const [error] = await within(once(socket, 'error'), 'a refusal')
    // Elsewhere the file goes with the server.
    assert([GONE, 'ENOENT'].includes(error.code), error.code)
    await pipe.check(false)
    assert.equal(names.length, 1)
  })

  it('is freed while it begins: listens nowhere', async () => {
    const taken = pipe.take(true)
    pipe.free()
    await taken
    assert.equal(pipe.path, null)
    const socket = net.connect(names[0])
    await within(once(socket, 'error'), 'a refusal')
  })

  it('that is not wanted is none', async () => {
    const how = { isOn: false, accept() {}, makeName }
    const none = new LocalPipe({ dir: current().dir }, how)
    await none.take(false)
    await none.check(false)
    assert.deepEqual([none.path, none.error, names], [null, null, []])
  })

  describe('without the lock', () => {
    const refuseToRename = (times) => {
      const code = 'EBUSY'
      const rename = mock.method(fs, 'renameSync', () => {
        if (rename.mock.callCount() < times) {
          throw Object.assign(new Error(code), { code })
        }
      })
      return () => rename.mock.calls.map(({ arguments: [file] }) => file)
    }

    it('F33 whose file another one holds: ERR_RING_LOCKED', async () => {
      const lock = path.join(current().dir, 'kindly-guard.lock')
      const asked = refuseToRename(Infinity)
      await assert.rejects(pipe.take(false), (error) => {
        assert.equal(error.code, 'ERR_RING_LOCKED')
        assert(error.message.includes(lock), error.message)
        return true
      })
      assert.deepEqual(new Set(asked()), new Set([lock]))
      assert.equal(pipe.path, null)
    })

    it('whose file somebody only asks: waits for that', async () => {
      const asked = refuseToRename(3)
      await pipe.take(false)
      assert.equal(asked().length, 4)
      assert.equal(pipe.path, names[0])
    })

    it('it asks in the default directories, where no other is said', async () => {
      const asked = refuseToRename(0)
      const how = { isOn: true, accept() {}, makeName }
      const other = new LocalPipe({ name: 'other' }, how)
      await other.take(false)
      other.free()
      const files = ownDirectories().map((dir) =>
        path.join(dir, 'shm', 'other.lock')
      )
      assert.deepEqual(asked(), files)
    })

    it('who holds the lock does not ask', async () => {
      const asked = refuseToRename(Infinity)
      await pipe.take(true)
      assert.deepEqual(asked(), [])
    })
  })

  it('has a name that nobody guesses', async () => {
    const listen = refuseToListen()
    const location = { dir: current().dir }
    const how = { isOn: true, accept() {} }
    const pipes = [1, 2].map(() => new LocalPipe(location, how))
    for (const each of pipes) await each.take(false)
    const paths = listen.mock.calls.map(({ arguments: [{ path: at }] }) => at)
    assert.equal(new Set(paths).size, 2)
    for (const each of paths) {
      assert.match(each, /^\\\\\.\\pipe\\kindly-guard-[0-9a-f]{32}$/)
    }
  })
})
