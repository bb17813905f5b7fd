'use strict'
// The barest addon (floors/addon): two strings and nothing else. A floor, for
// latencies alone.

const path = require('node:path')

const load = () =>
  require(
    path.join(__dirname, '..', 'floors', 'addon', 'build/Release/barest.node')
  )

/** @param {{ dir: string }} config */
async function createSender({ dir }) {
  const barest = load()
  barest.open(path.join(dir, 'barest'))
  const send = ({ source, details }) => barest.publish(source, details)
  return {
    async connected() {},
    /** One at a time, for it has no room to speak of. */
    async sendAll(stream, first, last) {
      for (let i = first; i < last; i++) {
        send(stream.at(i))
        while (barest.taken() <= i) await new Promise(setImmediate)
      }
    },
    send,
    async close() {}
  }
}

/** @param {{ dir: string, spins?: boolean }} config */
async function createReceiver({ dir, spins = false }, onThreat) {
  const barest = load()
  barest.open(path.join(dir, 'barest'))
  barest.listen(spins, (source, details) => onThreat({ source, details }))
  return {
    lost: () => 0,
    done: new Promise(() => {}),
    async close() {
      barest.stop()
    }
  }
}

/** What it carries of a threat can be verified, and no more. */
const carries = ({ isText }) => ({
  verify(threat, index) {
    if (!isText(threat, index)) {
      throw new Error(`event ${index} is not what was sent`)
    }
  }
})

module.exports = { carries, createSender, createReceiver }
