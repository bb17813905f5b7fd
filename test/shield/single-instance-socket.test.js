'use strict'
// The socket by which a Shield that lives is seen, whatever else it has.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { SingleInstance } = require('../../lib/shield/single-instance.js')
const { useRing } = require('../helpers/ring.js')

describe('a Shield’s claim', () => {
  const current = useRing()

  for (const umask of [0, 0o077, 0o777]) {
    it(`F29 umask ${umask.toString(8)}: 0600, exactly, and seen`, async () => {
      const { dir } = current()
      const first = new SingleInstance({ dir })
      const second = new SingleInstance({ dir })
      const before = process.umask(umask)
      try {
        await first.take(false)
        const { mode } = fs.lstatSync(path.join(dir, 'kindly-guard.sock'))
        assert.equal(mode & 0o777, 0o600)
        await assert.rejects(second.take(false), { code: 'ERR_RING_LOCKED' })
      } finally {
        process.umask(before)
        second.free()
        first.free()
      }
    })
  }
})
