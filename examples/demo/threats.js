'use strict'

const fs = require('node:fs')
const path = require('node:path')

/** What the demo's Shield sends, and what its extensions expect. */

const file = path.join(__dirname, '..', 'threats.ndjson')

/** The threats of examples/threats.ndjson. */
const sample = fs
  .readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line))

/** How many follow in the burst. */
const BURST = 100000

const TOTAL = sample.length + BURST

const SEVERITIES = ['Low', 'Medium', 'High', 'Critical']

/**
 * The threat with this sequence. It follows from the sequence alone, so that a
 * reader can tell whether it got what was sent without being told.
 * @param {number} sequence from 1
 * @returns {import('kindly-guard-ipc').ThreatInput}
 */
function threatFor(sequence) {
  if (sequence <= sample.length) return sample[sequence - 1]
  // 7 shares no factor with 240, so all of the sample takes its turn.
  const { id, ...threat } = sample[(sequence * 7) % sample.length]
  threat.severity = SEVERITIES[sequence % 4]
  threat.blocked = sequence % 3 === 0
  threat.details = `${threat.details} #${sequence}`
  if (id !== undefined) threat.id = `${id}-${sequence}`
  return threat
}

module.exports = { sample, BURST, TOTAL, threatFor }
