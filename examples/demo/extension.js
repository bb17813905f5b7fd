'use strict'

// The demo's editor extension: reads every threat, and checks that it is the
// one that the Shield sent. A real one shows it instead.

const { setTimeout: sleep } = require('node:timers/promises')
const { isDeepStrictEqual } = require('node:util')
const { IpcFactory } = require('kindly-guard-ipc')
const { formatThreat } = require('../../lib/cli/format')
const { sample, TOTAL, threatFor } = require('./threats')

/** One in this many threats of the sample is shown. */
const SHOW_EVERY = 16

/** The busy extension pauses once, after 1,000 threats of the burst. */
const BUSY_AT = sample.length + 1000
const BUSY_MS = 3000

/** run.js is told the progress after this many threats of the burst. */
const REPORT_EVERY = 2500

const FIELDS = ['threatType', 'severity', 'source', 'details', 'blocked']

/**
 * What is wrong with a threat, or null.
 * @param {import('kindly-guard-ipc').Threat} threat
 * @param {string} generation of the ring
 * @returns {string | null}
 */
function findFault(threat, generation) {
  const { sequence } = threat
  const sent = { id: `${generation}-${sequence}`, ...threatFor(sequence) }
  const field =
    [...FIELDS, 'id'].find((name) => threat[name] !== sent[name]) ??
    (isDeepStrictEqual(threat.context, sent.context) ? null : 'context')
  if (field === null) return null
  const got = JSON.stringify(threat[field])
  const expected = JSON.stringify(sent[field])
  return `threat ${sequence}: ${field} is ${got}, sent was ${expected}`
}

/**
 * Reads until everything that the Shield will send is received or lost.
 * @param {{ dir: string, preferShm: boolean, reliable: boolean,
 *   isBusy: boolean, shows: boolean, place: number, color: boolean }} options
 */
async function follow(options) {
  const { dir, preferShm, reliable, isBusy, shows, place, color } = options
  const client = await IpcFactory.createClient({
    dir,
    preferShm,
    reliable,
    from: 'oldest'
  })
  // A real extension does not need to wait for the Shield.
  while (client.stats().transport === 'connecting') await sleep(5)
  const { generation } = client.stats()
  const done = new AbortController()
  const count = { received: 0, lost: 0, last: 0 }

  // Every sequence is passed once, in order: in a threat or in a loss.
  const pass = (from, to) => {
    if (from !== count.last + 1) {
      throw new Error(`after ${count.last} came ${from}`)
    }
    count.last = to
    if (to >= TOTAL) done.abort()
  }

  client.on('lost', ({ count: lost, from, to, reason }) => {
    process.send({ show: `lost ${lost} threats (${from} to ${to}): ${reason}` })
    count.lost += lost
    pass(from, to)
  })
  process.send({ ready: true })

  await client.pollThreats(
    (threat) => {
      pass(threat.sequence, threat.sequence)
      count.received += 1
      const fault = findFault(threat, generation)
      if (fault !== null) throw new Error(fault)
      if (threat.sequence <= sample.length) {
        // Each extension shows different threats.
        if (shows && threat.sequence % SHOW_EVERY === 1 + place * 5) {
          process.send({ show: formatThreat(threat, { color, shown: 70 }) })
        }
        if (threat.sequence === sample.length) {
          // In the burst, a threat waits for those before it.
          process.send({ latency: client.stats().latency.p50 })
        }
      }
      if (count.last % REPORT_EVERY === 0) {
        process.send({ passed: count.last })
      }
      if (isBusy && threat.sequence === BUSY_AT) {
        process.send({ show: `is busy for ${BUSY_MS / 1000} s` })
        return sleep(BUSY_MS)
      }
    },
    { signal: done.signal }
  )

  const { received, lost } = client.stats()
  if (received !== count.received || lost !== count.lost) {
    throw new Error(
      `stats() says ${received} received, ${lost} lost; ` +
        `counted were ${count.received} and ${count.lost}`
    )
  }
  process.send({ result: { received, lost } })
  await client.close()
}

/** @param {Error} error */
function fail(error) {
  process.send({ fault: error.message })
  process.exitCode = 1
}

process.on('uncaughtException', fail)

process.on('message', ({ command, options }) => {
  if (command === 'begin') follow(options).catch(fail)
  else process.disconnect()
})

// run.js has ended, so nobody sees what this process reads.
process.on('disconnect', () => process.exit())

// Ctrl-C reaches every process of a terminal; run.js decides what it means.
process.on('SIGINT', () => {})
