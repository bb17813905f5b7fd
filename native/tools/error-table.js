'use strict'
// The table of errors: out of KG_ERROR_MAP in native/include/kg_error.h, into a
// module and a page.

const BEGIN = '<!-- errors:begin -->'
const END = '<!-- errors:end -->'

/** The entries of KG_ERROR_MAP in the order in which they stand there. */
function parseErrorMap(source) {
  const begin = source.indexOf('#define KG_ERROR_MAP(X)')
  if (begin < 0) throw new Error('kg_error.h has no KG_ERROR_MAP')
  // A macro ends with the first line that does not continue.
  const lines = source.slice(begin).split('\n')
  const last = lines.findIndex((line) => !line.endsWith('\\'))
  const body = lines
    .slice(1, last + 1)
    .map((line) => line.replace(/\\$/, ''))
    .join('\n')

  // C puts adjacent literals together, so a text is one or more of them.
  const text = '"(?:[^"\\\\\\n]|\\\\.)*"(?:\\s*"(?:[^"\\\\\\n]|\\\\.)*")*'
  const entry = new RegExp(
    `X\\(\\s*(KG_E_\\w+),\\s*(-\\d+),\\s*(${text}),\\s*(${text}),` +
      `\\s*(${text})\\s*\\)`,
    'g'
  )
  const entries = []
  const rest = body.replace(entry, (_all, name, number, code, what, advice) => {
    entries.push({
      name,
      number: Number(number),
      code: readLiterals(code),
      what: readLiterals(what),
      advice: readLiterals(advice)
    })
    return ''
  })
  // What the pattern did not take would be silently missing everywhere.
  if (rest.trim() !== '') {
    throw new Error(`kg_error.h: not understood: ${rest.trim().slice(0, 80)}`)
  }
  verify(entries)
  return entries
}

function readLiterals(literals) {
  const parts = literals.match(/"(?:[^"\\\n]|\\.)*"/g)
  // The table's texts use no escapes but those that C shares with JSON.
  return parts.map((part) => JSON.parse(part)).join('')
}

function verify(entries) {
  if (entries.length === 0) throw new Error('kg_error.h: KG_ERROR_MAP is empty')
  const seen = new Set()
  for (const { name, number, code, what, advice } of entries) {
    if (code !== name.replace(/^KG_E_/, 'ERR_')) {
      throw new Error(`kg_error.h: ${name} has the code ${code}`)
    }
    for (const key of [number, code]) {
      if (seen.has(key)) {
        throw new Error(`kg_error.h: ${key} stands there twice`)
      }
      seen.add(key)
    }
    for (const sentence of [what, advice]) {
      if (!sentence.endsWith('.')) {
        throw new Error(`kg_error.h: ${name}: not a sentence: ${sentence}`)
      }
    }
  }
}

function quoteJs(text) {
  const escaped = text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
  // Prettier takes the quotes that need fewer escapes, single ones on a tie.
  const single = escaped.split("'").length
  const double = escaped.split('"').length
  return single > double
    ? `"${escaped.replace(/"/g, '\\"')}"`
    : `'${escaped.replace(/'/g, "\\'")}'`
}

/** One property, on a line of its own when it does not fit beside its key. */
function property(key, text, comma) {
  const value = quoteJs(text)
  const line = `    ${key}: ${value}${comma}`
  return line.length <= 80 ? line : `    ${key}:\n      ${value}${comma}`
}

function renderModule(entries) {
  const objects = entries.map(({ number, code, what, advice }) =>
    [
      '  {',
      `    number: ${number},`,
      property('code', code, ','),
      property('what', what, ','),
      property('advice', advice, ''),
      '  }'
    ].join('\n')
  )
  return `'use strict'
// Generated from KG_ERROR_MAP in native/include/kg_error.h by npm run generate.

module.exports = [
${objects.join(',\n')}
]
`
}

/** The table as prettier writes one: columns padded to their widest cell. */
function renderTable(entries) {
  const escape = (text) => text.replace(/\|/g, '\\|')
  const rows = [
    ['Code', 'What happened', 'What to do'],
    ...entries.map(({ code, what, advice }) => [
      `\`${code}\``,
      escape(what),
      escape(advice)
    ])
  ]
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column].length))
  )
  const line = (cells) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n')
}

/** The page with its table made anew; as it is when it has no place for one. */
function renderPage(page, entries) {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 && end < 0) {
    return page
  }
  if (begin < 0 || end < begin) {
    throw new Error(`${BEGIN} and ${END} do not enclose a table`)
  }
  return (
    page.slice(0, begin + BEGIN.length) +
    `\n\n${renderTable(entries)}\n\n` +
    page.slice(end)
  )
}

module.exports = { parseErrorMap, renderModule, renderPage }
