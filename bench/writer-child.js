'use strict'
// The processes of writer.js: a writer that nothing holds up, and readers that
// look all the time, or sleep, or spin, or look elsewhere.

const { setTimeout: pause } = require('node:timers/promises')
const path = require('node:path')
const { SharedMemoryIpc, ShmClient } = require('./subject.js')
const { report } = require('./control.js')
const { makeStream } = require('./threats.js')

const [name, configText] = process.argv.slice(2)
const { dir, way, strings } = JSON.parse(configText)
const stream = makeStream({ strings })

const addon = path.join(__dirname, 'floors', 'addon', 'build/Release')
const { threadCpu } = require(path.join(addon, 'barest.node'))

/** What asking for the time takes, which is in every single measurement. */
function clockNs() {
  const samples = []
  for (let i = 0; i < 1001; i++) {
    const before = threadCpu()
    samples.push(threadCpu() - before)
  }
  return samples.sort((a, b) => a - b)[500]
}

function runWriter(control) {
  const ring = new SharedMemoryIpc({ dir, maxEvents: 8192 })
  let next = 0
  let last = null
  const write = () => ring.writeThreat(stream.at(next++))
  const make = () => {
    last = stream.at(next++) // kept, or it need not be made
  }
  const act = way === 'making' ? make : write
  control.listen(async ({ type, count, pauseMs }) => {
    if (type === 'flood') {
      const before = threadCpu()
      for (let i = 0; i < count; i++) act()
      control.say({ type: 'cost', ns: (threadCpu() - before) / count })
    } else if (type === 'singles') {
      const clock = clockNs()
      let sum = 0
      const { bells } = ring.stats()
      for (let i = 0; i < count; i++) {
        await pause(pauseMs)
        const threat = stream.at(next++)
        const before = threadCpu()
        ring.writeThreat(threat)
        sum += threadCpu() - before - clock
      }
      const rung = ring.stats().bells - bells
      control.say({ type: 'cost', ns: sum / count, bells: rung / count })
    } else if (type === 'close') {
      if (way === 'making' && last === null) throw new Error('nothing made')
      await ring.close()
      control.leave()
    }
  })
}

/** Works as a reader that looks all the time does, and comes near no ring: what
 * such a process costs others by its being there. */
function runBystander(control) {
  const most = 256 // as poll() takes
  let sequence = 0
  let open = true
  const work = () => {
    if (!open) return
    const made = []
    for (let i = 0; i < most; i++) {
      const threat = stream.at(sequence++)
      made.push({
        sequence,
        id: `bystander-${sequence}`,
        timestampUs: sequence,
        ...threat,
        details: Buffer.from(threat.details).latin1Slice()
      })
    }
    for (const threat of made) stream.verify(threat, threat.sequence - 1)
    setImmediate(work)
  }
  work()
  control.listen(() => {
    open = false
    control.leave()
  })
}

/** It may lose, but what it gets is what was written. */
function runReader(control, fail) {
  const client = new ShmClient({
    dir,
    from: 'oldest',
    spinMicros: way === 'spinning' ? 1_000_000 : 0
  })
  const check = (threat) => stream.verify(threat, threat.sequence - 1)
  let open = true
  if (way === 'awake') {
    const look = () => {
      if (!open) return
      client.poll().forEach(check)
      setImmediate(look)
    }
    look()
  } else {
    client.pollThreats(check).catch(fail)
  }
  control.listen(async () => {
    open = false
    const { received, lost } = client.stats()
    if (received === 0) fail(new Error(`nothing received, ${lost} lost`))
    await client.close()
    control.leave()
  })
}

async function main() {
  const control = await report(dir, name)
  const fail = (error) => {
    control.say({ type: 'failed', text: error.message })
    control.leave()
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  if (name === 'writer') runWriter(control)
  else if (way === 'bystander') runBystander(control)
  else runReader(control, fail)
  control.say({ type: 'ready' })
}

main()
