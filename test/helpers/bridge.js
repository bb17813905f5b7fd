'use strict'
// A bridge in this process, and clients of it.

const { RingBridge } = require('../../lib/shield/bridge.js')
const { connected, useHome } = require('./factory.js')
const { useRing } = require('./ring.js')
const { Peer } = require('./websocket-peer.js')

/** In a `describe`: the ring of the test that runs, bridges and their clients,
 * which are closed after it. */
function useBridge() {
  const current = useRing()
  useHome()

  const common = () => ({ dir: current().dir, websocket: { port: 0 } })

  /** @param {object} [options] @param {object | null} [before] of RingBridge */
  async function bridgeOf(options = {}, before = undefined) {
    const bridge = new RingBridge({ ...common(), ...options }, before)
    current().keep(bridge)
    await bridge.start()
    return bridge
  }

  const overWebSocket = (options) =>
    connected(current(), { ...common(), preferShm: false, ...options })

  /** A client that asks by hand. */
  async function peerOf(command) {
    const peer = (await Peer.connect(current().dir)).read()
    current().keep({ close: () => peer.end() })
    return peer.say(command)
  }

  return { bridgeOf, common, current, overWebSocket, peerOf }
}

module.exports = { useBridge }
