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

  /** Takes its place, whose directory is away as it looks at that again. */
  async function lookWhileAway(first, whatComes) {
    const { dir } = current()
    const away = `${dir}.away`
    await first.take(false)
    fs.renameSync(dir, away)
    const looked = first.check(false)
    whatComes(away, dir)
    await looked
  }

  it('F33 its directory comes back: its own socket is not another’s', async () => {
    const first = new SingleInstance({ dir: current().dir })
    try {
      await lookWhileAway(first, fs.renameSync)
      assert.equal(first.isHeld, true)
      const second = new SingleInstance({ dir: current().dir })
      await assert.rejects(second.take(false), { code: 'ERR_RING_LOCKED' })
    } finally {
      first.free()
    }
    assert.deepEqual(fs.readdirSync(current().dir), [])
  })

  it('F33 another’s directory comes in its place: refused', async () => {
    const { dir } = current()
    const other = `${dir}.other`
    fs.mkdirSync(other, { mode: 0o700 })
    const first = new SingleInstance({ dir })
    const second = new SingleInstance({ dir: other })
    try {
      await second.take(false)
      await assert.rejects(
        lookWhileAway(first, () => fs.renameSync(other, dir)),
        { code: 'ERR_RING_LOCKED' }
      )
      assert.equal(first.isHeld, false)
    } finally {
      first.free()
      second.free()
      fs.rmSync(`${dir}.away`, { recursive: true, force: true })
    }
  })
})
