'use strict'
// The ws package as its own documentation advises for speed: no compression,
// text frames, one message per threat.

const { WebSocket, WebSocketServer } = require('ws')

const HIGH_WATER = 1 << 20

/** @param {{ publishPort: (port: number) => void }} config */
async function createSender({ publishPort }) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false
  })
  await new Promise((resolve) => {
    server.once('listening', resolve)
  })
  const connected = new Promise((resolve) => {
    server.once('connection', resolve)
  })
  publishPort(server.address().port)
  const socket = await connected
  let sequence = 0
  const send = (threat) => {
    sequence++
    socket.send(
      JSON.stringify({
        type: 'threat',
        threats: [
          {
            sequence,
            id: `bench-${sequence}`,
            timestampUs: Date.now() * 1000,
            ...threat
          }
        ]
      })
    )
  }
  return {
    async sendAll(threats, first, last) {
      for (let i = first; i < last; i++) {
        send(threats[i % threats.length])
        // Asked rarely: it walks the socket's queues.
        if (i % 64 === 0) {
          while (socket.bufferedAmount > HIGH_WATER) {
            await new Promise(setImmediate)
          }
        }
      }
    },
    send,
    async close() {
      socket.terminate()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    }
  }
}

/** @param {{ port: number }} config */
async function createReceiver({ port }, onThreat) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, {
    perMessageDeflate: false
  })
  const done = new Promise((resolve, reject) => {
    socket.on('message', (data) => {
      try {
        for (const threat of JSON.parse(data).threats) {
          onThreat(threat)
        }
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
  return {
    lost: () => 0,
    done,
    async close() {
      socket.terminate()
      await done
    }
  }
}

module.exports = { createSender, createReceiver }
