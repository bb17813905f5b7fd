'use strict'
// A clone of this repository, with what is in the working folder committed.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const WHO = ['-c', 'user.name=test', '-c', 'user.email=test@localhost']

/**
 * @param {import('./place.js').Place} place
 * @returns {string} its folder, in the place's home
 */
function clone(place) {
  const dir = path.join(place.home, 'clone')
  const git = (...args) => place.run(['git', ...args], { cwd: dir })
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const listed = execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' })
  for (const file of listed.split('\0').filter(Boolean)) {
    if (!fs.existsSync(path.join(ROOT, file))) continue
    fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true })
    fs.copyFileSync(path.join(ROOT, file), path.join(dir, file))
  }
  git('init', '--quiet')
  git('add', '--all')
  git(...WHO, 'commit', '--quiet', '--message', 'all')
  return dir
}

/**
 * A clone after `npm ci`, to be linked.
 * @param {import('./place.js').Place} place
 * @returns {string} its folder
 */
function linkedClone(place) {
  const dir = clone(place)
  for (const folder of ['build', 'node_modules']) {
    fs.cpSync(path.join(ROOT, folder), path.join(dir, folder), {
      recursive: true,
      verbatimSymlinks: true
    })
  }
  return dir
}

module.exports = { clone, linkedClone }
