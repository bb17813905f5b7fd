'use strict'
// What huge pages do for a large ring: how long making it takes, its first lap
// and a later one, on a tmpfs without them, one that gives them by advice, and a
// hugetlbfs; in rounds that take turns. Needs root, to mount them and to reserve
// pages; both are given back.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { SharedMemoryIpc } = require('../lib/index.js')
const { SLOT_BYTES } = require('../lib/threat/layout.js')
const { summarize } = require('./statistics.js')
const { number, table } = require('./table.js')
const { readOptions } = require('./usage.js')

const ROUNDS = 7
const EVENTS = 2 ** 18
const BATCH = 64
const HUGE_BYTES = 2 ** 21
const RESERVED = '/proc/sys/vm/nr_hugepages'

const USAGE = `\
sudo npm run bench:huge -- [options]
  --rounds N       so many rounds (${ROUNDS})
`

const MOUNTS = {
  'tmpfs, huge=never': ['tmpfs', 'mode=700,huge=never'],
  'tmpfs, huge=advise': ['tmpfs', 'mode=700,huge=advise'],
  hugetlbfs: ['hugetlbfs', 'mode=700,pagesize=2M']
}

const batch = Array.from({ length: BATCH }, (_, i) => ({
  threatType: 'InjectionAttempt',
  severity: 'Medium',
  source: 'bench',
  details: `details ${i}`.padEnd(200, '.'),
  timestampUs: 1
}))

const now = () => Number(process.hrtime.bigint())

/** Nanoseconds for each event of a lap. */
function lap(writer) {
  const from = now()
  for (let i = 0; i < EVENTS; i += BATCH) writer.writeThreats(batch)
  return (now() - from) / EVENTS
}

function measure(dir) {
  const from = now()
  const writer = new SharedMemoryIpc({ dir, maxEvents: EVENTS })
  const made = (now() - from) / 1e6
  const [first, later] = [lap(writer), lap(writer)]
  const asked = now()
  const { memory } = writer.stats()
  const told = (now() - asked) / 1e6
  const huge = memory.hugeBytes / memory.residentBytes
  writer.close()
  for (const name of fs.readdirSync(dir)) fs.rmSync(path.join(dir, name))
  return { made, first, later, told, huge }
}

function measureAll(places, rounds) {
  const results = new Map([...places.keys()].map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const names = [...places.keys()]
    // Every second round goes backwards, so that nobody always comes first.
    const order = round % 2 === 0 ? names : names.reverse()
    for (const name of order) results.get(name).push(measure(places.get(name)))
  }
  return results
}

function print(results) {
  const rows = [...results].map(([name, rounds]) => {
    const median = (key) => summarize(rounds.map((one) => one[key])).median
    const keys = ['made', 'first', 'later', 'told']
    const share = Math.round(median('huge') * 100)
    return [name, `${share} %`, ...keys.map((key) => number(median(key)))]
  })
  const laps = ['first lap, ns/event', 'later lap, ns/event']
  const head = ['where', 'in huge pages', 'made, ms', ...laps, 'stats(), ms']
  console.log(table(head, rows))
}

function main() {
  const { rounds } = readOptions(USAGE, {
    rounds: { type: 'string', default: String(ROUNDS) }
  })
  if (process.getuid?.() !== 0 || !(Number(rounds) > 0)) {
    console.error(`needs root, and rounds from 1\n\n${USAGE}`)
    process.exit(2)
  }
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-huge-'))
  const reserved = fs.readFileSync(RESERVED, 'utf8')
  // The ring with its lane and the pages of its beginning.
  const pages = Math.ceil((EVENTS * SLOT_BYTES) / HUGE_BYTES) + 4
  const places = new Map()
  try {
    fs.writeFileSync(RESERVED, `${Number(reserved) + pages}`)
    for (const [name, [type, options]] of Object.entries(MOUNTS)) {
      const dir = path.join(base, String(places.size))
      fs.mkdirSync(dir, { mode: 0o700 })
      execFileSync('mount', ['-t', type, '-o', options, type, dir])
      places.set(name, dir)
    }
    print(measureAll(places, Number(rounds)))
  } finally {
    for (const dir of places.values()) execFileSync('umount', ['-l', dir])
    fs.writeFileSync(RESERVED, reserved)
    fs.rmSync(base, { recursive: true, force: true })
  }
}

main()
