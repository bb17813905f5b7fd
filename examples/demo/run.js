'use strict'

// `npm run demo`: one Shield and three editor extensions, each a process. First
// the threats of examples/threats.ndjson, as they would come while somebody
// works, then 100,000 in a burst, in which the second extension has no time for
// them. Each extension checks every threat.
//
// All of it twice: with a Shield that overwrites what is old, where that
// extension loses threats and knows how many, and with one that waits for its
// extensions, where nobody loses any.

const fs = require('node:fs')
const path = require('node:path')
const { PlatformShm } = require('kindly-guard-ipc')
const { wantsColor } = require('../../lib/cli/format')
const { Child } = require('./child')
const { Progress } = require('./progress')
const { sample, BURST, TOTAL } = require('./threats')

const TIMEOUT_MS = 60000

/** What ends the demo from outside, and its exit code then. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 }

const ACTS = [
  {
    title: 'A Shield that never waits',
    overflow: 'overwrite',
    reliable: false,
    // The third one reads the Shield's WebSocket.
    onRing: [true, true, false],
    shows: true
  },
  {
    title: 'A Shield that waits for reliable readers',
    overflow: 'reject',
    reliable: true,
    onRing: [true, true, true],
    shows: false
  }
]

/** Which extension is busy during the burst. */
const BUSY = 1

const progress = new Progress(process.stdout)
let children = []
let dir = null

/**
 * @param {string} name
 * @param {string} file
 * @param {(error: Error) => void} onFailure
 * @returns {Child}
 */
function start(name, file, onFailure) {
  const child = new Child(name, file)
  children.push(child)
  child.on('failure', onFailure)
  child.on('show', (line) => progress.line(`${name}  ${line}`))
  return child
}

/**
 * Shows how far the slowest extension is.
 * @param {Child[]} extensions
 */
function showBurst(extensions) {
  const passed = extensions.map(() => sample.length)
  extensions.forEach((extension, place) => {
    extension.on('passed', (sequence) => {
      passed[place] = sequence
      const slowest = Math.max(0, Math.min(...passed) - sample.length)
      progress.update('burst', slowest, BURST)
    })
  })
}

/**
 * @param {object} act of ACTS
 * @param {(error: Error) => void} onFailure
 * @returns {Promise<void>}
 */
async function conduct(act, onFailure) {
  const { title, overflow, reliable, onRing, shows } = act
  const bold = (text) =>
    wantsColor(process.stdout) ? `\u001b[1m${text}\u001b[0m` : text
  progress.line(`${bold(title)} (overflow: '${overflow}')`)
  dir = fs.mkdtempSync(path.join(PlatformShm.directory(), 'demo-'))
  const shield = start('shield', 'shield.js', onFailure)
  shield.tell('begin', { dir, overflow })
  const [ring, url] = await shield.hear('ready')
  progress.line(`shield    publishes in ${ring}`)
  if (onRing.includes(false)) {
    progress.line(`shield    and on ${url}, which editor-3 reads`)
  }

  const extensions = onRing.map((preferShm, place) => {
    const extension = start(`editor-${place + 1}`, 'extension.js', onFailure)
    const color = wantsColor(process.stdout)
    const isBusy = place === BUSY
    const how = { preferShm, reliable, isBusy, shows }
    const options = { dir, place, color, ...how }
    extension.tell('begin', options)
    return extension
  })
  await Promise.all(extensions.map((extension) => extension.hear('ready')))

  progress.line(`shield    sends ${sample.length} threats, one by one`)
  const latencies = extensions.map((extension) => extension.hear('latency'))
  shield.tell('sample')
  const p50 = await Promise.all(latencies)

  progress.line(`shield    sends ${BURST} threats in a burst`)
  showBurst(extensions)
  const results = extensions.map((extension) => extension.hear('result'))
  const counted = shield.hear('published')
  shield.tell('burst')
  const { published, refused } = await counted
  if (refused > 0) {
    progress.line(`shield    waited ${refused} times for room in the ring`)
  }
  const ends = await Promise.all(results)
  progress.update('burst', published - sample.length, BURST)
  progress.finish()

  await endAll()
  if (published !== TOTAL) {
    throw new Error(`published ${published} instead of ${TOTAL}`)
  }
  // Latency is measured on the threats that came one by one. In a burst, each
  // threat waits for those before it.
  for (const [place, { received, lost }] of ends.entries()) {
    const isExact = received + lost === published && !(reliable && lost > 0)
    if (!isExact || p50[place] === null) {
      const { name } = extensions[place]
      const count = `${received} + ${lost} of ${published}`
      throw new Error(`${name}: ${count}, latency ${p50[place]}`)
    }
    progress.line(
      `demo: published ${published}, received ${received}, lost ${lost}, ` +
        `latency p50 ${formatMicros(p50[place])} µs`
    )
  }
}

/** Ends what one act has started. */
async function endAll() {
  await Promise.all(children.map((child) => child.end()))
  children = []
  fs.rmSync(dir, { recursive: true, force: true })
}

async function conductAll(onFailure) {
  for (const act of ACTS) {
    await conduct(act, onFailure)
  }
}

/**
 * @param {number} micros
 * @returns {string} two digits at least
 */
function formatMicros(micros) {
  return micros < 10 ? micros.toFixed(1) : String(Math.round(micros))
}

/**
 * Runs the demo until it is done, fails, takes too long or is told to end.
 * @returns {Promise<void>}
 */
async function runDemo() {
  let timer = null
  try {
    await new Promise((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`not done after ${TIMEOUT_MS / 1000} s`))
      }, TIMEOUT_MS)
      for (const [signal, exitCode] of Object.entries(SIGNALS)) {
        process.once(signal, () => {
          reject(Object.assign(new Error(`ended by ${signal}`), { exitCode }))
        })
      }
      // The reader of our output has ended, as `head` does.
      process.stdout.on('error', reject)
      conductAll(reject).then(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
    await Promise.all(children.map((child) => child.kill()))
    if (dir !== null) fs.rmSync(dir, { recursive: true, force: true })
  }
}

/** @returns {Promise<number>} the exit code */
async function main() {
  try {
    const reason = PlatformShm.unavailableReason()
    if (reason !== null) throw new Error(`no shared memory here: ${reason}`)
    await runDemo()
    return 0
  } catch (error) {
    progress.finish()
    process.stderr.write(`demo: ${error.message}\n`)
    return error.exitCode ?? 1
  }
}

main().then((code) => {
  process.exitCode = code
})
