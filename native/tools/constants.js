'use strict'
// Numbers out of C's headers, into modules. It knows as much of C as they use:
// #define with integers, enums, and the asserts of offsets.

/** @returns {(name: string) => number} what a macro stands for */
function parseDefines(source) {
  const valueOf = (name) => {
    const found = new RegExp(`^#define ${name} (.+?)(?: /\\*.*)?$`, 'm')
    const [, text] = found.exec(source) ?? []
    const plain = text?.replace(/UINT(?:32|64)_C\((\w+)\)/g, '$1')
    const [, base, shift] = /^\(?(-?\w+)(?: << (\d+)\))?$/.exec(plain) ?? []
    const value = Number(base) * 2 ** Number(shift ?? 0)
    if (!Number.isSafeInteger(value)) {
      throw new Error(`${name}: no number that this understands: ${text}`)
    }
    return value
  }
  return valueOf
}

/** The names of an enum whose values are 0, 1, 2 ..., without their prefix. */
function parseEnum(source, name, prefix) {
  const [, body] = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(source) ?? []
  const names = body?.replace(/\/\*[\s\S]*?\*\//g, '').match(/[^,\s]+/g)
  if (!names?.every((entry) => /^\w+$/.test(entry))) {
    throw new Error(`enum ${name} is not there, or is not 0, 1, 2 ...`)
  }
  return names.map((entry) => entry.slice(prefix.length))
}

/** The offset of a field, as the header asserts it. */
function offsetOf(source, type, field) {
  const found = new RegExp(`KG_ASSERT_OFFSET\\(${type}, ${field}, (\\d+)\\)`)
  const offset = Number(found.exec(source)?.[1])
  if (Number.isNaN(offset)) {
    throw new Error(`${type}.${field} has no KG_ASSERT_OFFSET`)
  }
  return offset
}

const renderObject = (indent, entries) =>
  entries.map(([key, value]) => `${indent}${key}: ${value}`).join(',\n')

const renderFile = (source, entries) => `'use strict'
// Generated from native/${source} by npm run generate.

module.exports = {
${renderObject('  ', entries)}
}
`

const LAYOUT =
  'SLOT_BYTES SOURCE_BYTES DETAILS_BYTES EVENT_BYTES FIELD_HEADER_BYTES ' +
  'FIELD_SOURCE FIELD_DETAILS FIELD_ID FIELD_CONTEXT EVENT_DEFLATED ' +
  'REGION_ALIGNMENT SLOTS_OFFSET MIN_CAPACITY MAX_CAPACITY MAX_SPAN ' +
  'BATCH_DIVISOR'
const SLOT = 'sequence publish_ns span source_used flags tail_bytes body'
const EVENT = 'timestamp_us threat_type severity source details'

/** What reads, writes and counts slots in JavaScript needs of the layout. */
function renderLayout(layout) {
  const valueOf = parseDefines(layout)
  const offsets = (fields, type, base) =>
    fields
      .split(' ')
      .map((field) => [
        `${field.toUpperCase()}_OFFSET`,
        base + offsetOf(layout, type, field)
      ])
  return renderFile('include/kg_layout.h', [
    ...LAYOUT.split(' ').map((name) => [name, valueOf(`KG_${name}`)]),
    ...offsets(SLOT, 'kg_slot', 0),
    ...offsets(EVENT, 'kg_threat_event', offsetOf(layout, 'kg_slot', 'body'))
  ])
}

const NATIVE = 'STATE_ERROR STATE_UNREAD STAGE_BLOCKED STAGE_MOST'

/** What lib/shm/ and the addon say to each other. */
function renderNative(api, protocol) {
  const valueOf = parseDefines(protocol)
  const word = (name) => name.toLowerCase().replaceAll('_', '-')
  const list = (names) =>
    `[${names.map((name) => (name === 'NONE' ? 'null' : `'${word(name)}'`)).join(', ')}]`
  const numbers = (names) => {
    const entries = names.map((name, i) => [name, i])
    const line = `{ ${renderObject('', entries).replaceAll('\n', ' ')} }`
    return line.length <= 60 ? line : `{\n${renderObject('    ', entries)}\n  }`
  }
  return renderFile('addon/protocol.h and kg_ipc.h', [
    ['FROM', numbers(parseEnum(api, 'kg_from', 'KG_FROM_').map(word))],
    ['LOSS_REASONS', list(parseEnum(api, 'kg_loss_reason', 'KG_LOSS_'))],
    ['WRITER_STATES', list(parseEnum(api, 'kg_writer_life', 'KG_WRITER_'))],
    ['READ', numbers(parseEnum(protocol, 'kg_read_field', 'KG_READ_'))],
    ['STAGE', numbers(parseEnum(protocol, 'kg_stage_column', 'KG_STAGE_'))],
    ...NATIVE.split(' ').map((name) => [name, valueOf(`KG_${name}`)])
  ])
}

module.exports = { renderLayout, renderNative }
