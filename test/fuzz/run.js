'use strict'
// npm run fuzz -- [--seconds N] [--target NAME]: runs the fuzz targets, each
// for its share of the time (ten minutes by default), and prints executions,
// coverage and seconds. An input that finds something is kept in findings/, and
// the run ends with 1.
//
//   --corpus        only the inputs in corpus/, once: what CI runs
//   --input FILE    only this one, with --target
//   --keep          puts the inputs of the last run that reach something new
//                   into corpus/
//   --coverage      lines of native/ring and native/file that the C tests and
//                   corpus/ reach together

const fs = require('node:fs')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { measure } = require('./coverage.js')
const { CTarget } = require('./c-target.js')
const { JavaScriptTarget } = require('./javascript-target.js')
const { run, say } = require('./tools.js')

const SECONDS = 600

const OPTIONS = {
  seconds: { type: 'string' },
  target: { type: 'string' },
  corpus: { type: 'boolean' },
  input: { type: 'string' },
  keep: { type: 'boolean' },
  coverage: { type: 'boolean' }
}

function parse(args) {
  const { values } = parseArgs({ args, options: OPTIONS })
  const { seconds = String(SECONDS), input, target } = values
  if (!/^[1-9]\d{0,6}$/.test(seconds)) {
    throw new Error(`--seconds: expected a whole number, got ${seconds}`)
  }
  if (input !== undefined && target === undefined) {
    throw new Error('--input: expected --target NAME with it')
  }
  return { ...values, seconds: Number(seconds) }
}

/** The targets that are asked for. */
function targetsOf({ target, corpus }) {
  const names = run('make', ['-s', '-C', __dirname, 'names']).split('\n')
  const all = [
    ...names.filter((name) => name !== '').map((name) => new CTarget(name)),
    new JavaScriptTarget()
  ]
  const wanted = all.filter(
    (one) =>
      [undefined, one.name].includes(target) &&
      // npm test has run the properties.
      (!corpus || one instanceof CTarget)
  )
  if (wanted.length === 0) {
    const known = all.map(({ name }) => name).join(', ')
    throw new Error(`--target: ${target} is unknown; these exist: ${known}`)
  }
  return wanted
}

const COLUMNS = [
  ['target', 12],
  ['executions', 13],
  ['per second', 12],
  ['edges', 9],
  ['inputs', 9],
  ['seconds', 9]
]

const row = (cells) =>
  cells.map((cell, i) => String(cell).padStart(COLUMNS[i][1])).join('')

const number = (value) => value?.toLocaleString('en-US') ?? '-'

/** One line of the table. */
function tell({ name }, { executions, edges, inputs, seconds }) {
  const rate = Math.round(executions / Math.max(seconds, 0.001))
  say(
    row([
      name,
      ...[executions, rate, edges, inputs].map(number),
      seconds.toFixed(1)
    ])
  )
}

async function main(args) {
  const options = parse(args)
  if (options.coverage) {
    return measure()
  }
  const targets = targetsOf(options)
  const share = Math.max(1, Math.floor(options.seconds / targets.length))
  for (const target of targets) {
    target.build()
  }
  if (options.keep) {
    for (const target of targets) await target.keep()
    return 0
  }
  const file = options.input && path.resolve(options.input)
  if (file !== undefined && !fs.existsSync(file)) {
    throw new Error(`--input: there is no ${options.input}`)
  }
  const findings = []
  let executions = 0
  say(row(COLUMNS.map(([title]) => title)))
  for (const target of targets) {
    const result = options.corpus
      ? await target.replay()
      : file !== undefined
        ? await target.replay(file)
        : await target.fuzz(share)
    tell(target, result)
    executions += result.executions
    findings.push(...result.findings)
  }
  say(`${number(executions)} executions, ${findings.length} findings`)
  for (const { target, what, input } of findings) {
    say(`FOUND by ${target}: ${what}`)
    if (input !== undefined) {
      say(`  npm run fuzz -- --target ${target} --input ${input}`)
    }
  }
  return findings.length > 0 || executions === 0 ? 1 : 0
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    console.error(`fuzz: ${error.message}`)
    process.exitCode = 1
  }
)
