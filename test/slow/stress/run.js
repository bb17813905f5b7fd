'use strict'
// npm run stress -- [--kills N] [--events N]: real processes that are killed at
// random instants, and events through reliable readers; without an argument
// both, 2,000 kills and ten million events. Prints counts, and ends with 1 when
// any account does not add up.

const { parseArgs } = require('node:util')
const { runEvents } = require('./events.js')
const { Kills } = require('./kills.js')
const { inCrowd } = require('./processes.js')

const KILLS = 2000
const EVENTS = 10_000_000

const say = (text) => console.log(`stress: ${text}`)
const number = (value) => value.toLocaleString('en-US')

/** The whole number that an option is, or undefined. */
function count(values, name) {
  const text = values[name]
  if (text !== undefined && !/^[1-9]\d{0,9}$/.test(text)) {
    throw new Error(`--${name}: expected a whole number, got ${text}`)
  }
  return text === undefined ? undefined : Number(text)
}

function parse(args) {
  const { values } = parseArgs({
    args,
    options: { kills: { type: 'string' }, events: { type: 'string' } }
  })
  const kills = count(values, 'kills')
  const events = count(values, 'events')
  return kills === undefined && events === undefined
    ? { kills: KILLS, events: EVENTS }
    : { kills, events }
}

/** What is wrong with what the readers got. */
const mismatchesOf = (accounts) =>
  accounts.flatMap(({ mismatches, reliable, lost }, i) => [
    ...mismatches.map((text) => `reader ${i + 1}: ${text}`),
    ...(reliable && lost > 0 ? [`reader ${i + 1} is reliable and lost`] : [])
  ])

/** Says what the readers got; returns what is wrong with it. */
function tellAccounts(accounts) {
  const sum = (key) => accounts.reduce((all, one) => all + one[key], 0)
  for (const [i, account] of accounts.entries()) {
    const { way, reliable, joined, received, lost } = account
    say(
      `  reader ${i + 1} (${reliable ? 'reliable' : 'ordinary'}, ${way}): ` +
        `from ${joined + 1}, received ${received}, lost ${lost}`
    )
  }
  say(
    `torn ${sum('torn')}, repeated ${sum('repeated')}, ` +
      `reordered ${sum('reordered')}`
  )
  return mismatchesOf(accounts)
}

function tellTimes(what, times) {
  const sorted = times.sort((a, b) => a - b)
  const at = (share) =>
    number(
      Math.round(
        sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] /
          1000
      )
    )
  say(`${what}: p50 ${at(0.5)} µs, p99 ${at(0.99)} µs, most ${at(1)} µs`)
}

async function kill(crowd, dir, kills) {
  say(`${number(kills)} kills of writers and of readers; 8 readers, 4 reliable`)
  const step = Math.max(1, Math.round(kills / 10))
  const run = new Kills(crowd, dir, (done) => {
    if (done % step === 0) say(`  ${number(done)} writers killed`)
  })
  const began = process.hrtime.bigint()
  const { last, evicted, accounts, left } = await run.run(kills)
  const seconds = Number(process.hrtime.bigint() - began) / 1e9
  say(
    `${number(run.takeOvers.length)} writers and ` +
      `${number(run.readersKilled)} readers killed in ` +
      `${Math.round(seconds)} s, ${number(last)} events published`
  )
  const wrong = tellAccounts(accounts)
  tellTimes('take-over, from the kill to the lock', run.locks)
  tellTimes('take-over, from the kill to the first publish', run.takeOvers)
  if (evicted > 0) wrong.push(`${evicted} readers were evicted`)
  if (left.length > 0) wrong.push(`left over: ${left.join(', ')}`)
  return wrong
}

async function flow(crowd, dir, events) {
  say(`${number(events)} events through 4 reliable readers`)
  const result = await runEvents(crowd, dir, events)
  const { last, rejected, evicted, seconds } = result
  say(
    `${number(last)} events published in ${seconds.toFixed(1)} s, ` +
      `a full ring ${number(rejected)} times`
  )
  const wrong = tellAccounts(result.accounts)
  if (last !== events) wrong.push(`${last} is not ${events}`)
  if (evicted > 0) wrong.push(`${evicted} readers were evicted`)
  return wrong
}

async function main(args) {
  const { kills, events } = parse(args)
  const parts = [
    [kill, kills],
    [flow, events]
  ]
  const wrong = []
  for (const [run, size] of parts) {
    if (size === undefined) continue
    const live = (crowd, dir) => run(crowd, dir, size)
    wrong.push(...(await inCrowd('stress', live)))
  }
  for (const text of wrong) {
    say(`WRONG: ${text}`)
  }
  say(wrong.length === 0 ? 'every account adds up' : 'failed')
  return wrong.length === 0 ? 0 : 1
}

if (require.main === module) {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code
    },
    (error) => {
      console.error(`stress: ${error.message}`)
      process.exitCode = 1
    }
  )
}

module.exports = { mismatchesOf }
