'use strict'
// Waiting for conditions. The deadline is there to end a test that would wait
// for ever; no test says anything about time.

const assert = require('node:assert/strict')
const { setTimeout: sleep } = require('node:timers/promises')
const { IS_WINDOWS } = require('./system.js')

// Under wine everything takes long, with others beside it, and where what runs
// the tests says so: in an emulator, or for as long as other work lasts.
const IS_SLOW = IS_WINDOWS || process.env.KG_TEST_PATIENT === '1'
const DEADLINE_MS = IS_SLOW ? 120_000 : 30_000

/** A turn of the event loop. */
const turn = () => new Promise(setImmediate)

/**
 * Resolves with what `condition` gives as soon as that is true-ish.
 * @param {() => unknown} condition may be async
 * @param {string} what the condition in words, for the failure
 * @param {number} [deadlineMs] for what takes long
 */
async function until(condition, what, deadlineMs = DEADLINE_MS) {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const value = await condition()
    if (value) return value
    assert(Date.now() < deadline, `never came true: ${what}`)
    await sleep(5)
  }
}

/** Resolves with `promise`, or fails, saying what was waited for. */
async function within(promise, what) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new assert.AssertionError({ message: `never came: ${what}` }))
    }, DEADLINE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The next `count` threats of a client, by pollThreats. */
async function collect(client, count) {
  const threats = []
  const polled = client.pollThreats((threat) => {
    threats.push(threat)
    return threats.length < count
  })
  await within(polled, `${count} threats`).catch((error) => {
    error.message += ` (${threats.length} came)`
    throw error
  })
  return threats
}

/** Everything that a client emits as `event`, in a list that grows. */
function record(client, event) {
  const values = []
  client.on(event, (value) => values.push(value))
  return values
}

module.exports = { collect, DEADLINE_MS, record, sleep, turn, until, within }
