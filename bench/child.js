'use strict'
// One end of a transport in a process of its own. The run says which by
// arguments, and drives it by messages (control.js).

const { fork } = require('node:child_process')
const { report } = require('./control.js')
const { DAMAGES, makeStream, withDamage } = require('./threats.js')

const [role, configText] = process.argv.slice(2)
const config = JSON.parse(configText)
const transport = require(`./transports/${config.transport}.js`)
const stream = makeStream(config)

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

/** Sends all of them; the middle one is wrong, as a verification must find. */
async function sendDamaged(send, { first, last, damage }) {
  const at = Math.floor((first + last) / 2)
  if (damage in DAMAGES) {
    await send(withDamage(stream, at, damage), first, last)
    return
  }
  await send(stream, first, at)
  if (damage === 'order') {
    await send(stream, at + 1, at + 2)
    await send(stream, at, last)
  } else {
    await send(stream, at + 1, last)
  }
}

async function flood(sender, { first, last, batch, damage }) {
  const send =
    batch === 1
      ? (list, from, to) => sender.sendAll(list, from, to)
      : (list, from, to) => sender.sendBatches(list, from, to, batch)
  const start = now()
  if (damage === undefined) {
    await send(stream, first, last)
  } else {
    await sendDamaged(send, { first, last, damage })
  }
  return start
}

/** Events with pauses, one by one or several in a go; returns when each was
 * sent. Of several, each is made behind its time, as in a flood. */
async function sendSession(sender, { first, acts }) {
  const times = []
  let next = first
  for (const { times: repeats, pauseMs, events } of acts) {
    for (let i = 0; i < repeats; i++) {
      // Jitter, so that no timer of either side falls into step with it.
      await pause(pauseMs * (0.75 + Math.random() / 2))
      if (events === 1) {
        const threat = stream.at(next++)
        times.push(now())
        sender.send(threat)
        continue
      }
      const timed = {
        ...stream,
        at(index) {
          times.push(now())
          return stream.at(index)
        }
      }
      await sender.sendAll(timed, next, next + events)
      next += events
    }
  }
  return times
}

async function runSender(control) {
  const sender = await transport.createSender({
    ...config,
    longest: stream.longest,
    forkReceivers,
    publish: (place) => control.say({ type: 'place', place })
  })
  control.listen(async (message) => {
    if (message.type === 'connect') {
      await sender.connected()
      control.say({ type: 'ready' })
    } else if (message.type === 'flood') {
      const start = await flood(sender, message)
      control.say({ type: 'sent', start })
    } else if (message.type === 'session') {
      const times = await sendSession(sender, message)
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
  // A floor carries less than a threat.
  const { verify } = transport.carries?.(stream) ?? stream
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
    verify(threat, received)
    received++
    if (received === last) finish()
  }
  const own = { ...config, longest: stream.longest }
  receiver = await transport.createReceiver(own, onThreat)
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
