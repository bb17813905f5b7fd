'use strict'
// Who reads a ring, and how far behind its reliable readers are: by the bytes
// of the file (native/include/kg_layout.h), which is read and never mapped, and
// by what the kernel says of locks. Whatever is not seen is not told.

const fs = require('node:fs')
const { countMappings } = require('../doctor/processes.js')

const DOORBELL_OFFSET = 40
const HEAD = 512
const CELLS = 256
const CELL_BYTES = 128
const CELL_COUNT = 128
const MOST_OFFSET = 2n ** 33n

/** Numbers of a file, or what the position is not in. */
function readBytes(fd, position, length) {
  const bytes = Buffer.alloc(length)
  const read = fs.readSync(fd, bytes, 0, length, position)
  return read === length ? bytes : null
}

/**
 * The bytes of a file that somebody has locked.
 * @param {string} locks /proc/locks
 * @param {{ dev: number, ino: number }} stat
 * @returns {number[]}
 */
function lockedBytes(locks, { dev, ino }) {
  // As glibc's makedev() has it.
  const major = ((dev >>> 8) & 0xfff).toString(16).padStart(2, '0')
  const minor = ((dev & 0xff) | ((dev >>> 12) & 0xfff00)).toString(16)
  const file = `${major}:${minor.padStart(2, '0')}:${ino}`
  const numbers = new Set()
  for (const line of locks.split('\n')) {
    const words = line.trim().split(/\s+/)
    const at = words.indexOf(file)
    if (at >= 0) numbers.add(Number(words[at + 1]))
  }
  return [...numbers]
}

/** How many slots each reliable reader has still to take. */
function lagsIn(file, cells) {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
  try {
    const header = readBytes(fd, 0, HEAD + 8)
    const doorbell = header?.readBigUInt64LE(DOORBELL_OFFSET) ?? MOST_OFFSET
    if (doorbell >= MOST_OFFSET) return []
    const start = Number(doorbell) + CELLS
    const bytes = readBytes(fd, start, CELL_COUNT * CELL_BYTES)
    if (bytes === null) return []
    const head = header.readBigUInt64LE(HEAD)
    return (
      cells
        .map((cell) => head - bytes.readBigUInt64LE(cell * CELL_BYTES))
        // A cell is its reader's word.
        .filter((lag) => lag >= 0n && lag <= BigInt(Number.MAX_SAFE_INTEGER))
        .map(Number)
    )
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * @param {import('../doctor/system.js').System} system
 * @param {string} file of the ring
 * @returns {{ processes: number | null, reliable: number, lag: number | null }}
 *   processes that have it in memory, the Shield and this one among them;
 *   reliable readers, and how many slots the last of them is behind
 */
function readersOf(system, file) {
  const none = { reliable: 0, lag: null }
  const processes = countMappings(system, file)
  try {
    const stat = fs.statSync(file.replace(/shm$/, 'readers'))
    const cells = lockedBytes(system.text('/proc/locks') ?? '', stat)
    const valid = cells.filter((cell) => cell < CELL_COUNT)
    const lags = lagsIn(file, valid)
    const lag = lags.length === 0 ? null : Math.max(...lags)
    return { processes, reliable: valid.length, lag }
  } catch {
    return { processes, ...none }
  }
}

module.exports = { lockedBytes, readersOf }
