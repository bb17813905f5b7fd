'use strict'
// What a client sends, checked. protocol.js states it.

const { LEAST_EVENT_BYTES } = require('../../threat/limits.js')
const {
  isGeneration,
  isPriority,
  isSequence,
  MAX_SEQUENCE,
  mustBe,
  parse,
  ProtocolError
} = require('../protocol.js')

const FROM = ['latest', 'oldest', 'start']

/** A command that an old Shield, or a newer one, may know. */
class UnknownCommandError extends ProtocolError {}

/**
 * A command of a client, checked.
 * @param {Buffer} data
 * @param {boolean} isBinary
 * @returns {{ type: string, from?: string | number, generation?: string,
 *   priority?: number | null, maxEventBytes?: number }}
 * @throws {ProtocolError}
 */
function parseCommand(data, isBinary) {
  const command = parse(data, isBinary)
  const { type, from = 'latest', generation, priority = null } = command
  const { maxEventBytes } = command
  if (type === 'subscribe') {
    mustBe(
      // The sequence behind the last possible one is valid, too.
      FROM.includes(from) || from === MAX_SEQUENCE + 1 || isSequence(from),
      "subscribe: from is 'latest', 'oldest', 'start' or a sequence"
    )
    mustBe(
      generation === undefined || isGeneration(generation),
      'subscribe: generation is 16 hex digits'
    )
    mustBe(
      isPriority(priority),
      'subscribe: priority is a whole number below 2^32'
    )
    mustBe(
      maxEventBytes === undefined ||
        isSequence(maxEventBytes, LEAST_EVENT_BYTES),
      `subscribe: maxEventBytes is a whole number from ${LEAST_EVENT_BYTES}`
    )
    return { type, from, generation, priority, maxEventBytes }
  }
  if (type !== 'unsubscribe' && type !== 'get_status') {
    throw new UnknownCommandError(
      `the command ${type.slice(0, 40)} is unknown; these exist: subscribe, ` +
        'unsubscribe, get_status'
    )
  }
  return { type }
}

module.exports = { parseCommand, UnknownCommandError }
