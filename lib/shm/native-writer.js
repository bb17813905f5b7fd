'use strict'
// The native writer's calls, each with as little as can be that crosses into
// the addon: numbers go through an array that both sides have, and a batch's
// texts are the arguments of few calls.

// As in binding_writer.cc.
const COLUMNS = 3
const BLOCKED = 1 << 8
const MOST_STAGED = 64

/** Whether it has but the texts that every threat has. */
const isShort = ({ id, context, deflated }) =>
  id === undefined && context === undefined && deflated === undefined

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
    this._numbers = new Float64Array(1 + COLUMNS * MOST_STAGED)
    this._texts = [] // of a batch that are to be staged next
    this._isStaging = false
    writer.setNumbers(this._numbers)
  }

  /**
   * @param {import('../threat/check.js').ThreatRecord} record
   * @returns {number} its sequence
   */
  publish(record) {
    this._put(0, record)
    if (isShort(record)) {
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
      // The batch before was refused, or the stack was full.
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
    if (isShort(record)) {
      const texts = this._texts
      this._put(texts.length / 2, record)
      texts.push(record.source, record.details)
      if (texts.length === 2 * MOST_STAGED) {
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
    numbers[at] = type
    numbers[at + 1] = blocked ? severity | BLOCKED : severity
    numbers[at + 2] = timestampUs
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
