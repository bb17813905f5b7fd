'use strict'
// The commands that a client sends, which protocol.js states.

// Without a prototype, so that no toJSON that somebody gave to all objects is
// called; JSON asks none of what it holds, text and numbers.
const command = (type, fields) =>
  JSON.stringify({ __proto__: null, type, ...fields })

const STATUS_COMMAND = command('get_status')

/**
 * @param {object} position see StreamCursor.subscribe()
 * @param {number} [maxEventBytes] what the client takes
 */
const subscribeMessage = ({ from, generation, priority }, maxEventBytes) =>
  command('subscribe', {
    generation,
    from,
    priority: priority ?? undefined,
    maxEventBytes
  })

module.exports = { STATUS_COMMAND, subscribeMessage }
