'use strict'
// The native writer's calls, each with as little as can be that crosses into
// the addon: numbers go through an array that both sides have, and a batch's
// texts are the arguments of few calls.

const {
  STAGE: { COLUMNS, FACTS, TIMESTAMP, TYPE },
  STAGE_BLOCKED,
  STAGE_MOST
} = require('./native-constants.js')

/** What encodeThreat writes to. */
class NativeWriter {
  /** @param {object} writer the addon's */
  constructor(writer) {
    this._writer = writer
    // What comes back, then the columns of each threat.
    this._numbers = new Float64Array(1 + COLUMNS * STAGE_MOST)
    this._many = [] // texts of a batch that are to be staged next
    this._isStaging = false
    writer.setNumbers(this._numbers)
  }

  /**
   * Publishes one, as encodeThreat gives it.
   * @returns {number} its sequence
   */
  write(
    type,
    severity,
    blocked,
    timestampUs,
    source,
    details,
    id,
    context,
    deflated
  ) {
    this._put(0, type, severity, blocked, timestampUs)
    if (id === undefined && context === undefined && deflated === undefined) {
      this._writer.write(source, details)
    } else {
      this._writer.write(source, details, id, context, deflated)
    }
    return this._numbers[0]
  }

  /**
   * Publishes all of them, or none.
   * @param {object[]} batch as nameFields gives them
   * @returns {number} the last sequence
   */
  writeAll(batch) {
    if (this._isStaging) {
      // The one before came to no end: it was refused, or the stack was full.
      this._many = []
      this._writer.discard()
    }
    this._isStaging = true
    for (const fields of batch) {
      this._stage(fields)
    }
    this._flush()
    const last = this._writer.commit()
    this._isStaging = false
    return last
  }

  _stage({
    type,
    severity,
    blocked,
    timestampUs,
    source,
    details,
    id,
    context,
    deflated
  }) {
    if (id === undefined && context === undefined && deflated === undefined) {
      const many = this._many
      this._put(many.length / 2, type, severity, blocked, timestampUs)
      many.push(source, details)
      if (many.length === 2 * STAGE_MOST) {
        this._flush()
      }
      return
    }
    this._flush()
    this._put(0, type, severity, blocked, timestampUs)
    this._writer.stage(source, details, id, context, deflated)
  }

  _put(index, type, severity, blocked, timestampUs) {
    const at = 1 + COLUMNS * index
    const numbers = this._numbers
    numbers[at + TYPE] = type
    numbers[at + FACTS] = blocked ? severity | STAGE_BLOCKED : severity
    numbers[at + TIMESTAMP] = timestampUs
  }

  _flush() {
    const many = this._many
    this._many = []
    if (many.length > 0) {
      this._writer.stageMany(...many)
    }
  }
}

module.exports = { NativeWriter }
