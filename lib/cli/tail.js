'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { safeJson } = require('./escape.js')
const { formatThreat, formatLoss, wantsColor } = require('./format.js')
const { LOCATION, LOCATION_HELP, positiveInteger } = require('./options.js')
const { Output } = require('./output.js')
const { report } = require('./report.js')
const { catchSignals } = require('./signals.js')
const {
  isOver,
  openReader,
  readOptions,
  TRANSPORT,
  TRANSPORT_HELP,
  whyNeither
} = require('./transport.js')

const HELP = `\
Usage: kindly-guard-ipc tail [options]

Prints threats as they come, one line each: time (UTC), severity, type,
whether it was blocked, source, details. Characters that do not show, or that
would steer the terminal, are spelled out (\\x1b, \\u{202e}), and long text is
cut; --json has all of it. Threats that this reader lost are told on stderr.

With --from latest (the default) it follows until SIGINT. With --from oldest
or --from N it follows while a writer lives, and ends when the writer is gone
and everything is printed, unless --follow is given.

Options:
${LOCATION_HELP}
${TRANSPORT_HELP}
  --from WHERE        latest, oldest (that is still held), or the number of
                      the first threat to print
  -f, --follow        follow also when the writer is gone: the next one
                      continues the ring
  --wait              wait for a Shield when there is none, then print from
                      its beginning
  --limit N           end after N threats
  --json              print each threat as a line of JSON
  -h, --help          show this
  --version           show the version

Colours need a terminal; NO_COLOR and FORCE_COLOR are respected.

Exit code: 0 when it ended by itself, or by SIGINT, SIGTERM or a closed pipe;
1 when there was nothing to read, 2 for a wrong command line.
`

const OPTIONS = {
  ...LOCATION,
  ...TRANSPORT,
  from: { type: 'string' },
  follow: { type: 'boolean', short: 'f' },
  wait: { type: 'boolean' },
  limit: { type: 'string' },
  json: { type: 'boolean' }
}

/** How often --wait looks for a ring, or how a client is connected. */
const WAIT_MS = 200
const CONNECT_MS = 10

/** How often tail looks whether a writer that went left nothing to print. */
const LOOK_MS = 100

/**
 * @param {string} text
 * @returns {'latest' | 'oldest' | number}
 */
function parseFrom(text) {
  if (text === 'latest' || text === 'oldest') return text
  return positiveInteger('from', text, 'latest, oldest or ')
}

/**
 * Opens the ring, waiting for it if that was asked for.
 * @param {{ transport: string, options: object }} chosen
 * @param {boolean} wait
 * @param {AbortSignal} signal ends the waiting by an AbortError
 * @returns {Promise<import('../index').ShmClient>}
 */
async function openRing(chosen, wait, signal) {
  let { from } = chosen.options
  let told = false
  for (;;) {
    try {
      return await openReader({
        ...chosen,
        options: { ...chosen.options, from }
      })
    } catch (error) {
      if (!wait || error.code !== 'ERR_NO_RING') throw error
    }
    if (!told) report('no ring yet, waiting for one')
    told = true
    // Whatever a ring holds that was not there before is new to this user.
    if (from === 'latest') from = 'oldest'
    await sleep(WAIT_MS, undefined, { signal })
  }
}

/**
 * Opens what there is, waiting for it if that was asked for.
 * @param {{ transport: string, options: object }} chosen
 * @param {boolean} wait
 * @param {AbortSignal} signal ends the waiting by an AbortError
 * @returns {Promise<import('../index').ThreatReader>}
 */
async function open(chosen, wait, signal) {
  if (chosen.transport === 'shm') return openRing(chosen, wait, signal)
  const client = await openReader(chosen)
  let told = false
  try {
    while (client.stats().transport === 'connecting') {
      const reason = whyNeither(client, chosen.options)
      if (reason !== null) {
        if (!wait) throw reason
        if (!told) report('no Shield yet, waiting for one')
        told = true
      }
      await sleep(CONNECT_MS, undefined, { signal })
    }
    return client
  } catch (error) {
    await client.close()
    throw error
  }
}

/**
 * A threat as JSON. A context can be nested deeper than JSON.stringify goes,
 * which is no reason to withhold the threat.
 * @param {import('../index').Threat} threat
 * @param {(message: string) => void} [tell]
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
 * Tells losses and the comings and goings of the writer on stderr.
 * @param {import('../index').ThreatReader} client
 * @param {Output} output
 * @param {boolean} json
 */
function tellEvents(client, output, json) {
  client.on('lost', (loss) => {
    // What came before the gap is to stand before it on a terminal.
    output.flush()
    if (json) process.stderr.write(`${safeJson({ lost: loss })}\n`)
    else report(formatLoss(loss))
  })
  if (!process.stderr.isTTY) return
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
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)

  let printed = 0
  let blocked = null
  const show = (threat) => {
    printed += 1
    blocked = output.write(format(threat))
  }
  const look = () => {
    if (blocked === null && isOver(client)) stop()
  }
  const timer = endsWithWriter ? setInterval(look, LOOK_MS) : undefined
  try {
    await client.pollThreats(
      (threat) => {
        show(threat)
        if (printed >= limit) return false
        return blocked?.then(() => {
          blocked = null
        })
      },
      { signal: end.signal }
    )
  } finally {
    clearInterval(timer)
  }

  // When the writer is gone: what it published last.
  while (!signal.aborted && printed < limit) {
    const [threat] = client.poll(1)
    if (threat === undefined) break
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
  const chosen = readOptions(
    values,
    values.from === undefined ? {} : { from: parseFrom(values.from) }
  )
  const { from = 'latest' } = chosen.options
  chosen.options.from = from
  const limit =
    values.limit === undefined
      ? Infinity
      : positiveInteger('limit', values.limit)
  const color = wantsColor(process.stdout)
  const caught = catchSignals()
  const finish = new AbortController()
  let failure = null
  const output = new Output(process.stdout, (error) => {
    // `| head` closes the pipe when it has enough: that is no failure.
    if (error.code !== 'EPIPE') failure = error
    finish.abort()
  })
  caught.signal.addEventListener('abort', () => {
    output.stop()
    finish.abort()
  })

  let client = null
  try {
    client = await open(chosen, Boolean(values.wait), finish.signal)
    tellEvents(client, output, Boolean(values.json))
    await print(client, output, {
      format: values.json
        ? toJson
        : (threat) => formatThreat(threat, { color }),
      limit,
      signal: finish.signal,
      endsWithWriter: from !== 'latest' && !values.follow
    })
  } catch (error) {
    if (!finish.signal.aborted) throw error
  } finally {
    await client?.close()
  }
  if (failure !== null) throw failure
  // Whoever sends a signal is not to wait for a pipe that nobody reads.
  if (caught.name !== null) process.exit(0)
  return 0
}

module.exports = { HELP, OPTIONS, run, toJson }
