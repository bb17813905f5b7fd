'use strict'
// npm run coverage: how much of the code the tests run through, and 1 when that
// is less than the floor. --c: of the C core, by the C tests; --js: of lib/, by
// the JavaScript tests, or by those files of them that are named. Without either,
// both.
//
//   --parts FOLDER  runs no JavaScript test: the folder was NODE_V8_COVERAGE of
//                   tests that have run already

const { parseArgs } = require('node:util')

const LANGUAGES = { c: './c.js', js: './javascript.js' }

async function main() {
  const options = {
    c: { type: 'boolean' },
    js: { type: 'boolean' },
    parts: { type: 'string' }
  }
  const { values, positionals: files } = parseArgs({
    options,
    allowPositionals: true
  })
  const asked = Object.keys(LANGUAGES).filter((language) => values[language])
  let isEnough = true
  for (const language of asked.length > 0 ? asked : Object.keys(LANGUAGES)) {
    const { measure } = require(LANGUAGES[language])
    isEnough = (await measure({ files, parts: values.parts })) && isEnough
  }
  return isEnough ? 0 : 1
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    console.error(`coverage: ${error.message}`)
    process.exitCode = 1
  }
)
