'use strict'
// Who wakes the event loop: the wake file while it can be heard, else the poll
// thread; and how often when there is nothing to be had.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { native } = require('../../lib/shm/addon.js')
const { READ } = require('../../lib/shm/native-constants.js')
const { threat, useRing } = require('../helpers/ring.js')
const { sleep, until } = require('../helpers/wait.js')

// The doorbell's first word, and who waits.
const WAITERS = 65_536
const ON_HEAD = 1
const FOR_WAKE_FILE = 2
const BOTH = ON_HEAD | FOR_WAKE_FILE

// Without a signal for so many events in a row, the thread waits.
const MISSES = 3
// A ring that is out of its place: so many looks wake the loop, then one in
// five, and there are five in a second.
const EAGER = 10
const SECONDS = 5

describe('what wakes a client', () => {
  const current = useRing()
  let ring
  let file

  beforeEach(() => {
    ring = current()
  })

  afterEach(() => {
    if (file !== undefined) fs.closeSync(file)
    file = undefined
  })

  function waiters() {
    const word = Buffer.alloc(4)
    fs.readSync(file, word, 0, 4, WAITERS)
    return word.readUInt32LE()
  }

  /** Who it is that the client waits for; it waits soon. */
  async function waits() {
    await until(() => (waiters() & BOTH) !== 0, 'a client that waits')
    return waiters() & BOTH
  }

  /** As if what it said were lost: nobody signals for the next event. */
  function silence() {
    const word = Buffer.alloc(4)
    word.writeUInt32LE((waiters() & ~BOTH) >>> 0)
    fs.writeSync(file, word, 0, 4, WAITERS)
  }

  /** A writer and a client that is told of each of its events. */
  function pair() {
    const shield = ring.writer()
    const client = ring.client({ spinMicros: 0 })
    file = fs.openSync(ring.file, 'r+')
    let received = 0
    client.pollThreats(() => {
      received++
      return true
    })
    return async (isHeard) => {
      const before = received
      if (!isHeard) silence()
      shield.writeThreat(threat())
      await until(() => received > before, 'the event')
    }
  }

  it('a wake file that is silent for three events hands over', async () => {
    const write = pair()
    await waits()
    await write(true)
    for (let missed = 0; missed < MISSES; missed++) {
      assert.equal(await waits(), FOR_WAKE_FILE, `after ${missed}`)
      await write(false)
    }
    assert.equal(await waits(), ON_HEAD)
    await write(true)
    assert.equal(await waits(), ON_HEAD)
  })

  it('one that is heard in between does not', async () => {
    const write = pair()
    for (let round = 0; round < 3; round++) {
      for (let missed = 1; missed < MISSES; missed++) {
        assert.equal(await waits(), FOR_WAKE_FILE)
        await write(false)
      }
      assert.equal(await waits(), FOR_WAKE_FILE)
      await write(true)
    }
    assert.equal(await waits(), FOR_WAKE_FILE)
  })

  it('the thread alone, where a loop hears no file reliably', async () => {
    const shield = ring.writer()
    file = fs.openSync(ring.file, 'r+')
    const reader = new native.Reader({ dir: ring.dir })
    reader.setBuffers(new ArrayBuffer(384 * 4), new Float64Array(READ.FIELDS))
    let wakes = 0
    const woken = () => {
      wakes++
      reader.read({})
      reader.arm()
    }
    reader.start(woken, 0, true)
    reader.arm()
    try {
      for (let round = 1; round <= MISSES + 1; round++) {
        assert.equal(await waits(), ON_HEAD)
        shield.writeThreat(threat())
        await until(() => wakes >= round, 'a wake')
      }
    } finally {
      await new Promise((resolve) => {
        reader.close(resolve)
      })
    }
  })

  it('F24 a ring that is gone wakes it ever less often', async () => {
    ring.writer().close()
    const reader = new native.Reader({ dir: ring.dir })
    const fields = new Float64Array(READ.FIELDS)
    reader.setBuffers(new ArrayBuffer(384 * 4), fields)
    fs.unlinkSync(ring.file)
    let wakes = 0
    const start = Date.now()
    reader.start(() => {
      wakes++
      reader.arm()
    }, 0)
    reader.arm()
    try {
      await until(() => wakes >= EAGER, 'the first looks')
      await sleep(SECONDS * 1000)
      // As many looks as there was time for, and the one that is due.
      const looks = Math.ceil((Date.now() - start) / 200) + 1
      const most = EAGER + Math.ceil((looks - EAGER) / 5)
      assert(wakes <= most, `${wakes} wakes, ${most} at the most`)
    } finally {
      await new Promise((resolve) => {
        reader.close(resolve)
      })
    }
  })
})
