'use strict'
// A Shield over WebSocket with either log, its clients by hand, and what waits
// in it for each of them.

const assert = require('node:assert/strict')
const { IpcFactory, PlatformShm } = require('../../lib/index.js')
const { serviceOf } = require('../../lib/shield/transport.js')
const { connected } = require('./factory.js')
const { threat, useRing } = require('./ring.js')
const { DEADLINE_MS, sleep, turn, until } = require('./wait.js')
const { LONG_MS, Peer } = require('./websocket-peer.js')

const MiB = 2 ** 20

// The least that may be asked for.
const MAX_BUFFERED = 64 * 1024

// What one message of the server holds unless a single event is larger.
const MESSAGE = 256 * 1024

const LOGS = {
  'a log in memory': { create: IpcFactory.createTransport, preferShm: false }
}
if (PlatformShm.isAvailable()) {
  LOGS['a log in a ring'] = { create: IpcFactory.createHybridTransport }
}

/** The server's object for the client that came last. */
const subscriberOf = (shield) =>
  [...serviceOf(shield).broadcaster.subscribers].at(-1)

/** The server's socket of that client. */
const socketOf = (shield) => subscriberOf(shield).socket

/**
 * What waits in the server for one client, in bytes: what was given to its
 * socket and has not gone, and what the socket itself admits to.
 * @param {import('ws').WebSocket} socket from socketOf()
 */
function meter(socket) {
  const { send } = socket
  let waiting = 0
  socket.send = (data, options, done) => {
    const bytes = Buffer.byteLength(data)
    waiting += bytes
    send.call(socket, data, options, (error) => {
      waiting -= bytes
      done(error)
    })
  }
  return () => Math.max(waiting, socket.bufferedAmount)
}

/**
 * In a `describe`: a Shield, which starts when the test says so, and what the
 * test does with it.
 * @param {(options: object) => object} create a function of IpcFactory
 * @param {object} preference options of it
 */
function useShield(create, preference) {
  const ring = useRing()
  let shield

  /** A Shield that waits for nobody unless `websocket` says so. */
  async function startShield({ websocket, ...more } = {}) {
    shield = ring().keep(
      create({
        dir: ring().dir,
        maxEvents: 1024,
        ...preference,
        ...more,
        websocket: {
          port: 0,
          heartbeatMs: LONG_MS,
          stallTimeoutMs: LONG_MS,
          maxBufferedBytes: MAX_BUFFERED,
          ...websocket
        }
      })
    )
    await shield.ready()
    return shield
  }

  /** A client by hand, gone after the test. */
  async function peer() {
    const one = await Peer.connect(ring().dir)
    ring().keep({ close: () => one.end() })
    return one
  }

  async function subscribed(command = { from: 'latest' }) {
    const one = (await peer()).read()
    one.say({ type: 'subscribe', ...command })
    await until(() => one.messages.length > 0, 'its status')
    return one
  }

  const reader = (options) =>
    connected(ring(), { dir: ring().dir, preferShm: false, ...options })

  const isBlocked = () => subscriberOf(shield)?.stats().isFull ?? false
  const evicted = () => shield.stats().websocket.evicted
  const published = () => shield.stats().sequence

  /** Publishes so many, each of `size` bytes or somewhat more. */
  function publish(count, size = 0, fill = 'x') {
    for (let i = 0; i < count; i++) {
      const { sequence } = shield.stats()
      shield.writeThreat(threat(`${sequence + 1} ${fill.repeat(size)}`))
    }
  }

  /** Publishes for as long as it takes, and calls `look` at every turn. */
  async function publishUntil(condition, look = () => {}) {
    for (let bytes = 0; !condition(); bytes += 16 * 4000) {
      assert(bytes < 256 * MiB, 'the system’s buffers have an end')
      publish(16, 4000)
      await turn()
      look()
    }
  }

  /**
   * Publishes whenever the last client would take it, until one is evicted.
   * @param {() => void} [meanwhile] called now and then while it would not
   * @param {number} [before] how many were evicted before
   */
  async function publishUntilEvicted(meanwhile = () => {}, before = evicted()) {
    const deadline = Date.now() + DEADLINE_MS
    while (evicted() === before) {
      assert(Date.now() < deadline, 'nobody was evicted')
      if (isBlocked()) {
        meanwhile()
        await sleep(5)
      } else {
        publish(16, 4000)
        await turn()
      }
    }
  }

  /** Reads on until it has the last one that was published. */
  async function readAll(one, account) {
    one.read()
    await until(() => {
      account.take(one.messages)
      return account.next === published() + 1
    }, 'the last one')
    return account
  }
  return {
    evicted,
    isBlocked,
    peer,
    publish,
    published,
    publishUntil,
    publishUntilEvicted,
    readAll,
    reader,
    ring,
    startShield,
    subscribed
  }
}

module.exports = {
  LOGS,
  MAX_BUFFERED,
  MESSAGE,
  meter,
  MiB,
  socketOf,
  subscriberOf,
  useShield
}
