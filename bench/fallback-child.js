'use strict'
// The processes of fallback.js: a Shield, a client that reads, and many that
// do not.

const { setTimeout: sleep } = require('node:timers/promises')
const { IpcFactory } = require('..')
const { connect } = require('../lib/websocket/client/connect.js')
const { locator } = require('../lib/websocket/locate.js')

const [role, configText] = process.argv.slice(2)
const config = JSON.parse(configText)
const say = (type, more) => process.send({ type, ...more })

function threat(details) {
  return {
    threatType: 'InjectionAttempt',
    severity: 'High',
    source: 'bench',
    details,
    blocked: true
  }
}

const roles = {
  /** Publishes every so often, or when it is told to. */
  async shield({ dir, everyMs, hybrid = false, maxClients }) {
    const create = hybrid
      ? IpcFactory.createHybridTransport
      : IpcFactory.createTransport
    const shield = create({
      dir,
      preferShm: hybrid,
      websocket: { port: 0, maxClients, stallTimeoutMs: 600_000 }
    })
    await shield.ready()
    let lost = () => {}
    let timer
    const publish = () => {
      const before = shield.isShmActive()
      const at = process.hrtime.bigint()
      shield.writeThreat(threat(`${at}`))
      if (before && !shield.isShmActive()) lost({ lostAt: String(at) })
    }
    if (everyMs !== undefined) timer = setInterval(publish, everyMs)
    return {
      lost: () =>
        new Promise((resolve) => {
          lost = resolve
        }),
      memory: () => {
        global.gc()
        return { rss: process.memoryUsage.rss() }
      },
      flood: async ({ count, bytes }) => {
        for (let i = 0; i < count; i++) {
          shield.writeThreat(threat('x'.repeat(bytes)))
          await sleep(10)
        }
      },
      singles: async ({ count, pauseMs }) => {
        for (let i = 0; i < count; i++) {
          await sleep(pauseMs * (0.75 + Math.random() / 2))
          shield.writeThreat(threat(`${process.hrtime.bigint()}`))
        }
      },
      clients: () => {
        const { clients, live } = shield.stats().websocket
        return { blocked: clients - live }
      },
      end: () => {
        clearInterval(timer)
        return shield.close()
      }
    }
  },

  /** Reads, and says how old each threat was. */
  async reader({ dir }) {
    const client = await IpcFactory.createClient({ dir, preferShm: false })
    const latencies = []
    let begun = false
    client.on('threat', ({ details }) => {
      const now = process.hrtime.bigint()
      if (begun) latencies.push(Number(now - BigInt(details)) / 1000)
    })
    while (client.stats().transport === 'connecting') await sleep(5)
    return {
      begin: async () => {
        // What came before the singles was taken.
        let received = -1
        while (received !== client.stats().received) {
          ;({ received } = client.stats())
          await sleep(200)
        }
        begun = true
      },
      latencies: async ({ count }) => {
        while (latencies.length < count) await sleep(5)
        return { latencies, lost: client.stats().lost }
      },
      end: () => client.close()
    }
  },

  /** Subscribes and never reads. */
  async crowd({ dir, count }) {
    const locate = locator({ dir }, {})
    const sockets = []
    for (let i = 0; i < count; i++) {
      const socket = await connect(locate())
      // It came paused, and stays so.
      socket.send('{"type":"subscribe","from":"latest"}')
      sockets.push(socket)
    }
    return { end: () => sockets.forEach((socket) => socket.terminate()) }
  }
}

roles[role](config).then((answers) => {
  say('ready')
  process.on('message', async ({ type, ...more }) => {
    const answer = await answers[type](more)
    if (type === 'end') process.exit(0)
    say(type, answer)
  })
})
