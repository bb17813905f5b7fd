'use strict'
// A source of threats that is a list, and the stream of it: nothing wakes the
// stream but the test.

const { ThreatStream } = require('../../lib/stream/threat-stream.js')
const { turn } = require('./wait.js')

/**
 * @param {number} count its events, 10 at a time
 * @param {boolean} [isFreezing] the option `freeze`
 * @param {Error | null} [early] what was wrong before there was a stream
 * @returns {{ source: object, stream: ThreatStream, host: object }}
 */
function openList(count, isFreezing = false, early = null) {
  const source = {
    count,
    taken: 0,
    takes: 0,
    arms: 0,
    generation: 'first',
    state: 'live',
    isHeld: false,
    isClosed: false,
    most: undefined,
    take(max, threats) {
      source.takes++
      const last = Math.min(source.taken + Math.min(max, 10), source.count)
      while (source.taken < last) threats.push({ sequence: ++source.taken })
      return source.taken < source.count
    },
    arm() {
      source.arms++
      return source.taken < source.count
    },
    hold(hold) {
      source.isHeld = hold
    },
    position: () => ({
      ...{ generation: source.generation, next: source.taken + 1 },
      ...{ priority: 5 }
    }),
    writerState: () => source.state,
    priorityBehind: ({ sequence }) => sequence + 100,
    async close() {
      await turn()
      source.isClosed = true
    }
  }
  let host
  const stream = new ThreatStream(
    (given) => {
      host = given
      return source
    },
    () => ({ error: null }),
    isFreezing,
    early
  )
  return { source, stream, host }
}

/** Time enough for whatever goes on by itself. */
async function turns() {
  for (let i = 0; i < 5; i++) await turn()
}

module.exports = { openList, turns }
