'use strict'
// The project's Markdown files.

const fs = require('node:fs')
const path = require('node:path')
const { readBlocks } = require('./markdown.js')

const ROOT = path.join(__dirname, '..', '..')
const ELSEWHERE = new Set(['node_modules', 'build', 'coverage', 'report'])

/** @returns {string[]} every .md file, relative to the project */
function allPages(folder = '') {
  const entries = fs.readdirSync(path.join(ROOT, folder), {
    withFileTypes: true
  })
  return entries.flatMap((entry) => {
    const name = path.join(folder, entry.name)
    if (entry.isDirectory()) {
      const skip = ELSEWHERE.has(entry.name) || entry.name.startsWith('.')
      return skip ? [] : allPages(name)
    }
    return entry.name.endsWith('.md') ? [name] : []
  })
}

const readPage = (page) => fs.readFileSync(path.join(ROOT, page), 'utf8')

/** Those whose blocks are run: what users read. */
const shownPages = () =>
  allPages().filter(
    (page) => page === 'README.md' || page.startsWith(`docs${path.sep}`)
  )

/** @returns {import('./markdown.js').Block[]} of all these pages */
const shownBlocks = () =>
  shownPages().flatMap((page) => readBlocks(page, readPage(page)))

module.exports = { allPages, readPage, ROOT, shownBlocks, shownPages }
