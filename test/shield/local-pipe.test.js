'use strict'
// The local socket of a Shield on Windows. Elsewhere the same code gets a path
// in place of a pipe's name.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { mock } = require('node:test')
const net = require('node:net')
const path = require('node:path')
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
    pipe = new LocalPipe({ isOn: true, accept, makeName })
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

  it('takes connections under its name', async () => {
    assert.equal(pipe.path, null)
    await pipe.listen()
    assert.deepEqual([pipe.path, pipe.error], [names[0], null])
    const socket = net.connect(pipe.path)
    socket.setEncoding('utf8')
    const [text] = await within(once(socket, 'data'), 'an answer')
    assert.deepEqual([text, accepted], ['here', 1])
    socket.destroy()
  })

  it('listens once, however often it is asked', async () => {
    await Promise.all([pipe.listen(), pipe.listen(), pipe.listen()])
    await pipe.listen()
    assert.equal(names.length, 1)
  })

  it('that cannot listen says why, and listens when it can', async () => {
    refuseToListen()
    await pipe.listen()
    assert.equal(pipe.path, null)
    assert.equal(pipe.error.code, 'ERR_SYSTEM')
    assert(pipe.error.message.includes(`${names[0]}: listen: EMFILE`))
    mock.restoreAll()
    await pipe.listen()
    assert.deepEqual([pipe.path, pipe.error], [names[1], null])
  })

  it('is gone when it is freed', async () => {
    await pipe.listen()
    const [name] = names
    pipe.free()
    assert.equal(pipe.path, null)
    const socket = net.connect(name)
    const [error] = await within(once(socket, 'error'), 'a refusal')
    // Elsewhere the file goes with the server.
    assert([GONE, 'ENOENT'].includes(error.code), error.code)
    await pipe.listen()
    assert.equal(names.length, 1)
  })

  it('is freed while it begins: listens nowhere', async () => {
    const taken = pipe.listen()
    pipe.free()
    await taken
    assert.equal(pipe.path, null)
    const socket = net.connect(names[0])
    await within(once(socket, 'error'), 'a refusal')
  })

  it('that is not wanted is none', async () => {
    const how = { isOn: false, accept() {}, makeName }
    const none = new LocalPipe(how)
    await none.listen()
    await none.listen()
    assert.deepEqual([none.path, none.error, names], [null, null, []])
  })

  it('has a name that nobody guesses', async () => {
    const listen = refuseToListen()
    const how = { isOn: true, accept() {} }
    const pipes = [1, 2].map(() => new LocalPipe(how))
    for (const each of pipes) await each.listen()
    const paths = listen.mock.calls.map(({ arguments: [{ path: at }] }) => at)
    assert.equal(new Set(paths).size, 2)
    for (const each of paths) {
      assert.match(each, /^\\\\\.\\pipe\\kindly-guard-[0-9a-f]{32}$/)
    }
  })
})
