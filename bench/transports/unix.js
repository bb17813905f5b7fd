'use strict'
// A Unix socket with JSON lines: one write for each threat, or one for the
// lines of a batch.

const net = require('node:net')
const path = require('node:path')
const { peerReceiver, peerSender } = require('./messages.js')

const HIGH_WATER = 1 << 20

/** @param {{ dir: string, readers: number }} config */
async function createSender({ dir, readers, publish }) {
  const sockets = []
  let allConnected
  const connected = new Promise((resolve) => {
    allConnected = resolve
  })
  const server = net.createServer((socket) => {
    if (sockets.push(socket) === readers) allConnected()
  })
  await new Promise((resolve) => {
    server.listen(path.join(dir, 'lines'), resolve)
  })
  publish({ path: path.join(dir, 'lines') })
  const put = (list) => {
    let text = ''
    for (const threat of list) text += `${JSON.stringify(threat)}\n`
    for (const socket of sockets) socket.write(text)
  }
  const settle = async () => {
    while (sockets.some((socket) => socket.writableLength > HIGH_WATER)) {
      await new Promise(setImmediate)
    }
  }
  const close = async () => {
    sockets.forEach((socket) => socket.destroy())
    await new Promise((resolve) => {
      server.close(resolve)
    })
  }
  return {
    ...peerSender(put, settle, close),
    connected: () => connected
  }
}

/** @param {{ place: { path: string }, mode: string }} config */
async function createReceiver({ place, mode }, onThreat) {
  const socket = net.connect(place.path)
  socket.setEncoding('utf8')
  let rest = ''
  const done = new Promise((resolve, reject) => {
    socket.on('data', (text) => {
      try {
        const lines = (rest + text).split('\n')
        rest = lines.pop()
        for (const line of lines) onThreat(JSON.parse(line))
      } catch (error) {
        reject(error)
      }
    })
    socket.once('close', resolve)
    socket.once('error', reject)
  })
  await new Promise((resolve) => {
    socket.once('connect', resolve)
  })
  return peerReceiver(mode, done, async () => {
    socket.destroy()
    await done
  })
}

module.exports = { createSender, createReceiver }
