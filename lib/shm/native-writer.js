'use strict'
// The native writer's calls. Crossing into the addon is expensive, so numbers
// go through an array that both sides share, and a batch's texts as one string:
// V8 puts the parts of all of them together at once.

const {
  STAGE: { COLUMNS, DETAILS, FACTS, SOURCE, TIMESTAMP, TYPE },
  STAGE_BLOCKED,
  STAGE_MOST
} = require('./native-constants.js')

const textsOf = ({ source, details, id, context, deflated }) => [
  source,
  details,
  id,
  context,
  deflated
]

class NativeWriter {
  #writer
  #numbers
  #isStaging = false

  /** @param {object} writer the addon's */
  constructor(writer) {
    this.#writer = writer
    // What comes back, then the columns of each threat.
    this.#numbers = new Float64Array(1 + COLUMNS * STAGE_MOST)
    writer.setNumbers(this.#numbers)
  }

  /**
   * @param {import('../threat/check.js').ThreatRecord} record
   * @returns {number} its sequence
   */
  publish(record) {
    this.#put(0, record)
    if (record.isShort) {
      this.#writer.write(record.source, record.details)
    } else {
      this.#writer.write(...textsOf(record))
    }
    return this.#numbers[0]
  }

  /**
   * Publishes all of them, or none.
   * @param {import('../threat/check.js').ThreatRecord[]} records
   * @returns {number} the last sequence
   */
  publishAll(records) {
    if (this.#isStaging) {
      // The batch before failed between its first stage and its commit.
      this.#writer.discard()
    }
    this.#isStaging = true
    let texts = ''
    let count = 0
    for (const record of records) {
      if (count === STAGE_MOST || (count > 0 && !record.isShort)) {
        this.#writer.stageMany(texts, count)
        texts = ''
        count = 0
      }
      if (record.isShort) {
        this.#put(count, record)
        texts = texts + record.source + record.details
        count++
      } else {
        this.#put(0, record)
        this.#writer.stage(...textsOf(record))
      }
    }
    this.#writer.stageMany(texts, count)
    const last = this.#writer.commit()
    this.#isStaging = false
    return last
  }

  #put(index, { type, severity, blocked, timestampUs, source, details }) {
    const at = 1 + COLUMNS * index
    const numbers = this.#numbers
    numbers[at + TYPE] = type
    numbers[at + FACTS] = blocked ? severity | STAGE_BLOCKED : severity
    numbers[at + TIMESTAMP] = timestampUs
    numbers[at + SOURCE] = source.length
    numbers[at + DETAILS] = details.length
  }
}

module.exports = { NativeWriter }
