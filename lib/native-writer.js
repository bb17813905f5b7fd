'use strict'
// The native writer's two calls, with fewer arguments than a threat has
// fields: each that crosses into the addon costs as much as checking it.

// In the number `facts`: the severity in 8 bits, whether it was blocked, and
// how long two short texts are, by which they are copied faster.
const BLOCKED = 1 << 8
const SOURCE_SHIFT = 9
const DETAILS_SHIFT = 18
const MAX_LENGTH = 2 ** 9 - 1

/**
 * @param {(...fields: unknown[]) => unknown} call write or stage of the addon
 * @returns {(...fields: unknown[]) => unknown} takes what encodeThreat gives
 */
function packed(call) {
  return (
    type,
    severity,
    blocked,
    timestampUs,
    source,
    details,
    id,
    context,
    deflated
  ) => {
    let facts = severity | (blocked ? BLOCKED : 0)
    if (source.length <= MAX_LENGTH && details.length <= MAX_LENGTH) {
      facts |=
        (source.length << SOURCE_SHIFT) | (details.length << DETAILS_SHIFT)
    }
    return id === undefined && context === undefined && deflated === undefined
      ? call(type, facts, timestampUs, source, details)
      : call(type, facts, timestampUs, source, details, id, context, deflated)
  }
}

module.exports = { packed }
