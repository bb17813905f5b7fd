'use strict'
// That a ring lies in the memory of who opens it, before anything was written
// or read: its first lap does not stop at each page.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ShmClient, SharedMemoryIpc } = require('../../lib/index.js')
const { useRing } = require('../helpers/ring.js')

/** KiB of a file in this process's memory, as the kernel says it. */
function residentKb(file) {
  // The first line of a mapping has its path, those behind it figures.
  const mappings = fs
    .readFileSync('/proc/self/smaps', 'utf8')
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
  const sizes = mappings
    .filter((text) => text.slice(0, text.indexOf('\n')).endsWith(file))
    .map((text) => Number(/^Rss: +(\d+) kB$/m.exec(text)[1]))
  return sizes.reduce((a, b) => a + b, 0)
}

// Older kernels have no call for it.
const [major, minor] = os.release().split('.').map(Number)
const CAN = major > 5 || (major === 5 && minor >= 14)

describe('a ring that is opened', () => {
  const current = useRing()

  it(`${CAN ? 'is' : 'cannot be'} in memory before it is used`, () => {
    const ring = current()
    const dir = path.join(ring.dir, 'large')
    const shield = ring.keep(new SharedMemoryIpc({ dir, maxEvents: 20_000 }))
    const { path: file, fileBytes } = shield.stats()
    const whole = fileBytes / 1024
    const before = residentKb(file)
    assert.equal(before === whole, CAN, `${before} of ${whole} KiB`)
    const client = ring.keep(new ShmClient({ dir }))
    assert.equal(client.isHealthy(), true)
    assert.equal(residentKb(file) - before === whole, CAN)
  })
})
