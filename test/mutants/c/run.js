'use strict'
// Tries every mistake of the lists, several at a time, and prints a table.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { readMistakes } = require('./list.js')
const { keyOf, Workshop } = require('./workshop.js')

const CPUS = os.cpus().length
// In memory, where the tests want their rings.
const MEMORY = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
// Of those that can be seen, so many of a hundred must be.
const LEAST_PERCENT = 95

function choose(mistakes, { only, quick }) {
  return mistakes.filter(
    ({ name, file }) =>
      (only === undefined || name.includes(only) || file.includes(only)) &&
      (!quick || file.startsWith('native/ring/'))
  )
}

/** What Linux says that the CPU has. */
function cpuFlags() {
  const list = '/proc/cpuinfo'
  const text = fs.existsSync(list) ? fs.readFileSync(list, 'utf8') : ''
  const [, flags] = /^flags\s*: (.*)$/m.exec(text) ?? [undefined, '']
  return new Set(flags.split(' '))
}

/** Calls `act` with each item, one at a time for each of the workers. */
async function share(items, workers, act) {
  const left = items.values()
  await Promise.all(
    workers.map(async (worker) => {
      for (const item of left) await act(worker, item)
    })
  )
}

function print(how, { file, name }) {
  const place = file.replace('native/', '')
  console.log(`${how.padEnd(16)} ${place.padEnd(26)} ${name}`)
}

async function makeWorkshops(folder, mistakes) {
  const workshops = Array.from(
    { length: CPUS },
    (_, i) => new Workshop(path.join(folder, String(i)))
  )
  const [first, ...others] = workshops
  await first.build([...new Set(mistakes.map(({ test }) => test))], CPUS)
  for (const workshop of others) workshop.takeBuild(first)
  const different = new Map(mistakes.map((m) => [keyOf(m), m]))
  const wrong = []
  await share([...different.values()], workshops, async (workshop, mistake) => {
    const failure = await workshop.prepare(mistake)
    if (failure !== undefined) wrong.push(`${keyOf(mistake)}: ${failure}`)
  })
  if (wrong.length > 0) {
    throw new Error(`this fails without any mistake:\n${wrong.join('\n')}`)
  }
  return workshops
}

/** @returns {Promise<boolean>} whether enough of them were seen */
async function runC(options) {
  const start = Date.now()
  const chosen = choose(readMistakes(), options)
  const flags = cpuFlags()
  const runsHere = ({ needs }) => needs.every((flag) => flags.has(flag))
  const mistakes = chosen.filter(
    (mistake) => mistake.equivalent === undefined && runsHere(mistake)
  )
  if (mistakes.length === 0) {
    const where = chosen.length > 0 ? ' that this CPU can run' : ''
    throw new Error(`there is no such mistake${where}`)
  }
  const folder = fs.mkdtempSync(path.join(MEMORY, 'kg-mutants-'))
  fs.chmodSync(folder, 0o755)
  const counts = { caught: 0, 'not caught': 0, 'does not compile': 0 }
  try {
    const workshops = await makeWorkshops(folder, mistakes)
    await share(mistakes, workshops, async (workshop, mistake) => {
      const how = await workshop.try(mistake)
      counts[how]++
      print(how, mistake)
    })
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  for (const mistake of chosen) {
    if (mistake.equivalent !== undefined) print('equivalent', mistake)
    else if (!runsHere(mistake)) print('not on this CPU', mistake)
  }
  const all = mistakes.length
  const seconds = Math.round((Date.now() - start) / 1000)
  console.log(
    `${counts.caught} of ${all} caught (${chosen.length - all} more change ` +
      `nothing that can be seen, or nothing here), in ${seconds} s`
  )
  if (counts['does not compile'] > 0) {
    console.error('mutants: what does not compile is no mistake.')
  }
  return (
    counts['does not compile'] === 0 &&
    counts.caught * 100 >= all * LEAST_PERCENT
  )
}

module.exports = { runC }
