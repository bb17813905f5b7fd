'use strict'
// The test vectors as tests use them: what is stored, and a directory for each
// that a reader of any language can be sent to.

const fs = require('node:fs')
const path = require('node:path')
const { writeRing } = require('../helpers/ring-file.js')

const NAMES = fs
  .readdirSync(__dirname)
  .filter((name) => name.endsWith('.bin'))
  .map((name) => path.basename(name, '.bin'))

/** @returns {object} what must come out of the vector; see README.md */
const expected = (name) =>
  JSON.parse(fs.readFileSync(path.join(__dirname, `${name}.json`), 'utf8'))

/** Puts a vector's ring into a directory that has none.
 * @returns {string} its file */
function place(name, dir) {
  const file = path.join(dir, 'kindly-guard.shm')
  writeRing(file, fs.readFileSync(path.join(__dirname, `${name}.bin`)))
  return file
}

/** A reader's joining as words for a command. */
const wordsOf = ({ join }) =>
  typeof join === 'string'
    ? [join]
    : ['after', String(join.after.sequence), String(join.after.priority)]

/** The lines of JSON that a program printed. */
const parseLines = (text) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

module.exports = { expected, NAMES, parseLines, place, wordsOf }
