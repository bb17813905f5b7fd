'use strict'
// How many calls one threat takes on its way in and out: functions of lib/,
// counted by V8 itself, and calls into the addon. No time is measured.
//
//   node bench/calls.js                       this clone
//   node bench/calls.js FOLDER                beside another one, compiled

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const inspector = require('node:inspector')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const ADDON = path.join('build', 'Release', 'kindly_guard_ipc.node')
const THREATS = 200
const PAUSE_MS = 5

const USAGE = `\
Usage: node bench/calls.js [FOLDER]

Counts the calls that one threat takes in this clone and, if it is given, in
another one whose addon is compiled.`

let crossings = 0

/** Counts each call of a method of an object of the addon. */
function watch(object) {
  const inherited = Object.getOwnPropertyNames(Object.getPrototypeOf(object))
  for (const name of [...inherited, ...Object.keys(object)]) {
    const method = object[name]
    if (typeof method === 'function' && name !== 'constructor') {
      const value = (...args) => {
        crossings++
        return method.apply(object, args)
      }
      Object.defineProperty(object, name, { value })
    }
  }
  return object
}

function watchAddon(addon) {
  for (const name of ['Writer', 'Reader']) {
    addon[name] = new Proxy(addon[name], {
      construct: (target, args) => watch(Reflect.construct(target, args))
    })
  }
}

/** The calls of functions of lib/ since the last time, by their names. */
function takeCalls(session, folder) {
  let result
  session.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error) throw error
    result = coverage.result
  })
  const calls = new Map()
  const lib = `file://${path.join(folder, 'lib')}${path.sep}`
  for (const { url, functions } of result) {
    for (const { functionName, ranges } of functions) {
      if (url.startsWith(lib) && ranges[0].count > 0) {
        const name = `${url.slice(lib.length)} ${functionName || '(arrow)'}`
        calls.set(name, (calls.get(name) ?? 0) + ranges[0].count)
      }
    }
  }
  return calls
}

const sleep = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

const threatOf = (i) => ({
  threatType: 'PathTraversal',
  severity: 'High',
  source: `server-${i % 7}`,
  details: `../../etc/passwd of request ${i}`,
  blocked: i % 2 === 0
})

async function countIn(folder) {
  watchAddon(require(path.join(folder, ADDON)))
  const { IpcFactory, ShmClient } = require(folder)
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-calls-'))
  const session = new inspector.Session()
  session.connect()
  session.post('Profiler.enable')
  const shield = IpcFactory.createTransport({ dir, maxEvents: 4 * THREATS })
  const client = new ShmClient({ dir, spinMicros: 0 })
  const stages = {}
  const measure = async (name, run) => {
    takeCalls(session, folder)
    crossings = 0
    await run()
    const calls = takeCalls(session, folder)
    stages[name] = { calls: Object.fromEntries(calls), crossings }
  }
  let sent = 0
  let received = 0
  const polled = client.pollThreats(() => {
    received++
    return true
  })
  const arrived = async () => {
    while (received < sent) await sleep(1)
  }
  const write = () => shield.writeThreat(threatOf(sent++))
  // Everything is loaded and compiled before anything is counted.
  for (let i = 0; i < THREATS; i++) write()
  await arrived()
  session.post('Profiler.startPreciseCoverage', { callCount: true })
  await measure('in', () => {
    for (let i = 0; i < THREATS; i++) write()
  })
  await measure('out', arrived)
  // One at a time, each of which wakes a client that sleeps.
  stages.wake = { calls: {}, crossings: 0 }
  for (let i = 0; i < THREATS; i++) {
    await sleep(PAUSE_MS)
    write()
    await measure('one', arrived)
    stages.wake.crossings += stages.one.crossings
    for (const [name, more] of Object.entries(stages.one.calls)) {
      const { calls } = stages.wake
      calls[name] = (calls[name] ?? 0) + more
    }
  }
  delete stages.one
  await client.close()
  await polled
  await shield.close()
  fs.rmSync(dir, { recursive: true, force: true })
  return stages
}

function count(folder) {
  const output = execFileSync(
    process.execPath,
    [__filename, '--count', path.resolve(folder)],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
  )
  return JSON.parse(output)
}

const TITLES = {
  in: 'in: writeThreat, one by one',
  out: 'out: to the callback, many at once',
  wake: 'out: to the callback of a client that slept'
}

const head = ({ name }) => name.slice(-12).padStart(12)

function print(states) {
  const sum = ({ calls }) => Object.values(calls).reduce((a, b) => a + b, 0)
  const each = (value) => (value / THREATS).toFixed(1).padStart(12)
  console.log('calls for each threat'.padEnd(46), ...states.map(head))
  for (const [stage, title] of Object.entries(TITLES)) {
    const of = states.map(({ stages }) => stages[stage])
    console.log(title.padEnd(46), ...of.map((one) => each(sum(one))))
    const into = of.map(({ crossings: value }) => each(value))
    console.log('  into the addon'.padEnd(46), ...into)
  }
}

async function main(argv) {
  if (argv[0] === '--count') {
    console.log(JSON.stringify(await countIn(argv[1])))
    return 0
  }
  const [folder] = argv
  if (argv.includes('--help')) {
    console.log(USAGE)
    return 0
  }
  if (argv.length > 1 || (folder && !fs.existsSync(path.join(folder, ADDON)))) {
    console.error(folder ? `${folder}: no ${ADDON} there\n` : '', USAGE)
    return 2
  }
  const states = [{ name: 'this', stages: count(ROOT) }]
  if (folder) {
    const name = path.basename(path.resolve(folder))
    states.push({ name, stages: count(folder) })
  }
  print(states)
  return 0
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
