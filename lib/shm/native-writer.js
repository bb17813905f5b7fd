'use strict'
// The native writer's calls. Crossing into the addon is expensive, so numbers
// go through an array that both sides share, and a batch's texts are the
// arguments of few calls.

const {
  STAGE: { COLUMNS, FACTS, TIMESTAMP, TYPE },
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
  #texts = [] // of a batch, not yet staged
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
      this.#texts = []
      this.#writer.discard()
    }
    this.#isStaging = true
    for (const record of records) {
      this.#stage(record)
    }
    this.#flush()
    const last = this.#writer.commit()
    this.#isStaging = false
    return last
  }

  #stage(record) {
    if (record.isShort) {
      const texts = this.#texts
      this.#put(texts.length / 2, record)
      texts.push(record.source, record.details)
      if (texts.length === 2 * STAGE_MOST) {
        this.#flush()
      }
      return
    }
    this.#flush()
    this.#put(0, record)
    this.#writer.stage(...textsOf(record))
  }

  #put(index, { type, severity, blocked, timestampUs }) {
    const at = 1 + COLUMNS * index
    const numbers = this.#numbers
    numbers[at + TYPE] = type
    numbers[at + FACTS] = blocked ? severity | STAGE_BLOCKED : severity
    numbers[at + TIMESTAMP] = timestampUs
  }

  #flush() {
    const texts = this.#texts
    this.#texts = []
    if (texts.length > 0) {
      this.#writer.stageMany(...texts)
    }
  }
}

module.exports = { NativeWriter }
