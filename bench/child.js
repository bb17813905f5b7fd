'use strict'
// One end of a transport in a process of its own. The run says which by
// arguments, and drives it by messages (control.js).

const { fork } = require('node:child_process')
const { report } = require('./control.js')
const { DAMAGES, makeThreats, verify } = require('./threats.js')

const [role, configText] = process.argv.slice(2)
const config = JSON.parse(configText)
const transport = require(`./transports/${config.transport}.js`)
const threats = makeThreats(config.kind)

const now = () => Number(process.hrtime.bigint())

const pause = (milliseconds) =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })

/** CPU of this process, all threads, in microseconds. */
function cpuMicros() {
  const { user, system } = process.cpuUsage()
  return user + system
}

// --- Sending ---------------------------------------------------------------

/** Where the channel goes from the sender to its children. */
function forkReceivers() {
  const children = []
  for (let index = 0; index < config.readers; index++) {
    const own = JSON.stringify({ ...config, index })
    children.push(fork(__filename, ['receiver', own]))
  }
  return children
}

/** Sends all of them, one of which is wrong: what a verification must find. */
async function sendDamaged(send, sent, { first, last, damage }) {
  const at = Math.floor((first + last) / 2)
  let next = at + 1
  await send(first, at)
  if (damage === 'order') {
    await send(at + 1, at + 2)
    next = at
  } else if (damage !== 'lost') {
    const right = sent[at % sent.length]
    sent[at % sent.length] = DAMAGES[damage](right)
    await send(at, at + 1)
    sent[at % sent.length] = right
  }
  await send(next, last)
}

async function flood(sender, sent, { first, last, batch, damage }) {
  const send =
    batch === 1
      ? (from, to) => sender.sendAll(from, to)
      : (from, to) => sender.sendBatches(from, to, batch)
  const start = now()
  if (damage === undefined) {
    await send(first, last)
  } else {
    await sendDamaged(send, sent, { first, last, damage })
  }
  return start
}

/** One event after the other, with pauses; returns when each was sent. */
async function sendSingles(sender, sent, { first, last, pauseMs }) {
  const times = []
  for (let i = first; i < last; i++) {
    // Jitter, so that no timer of either side falls into step with it.
    await pause(pauseMs * (0.75 + Math.random() / 2))
    const threat = sent[i % sent.length]
    times.push(now())
    sender.send(threat)
  }
  return times
}

async function runSender(control) {
  const sent = [...threats]
  const sender = await transport.createSender(
    {
      ...config,
      forkReceivers,
      publish: (place) => control.say({ type: 'place', place })
    },
    sent
  )
  control.listen(async (message) => {
    if (message.type === 'connect') {
      await sender.connected()
      control.say({ type: 'ready' })
    } else if (message.type === 'flood') {
      const start = await flood(sender, sent, message)
      control.say({ type: 'sent', start })
    } else if (message.type === 'singles') {
      const times = await sendSingles(sender, sent, message)
      control.say({ type: 'sent', times })
    } else if (message.type === 'close') {
      await sender.close()
      control.leave()
    }
  })
}

// --- Receiving -------------------------------------------------------------

/** Receives and verifies; reports when it has what the run waits for. */
async function runReceiver(control, fail) {
  const check = transport.verify ?? verify
  let received = 0
  let last = -1
  let times = null
  let before = {}
  let receiver = null
  const finish = () => {
    const end = now()
    const cpu = (cpuMicros() - before.cpu) / ((end - before.wall) / 1e3)
    const lost = receiver.lost()
    last = -1
    control.say({ type: 'received', received, lost, end, cpu, times })
    times = null
  }
  const onThreat = (threat) => {
    if (times !== null) times.push(now())
    check(threat, received, threats)
    received++
    if (received === last) finish()
  }
  receiver = await transport.createReceiver(config, threats, onThreat)
  receiver.done.catch(fail)
  control.listen(async (message) => {
    if (message.type === 'expect') {
      ;({ last } = message)
      times = message.timed ? [] : null
      before = { cpu: cpuMicros(), wall: now() }
      control.say({ type: 'expecting' })
    } else if (message.type === 'close') {
      await receiver.close()
      control.leave()
    }
  })
  control.say({ type: 'ready' })
}

// ---------------------------------------------------------------------------

async function main() {
  const name = role === 'sender' ? 'sender' : `receiver ${config.index}`
  const control = await report(config.dir, name)
  const fail = (error) => {
    control.say({ type: 'failed', text: error.message })
    control.leave()
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  await (role === 'sender' ? runSender(control) : runReceiver(control, fail))
}

main()
