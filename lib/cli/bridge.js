'use strict'
// `kindly-guard-ipc bridge`: serves the ring of a Shield that has no server.

const { setTimeout: sleep } = require('node:timers/promises')
const { LossReport } = require('./loss-report.js')
const { numberIn, OWN_TRANSPORT_HELP } = require('./options.js')
const { LOCATION_CHECKS, pick } = require('../options/check.js')
const { checkWebSocket } = require('../options/websocket.js')
const { describe, report, UsageError } = require('./report.js')
const { catchSignals } = require('./signals.js')
const { readOptions } = require('./transport.js')

const HELP = `\
Usage: kindly-guard-ipc bridge [options]

Serves a ring over WebSocket, as a Shield in Node does by itself: for a Shield
in C, Rust or another language, which writes the ring alone. Clients without
shared memory get everything once, with the same generations and sequences,
and go over to the ring and back without losing their place. It is found as a
Shield is: by <name>.sock and the discovery file <name>.json. Where a Shield
in Node or another bridge has that place, it ends with ERR_RING_LOCKED.

It ends with the Shield: when the ring has no writer any more, and clients
have everything. What it does is told on stderr. Threats that were overwritten
before it could read them are reported there, and clients are told as well.

Options:
  --wait              wait for a Shield when there is none
  -f, --follow        when the Shield is gone, leave the place and wait for
                      the next one, for ever
  --port PORT         the port of the loopback address; 0 is any that is free,
                      and none leaves the local socket alone (default: 9955)
${OWN_TRANSPORT_HELP}

What else the server may be told stands under [ipc.websocket] of that FILE.

Exit code: 0 when the Shield has ended, or by SIGINT or SIGTERM; 1 when there
was no Shield, or it could not be served; 2 for a wrong command line.
`

// How often a ring and its writer are looked for.
const WAIT_MS = 200

// What stands in a ring's place until a Shield comes and replaces it.
const NO_RING_YET = new Set(['ERR_RING_INVALID', 'ERR_RING_TRUNCATED'])

const flagOf = (key) => `--${key}`

/** The options of the library, `websocket` among them. */
function optionsOf(values) {
  const { options } = readOptions({ ...values, transport: 'auto' })
  options.preferShm = true
  if (values.port !== undefined) {
    const port = values.port === 'none' ? false : numberIn(values.port)
    options.websocket = { ...options.websocket, port }
    try {
      // With the name of the command line in its error.
      checkWebSocket({ port }, flagOf)
    } catch (error) {
      throw new UsageError(error.message)
    }
  }
  return options
}

/**
 * How the ring is, and where it stands. The addon loads when it is needed.
 * @param {object} options
 * @param {boolean} [isWaiting] whether a file that a Shield will replace is none
 * @returns {{ path: string, isWritten: boolean, stand: object } | null} null:
 *   there is none
 * @throws {IpcError} but not ERR_NO_RING
 */
function look(options, isWaiting = false) {
  const { inspectRing } = require('../shm/inspect.js')
  try {
    const ring = inspectRing(pick(options, LOCATION_CHECKS))
    const { path, generation, published: sequence, priority } = ring
    return {
      path,
      isWritten: ring.writer !== 'gone' && !ring.displaced,
      stand: { generation, sequence, priority }
    }
  } catch (error) {
    const isNone =
      error.code === 'ERR_NO_RING' || (isWaiting && NO_RING_YET.has(error.code))
    if (!isNone) {
      throw error
    }
    return null
  }
}

/**
 * Waits for a ring that is written.
 * @param {object} options
 * @param {object | null | undefined} before where the stream stood when this began
 *   to wait; undefined: that is not known yet
 * @param {AbortSignal} signal ends it by an AbortError
 * @returns {Promise<object | null | undefined>} the same; undefined: there was a
 *   writer already
 */
