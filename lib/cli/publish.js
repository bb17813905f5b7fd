'use strict'
// `kindly-guard-ipc publish`: publishes the threats that stdin has, line by line.

const { readLines } = require('./lines.js')
const { COMMON_HELP, numberIn } = require('./options.js')
const { describe, report } = require('./report.js')
const { catchSignals } = require('./signals.js')
const { openWriter, readOptions } = require('./transport.js')

const HELP = `\
Usage: kindly-guard-ipc publish [options]

Reads threats from stdin, one JSON object per line, and publishes each in the
ring, which is made when there is none, or over WebSocket:

  {"threatType": "InjectionAttempt", "severity": "High",
   "source": "src/app.js:12", "details": "...", "blocked": true}

(on a single line). timestampUs, id and context may be given as well. What
\`tail --json\` prints can be published again. The ring stays when publish ends,
so that readers can still read it; a WebSocket ends with publish.

A line that is no threat is reported on stderr with its number, and skipped.

Options:
  --max-events N      at least so many slots, rounded up to a power of two
                      (default: 1000)
  --buffer-size SIZE  the file may not be larger: bytes, or a size like 1MB
${COMMON_HELP}

Exit code: 0 when every line was published, 1 when a line was refused or
nothing could be opened, 2 for a wrong command line, 130 or 143 when SIGINT
or SIGTERM ended it.
`

/**
 * @param {string} text one line
 * @returns {import('../index').ThreatInput}
 */
function parseThreat(text) {
  const value = JSON.parse(text)
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError('a threat is a JSON object')
  }
  // `tail --json` prints a value without a name as Unknown and its number.
  const { threatTypeCode, severityCode, ...threat } = value
  if (threatTypeCode !== undefined) {
    threat.threatType = threatTypeCode
  }
  if (severityCode !== undefined) {
    threat.severity = severityCode
  }
  return threat
}

/** Waits while a reliable reader has to take something first. */
async function write(shield, threat) {
  for (;;) {
    try {
      return shield.writeThreat(threat)
    } catch (error) {
      if (error.code !== 'ERR_RING_FULL') {
        throw error
      }
    }
    await shield.writable()
  }
}

/**
 * Publishes every line of `input`.
 * @param {import('../index').SharedMemoryIpc |
 *   import('../index').IpcTransport} shield
 * @param {AsyncIterable<Buffer>} input
 * @param {{ published: number, refused: number }} counts
 * @param {AbortSignal} signal ends it by an error
 */
async function publishLines(shield, input, counts, signal) {
  for await (const { number, text, error } of readLines(input)) {
    if (text?.trim() === '') {
      continue
    }
    try {
      if (error !== undefined) {
        throw new TypeError(error)
      }
      await write(shield, parseThreat(text))
      counts.published += 1
    } catch (failure) {
      if (signal.aborted) {
        throw failure
      }
      counts.refused += 1
      report(`line ${number}: ${describe(failure)}`)
    }
  }
}

/**
 * @param {Record<string, string>} values
 * @returns {Promise<number>} the exit code
 */
async function run(values) {
  const chosen = readOptions(values, {
    maxEvents: numberIn(values['max-events']),
    bufferSize: numberIn(values['buffer-size'])
  })
  const caught = catchSignals()
  const counts = { published: 0, refused: 0 }
  const shield = await openWriter(chosen)
  const input = process.stdin
  caught.signal.addEventListener('abort', () => {
    input.destroy()
    // Ends write(), which may wait for a reader.
    shield.close()
  })
  try {
    // The listener is too late for a signal during openWriter().
    if (caught.signal.aborted) {
      input.destroy()
    }
    if (input.isTTY) {
      report('reading threats from stdin, one JSON object per line (NDJSON)')
    }
    await publishLines(shield, input, counts, caught.signal)
  } catch (error) {
    // After a signal, this is the error of what it destroyed or closed.
    if (!caught.signal.aborted) {
      throw error
    }
  } finally {
    await shield.close()
    report(`published ${counts.published}, refused ${counts.refused}`)
  }
  return caught.exitCode || (counts.refused > 0 ? 1 : 0)
}

module.exports = { HELP, run }
