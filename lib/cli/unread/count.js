'use strict'
// What came since a position: how many of which severity and type, from where,
// and what of it nobody can read any more. For programs that run anew each time,
// so it takes no longer than it must.

const fs = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')
const { openConnected } = require('../transport.js')
const { Severity } = require('../../threat/names.js')

// For a Shield that has no ring to say that it is there.
const CONNECT_MS = 1000
// For what it then sends.
const SERVER_MS = 300
// What more there is takes longer to count than somebody waits for a line.
const MOST = 20_000
// Of different sources, so many are kept.
const MOST_SOURCES = 5

class Tally {
  total = 0
  bySeverity = {}
  byType = {}
  sources = new Set()
  lost = 0
  lostUnknown = false
  /** Of those lost, the ones that the Shield counts as severe; null: unknown. */
  lostPriority = 0
  /** There is more than was counted. */
  isCut = false

  /** @param {import('../../index').Threat} threat */
  add({ severity, severityCode, threatType, source }, least) {
    const number = Severity[severity] ?? severityCode ?? 0
    if (number < least) return
    this.total++
    this.bySeverity[severity] = (this.bySeverity[severity] ?? 0) + 1
    this.byType[threatType] = (this.byType[threatType] ?? 0) + 1
    if (this.sources.size < MOST_SOURCES) this.sources.add(source)
  }

  /** @param {import('../../index').Loss} loss */
  lose({ count, priority, reason }) {
    if (reason === 'before-join') return
    this.lostUnknown ||= count === null
    this.lost += count ?? 0
    this.lostPriority =
      priority === null || this.lostPriority === null
        ? null
        : this.lostPriority + priority
  }
}

/** Takes what is there, without waiting for more. */
async function take(client, tally, least) {
  const isShm = client.stats().transport === 'shm'
  const end = performance.now() + SERVER_MS
  let taken = 0
  for (;;) {
    const threats = client.poll()
    for (const threat of threats) tally.add(threat, least)
    taken += threats.length
    if (taken >= MOST) {
      tally.isCut = true
      return
    }
    if (threats.length > 0) continue
    const { sequence, published } = client.stats()
    // A server sends what it has in its own time.
    if (isShm || sequence >= published || performance.now() > end) return
    await sleep(2)
  }
}

/**
 * Reads on from a position.
 * @param {import('../../index').IpcOptions} options
 * @param {string} file with the position; where there is none that can be used,
 *   nothing was missed
 * @param {number} [least] the number of the least severity that counts
 * @returns {Promise<{ transport: string, writer: string, tally: Tally,
 *   isFirst: boolean, save: (file: string) => boolean,
 *   close: () => Promise<void> } | null>} null: there is no Shield. `isFirst`:
 *   there was no position; `save` saves the one behind what was counted
 */
async function readUnread(options, file, least = 0) {
  const reading = { ...options, from: 'latest', after: { file } }
  const isMissing = !fs.existsSync(file)
  let client
  try {
    const giveUp = (reason) => {
      throw reason
    }
    const signal = AbortSignal.timeout(CONNECT_MS)
    client = await openConnected(reading, giveUp, signal)
  } catch {
    return null
  }
  const { transport, writer, error } = client.stats()
  const tally = new Tally()
  client.on('lost', (loss) => tally.lose(loss))
  await take(client, tally, least)
  return {
    transport,
    writer,
    tally,
    isFirst: isMissing || error?.code === 'ERR_POSITION_INVALID',
    save: (to) => client.savePosition(to),
    close: () => client.close()
  }
}

module.exports = { readUnread, Tally }
