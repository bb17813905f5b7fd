'use strict'
// `kindly-guard-ipc unread`: one line with what came since it was read last, for
// a status line or a prompt.

const { COMMON_HELP } = require('./options.js')
const { print } = require('./output.js')
const { safeJson } = require('./safe-json.js')
const { readOptions } = require('./transport.js')
const { readUnread } = require('./unread/count.js')
const { positionFile } = require('./unread/position.js')
const { leastSeverity } = require('./unread/severity.js')
const { statusLine, summary } = require('./unread/words.js')

const HELP = `\
Usage: kindly-guard-ipc unread [options]

Prints one line: over which transport the Shield is reached, and how many
threats of each severity came since they were marked as read. Prints nothing
when there is no Shield. It is quick, so that a status line or a prompt can
call it again and again. The first call begins: what came before it is read.

Options:
  --mark              they are read now
  --summary           print types and sources as well, one sentence each
  --min-severity NAME count from this severity on: Low, Medium, High, Critical
  --position FILE     where it is kept what is read (default: a file in
                      XDG_RUNTIME_DIR/kindly-guard or ~/.kindly-guard)
  --json              print one line of JSON
${COMMON_HELP}

The details of a threat, which an attacker wrote, are never printed; sources are
quoted and cut.

Exit code: 0, also without a Shield; 1 when something went wrong, 2 for a wrong
command line.
`

/** The same as values. */
function toJson({ transport, writer, tally }) {
  const { total, bySeverity, byType, isCut } = tally
  const { lost, lostUnknown, lostPriority } = tally
  return safeJson({
    transport,
    writer,
    unread: total,
    cut: isCut,
    bySeverity,
    byType,
    lost: { count: lostUnknown ? null : lost, priority: lostPriority }
  })
}

function format(found, { json, summary: isSummary }) {
  if (json) return toJson(found)
  return isSummary ? summary(found.tally).join('\n') : statusLine(found)
}

/**
 * @param {Record<string, string | boolean>} values
 * @returns {Promise<number>} the exit code
 */
async function run(values) {
  const least = leastSeverity(values['min-severity'] ?? 'Low', '--min-severity')
  const { options } = readOptions(values)
  const file = values.position ?? positionFile(options, 'unread')
  const found = await readUnread(options, file, least)
  if (found === null) return 0
  try {
    if (found.writer === 'gone') return 0
    if (values.mark || found.isFirst) found.save(file)
    await print(`${format(found, values)}\n`)
    return 0
  } finally {
    await found.close()
  }
}

module.exports = { HELP, run }
