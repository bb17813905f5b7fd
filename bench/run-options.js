'use strict'
// The command line of `npm run bench`.

const { parseArgs } = require('node:util')
const { COMPARED, SCENARIOS } = require('./plan.js')
const { findState } = require('./sides.js')
const { DAMAGES } = require('./threats.js')

const WRONGS = [...Object.keys(DAMAGES), 'order', 'lost']

// A choice: to tell less than a tenth, more rounds are needed than there are.
const THRESHOLD = 0.9
// Beyond it a percentage was meant, or something else.
const MOST_THRESHOLD = 10

/** A list with commas, folded to lines that begin with `indent`. */
function fold(names, indent) {
  const lines = ['']
  for (const name of names) {
    const line = `${lines.pop()}${name}, `
    if (line.length + indent.length < 80) lines.push(line)
    else lines.push(line.slice(0, -name.length - 2), `${name}, `)
  }
  return lines
    .map((line) => `${indent}${line.trim()}`)
    .join('\n')
    .slice(0, -1)
}

const USAGE = `npm run bench -- [options]
  --quick          fewer rounds and events, under two minutes
  --rounds N       so many rounds (7, or 3 with --quick)
  --tails          as many single events as a p99.9 needs: 20 minutes more
  --only NAMES     only these scenarios, with commas between them:
${fold(SCENARIOS, ' '.repeat(19))}
  --against STATE  compares this clone with another folder of this package, or
                   with a commit of this clone, in rounds that take turns;
                   ends with 1 when this is worse beyond the threshold
  --threshold N    so many times as good it is to be, at least, in each figure
                   (${THRESHOLD}); 0: whatever it is, the run ends with 0
  --json [FILE]    the figures as JSON, in a file or in the table's place
  --report DIR     where report.html and report.json go (bench/report)
  --no-report      neither of them
  --corrupt WHAT   gets one event wrong: the run must end with an error
${fold(WRONGS, ' '.repeat(19))}
`

const isCompared = (name) => COMPARED.includes(name)

const fail = (text) => {
  console.error(`bench: ${text}\n\n${USAGE}`)
  process.exit(2)
}

/** `--json` may stand alone or have a file behind it. */
function splitJson(args) {
  const at = args.findIndex((arg) => arg === '--json' || /^--json=/.test(arg))
  if (at < 0) return { rest: args, json: undefined }
  const rest = args.filter((_, i) => i !== at)
  if (args[at] !== '--json') {
    return { rest, json: args[at].slice('--json='.length) }
  }
  const next = args[at + 1]
  if (next === undefined || next.startsWith('-')) return { rest, json: true }
  rest.splice(at, 1)
  return { rest, json: next }
}

/**
 * @returns {{ quick: boolean, tails: boolean, rounds: number, only?: string[],
 *   json?: string | true, report?: string, damage?: string,
 *   against?: { dir: string } | { commit: string }, threshold: number }}
 */
function parseOptions(argv = process.argv.slice(2)) {
  const { rest, json } = splitJson(argv)
  let values
  try {
    ;({ values } = parseArgs({
      args: rest,
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        tails: { type: 'boolean', default: false },
        only: { type: 'string' },
        against: { type: 'string' },
        threshold: { type: 'string' },
        report: { type: 'string' },
        'no-report': { type: 'boolean', default: false },
        corrupt: { type: 'string' },
        help: { type: 'boolean', default: false }
      }
    }))
  } catch (error) {
    fail(error.message)
  }
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 7))
  if (!Number.isInteger(rounds) || rounds < 1) {
    fail(`--rounds: expected a whole number from 1, got ${values.rounds}`)
  }
  if (values.corrupt !== undefined && !WRONGS.includes(values.corrupt)) {
    fail(`--corrupt: expected one of ${WRONGS.join(', ')}`)
  }
  const only = values.only?.split(',')
  const unknown = only?.filter((name) => !SCENARIOS.includes(name)) ?? []
  if (unknown.length > 0) {
    fail(`--only: there is no ${unknown.join(', ')}`)
  }
  const against =
    values.against === undefined ? undefined : findState(values.against)
  if (against === null) {
    fail(
      '--against: expected a folder of this package or a commit of this ' +
        `clone, got ${values.against}`
    )
  }
  if (against !== undefined && !(only ?? COMPARED).some(isCompared)) {
    fail(`--against compares ${COMPARED.join(', ')}`)
  }
  if (values.threshold !== undefined && against === undefined) {
    fail('--threshold is about what --against compares')
  }
  const threshold = Number(values.threshold ?? THRESHOLD)
  if (!(threshold >= 0 && threshold <= MOST_THRESHOLD)) {
    fail(
      `--threshold: expected a number from 0 to ${MOST_THRESHOLD}, got ` +
        values.threshold
    )
  }
  return {
    quick: values.quick,
    tails: values.tails,
    rounds,
    only,
    against,
    threshold,
    json,
    report: values['no-report'] ? null : values.report,
    damage: values.corrupt
  }
}

module.exports = { parseOptions }
