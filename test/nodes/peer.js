'use strict'
// What bun.nodes.js and deno.nodes.js run in each runtime: one end, told by its
// arguments what to be, as JSON. It prints JSON, a line for each thing.

const readline = require('node:readline')

const { library, role, options, count } = JSON.parse(process.argv[2])
const ipc = require(library)

const tell = (value) => console.log(JSON.stringify(value))

const sample = (i) => ({
  threatType: 'InjectionAttempt',
  severity: i % 10 === 0 ? 'Critical' : 'Low',
  source: `source ${i}`,
  // Some are longer than a slot.
  details: 'é'.repeat(i % 7 === 0 ? 400 : 4) + i,
  blocked: true,
  context: { i }
})

/** Publishes when it is told to, by a line; ends when its input does. */
async function serve() {
  const shield = ipc.IpcFactory.createHybridTransport(options)
  shield.on('error', () => {})
  await shield.ready()
  const { transport, websocket } = shield.stats()
  const reason = ipc.PlatformShm.unavailableReason()
  tell({ transport, reason, port: websocket.port })
  let next = 1
  const lines = readline.createInterface({ input: process.stdin })
  lines.on('line', () => {
    for (let i = 0; i < count; i++) shield.writeThreat(sample(next++))
    tell({ published: shield.stats().published })
  })
  lines.on('close', () => shield.close())
}

/** Takes `count`, says when it has half of them, and ends. */
async function take() {
  const client = await ipc.IpcFactory.createClient(options)
  client.on('error', () => {})
  let wrong = 0
  let taken = 0
  let last = 0
  await client.pollThreats((threat) => {
    const { i } = threat.context
    const { details, source } = sample(i)
    const isRight = threat.details === details && threat.source === source
    // The Shield after one that was killed begins anew.
    const isNext = i === last + 1 || i === 1
    if (!isRight || !isNext) wrong++
    last = i
    taken++
    if (taken === count / 2) tell({ half: taken })
    return taken < count
  })
  const { transport, received, lost, latency } = client.stats()
  tell({ transport, received, lost, wrong, latencies: latency.count })
  await client.close()
}

const roles = { serve, take }
roles[role]().catch((error) => {
  console.error(error)
  process.exit(1)
})
