'use strict'
// Makes what JavaScript and the documentation repeat of C's headers: the errors,
// the numbers of the layout and those of the addon; and the package's version
// for C, so that an addon of another version is known. With --check it writes
// nothing and ends with 1 when a file is not what the headers say.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const prettier = require('prettier')

const ROOT = path.join(__dirname, '..', '..')

/** A file that is made; it stands there, be it empty. */
const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8')

/** What tables.c prints. */
function readTables() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-tables-'))
  const program = path.join(dir, 'tables')
  const source = path.join(__dirname, 'tables.c')
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

const headerOf = (
  version
) => `/* Generated from package.json by npm run generate. */
#ifndef KG_PACKAGE_VERSION_H
#define KG_PACKAGE_VERSION_H

#define KG_PACKAGE_VERSION "${version}"

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

function pageOf(page, errors) {
  const rows = errors.map((error) =>
    [`\`${error.code}\``, error.what, error.advice].join('|')
  )
  const table = ['Code|What happened|What to do', '-|-|-', ...rows].join('\n')
  const place = /(?<=<!-- errors:begin -->).*(?=<!-- errors:end -->)/s
  return page.replace(place, () => `\n\n${table}\n\n`)
}

/** { file: its text before prettier }, of all that is made. */
function render({ errors, ...tables }) {
  verify(errors)
  const entries = (key, prefix = `KG_${key}_`, suffix = '') =>
    entriesOf(tables[key], prefix, suffix)
  const object = (...table) => Object.fromEntries(entries(...table))
  const words = (key) => entries(key).map(([name]) => word(name))
  const { version } = JSON.parse(read('package.json'))
  return {
    'native/addon/package_version.h': headerOf(version),
    'lib/base/error-codes.json': JSON.stringify(errors),
    'docs/errors.md': pageOf(read('docs/errors.md'), errors),
    'lib/threat/layout.js': moduleOf('include/kg_layout.h and kg_ipc.h', {
      ...object('LAYOUT', 'KG_'),
      ...object('OFFSETS', '', '_OFFSET')
    }),
    'lib/shm/native-constants.js': moduleOf('addon/protocol.h and kg_ipc.h', {
      FROM: Object.fromEntries(words('FROM').map((name, i) => [name, i])),
      LOSS_REASONS: words('LOSS'),
      WRITER_STATES: words('WRITER'),
      READ: object('READ'),
      STAGE: object('STAGE'),
      LAYOUT_VERSION: tables.VERSION[1],
      PACKAGE_VERSION: version,
      ...object('LIMITS', 'KG_')
    })
  }
}

async function main(argv) {
  const isCheck = argv[0] === '--check'
  if (argv.length > (isCheck ? 1 : 0)) throw new Error('takes only --check')
  for (const [file, text] of Object.entries(render(readTables()))) {
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
