'use strict'
// Makes what JavaScript and the documentation repeat of C's headers: the table
// of errors, the numbers of the layout and those of the addon. With --check it
// writes nothing and ends with 1 when a file is not what the headers say.

const fs = require('node:fs')
const path = require('node:path')
const { renderLayout, renderNative } = require('./constants.js')
const { parseErrorMap, renderModule, renderPage } = require('./error-table.js')

const ROOT = path.join(__dirname, '..', '..')
/** The page that shows the table, between two marks. */
const ERRORS_PAGE = 'docs/errors.md'

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8')
const header = (file) => read(`native/${file}`)

function readIfThere(file) {
  try {
    return read(file)
  } catch (error) {
    if (error.code === 'ENOENT') {
      return ''
    }
    throw error
  }
}

function render() {
  const errors = parseErrorMap(header('include/kg_error.h'))
  const layout = header('include/kg_layout.h')
  const api = header('include/kg_ipc.h')
  const protocol = header('addon/protocol.h') + header('file/reader.h')
  return [
    ['lib/base/error-codes.js', renderModule(errors)],
    [ERRORS_PAGE, renderPage(readIfThere(ERRORS_PAGE), errors)],
    ['lib/threat/layout.js', renderLayout(layout)],
    ['lib/shm/native-constants.js', renderNative(api, protocol)]
  ]
}

function main(argv) {
  const unknown = argv.find((argument) => argument !== '--check')
  if (unknown !== undefined) {
    console.error(`generate: ${unknown} is unknown; there is only --check.`)
    return 2
  }
  const stale = render().filter(([file, text]) => readIfThere(file) !== text)
  for (const [file, text] of stale) {
    if (argv.length > 0) {
      console.error(`${file} is not what native/ says; npm run generate`)
    } else {
      fs.writeFileSync(path.join(ROOT, file), text)
      console.log(`generate: ${file} was written.`)
    }
  }
  return argv.length > 0 && stale.length > 0 ? 1 : 0
}

process.exitCode = main(process.argv.slice(2))
