'use strict'
// One end of a transport in a process of its own. The parent says which by
// arguments and drives it by messages.

const { makeThreats, verify } = require('./threats.js')

const [role, transportName, configText] = process.argv.slice(2)
const config = JSON.parse(configText)
const transport = require(`./transports/${transportName}.js`)
const threats = makeThreats()

function say(message) {
  process.send(message)
}

/** Sends for the parent: floods, or single events with pauses. */
async function runSender() {
  const sender = await transport.createSender({
    ...config,
    publishPort: (port) => say({ type: 'port', port })
  })
  say({ type: 'ready' })
  process.on('message', async ({ type, first, last, pauseMs }) => {
    if (type === 'flood') {
      const start = process.hrtime.bigint()
      await sender.sendAll(threats, first, last)
      say({ type: 'sent', start: String(start) })
    } else if (type === 'single') {
      for (let i = first; i < last; i++) {
        // Jitter, so that no timer of either side falls into step with it.
        const pause = pauseMs * (0.75 + Math.random() / 2)
        await new Promise((resolve) => {
          setTimeout(resolve, pause)
        })
        const threat = threats[i % threats.length]
        sender.send({
          ...threat,
          details: `${process.hrtime.bigint()} ${threat.details}`.slice(0, 250)
        })
      }
    } else if (type === 'close') {
      await sender.close()
      process.disconnect()
    }
  })
}

/** Receives and verifies; reports when it has what the parent waits for. */
async function runReceiver() {
  let receiver = null
  let received = 0
  let expected = null
  let latencies = []
  const finish = () => {
    if (expected !== null && received >= expected.last) {
      const end = String(process.hrtime.bigint())
      expected = null
      say({ type: 'received', received, lost: receiver.lost(), end, latencies })
    }
  }
  const onThreat = (threat) => {
    if (expected !== null && expected.timed) {
      const now = process.hrtime.bigint()
      const [sent] = threat.details.split(' ', 1)
      latencies.push(Number(now - BigInt(sent)) / 1000)
      const own = threats[received % threats.length]
      if (
        threat.sequence !== received + 1 ||
        threat.details !== `${sent} ${own.details}`.slice(0, 250)
      ) {
        throw new Error(`event ${received} is not what was sent`)
      }
    } else {
      verify(threat, received, threats)
    }
    received++
    if (received === expected?.last) {
      finish()
    }
  }
  receiver = await transport.createReceiver(config, onThreat)
  receiver.done.catch((error) => {
    console.error(error)
    process.exit(1)
  })
  say({ type: 'ready' })
  process.on('message', async (message) => {
    if (message.type === 'expect') {
      expected = message
      latencies = []
      finish()
      say({ type: 'expecting' })
    } else if (message.type === 'close') {
      await receiver.close()
      process.disconnect()
    }
  })
}

if (role === 'sender') {
  runSender()
} else {
  runReceiver()
}
