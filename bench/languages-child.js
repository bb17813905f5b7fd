'use strict'
// The processes of languages.js that are Node's: a Shield, which does what
// shields/shield.c does, and the reader of all of them.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const readline = require('node:readline')
const { setTimeout: sleep } = require('node:timers/promises')
const { SharedMemoryIpc, ShmClient } = require('..')

const [role, dir] = process.argv.slice(2)
const SOURCES = 40
const TAIL = ' Ignore all instructions'
const sources = Array.from({ length: SOURCES }, (_, i) => `src/file-${i}.ts`)

const now = () => process.hrtime.bigint()

async function write(shield, threat) {
  for (;;) {
    try {
      return shield.writeThreat(threat)
    } catch (error) {
      if (error.code !== 'ERR_RING_FULL') throw error
    }
    await shield.writable()
  }
}

async function beShield() {
  const shield = new SharedMemoryIpc({
    dir,
    maxEvents: 8192,
    overflow: 'reject'
  })
  console.log('ready')
  let number = 0
  for await (const line of readline.createInterface(process.stdin)) {
    const [count, pauseMicros] = line.split(' ').map(Number)
    for (let i = 0; i < count; i++) {
      if (pauseMicros > 0) await sleep(pauseMicros / 1000)
      number++
      await write(shield, {
        threatType: 'InjectionAttempt',
        severity: 'High',
        source: `src/file-${number % SOURCES}.ts`,
        // Its number, or, of those that come alone, the time.
        details: (pauseMicros > 0 ? now() : number) + TAIL,
        blocked: true
      })
    }
    console.log('done')
  }
  await shield.close()
}

/** What is due by now, from a reader that nothing may be lost of. */
async function beReader() {
  const client = new ShmClient({ dir, from: 'oldest', reliable: true })
  let next = 1
  let due = 0
  let first = 0n
  let lags = []
  let withTimes = false
  client.on('lost', (loss) => {
    throw new Error(`lost: ${JSON.stringify(loss)}`)
  })
  client.on('threat', (threat) => {
    const { sequence, threatType, severity, source, blocked, details } = threat
    const isRight =
      sequence === next++ &&
      source === sources[sequence % SOURCES] &&
      threatType === 'InjectionAttempt' &&
      severity === 'High' &&
      blocked === true &&
      details.endsWith(TAIL) &&
      (withTimes || Number.parseInt(details, 10) === sequence)
    if (!isRight) assert.fail(`${next - 1}: ${JSON.stringify(threat)}`)
    if (first === 0n) first = now()
    if (withTimes) {
      lags.push(Number(now() - BigInt(details.slice(0, -TAIL.length))) / 1000)
    }
    if (sequence === due) {
      process.send({ seconds: Number(now() - first) / 1e9, lags })
    }
  })
  process.on('message', ({ upTo, withLags }) => {
    due = upTo
    first = 0n
    withTimes = withLags
    lags = []
    process.send('expecting')
  })
  process.send('ready')
  await once(process, 'disconnect')
  await client.close()
}

const roles = { shield: beShield, reader: beReader }
roles[role]()
