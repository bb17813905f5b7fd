'use strict'
// `kindly-guard-ipc top`: a live screen of what comes.

const { setTimeout: sleep } = require('node:timers/promises')
const { createClient } = require('../client-entry.js')
const { machine } = require('./doctor/system.js')
const { wantsColor } = require('./format.js')
const { COMMON_HELP } = require('./options.js')
const { print } = require('./output.js')
const { UsageError } = require('./report.js')
const { catchSignals } = require('./signals.js')
const { frame } = require('./top/frame.js')
const { Rates } = require('./top/rates.js')
const { readersOf } = require('./top/readers.js')
const { Screen } = require('./top/screen.js')
const { readOptions } = require('./transport.js')

const HELP = `\
Usage: kindly-guard-ipc top [options]

Shows a live screen: the transport and the Shield, how many threats come and
of which severity and type, how long they take, who reads and how far behind,
what was lost, and the newest threats. It counts from its start on, and waits
for a Shield when there is none. Press q to quit.

Options:
  --once              look for a second, print one screen and end
${COMMON_HELP}

Colours need a terminal; NO_COLOR and FORCE_COLOR are respected.

Exit code: 0 when it was quit, also by SIGINT or SIGTERM; 1 when it could not
go on; 2 for a wrong command line.
`

const UPDATE_MS = 250
// Without news, so that the clock and the rates go on.
const DRAW_MS = 1000
// Looking at all processes takes some milliseconds.
const LOOK_MS = 5000
const ONCE_MS = 1000
// More rows than that, no terminal has for the newest.
const KEEP = 100

/** What there is to show of a client. */
class View {
  #client
  #watch
  #rates = new Rates()
  #readers = null
  #lookedAt = -Infinity

  /** @param {import('../index').IpcClient} client */
  constructor(client) {
    this.#client = client
    this.#watch = client.watch({ everyMs: UPDATE_MS, keep: KEEP })
    this.#rates.add(performance.now(), this.#watch.snapshot().counts)
  }

  /** @param {() => void} listener */
  onUpdate(listener) {
    this.#watch.on('update', listener)
  }

  /** @returns {import('./top/frame.js').Model} */
  model() {
    const snapshot = this.#watch.snapshot()
    const stats = this.#client.stats()
    const { latency, path, published, sequence, socket, url } = stats
    this.#rates.add(performance.now(), snapshot.counts)
    return {
      now: Date.now(),
      snapshot,
      rates: this.#ratesOf(snapshot.counts),
      latency,
      place: path ?? socket ?? url ?? '',
      behind: Math.max(0, published - sequence),
      readers: path === null ? null : this.#look(path)
    }
  }

  #ratesOf({ bySeverity, byType }) {
    const each = (key, names) =>
      Object.fromEntries(
        Object.keys(names).map((name) => [
          name,
          this.#rates.perSecond((counts) => counts[key][name])
        ])
      )
    return {
      total: this.#rates.perSecond(({ total }) => total),
      bySeverity: each('bySeverity', bySeverity),
      byType: each('byType', byType)
    }
  }

  #look(path) {
    const now = performance.now()
    if (now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now
      this.#readers = readersOf(machine, path)
    }
    return this.#readers
  }
}

/** One screen, whatever stdout is. */
async function once(view) {
  await sleep(ONCE_MS)
  const { columns = 80, rows = 24 } = process.stdout
  const color = wantsColor(process.stdout)
  const lines = frame(view.model(), { columns, rows: rows - 1, color })
  await print(`${lines.slice(0, -1).join('\n').trimEnd()}\n`)
}

/** Until somebody quits. */
function live(view, signal) {
  const screen = new Screen(process.stdin, process.stdout)
  const color = wantsColor(process.stdout)
  let timer
  return new Promise((resolve, reject) => {
    const draw = () => {
      try {
        screen.draw(frame(view.model(), { ...screen.size, color }))
      } catch (error) {
        reject(error)
      }
    }
    signal.addEventListener('abort', resolve)
    screen.open({ redraw: draw, quit: resolve })
    timer = setInterval(draw, DRAW_MS)
    view.onUpdate(draw)
    draw()
  }).finally(() => {
    clearInterval(timer)
    screen.close()
  })
}

/**
 * @param {Record<string, string | boolean>} values
 * @returns {Promise<number>} the exit code
 */
async function run(values) {
  if (!values.once && !process.stdout.isTTY) {
    throw new UsageError('top needs a terminal; --once prints one screen')
  }
  const client = await createClient(readOptions(values).options)
  try {
    const view = new View(client)
    if (values.once) await once(view)
    else await live(view, catchSignals().signal)
    return 0
  } finally {
    await client.close()
  }
}

module.exports = { HELP, run }
