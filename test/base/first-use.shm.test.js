'use strict'
// What is loaded when it is first needed, and whatever has become of the process
// until then: a client that has read a ring goes on over WebSocket.

const assert = require('node:assert/strict')
const os = require('node:os')
const { IpcFactory } = require('../../lib/index.js')
const { LIBRARY } = require('../helpers/child.js')
const { POLLUTIONS } = require('../helpers/pollutions.js')
const { threat, useRing } = require('../helpers/ring.js')
const { IS_WINDOWS } = require('../helpers/system.js')
const { until, within } = require('../helpers/wait.js')

const FREEZER = require.resolve('../helpers/freeze-builtins.js')
const MODEL = ['--permission', '--experimental-permission'].find((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag)
)
// Newer Nodes ask for these as well.
const ALLOWED = ['--allow-addons', '--allow-net'].filter((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag)
)

/** Takes one threat from the ring, says so, and takes the next from wherever it
 * comes. */
async function fall(ipc, { dir, disturb }) {
  const uncaught = []
  process.on('uncaughtException', ({ stack }) => uncaught.push(stack))
  const isLoaded = () =>
    Object.keys(require.cache).some((file) => /node_modules.ws\W/.test(file))
  const client = await ipc.IpcFactory.createClient({ dir, from: 'oldest' })
  const seen = { got: [], uncaught }
  const take = () =>
    client.pollThreats(({ details }) => {
      seen.got.push(details)
      return false
    })
  await take()
  seen.isEarly = isLoaded()
  if (disturb !== undefined) new Function('require', `(${disturb})()`)(require)
  console.log('the ring was read')
  await take()
  seen.isLate = isLoaded()
  seen.transport = client.stats().transport
  await client.close()
  delete Array.prototype.toJSON
  delete Object.prototype.toJSON
  console.log(JSON.stringify(seen))
}

/** The same in a thread. */
function fallInThread(_ipc, { library, source, dir }) {
  const { Worker } = require('node:worker_threads')
  const argument = JSON.stringify({ dir })
  const script = `(${source})(require(${JSON.stringify(library)}), ${argument})`
  new Worker(script, { eval: true })
}

describe('the first WebSocket of a client that has read a ring', () => {
  const current = useRing()
  let shield

  beforeEach(async () => {
    const { dir } = current()
    const options = { dir, websocket: { port: 0 } }
    shield = current().keep(IpcFactory.createHybridTransport(options))
    await shield.ready()
    shield.writeThreat(threat('from the ring'))
  })

  /** A client over there falls back to WebSocket. */
  async function fallsBack(main, argument, options) {
    const ring = current()
    const program = ring.program(main, argument, options)
    await until(
      () => program.stdout.includes('\n') || !program.running,
      'a threat from the ring'
    )
    ring.takeAway()
    try {
      shield.isHealthy()
      shield.writeThreat(threat('after it'))
      const { code, stdout, stderr } = await within(program.exited, 'its end')
      assert.equal(code, 0, stderr)
      assert.deepEqual(JSON.parse(stdout.split('\n')[1]), {
        got: ['from the ring', 'after it'],
        uncaught: [],
        isEarly: false,
        isLate: true,
        transport: 'websocket'
      })
    } finally {
      ring.bringBack()
    }
  }

  it('comes behind process.chdir()', () => {
    const disturb = `() => process.chdir(${JSON.stringify(os.tmpdir())})`
    return fallsBack(fall, { disturb })
  })

  it('comes in a thread', () =>
    fallsBack(fallInThread, { library: LIBRARY, source: String(fall) }))

  for (const [name, pollute] of Object.entries(POLLUTIONS)) {
    // Numbers are more than the require() of Node 20 can stand.
    if (pollute === undefined || name === 'numbers') continue
    it(`F76 comes where all objects have ${name}`, () =>
      fallsBack(fall, { disturb: String(pollute) }))
  }

  it('F76 comes in a process with frozen builtins', () =>
    fallsBack(fall, {}, { flags: ['-r', FREEZER] }))

  it('F76 comes where they were frozen meanwhile', () =>
    fallsBack(fall, {
      disturb: `() => require(${JSON.stringify(FREEZER)})`
    }))

  if (!IS_WINDOWS) {
    it('F82 comes under the permission model', () =>
      fallsBack(
        fall,
        {},
        {
          flags: [MODEL, '--allow-fs-read=*', '--allow-fs-write=*', ...ALLOWED]
        }
      ))
  }
})
