'use strict'
// The ws package as its own documentation advises for speed: no compression,
// text frames, one message per threat or one JSON array for many. A broadcast
// makes its text once.

const { WebSocket, WebSocketServer } = require('ws')
const { peerReceiver, peerSender } = require('./messages.js')

const HIGH_WATER = 1 << 20

/** @param {{ readers: number, publish: (place: object) => void }} config */
async function createSender({ readers, publish }) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false
  })
  await new Promise((resolve) => {
    server.once('listening', resolve)
  })
  const sockets = []
  const connected = new Promise((resolve) => {
    server.on('connection', (socket) => {
      if (sockets.push(socket) === readers) resolve()
    })
  })
  publish({ port: server.address().port })
  const put = (list) => {
    const text = JSON.stringify({ type: 'threat', threats: list })
    for (const socket of sockets) socket.send(text)
  }
  const settle = async () => {
    // It walks the sockets' queues.
    while (sockets.some((socket) => socket.bufferedAmount > HIGH_WATER)) {
      await new Promise(setImmediate)
    }
  }
  const close = async () => {
    sockets.forEach((socket) => socket.terminate())
    await new Promise((resolve) => {
      server.close(resolve)
    })
  }
  return {
    ...peerSender(put, settle, close),
    connected: () => connected
  }
}

/** @param {{ place: { port: number }, mode: string }} config */
async function createReceiver({ place, mode }, onThreat) {
  const socket = new WebSocket(`ws://127.0.0.1:${place.port}`, {
    perMessageDeflate: false
  })
  const done = new Promise((resolve, reject) => {
    socket.on('message', (data) => {
      try {
        JSON.parse(data).threats.forEach(onThreat)
      } catch (error) {
        reject(error)
      }
    })
    socket.once('close', resolve)
    socket.once('error', reject)
  })
  await new Promise((resolve) => {
    socket.once('open', resolve)
  })
  return peerReceiver(mode, done, async () => {
    socket.terminate()
    await done
  })
}

module.exports = { createSender, createReceiver }
