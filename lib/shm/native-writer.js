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
  /** @param {object} writer the addon's */
  constructor(writer) {
    this._writer = writer
    // What comes back, then the columns of each threat.
    this._numbers = new Float64Array(1 + COLUMNS * STAGE_MOST)
    this._texts = [] // of a batch, not yet staged
    this._isStaging = false
    writer.setNumbers(this._numbers)
  }

  /**
   * @param {import('../threat/check.js').ThreatRecord} record
   * @returns {number} its sequence
   */
  publish(record) {
    this._put(0, record)
    if (record.isShort) {
      this._writer.write(record.source, record.details)
    } else {
      this._writer.write(...textsOf(record))
    }
    return this._numbers[0]
  }

  /**
   * Publishes all of them, or none.
   * @param {import('../threat/check.js').ThreatRecord[]} records
   * @returns {number} the last sequence
   */
  publishAll(records) {
    if (this._isStaging) {
      // The batch before failed between its first stage and its commit.
      this._texts = []
      this._writer.discard()
    }
    this._isStaging = true
    for (const record of records) {
      this._stage(record)
    }
    this._flush()
    const last = this._writer.commit()
    this._isStaging = false
    return last
  }

  _stage(record) {
    if (record.isShort) {
      const texts = this._texts
      this._put(texts.length / 2, record)
      texts.push(record.source, record.details)
      if (texts.length === 2 * STAGE_MOST) {
        this._flush()
      }
      return
    }
    this._flush()
    this._put(0, record)
    this._writer.stage(...textsOf(record))
  }

  _put(index, { type, severity, blocked, timestampUs }) {
    const at = 1 + COLUMNS * index
    const numbers = this._numbers
    numbers[at + TYPE] = type
    numbers[at + FACTS] = blocked ? severity | STAGE_BLOCKED : severity
    numbers[at + TIMESTAMP] = timestampUs
  }

  _flush() {
    const texts = this._texts
    this._texts = []
    if (texts.length > 0) {
      this._writer.stageMany(...texts)
    }
  }
}

module.exports = { NativeWriter }
