'use strict'
// The kernel's lock is the claim, and the socket is not.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { collect, until } = require('../helpers/wait.js')

describe('a Shield that holds the kernel’s lock', () => {
  const { current, overWebSocket, shieldOf } = useFactory()

  it('F33 puts its socket back where another’s is, and stays', async () => {
    const ring = current()
    const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    const { socket } = shield.stats().websocket
    const made = path.join(ring.dir, 'other')
    const server = net.createServer((one) => one.destroy()).listen(made)
    ring.keep(server)
    await once(server, 'listening')
    fs.chmodSync(made, 0o600)
    const { ino } = fs.lstatSync(made)
    fs.renameSync(made, socket)
    await until(() => fs.lstatSync(socket).ino !== ino, 'its own')
    assert.equal(shield.stats().transport, 'websocket')
    const client = await connected(ring, overWebSocket())
    const got = collect(client, 1)
    write(shield, 1)
    await got
    assert.equal(client.stats().socket, socket)
  })

  it('F33 ends one without the addon that started in the same instant', async () => {
    const ring = current()
    const options = { ...overWebSocket(), websocket: { port: false } }
    const open = async (env) => {
      const child = ring.child({ env: { ...process.env, ...env } })
      await child.call(async (state, more) => {
        state.shield = state.ipc.IpcFactory.createTransport(more)
        await state.shield.ready()
      }, options)
      return child
    }
    const told = (child) =>
      child.call(({ shield }) => {
        const { transport, error } = shield.stats()
        return { transport, code: error?.code }
      })
    const holder = await open({})
    const socket = path.join(ring.dir, 'kindly-guard.sock')
    // As if the other one had asked before this one could be found.
    holder.signal('SIGSTOP')
    fs.unlinkSync(socket)
    const other = await open({ KINDLY_GUARD_IPC_NO_NATIVE: '1' })
    holder.signal('SIGCONT')
    const code = await until(async () => (await told(other)).code, 'its end')
    assert.equal(code, 'ERR_RING_LOCKED')
    assert.deepEqual(await told(holder), {
      transport: 'websocket',
      code: undefined
    })
    await until(() => fs.existsSync(socket), 'the socket')
  })
})
