'use strict'
// `kindly-guard-ipc tail`: prints threats as they come.

const { setTimeout: sleep } = require('node:timers/promises')
const { safeJson } = require('./safe-json.js')
const { formatLoss, formatThreat, wantsColor } = require('./format.js')
const { COMMON_HELP, numberIn } = require('./options.js')
const { Output } = require('./output.js')
const { report, UsageError } = require('./report.js')
const { catchSignals } = require('./signals.js')
const {
  isOver,
  openConnected,
  openRing,
  readOptions
} = require('./transport.js')

const HELP = `\
Usage: kindly-guard-ipc tail [options]

Prints threats as they come, one line each: time (UTC), severity, type,
whether it was blocked, source, details. Characters that do not show, or that
would steer the terminal, are spelled out (\\x1b, \\u{202e}), and long text is
shortened; --json has all of it. [cut] marks what is all that came of a threat.
Lost threats are reported on stderr.

With --from latest (the default) it follows until SIGINT. With --from oldest
or --from N it follows while a writer lives, and ends when the writer is gone
and everything is printed, unless --follow is given.

Options:
  --from WHERE        latest, oldest (that is still held), or the number of
                      the first threat to print
  -f, --follow        follow also when the writer is gone: the next one
                      continues the ring
  --wait              wait for a Shield when there is none, then print from
                      its beginning
  --limit N           end after N threats
  --json              print each threat as a line of JSON
${COMMON_HELP}

Colours need a terminal; NO_COLOR and FORCE_COLOR are respected.

Exit code: 0 when it ended by itself, or by SIGINT, SIGTERM or a closed pipe;
1 when there was nothing to read, 2 for a wrong command line.
`

// How often --wait looks for a ring.
const WAIT_MS = 200

// How often it is checked whether a writer that is gone left nothing to print.
const CHECK_MS = 100

/**
 * Opens the ring or what there is, as chosen; with `wait`, waits for it.
 * @param {{ transport: string, options: object }} chosen
 * @param {boolean} wait
 * @param {AbortSignal} signal ends the waiting by an AbortError
 * @returns {Promise<import('../index').ThreatReader>}
 */
async function open({ transport, options }, wait, signal) {
  let isTold = false
  const mustWait = (error, what) => {
    if (!wait) {
      throw error
    }
    if (!isTold) {
      report(`no ${what} yet, waiting for one`)
    }
    isTold = true
  }
  if (transport !== 'shm') {
    const onNone = (reason) => mustWait(reason, 'Shield')
    return openConnected(options, onNone, signal)
  }
  let { from } = options
  for (;;) {
    try {
      return openRing({ ...options, from })
    } catch (error) {
      if (error.code !== 'ERR_NO_RING') {
        throw error
      }
      mustWait(error, 'ring')
    }
    // A ring made from now on holds nothing that this user has seen.
    if (from === 'latest') {
      from = 'oldest'
    }
    await sleep(WAIT_MS, undefined, { signal })
  }
}

/**
 * A threat as JSON; without its context when that is nested deeper than
 * JSON.stringify() can go.
 * @param {import('../index').Threat} threat
 * @param {(message: string) => void} [tell] reports that
 * @returns {string}
 */
function toJson(threat, tell = report) {
  try {
    return safeJson(threat)
  } catch {
    tell(`threat ${threat.sequence}: its context is nested too deeply`)
    return safeJson({ ...threat, context: undefined })
  }
}

/**
 * Reports losses on stderr and, on a terminal, the transport and the writer.
 * @param {import('../index').ThreatReader} client
 * @param {Output} output
 * @param {boolean} json
 */
function tellEvents(client, output, json) {
  client.on('lost', (loss) => {
    // So that on a terminal it follows the threats that came before it.
    output.flush()
    if (json) {
      process.stderr.write(`${safeJson({ lost: loss })}\n`)
    } else {
      report(formatLoss(loss))
    }
  })
  if (!process.stderr.isTTY) {
    return
  }
  client.on('transport', ({ to, reason }) => {
    output.flush()
    report(`${to}: ${reason}`)
  })
  client.on('writer', (state) => {
    output.flush()
    report(state === 'live' ? 'the writer lives' : `the writer is ${state}`)
  })
}

/**
 * Prints threats until there is a reason to stop.
 * @param {import('../index').ThreatReader} client
 * @param {Output} output
 * @param {{ format: (threat: object) => string, limit: number,
 *   signal: AbortSignal, endsWithWriter: boolean }} how
 */
async function print(client, output, how) {
  const { format, limit, signal, endsWithWriter } = how
  const end = new AbortController()
  const stop = () => end.abort()
  if (signal.aborted) {
    stop()
  }
  signal.addEventListener('abort', stop)

  let printed = 0
  let blocked = null
  const show = (threat) => {
    printed += 1
    blocked = output.write(format(threat))
  }
  const check = () => {
    if (blocked === null && isOver(client)) {
      stop()
    }
  }
  const timer = endsWithWriter ? setInterval(check, CHECK_MS) : undefined
  try {
    await client.pollThreats(
      (threat) => {
        show(threat)
        if (printed >= limit) {
          return false
        }
        return blocked?.then(() => {
          blocked = null
        })
      },
      { signal: end.signal }
    )
  } finally {
    clearInterval(timer)
  }

  // After the writer's end: what it published last.
  while (!signal.aborted && printed < limit) {
    const [threat] = client.poll(1)
    if (threat === undefined) {
      break
    }
    show(threat)
    await blocked
  }
  output.flush()
}

/**
 * @param {Record<string, string | boolean>} values
 * @returns {Promise<number>} the exit code
 */
async function run(values) {
  const { json = false, wait = false } = values
  const chosen = readOptions(values, { from: numberIn(values.from) })
  const { from = 'latest' } = chosen.options
  chosen.options.from = from
  const limit = numberIn(values.limit) ?? Number.MAX_SAFE_INTEGER
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new UsageError(
      `--limit takes a whole number from 1, not '${values.limit}'`
    )
  }
  const color = wantsColor(process.stdout)
  const caught = catchSignals()
  const finish = new AbortController()
  let failure = null
  const output = new Output(process.stdout, (error) => {
    // `| head` closes the pipe when it has enough, which is no failure.
    if (error.code !== 'EPIPE') {
      failure = error
    }
    finish.abort()
  })
  caught.signal.addEventListener('abort', () => {
    output.stop()
    finish.abort()
  })

  let client = null
  try {
    client = await open(chosen, wait, finish.signal)
    tellEvents(client, output, json)
    await print(client, output, {
      format: json ? toJson : (threat) => formatThreat(threat, { color }),
      limit,
      signal: finish.signal,
      endsWithWriter: from !== 'latest' && !values.follow
    })
  } catch (error) {
    if (!finish.signal.aborted) {
      throw error
    }
  } finally {
    await client?.close()
  }
  if (failure !== null) {
    throw failure
  }
  // A signal ends it also while stdout is a pipe that is not read.
  if (caught.signal.aborted) {
    process.exit(0)
  }
  return 0
}

module.exports = { HELP, run, toJson }
