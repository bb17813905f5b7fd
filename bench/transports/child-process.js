'use strict'
// The IPC channel of child_process: the sender is the receivers' parent, as a
// channel wants it. Serialization is the default one, JSON.

const { peerReceiver, peerSender } = require('./messages.js')

/** @param {{ forkReceivers: () => import('node:child_process').ChildProcess[] }} config */
async function createSender({ forkReceivers }) {
  const children = forkReceivers()
  const connected = Promise.all(
    children.map(
      (child) =>
        new Promise((resolve) => {
          child.once('message', resolve)
        })
    )
  )
  // send() says false when too much waits. It does not say when that has
  // gone, but the callback of the message behind it does.
  let isFull = false
  let backlog
  const put = (list) => {
    if (isFull) {
      isFull = false
      backlog = Promise.all(
        children.map(
          (child) =>
            new Promise((resolve) => {
              child.send(list, resolve)
            })
        )
      )
    } else {
      for (const child of children) {
        if (!child.send(list)) isFull = true
      }
    }
  }
  const settle = () => backlog
  const close = async () => {
    for (const child of children) if (child.connected) child.disconnect()
  }
  return {
    ...peerSender(put, settle, close),
    connected: () => connected
  }
}

/** @param {{ mode: string }} config */
async function createReceiver({ mode }, onThreat) {
  const done = new Promise((resolve, reject) => {
    process.on('message', (list) => {
      try {
        list.forEach(onThreat)
      } catch (error) {
        reject(error)
      }
    })
    process.once('disconnect', resolve)
  })
  process.send('here')
  return peerReceiver(mode, done, async () => {
    if (process.connected) process.disconnect()
  })
}

module.exports = { createSender, createReceiver, forksReceivers: true }
