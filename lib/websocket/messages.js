'use strict'
// Makes the messages of a server, which protocol.js states. Those of a client are
// in client/commands.js.

const { stringify } = require('../base/json.js')
const { isEverywhere } = require('../base/own.js')
const { severityNameOf, typeNameOf } = require('../threat/names.js')
const { cutThreat, priorityBetween } = require('../threat/priority.js')

// What one message holds, unless a single event is larger.
const MESSAGE_BYTES = 256 * 1024

// The text of the last second, with its point: most times share it with the one
// before.
let lastSecond = NaN
let lastText = ''

/** A time as ISO 8601. @param {number} timestampUs from 0 */
function timeText(timestampUs) {
  const milliseconds = Math.trunc(timestampUs / 1000)
  const rest = milliseconds % 1000
  const second = (milliseconds - rest) / 1000
  if (second !== lastSecond) {
    lastSecond = second
    lastText = new Date(second * 1000).toISOString().slice(0, -4)
  }
  return `${lastText}${String(rest).padStart(3, '0')}Z`
}

/**
 * One threat as JSON text.
 * @param {import('../threat/check.js').ThreatRecord & { cut?: true }} fields
 * @param {number} sequence
 * @param {string} generation
 * @param {number} publishedNs the monotonic clock
 * @param {number} priorityCount the priority events up to it
 * @returns {string}
 */
function threatText(fields, sequence, generation, publishedNs, priorityCount) {
  const { type, severity, timestampUs, context } = fields
  const typeName = typeNameOf(type)
  const severityName = severityNameOf(severity)
  // JSON leaves out what is undefined.
  const text = stringify({
    sequence,
    id: fields.id ?? `${generation}-${sequence}`,
    threat_type: typeName ?? 'Unknown',
    threat_type_code: typeName === undefined ? type : undefined,
    severity: severityName ?? 'Unknown',
    severity_code: severityName === undefined ? severity : undefined,
    source: fields.source,
    details: fields.details,
    timestamp: timeText(timestampUs),
    timestamp_us: timestampUs,
    blocked: fields.blocked,
    cut: Object.hasOwn(fields, 'cut') ? true : undefined,
    published_ns: publishedNs,
    priority_count: priorityCount
  })
  // A checked context is JSON text already.
  return context === undefined
    ? text
    : `${text.slice(0, -1)},"context":${context}}`
}

// What a threat may lack.
const OPTIONAL = ['threatTypeCode', 'severityCode', 'context', 'cut']

/** The end of a text of JSON, when there is a value. */
const field = (name, value) =>
  value === undefined ? '' : `,"${name}":${value}`

/** One threat that was read from a ring, as JSON text. By hand, because that
 * takes half the time; JSON.stringify asks no string for a toJSON.
 * @param {import('../../index').Threat} threat
 * @param {number} priorityCount as that of threatText()
 * @param {number} [publishedNs] as that of threatText(), when it is new */
function textOfThreat(threat, priorityCount, publishedNs) {
  // Not what every object has.
  const own = OPTIONAL.some(isEverywhere)
    ? { __proto__: null, ...threat }
    : threat
  const { timestampUs, context } = own
  let { cut } = own
  let contextText
  try {
    contextText = context === undefined ? undefined : stringify(context)
  } catch {
    // The context is nested so deep that it can be parsed and not be written
    // again: send the threat without it.
    cut = true
  }
  return (
    `{"sequence":${own.sequence},"id":${JSON.stringify(own.id)},` +
    `"threat_type":"${own.threatType}"` +
    field('threat_type_code', own.threatTypeCode) +
    `,"severity":"${own.severity}"${field('severity_code', own.severityCode)}` +
    `,"source":${JSON.stringify(own.source)}` +
    `,"details":${JSON.stringify(own.details)}` +
    `,"timestamp":"${timeText(timestampUs)}","timestamp_us":${timestampUs}` +
    `,"blocked":${own.blocked}${field('cut', cut)}` +
    field('published_ns', publishedNs) +
    field('priority_count', priorityCount) +
    `${field('context', contextText)}}`
  )
}

/** The bytes of a threat's text, as maxEventBytes counts them. */
function textBytes({ source, details, id, context }, plainId) {
  const texts = [source, details, id === plainId ? '' : id]
  try {
    texts.push(context === undefined ? '' : stringify(context))
  } catch {
    // As in textOfThreat(): nobody could write it.
    return Infinity
  }
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

/**
 * A threat for a client that takes no more text than so much.
 * @param {string} text of threatText() or textOfThreat()
 * @param {string} generation
 * @param {number} most the client's maxEventBytes
 * @returns {string} the same, or cut when it has more
 */
function textWithin(text, generation, most) {
  // JSON is no shorter than what it says, and no unit has more than three bytes.
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) {
    return text
  }
  const threat = { __proto__: null, ...JSON.parse(text) }
  const plainId = `${generation}-${threat.sequence}`
  return textBytes(threat, plainId) <= most
    ? text
    : stringify({ ...cutThreat(threat), id: plainId })
}

/**
 * @param {string} generation
 * @param {string[]} texts of threats
 * @param {boolean} [isRescued] whether they are what a gap has left
 */
const threatMessage = (generation, texts, isRescued = false) =>
  `{"type":"threat","generation":"${generation}",` +
  `${isRescued ? '"rescued":true,' : ''}"threats":[` +
  `${texts.length === 1 ? texts[0] : texts.join(',')}]}`

const message = (type, fields) => stringify({ type, ...fields })

/** The rest of a generation whose last sequence is unknown. */
const unknownLoss = (generation) => ({
  count: null,
  from: null,
  to: null,
  priority: null,
  generation,
  reason: 'replaced'
})

/**
 * The rest of a generation.
 * @param {{ generation: string, next: number, priority: number | null }}
 *   position what is behind it is lost; `priority`: the priority events before it
 * @param {{ sequence: number, priority?: number | null }} last the last event,
 *   and the priority events up to it
 */
function replacedLoss({ generation, next: from, priority: before }, last) {
  const { sequence: to, priority: behind = null } = last
  const count = to - from + 1
  const priority = priorityBetween(before, behind, count)
  return { count, from, to, priority, generation, reason: 'replaced' }
}

/** Cuts `texts` into lists for messages of about MESSAGE_BYTES. */
function* inMessages(texts) {
  let begin = 0
  let bytes = 0
  for (let i = 0; i < texts.length; i++) {
    bytes += texts[i].length
    if (bytes >= MESSAGE_BYTES || i === texts.length - 1) {
      yield texts.slice(begin, i + 1)
      begin = i + 1
      bytes = 0
    }
  }
}

module.exports = {
  inMessages,
  message,
  replacedLoss,
  textOfThreat,
  textWithin,
  threatMessage,
  threatText,
  unknownLoss
}
