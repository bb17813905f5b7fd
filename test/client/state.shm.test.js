'use strict'
// client.state over the lives of real Shields: every change is told once, and
// what is told is true.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { IpcFactory } = require('../../lib/index.js')
const { useHome } = require('../helpers/factory.js')
const { useRing } = require('../helpers/ring.js')
const { record, sleep, until } = require('../helpers/wait.js')

/** In another process: a Shield over both transports, or over a ring alone. */
async function start(state, { isAlone, ...options }) {
  const { createTransport, createHybridTransport } = state.ipc.IpcFactory
  const create = isAlone ? createTransport : createHybridTransport
  state.shield = create(options)
  await state.shield.ready()
}

const brief = ({ transport, writer }) => `${transport} ${writer}`

describe('the state of a client', () => {
  const current = useRing()
  useHome()
  let ring
  let options

  beforeEach(() => {
    ring = current()
    options = { dir: ring.dir, websocket: { port: 0 } }
  })

  async function shieldOf(more = {}) {
    const child = ring.child()
    await child.call(start, { ...options, ...more })
    return child
  }

  it('follows a Shield that comes, is stopped, is killed, and comes back', async () => {
    const client = ring.keep(await IpcFactory.createClient(options))
    const states = record(client, 'state')
    const { state } = client
    assert.equal(brief(state), 'connecting gone')
    assert.notEqual(state.reason, '')
    const told = async (what) => {
      await until(() => brief(states.at(-1)) === what, what)
      assert.equal(brief(client.state), what)
    }
    // A server of its own may be found before its ring is: another true state.
    const isAlone = true
    const first = await shieldOf({ isAlone })
    await until(() => states.length > 0, 'the first change')
    await told('shm live')
    first.signal('SIGSTOP')
    await told('shm stalled')
    assert.match(client.state.reason, /heartbeat is late/)
    first.signal('SIGCONT')
    await told('shm live')
    await first.kill()
    await told('shm gone')
    assert.match(client.state.reason, /has ended/)
    await shieldOf({ isAlone })
    await told('shm live')
    await sleep(300)
    const seen = states.map(brief).filter((one) => one !== 'connecting gone')
    assert.deepEqual(seen, [
      ...['shm live', 'shm stalled', 'shm live', 'shm gone', 'shm live']
    ])
    assert(states.every(({ since }) => Number.isSafeInteger(since)))
  })

  it('moves to WebSocket and back as one change each', async () => {
    await shieldOf()
    const client = ring.keep(await IpcFactory.createClient(options))
    client.on('threat', () => {})
    await until(() => brief(client.state) === 'shm live', 'the ring')
    const states = record(client, 'state')
    // Its Shield would make another directory.
    fs.rmSync(ring.dir, { recursive: true })
    fs.writeFileSync(ring.dir, '')
    await until(() => states.length === 1, 'a change')
    assert.deepEqual(states.map(brief), ['websocket live'])
    fs.rmSync(ring.dir)
    await until(() => brief(client.state) === 'shm live', 'the ring again')
    await sleep(300)
    assert.deepEqual(states.map(brief), ['websocket live', 'shm live'])
  })

  it('says what is missing, and what to do', async () => {
    const client = ring.keep(
      await IpcFactory.createClient({ ...options, preferShm: false })
    )
    await until(() => client.state.reason !== 'no Shield was found yet', 'why')
    assert.equal(client.state.reason, client.stats().errors.websocket.message)
    fs.writeFileSync(ring.file, 'no ring', { mode: 0o600 })
    const both = ring.keep(await IpcFactory.createClient(options))
    await until(() => both.stats().errors.websocket !== null, 'both')
    const { shm, websocket } = both.stats().errors
    assert.equal(both.state.reason, `${websocket.message} ${shm.message}`)
  })

  it('says once what is wrong with both for the same reason', async () => {
    fs.chmodSync(ring.dir, 0o777)
    const client = ring.keep(await IpcFactory.createClient(options))
    await until(() => client.stats().errors.websocket !== null, 'both')
    const { shm, websocket } = client.stats().errors
    assert.equal(shm.code, 'ERR_UNSAFE_PATH')
    assert.equal(websocket.code, 'ERR_UNSAFE_PATH')
    assert.match(shm.message, /mode 0777/)
    assert.equal(client.state.reason, shm.message)
  })
})
