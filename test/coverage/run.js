'use strict'
// How much of the code the tests run: npm run coverage -- --js. Prints a table
// for each folder, and fails below what must hold.

const LANGUAGES = { '--js': './javascript.js' }

const asked = process.argv.slice(2)
const unknown = asked.find((name) => !Object.hasOwn(LANGUAGES, name))
if (unknown !== undefined) {
  console.error(`coverage: ${unknown} is none of ${Object.keys(LANGUAGES)}`)
  process.exitCode = 1
} else {
  const names = asked.length > 0 ? asked : Object.keys(LANGUAGES)
  const isFine = names.map((name) => require(LANGUAGES[name]).measure())
  process.exitCode = isFine.every(Boolean) ? 0 : 1
}
