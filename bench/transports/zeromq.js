'use strict'
// zeromq over ipc://, PUSH and PULL for one receiver, PUB and SUB for several.
// A send is awaited before the next, as its documentation asks; it resolves at
// once while there is room. noDrop makes a publisher refuse instead of losing.

const path = require('node:path')
const zmq = require('zeromq')
const { peerReceiver, peerSender } = require('./messages.js')

const HIGH_WATER = 10_000

/** @param {{ dir: string, readers: number }} config */
async function createSender({ dir, readers, publish }) {
  const address = `ipc://${path.join(dir, 'zeromq')}`
  const isPublisher = readers > 1
  const socket = isPublisher
    ? new zmq.XPublisher({
        sendHighWaterMark: HIGH_WATER,
        noDrop: true,
        verbosity: 'allSubs'
      })
    : new zmq.Push({ sendHighWaterMark: HIGH_WATER })
  await socket.bind(address)
  publish({ address, isPublisher })
  const put = async (list) => {
    const text = JSON.stringify({ threats: list })
    for (;;) {
      try {
        return await socket.send(text)
      } catch (error) {
        // A publisher that may drop nothing does not wait, it says so.
        if (error.code !== 'EAGAIN') throw error
        await new Promise(setImmediate)
      }
    }
  }
  const close = async () => socket.close()
  return {
    ...peerSender(put, async () => {}, close),
    async connected() {
      // A publisher's first messages go to nobody before they subscribed.
      for (let i = 0; isPublisher && i < readers; i++) await socket.receive()
    }
  }
}

/** @param {{ place: { address: string }, mode: string }} config */
async function createReceiver({ place, mode }, onThreat) {
  const socket = place.isPublisher
    ? new zmq.Subscriber({ receiveHighWaterMark: HIGH_WATER })
    : new zmq.Pull({ receiveHighWaterMark: HIGH_WATER })
  socket.connect(place.address)
  if (place.isPublisher) socket.subscribe()
  const receive = async () => {
    for await (const [message] of socket) {
      JSON.parse(message).threats.forEach(onThreat)
    }
  }
  const done = receive()
  return peerReceiver(mode, done, async () => {
    socket.close()
    await done
  })
}

module.exports = { createSender, createReceiver }
