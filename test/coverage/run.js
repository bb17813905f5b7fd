'use strict'
// How much of the code the tests run: npm run coverage -- --js. Prints a table
// for each folder, and fails below what must hold. Test files behind that are
// run instead of all, and then nothing is judged.

const LANGUAGES = { '--js': './javascript.js' }

const given = process.argv.slice(2)
const asked = given.filter((argument) => argument.startsWith('--'))
const files = given.filter((argument) => !argument.startsWith('--'))
const unknown = asked.find((name) => !Object.hasOwn(LANGUAGES, name))
if (unknown !== undefined) {
  console.error(`coverage: ${unknown} is none of ${Object.keys(LANGUAGES)}`)
  process.exitCode = 1
} else {
  const names = asked.length > 0 ? asked : Object.keys(LANGUAGES)
  const isFine = names.map((name) => require(LANGUAGES[name]).measure(files))
  process.exitCode = isFine.every(Boolean) ? 0 : 1
}
