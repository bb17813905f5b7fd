'use strict'
// What clients cost that have nothing to do: CPU over some seconds and memory
// for each. Started by idle.js with the ring's directory; without one it
// is the bare process to compare with.

const CLIENTS = 10
// V8 tidies up some eight seconds after the last allocation; that happens
// once and is not idling.
const SETTLE_MS = 10_000

const [dir, secondsText] = process.argv.slice(2)

/** Bytes that this process alone would free. */
function memory() {
  global.gc()
  return process.memoryUsage.rss()
}

/** Bytes for each of a few further clients. The first one has paid for loading
 * the package. */
async function measureMemory() {
  const { ShmClient } = require('./subject.js')
  const before = memory()
  const clients = []
  while (clients.length < CLIENTS) {
    const client = new ShmClient({ dir, from: 'oldest' })
    clients.push(client)
    consume(client)
  }
  await pause(500)
  const bytes = (memory() - before) / CLIENTS
  await Promise.all(clients.map((client) => client.close()))
  return bytes
}

function consume(client) {
  client.pollThreats(() => true)
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}

/** The share of one CPU that this process takes. */
async function measureCpu(seconds) {
  const before = process.cpuUsage()
  await pause(seconds * 1000)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6 / seconds
}

async function main() {
  let client = null
  if (dir !== '') {
    const { ShmClient } = require('./subject.js')
    client = new ShmClient({ dir, from: 'oldest' })
    consume(client)
  }
  await pause(SETTLE_MS)
  const cpu = await measureCpu(Number(secondsText))
  const bytes = client === null ? 0 : await measureMemory()
  const received = client?.stats().received ?? 0
  process.send({ bytes, cpu, received })
  await client?.close()
}

main()
