'use strict'
// The command line of `npm run bench`.

const { parseArgs } = require('node:util')
const { DAMAGES } = require('./threats.js')

const USAGE = `npm run bench -- [options]
  --quick          fewer rounds and events, under two minutes
  --rounds N       so many rounds (7, or 3 with --quick)
  --only NAMES     only these scenarios, with commas between them
  --json [FILE]    the figures as JSON, in a file or in the table's place
  --report DIR     where report.html and report.json go (bench/report)
  --no-report      neither of them
  --corrupt WHAT   gets one event wrong (${Object.keys(DAMAGES).join(', ')},
                   order or lost): the run must end with an error
`

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
 * @returns {{ quick: boolean, rounds: number, only?: string[],
 *   json?: string | true, report?: string, damage?: string }}
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
        only: { type: 'string' },
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
  const damages = [...Object.keys(DAMAGES), 'order', 'lost']
  if (values.corrupt !== undefined && !damages.includes(values.corrupt)) {
    fail(`--corrupt: expected one of ${damages.join(', ')}`)
  }
  return {
    quick: values.quick,
    rounds,
    only: values.only?.split(','),
    json,
    report: values['no-report'] ? null : values.report,
    damage: values.corrupt
  }
}

module.exports = { parseOptions }
