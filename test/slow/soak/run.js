'use strict'
// npm run soak -- [--minutes N]: a day of an editor, or several, in N minutes (10),
// with exact accounts. Samples what the processes hold, prints by how much that
// grows, and ends with 1 when it is not flat or an account does not add up.

const path = require('node:path')
const { parseArgs } = require('node:util')
const { inCrowd } = require('../stress/processes.js')
const { Day } = require('./day.js')
const { DAY_HOURS, judge, LIMITS, WARM_UP_HOURS } = require('./judge.js')

const CHILD = path.join(__dirname, 'child.js')

const MINUTES = 10
const MOST_MINUTES = 24 * 60
const LEAKS = [...Object.keys(LIMITS), 'account']

const USAGE = `npm run soak -- [options]
  --minutes N  a day of an editor in so many minutes (${MINUTES})
  --days N     so many days, in all of these minutes (1)
  --leak WHAT  leaks, and must end with 1; some of these, with commas between:
               ${LEAKS.join(', ')}
`

const say = (text) => console.log(`soak: ${text}`)

function parse(args) {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: String(MINUTES) },
      days: { type: 'string', default: '1' },
      leak: { type: 'string' },
      help: { type: 'boolean', default: false }
    }
  })
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= MOST_MINUTES)) {
    throw new Error(
      `--minutes: expected a number above 0, up to ${MOST_MINUTES}, ` +
        `got ${values.minutes}`
    )
  }
  const days = Number(values.days)
  if (!Number.isInteger(days) || days < 1) {
    throw new Error(
      `--days: expected a whole number from 1, got ${values.days}`
    )
  }
  const leaks = values.leak?.split(',') ?? []
  if (!leaks.every((leak) => LEAKS.includes(leak))) {
    throw new Error(`--leak: expected some of ${LEAKS.join(', ')}`)
  }
  return { help: values.help, minutes, days, leaks }
}

/**
 * Says how each thing that was sampled went.
 * @param {{ hour: number, who: string, kind: string, value: number }[]} samples
 * @returns {string[]} what is not flat
 */
function tellSlopes(samples, tell = say) {
  const series = new Map()
  for (const { who, kind, ...sample } of samples) {
    const key = `${who} ${kind}`
    if (!series.has(key)) series.set(key, { kind, list: [] })
    series.get(key).list.push(sample)
  }
  const wrong = []
  for (const [name, { kind, list }] of series) {
    const { slope, error, isFlat } = judge(kind, list)
    const { unit, most } = LIMITS[kind]
    const text =
      `${name}: ${list[0].value.toFixed(2)} to ${list.at(-1).value.toFixed(2)} ` +
      `${unit}, slope ${slope.toFixed(4)} ± ${error.toFixed(4)} an hour`
    tell(`  ${text}`)
    if (!isFlat) wrong.push(`not flat: ${text}; ${most} a day are the most`)
  }
  return wrong
}

async function live(crowd, dir, options) {
  say(
    `${options.days * DAY_HOURS} hours of an editor in ` +
      `${options.minutes} minutes, in ${dir}`
  )
  const day = new Day(crowd, dir, options)
  const accounts = await day.run((hour) => {
    if (hour % 6 === 0) say(`  ${hour} hours`)
  })
  const { visits, restarts, kills, stalls, floods } = day.counts
  say(
    `${visits} windows came and went, ${restarts} Shields began again, ` +
      `${kills} were killed, ${stalls} stood still, ${floods} floods`
  )
  for (const [i, { received, lost }] of accounts.entries()) {
    say(`  client ${i + 1}: received ${received}, lost ${lost}`)
  }
  say(`the first ${WARM_UP_HOURS} hours are not judged:`)
  return [...day.wrong, ...tellSlopes(day.samples)]
}

async function main(args) {
  const options = parse(args)
  if (options.help) {
    console.log(USAGE)
    return 0
  }
  const wrong = await inCrowd(
    'soak',
    (crowd, dir) => live(crowd, dir, options),
    CHILD
  )
  for (const text of wrong) say(`WRONG: ${text}`)
  say(wrong.length === 0 ? 'flat, and every account adds up' : 'failed')
  return wrong.length === 0 ? 0 : 1
}

if (require.main === module) {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code
    },
    (error) => {
      console.error(`soak: ${error.message}\n\n${USAGE}`)
      process.exitCode = 1
    }
  )
}

module.exports = { tellSlopes }
