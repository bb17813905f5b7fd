'use strict'
// How often a Shield tries again what failed, and looks after its files, by a
// clock of the test's.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const { mock } = require('node:test')
const net = require('node:net')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { createToken } = require('../../lib/websocket/auth.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { mustBeAlone } = require('../../lib/shield/websocket-service.js')
const { SingleInstance } = require('../../lib/shield/single-instance.js')
const { useFactory } = require('../helpers/factory.js')
const { useClock } = require('../helpers/clock.js')
const { threat } = require('../helpers/ring.js')
const { record, sleep, until } = require('../helpers/wait.js')
const { IS_WINDOWS } = require('../helpers/system.js')

const RETRY_MS = 1000
const CHECK_MS = 500
const PROBE_MS = 1000
const ROUNDS = 100

describe('a Shield', () => {
  const clock = useClock()
  const { current, overWebSocket, shieldOf } = useFactory()
  let ring

  beforeEach(() => {
    ring = current()
    clock.begin()
  })

  it('F24 puts its files back when it looks: twice a second', async () => {
    await shieldOf(IpcFactory.createTransport, overWebSocket())
    // The pipe of Windows is no file.
    const names = IS_WINDOWS ? ['json'] : ['json', 'sock']
    const files = names.map((end) => path.join(ring.dir, `kindly-guard.${end}`))
    files.forEach((file) => fs.unlinkSync(file))
    clock.advance(CHECK_MS - 1 - (clock.now() % CHECK_MS))
    await sleep(50)
    assert.equal(files.some(fs.existsSync), false)
    clock.advance(1)
    await until(() => files.every(fs.existsSync), 'both')
  })

  it('whose server cannot start tries again after a second', async () => {
    const { listen } = net.Server.prototype
    let attempts = 0
    mock.method(net.Server.prototype, 'listen', function fake(options) {
      attempts++
      if (attempts > 2) return listen.call(this, options)
      const error = Object.assign(new Error('full'), { code: 'EMFILE' })
      process.nextTick(() => this.emit('error', error))
      return this
    })
    const websocket = { port: 0, socket: false }
    const options = { ...overWebSocket(), websocket }
    const shield = ring.keep(IpcFactory.createTransport(options))
    const errors = record(shield, 'error')
    await assert.rejects(shield.ready(), { code: 'ERR_TOO_MANY_FILES' })
    assert.equal(attempts, 1)
    assert.equal(shield.stats().transport, 'none')
    assert.throws(() => shield.writeThreat(threat()), {
      code: 'ERR_TOO_MANY_FILES'
    })
    const failed = clock.now()
    clock.advance(RETRY_MS - 1)
    await sleep(20)
    assert.equal(attempts, 1)
    clock.advance(1)
    await assert.rejects(shield.ready(), { code: 'ERR_TOO_MANY_FILES' })
    assert.deepEqual([attempts, clock.now() - failed], [2, RETRY_MS])
    clock.advance(RETRY_MS)
    await shield.ready()
    assert.equal(attempts, 3)
    assert.equal(shield.writeThreat(threat()), 1)
    // The same failure is told once.
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['ERR_TOO_MANY_FILES']
    )
  })

  it('that is closed while it waits to try again does not', async () => {
    let attempts = 0
    mock.method(net.Server.prototype, 'listen', function fake() {
      attempts++
      const error = Object.assign(new Error('full'), { code: 'EMFILE' })
      process.nextTick(() => this.emit('error', error))
      return this
    })
    const websocket = { port: 0, socket: false }
    const options = { ...overWebSocket(), websocket }
    const shield = ring.keep(IpcFactory.createTransport(options))
    await assert.rejects(shield.ready())
    await shield.close()
    clock.advance(10 * RETRY_MS)
    await sleep(20)
    assert.equal(attempts, 1)
  })

  it('F33 waits a second for one that may live, and does not answer', async () => {
    const silent = net.createServer((socket) =>
      socket.on('error', () => {}).resume()
    )
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      writeDiscovery(ring.dir, 'kindly-guard', {
        version: 1,
        state: 'live',
        socket: null,
        port: silent.address().port,
        host: '127.0.0.1',
        auth: 'token',
        token: createToken(),
        generation: '0123456789abcdef',
        dir: null,
        pid: process.pid,
        startedAt: new Date().toISOString()
      })
      let isAlone = false
      const asked = mustBeAlone({ dir: ring.dir }, false).then(() => {
        isAlone = true
      })
      await once(silent, 'connection')
      clock.advance(PROBE_MS - 1)
      await sleep(20)
      assert.equal(isAlone, false)
      clock.advance(1)
      await asked
    } finally {
      silent.close()
    }
  })

  it('F37 whose place is taken by others again and again gives up', async () => {
    const place = path.join(ring.dir, 'kindly-guard.sock')
    const { chmodSync } = fs
    let rounds = 0
    // Between its question and its answer, something else is there.
    mock.method(fs, 'chmodSync', (...args) => {
      rounds++
      fs.renameSync(fs.mkdtempSync(path.join(ring.dir, 'x')), place)
      return chmodSync(...args)
    })
    const instance = new SingleInstance({ dir: ring.dir })
    await instance.take(false)
    assert.deepEqual([rounds, instance.isHeld], [ROUNDS, false])
    instance.free()
  })
})
