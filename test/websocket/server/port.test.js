'use strict'
// A port at both loopback addresses, for old clients: how often a free one is
// looked for, and what else keeps a server from one.

const assert = require('node:assert/strict')
const { mock } = require('node:test')
const net = require('node:net')
const { Port } = require('../../../lib/websocket/server/port.js')

const ATTEMPTS = 5

describe('a server’s port', () => {
  const { listen } = net.Server.prototype
  let asked // the host and port of each attempt to listen
  let refusalOf // the code of an error for one, or undefined
  let port

  beforeEach(() => {
    asked = []
    refusalOf = () => undefined
    mock.method(net.Server.prototype, 'listen', function fake(options) {
      asked.push([options.host, options.port])
      const code = refusalOf(options)
      if (code === undefined) return listen.call(this, options)
      process.nextTick(() =>
        this.emit('error', Object.assign(new Error(code), { code }))
      )
      return this
    })
  })

  afterEach(async () => {
    mock.restoreAll()
    await port.close()
  })

  const open = (options) => {
    port = new Port({ host: '127.0.0.1', auth: 'none', ...options }, (socket) =>
      socket.destroy()
    )
    return port.listen()
  }

  const others = () => asked.filter(([host]) => host === '::1').length
  const isOther = ({ host }) => host === '::1'

  it('that is taken at the other address: another one, five times', async () => {
    refusalOf = (options) => (isOther(options) ? 'EADDRINUSE' : undefined)
    const number = await open({ port: 0 })
    assert.equal(others(), ATTEMPTS)
    assert.equal(asked.length, 2 * ATTEMPTS)
    // The last one is kept, at the one address alone.
    assert.equal(asked.at(-1)[1], number)
    assert.equal(port.moved, null)
  })

  it('that is free at both addresses the fifth time is had at both', async () => {
    refusalOf = (options) =>
      isOther(options) && others() < ATTEMPTS ? 'EADDRINUSE' : undefined
    const number = await open({ port: 0 })
    assert.deepEqual(asked.at(-1), ['::1', number])
    assert.equal(asked.length, 2 * ATTEMPTS)
  })

  it('that was asked for stays, whoever has it at the other address', async () => {
    const free = await open({ port: 0, auth: 'token' })
    await port.close()
    asked = []
    refusalOf = (options) => (isOther(options) ? 'EADDRINUSE' : undefined)
    assert.equal(await open({ port: free }), free)
    assert.deepEqual(asked, [
      ['127.0.0.1', free],
      ['::1', free]
    ])
  })

  it('where there is no other address: at the one', async () => {
    refusalOf = (options) => (isOther(options) ? 'EADDRNOTAVAIL' : undefined)
    assert(Number.isInteger(await open({ port: 0 })))
    assert.equal(others(), 1)
  })

  it('with a token: at the one address', async () => {
    await open({ port: 0, auth: 'token' })
    assert.equal(others(), 0)
  })

  for (const code of ['EADDRINUSE', 'EACCES']) {
    it(`that cannot be had, ${code}: any, and it says so`, async () => {
      refusalOf = (options) => (options.port === 9 ? code : undefined)
      const number = await open({ port: 9, auth: 'token' })
      assert.notEqual(number, 9)
      assert.deepEqual(port.moved, { from: 9, code })
    })
  }

  for (const [code, expected] of [
    ['EMFILE', 'ERR_TOO_MANY_FILES'],
    ['ENFILE', 'ERR_TOO_MANY_FILES'],
    ['EADDRNOTAVAIL', 'ERR_SYSTEM']
  ]) {
    it(`that fails with ${code}: ${expected}`, async () => {
      refusalOf = () => code
      await assert.rejects(open({ port: 9 }), { code: expected })
      assert.equal(asked.length, 1)
    })
  }

  it('that is closed meanwhile listens no more', async () => {
    refusalOf = (options) => {
      if (isOther(options)) {
        port.close()
        return 'EADDRINUSE'
      }
      return undefined
    }
    await open({ port: 0 })
    assert.equal(others(), 1)
    await port.close()
    await assert.rejects(
      (async () => {
        port = new Port({ host: '127.0.0.1', port: 0, auth: 'token' }, () => {})
        port.close()
        await port.listen()
      })(),
      { code: 'ERR_CLOSED' }
    )
  })
})
