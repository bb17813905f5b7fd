'use strict'
// Makes lib/base/error-codes.js and the README's table of errors from the one
// table in native/include/kg_error.h. With --check it writes nothing and ends with
// 1 when either is not what the table says.

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const HEADER = path.join(ROOT, 'native', 'include', 'kg_error.h')
const MODULE = path.join(ROOT, 'lib', 'base', 'error-codes.js')
const README = path.join(ROOT, 'README.md')

const COMMAND = 'npm run generate'
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
  return (
    "'use strict'\n" +
    '// Generated from KG_ERROR_MAP in native/include/kg_error.h by ' +
    `\`${COMMAND}\`.\n` +
    '// Change the table there, never this file.\n\n' +
    `module.exports = [\n${objects.join(',\n')}\n]\n`
  )
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

/** The README with its table made anew; null when it has no place for one. */
function renderReadme(readme, entries) {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END)
  if (begin < 0 && end < 0) return null
  if (begin < 0 || end < begin) {
    throw new Error(`README.md: ${BEGIN} and ${END} do not enclose a table`)
  }
  return (
    readme.slice(0, begin + BEGIN.length) +
    `\n\n${renderTable(entries)}\n\n` +
    readme.slice(end)
  )
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

function main(argv) {
  const unknown = argv.find((argument) => argument !== '--check')
  if (unknown !== undefined) {
    console.error(`generate: ${unknown} is unknown; there is only --check.`)
    return 2
  }
  const check = argv.includes('--check')
  const entries = parseErrorMap(fs.readFileSync(HEADER, 'utf8'))

  const wanted = [[MODULE, renderModule(entries)]]
  const readme = readIfThere(README)
  const newReadme = readme === null ? null : renderReadme(readme, entries)
  if (newReadme !== null) wanted.push([README, newReadme])

  let stale = 0
  for (const [file, content] of wanted) {
    if (readIfThere(file) === content) continue
    stale++
    const name = path.relative(ROOT, file)
    if (check) {
      console.error(
        `generate: ${name} is not what native/include/kg_error.h says; ` +
          `run: ${COMMAND}`
      )
    } else {
      fs.writeFileSync(file, content)
      console.log(`generate: ${name} was written.`)
    }
  }
  return check && stale > 0 ? 1 : 0
}

if (require.main === module) process.exitCode = main(process.argv.slice(2))

module.exports = { parseErrorMap, renderModule, renderTable, renderReadme }
