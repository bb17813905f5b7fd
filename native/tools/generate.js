'use strict'
// Makes what JavaScript and the documentation repeat of C's headers: the errors,
// the numbers of the layout and those of the addon, the structs for other
// languages; and the package's version for C, so that an addon of another
// version is known. With --check it writes
// nothing and ends with 1 when a file is not what the headers say.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const prettier = require('prettier')

const ROOT = path.join(__dirname, '..', '..')

/** A file that is made; it stands there, be it empty. */
const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8')

/** What a program in this folder prints. */
function readTables(name) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-tables-'))
  const program = path.join(dir, name)
  const source = path.join(__dirname, `${name}.c`)
  const compiler = process.env.CC ?? 'cc'
  const flags = ['-std=c11', '-Wall', '-Wextra', '-Werror']
  try {
    execFileSync(compiler, [...flags, '-o', program, source])
    return JSON.parse(execFileSync(program, { encoding: 'utf8' }))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Error(
      `there is no C compiler ${compiler}; install gcc or clang, or name one in CC`
    )
  } finally {
    fs.rmSync(dir, { recursive: true })
  }
}

/** [name, value] of each of a table's expressions, without their prefix. */
function entriesOf([expressions, ...values], prefix, suffix) {
  const names = expressions.match(/\w+(?=\)?(,|$))/g)
  const nameOf = (name) => name.replace(prefix, '').toUpperCase() + suffix
  return names.map((name, i) => [nameOf(name), values[i]])
}

const word = (name) =>
  name === 'NONE' ? null : name.toLowerCase().replaceAll('_', '-')

/** 1.02.03 as 10203, so that versions compare as numbers. */
const numberOf = (version) =>
  version.split('.').reduce((number, part) => number * 100 + Number(part), 0)

const headerOf = (
  version
) => `/* The library's version. Generated from package.json by npm run generate. */
#ifndef KG_VERSION_H
#define KG_VERSION_H

#define KG_VERSION "${version}"

/* major * 10000 + minor * 100 + patch */
#define KG_VERSION_NUMBER ${numberOf(version)}

#endif
`

const moduleOf = (source, exported) => `'use strict'
// Generated from native/${source} by npm run generate.

module.exports = ${JSON.stringify(exported)}
`

function verify(errors) {
  for (const { number, what, advice } of errors) {
    const twins = errors.filter((error) => error.number === number)
    if (twins.length > 1 || !what.endsWith('.') || !advice.endsWith('.')) {
      throw new Error(`kg_error.h: ${number} stands twice or is no sentence`)
    }
  }
}

/** As short as they can be, since they are in every bundle. */
const rowsOf = (errors) =>
  errors.map(({ number, code, what, advice }) => [number, code, what, advice])

function pageOf(page, errors) {
  const rows = errors.map((error) =>
    [`\`${error.code}\``, error.what, error.advice].join('|')
  )
  const table = ['Code|What happened|What to do', '-|-|-', ...rows].join('\n')
  const place = /(?<=<!-- errors:begin -->).*(?=<!-- errors:end -->)/s
  return page.replace(place, () => `\n\n${table}\n\n`)
}

/** A field that was forgotten leaves a hole that no alignment explains. */
function verifyStructs(structs) {
  for (const [name, { size, fields }] of Object.entries(structs)) {
    const ends = Object.values(fields).map(([at, bytes]) => at + bytes)
    const begins = [...Object.values(fields).map(([at]) => at), size]
    const holes = begins.map((at, i) => at - (ends[i - 1] ?? 0))
    if (holes.some((hole) => hole < 0 || hole > 7)) {
      throw new Error(`abi.c: ${name} has not all of its fields, in order`)
    }
  }
}

/** { file: its text before prettier }, of all that is made. */
function render({ errors, ...tables }, structs) {
  verify(errors)
  verifyStructs(structs)
  const entries = (key, prefix = `KG_${key}_`, suffix = '') =>
    entriesOf(tables[key], prefix, suffix)
  const object = (...table) => Object.fromEntries(entries(...table))
  const words = (key) => entries(key).map(([name]) => word(name))
  const { version } = JSON.parse(read('package.json'))
  return {
    'native/include/kg_version.h': headerOf(version),
    'native/include/kg_abi.json': JSON.stringify(structs),
    'lib/base/error-codes.json': JSON.stringify(rowsOf(errors)),
    'docs/errors.md': pageOf(read('docs/errors.md'), errors),
    'lib/threat/layout.js': moduleOf('include/kg_layout.h and kg_ipc.h', {
      ...object('LAYOUT', 'KG_'),
      ...object('OFFSETS', '', '_OFFSET')
    }),
    'lib/shm/native-constants.js': moduleOf('addon/protocol.h and kg_ipc.h', {
      FROM: Object.fromEntries(words('FROM').map((name, i) => [name, i])),
      LOSS_REASONS: words('LOSS'),
      WRITER_STATES: words('WRITER'),
      HUGE_PAGES: words('HUGE'),
      READ: object('READ'),
      STAGE: object('STAGE'),
      LAYOUT_VERSION: tables.LAYOUT_VERSION[1],
      PACKAGE_VERSION: version,
      ...object('LIMITS', 'KG_')
    })
  }
}

async function main(argv) {
  const isCheck = argv[0] === '--check'
  if (argv.length > (isCheck ? 1 : 0)) throw new Error('takes only --check')
  for (const [file, text] of Object.entries(
    render(readTables('tables'), readTables('abi'))
  )) {
    const options = await prettier.resolveConfig(path.join(ROOT, file))
    // What is C is written here as clang-format wants it.
    const wanted = file.endsWith('.h')
      ? text
      : await prettier.format(text, { ...options, filepath: file })
    if (read(file) === wanted) continue
    if (!isCheck) fs.writeFileSync(path.join(ROOT, file), wanted)
    console.log(`${file} ${isCheck ? 'is stale: npm run generate' : 'written'}`)
    if (isCheck) process.exitCode = 1
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`generate: ${error.message}`)
  process.exitCode = 2
})
