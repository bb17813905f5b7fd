'use strict'
// Reads the lists of mistakes beside this file. Each list begins with the file
// that its mistakes are of and, in a line of its own, `needs` and what the CPU
// must have, as Linux calls it, for that code to run; a mistake is
//
//   # what a careless developer did
//   - the code as it is, in one line or several, found once in that file
//   + what stands there then; nothing: it is left out
//   seen by ring/test_seek: part of a test's title
//
// Without a part of a title, all tests of that program are run. `equivalent:`
// and a reason in the place of the last line say that nobody can see it.

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..', '..')

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The code of a mistake: its lines, however far they are indented. */
function patternOf(lines) {
  return new RegExp(lines.map((line) => escape(line)).join('\\s+'), 'g')
}

function parseMistake([file, needs = []], block, list) {
  const lines = block.split('\n')
  const marked = (mark) =>
    lines.filter((l) => l[0] === mark).map((l) => l.slice(1).trim())
  const [name] = marked('#')
  const rest = lines.filter((line) => !/^[#+-]/.test(line)).join(' ')
  const seen = /^seen by ([a-z]+\/test_\w+)(?:: (.+))?$/.exec(rest)
  const equivalent = /^equivalent: (.+)$/.exec(rest)
  if (name === undefined || (!seen && !equivalent)) {
    throw new Error(`${list}: not to be understood:\n${block}`)
  }
  return {
    name,
    file,
    needs,
    from: patternOf(marked('-')),
    to: marked('+').join('\n'),
    test: seen?.[1],
    title: seen?.[2],
    equivalent: equivalent?.[1]
  }
}

function readList(list) {
  const text = fs.readFileSync(path.join(__dirname, list), 'utf8')
  const [head, ...blocks] = text.trim().split(/\n{2,}/)
  const [file, needs] = head.split('\nneeds ')
  const code = [file, needs?.split(' ')]
  return blocks.map((block) => parseMistake(code, block, list))
}

/** @returns {string} the file's text with the mistake in it
 * @throws when its place is not found exactly once */
function withMistake({ name, file, from, to }, text) {
  const found = text.match(from)?.length ?? 0
  if (found !== 1) {
    throw new Error(`${file}: "${name}" is found ${found} times, not once`)
  }
  return text.replace(from, () => to)
}

/** All mistakes.
 * @throws with all those whose place is not found */
function readMistakes() {
  const lists = fs.readdirSync(__dirname).filter((f) => f.endsWith('.txt'))
  const mistakes = lists.sort().flatMap(readList)
  const wrong = []
  for (const mistake of mistakes) {
    const text = fs.readFileSync(path.join(ROOT, mistake.file), 'utf8')
    try {
      withMistake(mistake, text)
    } catch (error) {
      wrong.push(error.message)
    }
  }
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  return mistakes
}

module.exports = { readMistakes, ROOT, withMistake }