async function waitForWriter(options, before, signal) {
  let stand = before
  let isTold = false
  for (;;) {
    const ring = look(options, true)
    if (ring?.isWritten) {
      return stand
    }
    if (stand === undefined) {
      stand = ring && ring.stand
    }
    if (!isTold) {
      isTold = true
      report('no Shield writes the ring, waiting for one')
    }
    await sleep(WAIT_MS, undefined, { signal })
  }
}

/** @returns {boolean} whether the ring is written @throws {IpcError} */
function isWritten(options) {
  const ring = look(options)
  if (ring === null) {
    const { IpcError } = require('../base/errors.js')
    throw new IpcError('ERR_NO_RING', 'a bridge with --wait waits for one')
  }
  if (!ring.isWritten) {
    report(
      `kindly-guard-ipc: no Shield writes ${ring.path}; start it first, or ` +
        'give --wait'
    )
  }
  return ring.isWritten
}

/** Where clients find it, in words. */
function formatPlace({ path, generation, websocket }) {
  const { socket, url } = websocket
  const where = [socket, url].filter((one) => one !== null).join(' and ')
  return `serves ${path} (generation ${generation}) at ${where}`
}

const formatCounts = ({ passed, lost }) => `passed on ${passed}, lost ${lost}`

/**
 * Serves until the ring has no writer.
 * @param {object} options
 * @param {object | null | undefined} before as that of RingBridge
 * @param {AbortSignal} signal ends it in good order
 * @returns {Promise<object>} where the stream stood at the end
 * @throws {Error} what keeps it from serving
 */
async function serve(options, before, signal) {
  const { RingBridge } = require('../shield/bridge.js')
  const bridge = new RingBridge(options, before)
  const losses = new LossReport(report)
  let stop
  const ended = new Promise((resolve, reject) => {
    bridge.on('end', () => resolve('the Shield has ended'))
    bridge.on('error', reject)
    stop = () => resolve('stopped')
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) {
      stop()
    }
  })
  // What comes before it is awaited.
  ended.catch(() => {})
  bridge.on('lost', (loss) => losses.note(loss))
  bridge.on('replaced', (generation) =>
    report(`another ring has taken its place (generation ${generation})`)
  )
  bridge.on('writer', (state) =>
    report(state === 'live' ? 'the Shield lives' : `the Shield is ${state}`)
  )
  try {
    const why = await Promise.race([bridge.start(), ended])
    if (why === undefined) {
      report(formatPlace(bridge.stats()))
      if (bridge.moved !== null) {
        report(describe(bridge.moved))
      }
      const { socketError } = bridge.stats().websocket
      if (socketError !== null) {
        report(`there is no local socket: ${describe(socketError)}`)
      }
      const reason = await ended
      losses.end()
      report(`${reason}: ${formatCounts(bridge.stats())}`)
    }
  } finally {
    // One signal outlives all bridges of --follow.
    signal.removeEventListener('abort', stop)
    losses.end()
    await bridge.close()
  }
  return bridge.stand
}

/**
 * @param {Record<string, string | boolean>} values
 * @returns {Promise<number>} the exit code
 */
async function run(values) {
  const options = optionsOf(values)
  const { follow = false, wait = false } = values
  // Before it waits, perhaps for ever.
  require('../shield/bridge.js').checkBridge(options)
  const { signal } = catchSignals()
  if (!wait && !isWritten(options)) {
    return 1
  }
  try {
    let before
    for (let mustWait = wait; ; mustWait = true) {
      if (mustWait) {
        before = await waitForWriter(options, before, signal)
      }
      before = await serve(options, before, signal)
      if (!follow || signal.aborted) {
        return 0
      }
    }
  } catch (error) {
    if (signal.aborted) {
      return 0
    }
    if (error.code !== 'ERR_RING_LOCKED') {
      throw error
    }
    report(
      'kindly-guard-ipc: a Shield in Node or another bridge serves this ring ' +
        `already: ${describe(error)}`
    )
    return 1
  }
}

module.exports = { HELP, run }
