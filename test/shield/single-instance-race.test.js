'use strict'
// The socket of a Shield that somebody takes away while it begins, and one that
// cannot be made.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { mock } = require('node:test')
const net = require('node:net')
const path = require('node:path')
const { SingleInstance } = require('../../lib/shield/single-instance.js')
const { useHome } = require('../helpers/factory.js')
const { useRing } = require('../helpers/ring.js')

describe('the socket of a Shield that begins', () => {
  const current = useRing()
  useHome()
  let place
  let instance

  beforeEach(() => {
    const { dir } = current()
    place = path.join(dir, 'kindly-guard.sock')
    instance = new SingleInstance({ dir })
  })

  afterEach(() => {
    instance.free()
    mock.restoreAll()
  })

  /** Calls `then` behind each renaming into the place, with how many there were. */
  function afterTaking(then) {
    const { renameSync } = fs
    let times = 0
    mock.method(fs, 'renameSync', (from, to) => {
      renameSync(from, to)
      if (to === place) then(++times)
    })
    return () => times
  }

  it('F37 is taken away at once: made again, without the lock', async () => {
    const times = afterTaking((time) => {
      if (time === 1) fs.unlinkSync(place)
    })
    await instance.take(false)
    assert.equal(times(), 2)
    assert.equal(instance.path, place)
    assert(fs.existsSync(place))
  })

  it('with the lock it is put back when it is looked for', async () => {
    const times = afterTaking((time) => {
      if (time === 1) fs.unlinkSync(place)
    })
    await instance.take(true)
    assert.deepEqual([times(), fs.existsSync(place)], [1, false])
    await instance.check(true)
    assert.deepEqual([times(), fs.existsSync(place)], [2, true])
  })

  it('F37 is freed while it settles: gone, and not made again', async () => {
    const times = afterTaking(() => setImmediate(() => instance.free()))
    await instance.take(false)
    assert.equal(times(), 1)
    assert.deepEqual([instance.isHeld, instance.path], [false, null])
    assert.equal(fs.existsSync(place), false)
    await instance.check(false)
    assert.equal(times(), 1)
  })

  it('is freed while it is made: leaves nothing', async () => {
    const { chmodSync } = fs
    mock.method(fs, 'chmodSync', (...args) => {
      chmodSync(...args)
      instance.free()
    })
    await instance.take(false)
    assert.equal(instance.isHeld, false)
    assert.equal(fs.existsSync(place), false)
  })

  it('cannot be made anywhere: why, and that is no other Shield', async () => {
    mock.method(net.Server.prototype, 'listen', function fake() {
      const error = Object.assign(new Error('full'), {
        code: 'EMFILE',
        syscall: 'socket'
      })
      process.nextTick(() => this.emit('error', error))
      return this
    })
    await instance.take(false)
    assert.equal(instance.isHeld, false)
    assert.equal(instance.error.code, 'ERR_SYSTEM')
    assert(instance.error.message.includes(`${place}: socket: EMFILE`))
    // It may be possible later, and then there is no error.
    mock.restoreAll()
    await instance.check(false)
    assert.deepEqual([instance.isHeld, instance.error], [true, null])
  })

  it('F33 that is reset before its connection is told of is found', async () => {
    const { dir } = current()
    await instance.take(false)
    const asking = new SingleInstance({ dir }, { isOn: false })
    mock.method(net, 'connect', () => {
      const socket = new net.Socket()
      const error = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
      return socket.destroy(error)
    })
    await assert.rejects(asking.take(false), { code: 'ERR_RING_LOCKED' })
    asking.free()
  })

  it('that only asks has none', async () => {
    const { dir } = current()
    const asking = new SingleInstance({ dir }, { isOn: false })
    await asking.take(false)
    assert.deepEqual([asking.isHeld, fs.existsSync(place)], [false, false])
    await instance.take(false)
    await assert.rejects(asking.take(false), { code: 'ERR_RING_LOCKED' })
    asking.free()
  })

  it('whoever connects to one without a server is let go', async () => {
    await instance.take(true)
    const client = net.connect(place)
    await new Promise((resolve) => {
      client.on('error', () => {})
      client.on('close', resolve)
      client.resume()
    })
  })
})
