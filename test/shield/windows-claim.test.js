'use strict'
// The claim of a Shield on Windows, with a system that is made up; the real one
// is asked in test/windows/.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { WindowsClaim } = require('../../lib/shield/windows-claim.js')
const { places } = require('../../lib/websocket/locate.js')
const { useHome } = require('../helpers/factory.js')
const { useRing } = require('../helpers/ring.js')

describe('the claim of a Shield', () => {
  const current = useRing()
  useHome()
  let location
  let files
  let answers
  let asked

  beforeEach(() => {
    location = { dir: current().dir }
    files = places(location).map(({ dir, name }) =>
      path.join(dir, `${name}.claim`)
    )
    answers = {}
    asked = []
  })

  /** Opens a file unless its next answer is an error's code. */
  function open(file) {
    asked.push(file)
    const code = answers[file]?.shift()
    if (code !== undefined) throw Object.assign(new Error(code), { code })
    return fs.openSync(file, 'w+')
  }

  const always = (code) => Array(1000).fill(code)
  const thereNow = () => files.filter((file) => fs.existsSync(file))

  it('is the best place, and the others are asked', async () => {
    const claim = new WindowsClaim(location, open)
    assert.equal(claim.isHeld, false)
    await claim.take()
    assert.equal(claim.isHeld, true)
    assert.deepEqual(asked, files)
    assert.deepEqual(thereNow(), [files[0]])
    await claim.take()
    assert.deepEqual(asked, files)
    claim.free()
    assert.deepEqual([claim.isHeld, thereNow()], [false, []])
  })

  it('is the next place, where the best cannot be written', async () => {
    answers[files[0]] = always('EACCES')
    const claim = new WindowsClaim(location, open)
    await claim.take()
    assert.deepEqual([claim.isHeld, thereNow()], [true, [files[1]]])
    claim.free()
    assert.deepEqual(thereNow(), [])
  })

  it('is none where no place can be written, and that is no other Shield', async () => {
    for (const file of files) answers[file] = ['ENOTSUP']
    const claim = new WindowsClaim(location, open)
    await claim.take()
    assert.equal(claim.isHeld, false)
    await claim.take()
    assert.equal(claim.isHeld, true)
    claim.free()
  })

  for (const at of [0, 1, 2]) {
    it(`F33 that another one holds at place ${at}: ERR_RING_LOCKED`, async () => {
      answers[files[at]] = always('EBUSY')
      const claim = new WindowsClaim(location, open)
      await assert.rejects(claim.take(), (error) => {
        assert.equal(error.code, 'ERR_RING_LOCKED')
        assert(error.message.includes(files[at]), error.message)
        return true
      })
      assert.deepEqual([claim.isHeld, thereNow()], [false, []])
    })
  }

  it('that somebody only asks for is waited for', async () => {
    answers[files[0]] = ['EBUSY', 'EBUSY', 'EBUSY']
    const claim = new WindowsClaim(location, open)
    await claim.take()
    assert.equal(asked.filter((file) => file === files[0]).length, 4)
    assert.equal(claim.isHeld, true)
    claim.free()
  })

  it('is freed while it is taken: is none', async () => {
    answers[files[0]] = ['EBUSY']
    const claim = new WindowsClaim(location, open)
    const taken = claim.take()
    claim.free()
    await taken
    assert.deepEqual([claim.isHeld, thereNow()], [false, []])
  })

  it('whose file the next one has already stays its', async () => {
    const claim = new WindowsClaim(location, open)
    await claim.take()
    const { unlinkSync } = fs
    fs.unlinkSync = () => {
      throw Object.assign(new Error('EBUSY'), { code: 'EBUSY' })
    }
    try {
      claim.free()
    } finally {
      fs.unlinkSync = unlinkSync
    }
    assert.deepEqual([claim.isHeld, thereNow()], [false, [files[0]]])
  })
})
