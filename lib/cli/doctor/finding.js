'use strict'
// What the doctor has found, one thing each.

/**
 * @typedef {object} Finding
 * @property {string} topic stable, for programs
 * @property {'ok' | 'note' | 'wrong'} level `note`: worth to know, and no harm
 *   by itself; `wrong`: something does not work because of it
 * @property {string} text what was found, as a sentence or less
 * @property {string} [advice] what to do
 * @property {object} [facts] the same as values, for programs
 */

const make = (level) => (topic, text, advice, facts) => ({
  topic,
  level,
  text,
  ...(advice ? { advice } : {}),
  ...(facts ? { facts } : {})
})

module.exports = { note: make('note'), ok: make('ok'), wrong: make('wrong') }
