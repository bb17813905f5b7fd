'use strict'
// A Shield and clients of the factory, over whatever their options say.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { sourceOf } = require('../../lib/stream/threat-stream.js')
const { TestRing, threat, useRing } = require('./ring.js')
const { OWN_DIRECTORY } = require('./system.js')
const { until } = require('./wait.js')

/**
 * Opens a client that stands where it begins to read. A function of its
 * arguments alone, so that it can be sent to another process.
 */
async function open({ IpcFactory: factory }, options) {
  const client = await factory.createClient(options)
  while (client.stats().transport === 'connecting') {
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
  return client
}

/**
 * A client that is connected, closed after the test.
 * @param {TestRing} ring
 * @param {object} options
 */
async function connected(ring, options) {
  const client = ring.keep(await IpcFactory.createClient(options))
  await until(
    () => client.stats().transport !== 'connecting',
    'a client that is connected'
  )
  return client
}

/**
 * A pair for suites/transport.js.
 * @param {(options: object) => object} create a function of IpcFactory
 * @param {object} common options of both ends
 * @param {object} [writerOptions]
 */
async function makePair(create, common, writerOptions) {
  const ring = new TestRing()
  const options = { dir: ring.dir, ...common }
  try {
    const shield = ring.keep(create({ ...options, ...writerOptions }))
    await shield.ready()
    const arrived = async (client) => {
      const { websocket } = sourceOf(client)
      if (websocket === null) return
      await until(
        () => websocket.isFull || websocket.arrived >= shield.stats().sequence,
        'what was published'
      )
    }
    return {
      shield,
      arrived,
      open: (readerOptions) =>
        connected(ring, { ...options, ...readerOptions }),
      remote: { open, options },
      child: () => ring.child(),
      program: (main, argument) => ring.program(main, argument),
      close: () => ring.remove()
    }
  } catch (error) {
    await ring.remove()
    throw error
  }
}

/** For each test, an empty place for what goes there when the ring's directory
 * will not do. Call it behind useRing(). */
function useHome() {
  let runtime
  let home

  beforeEach(() => {
    runtime = process.env[OWN_DIRECTORY]
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-home-'))
    process.env[OWN_DIRECTORY] = home
  })

  afterEach(() => {
    if (runtime === undefined) delete process.env[OWN_DIRECTORY]
    else process.env[OWN_DIRECTORY] = runtime
    fs.rmSync(home, { recursive: true, force: true })
  })
}

/** In a `describe`: the directory of the test that runs, and Shields in it. */
function useFactory() {
  const current = useRing()
  useHome()

  const shared = () => ({ dir: current().dir, websocket: { port: 0 } })

  const overWebSocket = () => ({ ...shared(), preferShm: false })

  async function shieldOf(create, options) {
    const shield = current().keep(create(options))
    await shield.ready()
    return shield
  }

  return { current, overWebSocket, shared, shieldOf }
}

function write(shield, count) {
  for (let i = 0; i < count; i++) shield.writeThreat(threat(`${i}`))
}

module.exports = { connected, makePair, useFactory, useHome, write }
