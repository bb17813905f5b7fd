'use strict'
// `kindly-guard-ipc doctor`: looks at this user's real situation, and says what
// is wrong with it and what to do.

const { homedir } = require('node:os')
const { spellOutPaths } = require('../base/display-text.js')
const { examine } = require('./doctor/examine.js')
const { paint, wantsColor } = require('./format.js')
const { COMMON_HELP } = require('./options.js')
const { print } = require('./output.js')
const { safeJson } = require('./safe-json.js')
const { readOptions } = require('./transport.js')

const HELP = `\
Usage: kindly-guard-ipc doctor [options]

Looks for what keeps threats from being seen, or makes them late, and says what
to do: the addon, the directories, /dev/shm, containers and sandboxes, the ring
and its writer, who holds the lock, whether the Shield answers over its socket
and its port, what saves power, and how long a threat takes here. Changes
nothing, and leaves a Shield that runs alone. It prints no token.

Where check tries what the package promises with a Shield of its own, this
looks for the Shield that you have. Give it the options that your extension
has.

Options:
  --quick             do not measure how long a threat takes
  --json              print one line of JSON
${COMMON_HELP}

Exit code: 0 when all is well, 1 when something is wrong, 2 for a wrong command
line.
`

const LABEL = { ok: 'ok', note: 'note', wrong: 'WRONG' }
const INDENT = 20
const MOST_COLUMNS = 100

/** Words in lines of so many characters; a word that is longer stays whole. */
function wrap(text, columns) {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1]
    if (last !== '' && last.length + 1 + word.length > columns) {
      lines.push(word)
    } else {
      lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
    }
  }
  return lines
}

function formatFinding({ topic, level, text, advice }, columns, color) {
  const label = paint(level, LABEL[level].padEnd(6), color)
  const indent = ' '.repeat(INDENT)
  const lines = wrap(text, columns - INDENT)
  const advised =
    advice === undefined
      ? []
      : wrap(advice, columns - INDENT - 3).map(
          (line, i) => `${i === 0 ? '-> ' : '   '}${line}`
        )
  const rest = [...lines.slice(1), ...advised].map((line) => indent + line)
  return [`${label} ${topic.padEnd(12)} ${lines[0]}`, ...rest].join('\n')
}

/** With the home as people write it, and nothing in it that steers a terminal. */
function safe(text) {
  const home = homedir().replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  // A whole path, and no part of another one.
  const start = new RegExp(`(?<![\\w.-])${home}(?=[/\\\\])`, 'g')
  return spellOutPaths(home.length > 1 ? text.replace(start, '~') : text)
}

const counts = (findings) =>
  ['wrong', 'note', 'ok'].map(
    (level) => findings.filter((one) => one.level === level).length
  )

/** @param {import('./doctor/finding.js').Finding[]} findings */
function formatFindings(findings, { columns = 80, color = false } = {}) {
  const width = Math.max(40, Math.min(columns, MOST_COLUMNS))
  const lines = findings.map(({ text, advice, ...rest }) =>
    formatFinding(
      { ...rest, text: safe(text), advice: advice && safe(advice) },
      width,
      color
    )
  )
  const [wrong, notes, ok] = counts(findings)
  return `${lines.join('\n')}\n\n${wrong} wrong, ${notes} to note, ${ok} ok\n`
}

/**
 * @param {Record<string, string | boolean>} values
 * @returns {Promise<number>} the exit code
 */
async function run(values) {
  const { options } = readOptions(values)
  const findings = await examine(options, { isQuick: values.quick === true })
  const isWell = findings.every(({ level }) => level !== 'wrong')
  if (values.json) {
    await print(`${safeJson({ ok: isWell, findings })}\n`)
  } else {
    const { columns } = process.stdout
    const color = wantsColor(process.stdout)
    await print(formatFindings(findings, { columns, color }))
  }
  return isWell ? 0 : 1
}

module.exports = { formatFindings, HELP, run }
