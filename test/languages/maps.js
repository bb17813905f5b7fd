'use strict'
// Which ring a program reads, as the kernel says it.

const fs = require('node:fs')

/**
 * Whether a process has the file mapped that has this name now. A reader that
 * gets to the next ring only behind the one after it cannot know what it missed.
 * @param {number} pid
 * @param {string} file
 */
function hasMapped(pid, file) {
  const inode = String(fs.statSync(file).ino)
  return fs
    .readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .some((line) => line.split(/ +/, 5)[4] === inode)
}

module.exports = { hasMapped }
