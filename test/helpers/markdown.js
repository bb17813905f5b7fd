'use strict'
// Reads Markdown as far as the tests of the documentation need it: fenced
// blocks with the comment before them, links, and the anchors of headings.

/** The kinds of reasons for which a block may not be run. */
const REASONS = /^(sudo|another system|long)\b/

/**
 * @typedef {object} Block
 * @property {string} page where it stands, as it was given
 * @property {number} line of its first line of content, from 1
 * @property {string} language `js`, `sh`, ... or empty
 * @property {string} text its content
 * @property {string | null} notRun the reason of `<!-- not run: ... -->`
 * @property {Hints} hints of `<!-- run: ... -->`
 *
 * @typedef {object} Hints
 * @property {boolean} shield a Shield publishes while the block runs
 * @property {boolean} clone it runs in the clone and not in a project
 * @property {string} [until] it is interrupted when it has printed this
 * @property {string} [prints] what it has to print, between any white space
 * @property {string} [file] its text is also a file for the blocks behind it
 */

/**
 * @param {string} text of `<!-- run: ... -->`: any of `with a Shield`,
 *   `in the clone`, `until "TEXT"`, `prints "TEXT"`, `as FILE`, with commas
 *   between them
 * @returns {Hints}
 */
function readHints(text) {
  const hints = { shield: false, clone: false }
  let rest = text
  const take = (pattern) => {
    const match = pattern.exec(rest)
    if (match !== null) {
      rest = rest.slice(match[0].length)
    }
    return match
  }
  while (rest !== '') {
    let match
    if (take(/^with a Shield(?:, |$)/)) {
      hints.shield = true
    } else if (take(/^in the clone(?:, |$)/)) {
      hints.clone = true
    } else if ((match = take(/^until "([^"]+)"(?:, |$)/))) {
      hints.until = match[1]
    } else if ((match = take(/^prints "([^"]+)"(?:, |$)/))) {
      hints.prints = match[1]
    } else if ((match = take(/^as ([\w.-]+)(?:, |$)/))) {
      hints.file = match[1]
    } else {
      throw new Error(`not understood: run: ${text}`)
    }
  }
  return hints
}

function readComment(lines, at) {
  // Prettier puts an empty line between a comment and a block.
  const comment = lines[at - 1] === '' ? lines[at - 2] : lines[at - 1]
  const match = /^<!-- (not run|run): ?(.*?) ?-->$/.exec(comment ?? '')
  if (match === null) {
    return { notRun: null, hints: readHints('') }
  }
  const [, kind, text] = match
  if (kind === 'run') {
    return { notRun: null, hints: readHints(text) }
  }
  if (!REASONS.test(text)) {
    throw new Error(`not run: "${text}" is no reason: ${REASONS.source}`)
  }
  return { notRun: text, hints: readHints('') }
}

/**
 * @param {string} page its name, for messages
 * @param {string} source
 * @returns {Block[]} the fenced blocks, in their order
 */
function readBlocks(page, source) {
  const lines = source.split('\n')
  const blocks = []
  let at = 0
  while (at < lines.length) {
    const fence = /^\s*(`{3,}|~{3,})(\S*)/.exec(lines[at])
    if (fence === null) {
      at++
      continue
    }
    const end = lines.findIndex((line, i) => i > at && line.trim() === fence[1])
    if (end < 0) {
      throw new Error(`${page}:${at + 1}: this block has no end`)
    }
    try {
      blocks.push({
        page,
        line: at + 2,
        language: fence[2],
        text: lines
          .slice(at + 1, end)
          .map((line) => `${line}\n`)
          .join(''),
        ...readComment(lines, at)
      })
    } catch (cause) {
      throw new Error(`${page}:${at + 1}: ${cause.message}`, { cause })
    }
    at = end + 1
  }
  return blocks
}

/** The source without its fenced blocks and code spans. */
const withoutCode = (source) =>
  source
    .replace(/^\s*(`{3,})[^\n]*\n[\s\S]*?^\s*\1$/gm, '')
    .replace(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, (span) =>
      span.replace(/[^\n]/g, '`')
    )

/** The targets of links and images. */
const readLinks = (source) =>
  [...withoutCode(source).matchAll(/\]\(([^()\s]+)\)/g)].map(([, to]) => to)

/** The anchors that GitHub makes of headings. */
function readAnchors(source) {
  const counts = new Map()
  const anchors = new Set()
  // A heading's code spans are part of its anchor, blocks hold no headings.
  const text = source.replace(/^\s*(`{3,})[^\n]*\n[\s\S]*?^\s*\1$/gm, '')
  for (const [, heading] of text.matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replace(/ /g, '-')
    const count = counts.get(slug) ?? 0
    counts.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return anchors
}

module.exports = { readAnchors, readBlocks, readLinks }
