'use strict'
// What somebody with the rights of the same user can do to the files of a ring
// that is in use, one act at a time, at random.

const fs = require('node:fs')
const path = require('node:path')
const { RingFile, SLOT_BYTES } = require('../../helpers/ring-file.js')

const RING = 'kindly-guard.shm'
const CAPACITY = 1024
const MAX = 2n ** 53n - 1n

// A header, and more than a ring of this capacity.
const LEAST_BYTES = 896
const MOST_BYTES = 2 ** 21

// Of the cells of reliable readers, as native/include/kg_layout.h has them.
const CELLS_OFFSET = 256
const CELL_BYTES = 128
const CELLS = 128

// Of the header's identity: where the lane is, and how many slots it has.
const LANE_OFFSET_AT = 88
const PRIORITY_EVENTS_AT = 96

// Those with an argument get the ring, open.
const acts = {
  flip(ring) {
    ring.alter(this.position(ring), (slot) => {
      const bit = this.below(SLOT_BYTES * 8)
      slot[bit >> 3] ^= 1 << (bit & 7)
    })
  },

  flipHeader() {
    // From the writer's words to the lane's head.
    const offset = 128 + this.below(768)
    this.overwrite(offset, this.randomBytes(1))
  },

  swap(ring) {
    const [one, other] = [this.position(ring), this.position(ring)]
    const [first, second] = [ring.slot(one), ring.slot(other)]
    ring.putSlot(one, second)
    ring.putSlot(other, first)
  },

  zero(ring) {
    ring.putSlot(this.position(ring), Buffer.alloc(SLOT_BYTES))
  },

  leap(ring) {
    const name = this.pick(['head', 'claim', 'lastSequence'])
    ring.set(name, this.near(ring.get(name)))
  },

  leapAll(ring) {
    const to = this.near(ring.get('head'))
    for (const name of ['claim', 'head']) ring.set(name, to)
    if (this.below(2) === 0) ring.set('lastSequence', to)
  },

  writerWords(ring) {
    const name = this.pick(['state', 'heartbeatNs', 'bootId', 'waiters'])
    ring.set(name, this.near(ring.get(name)))
  },

  forge(ring) {
    const position = this.position(ring)
    const field = this.pick([
      ...['sequence', 'sequence', 'position', 'span', 'place', 'tailBytes'],
      ...['sourceUsed', 'detailsUsed', 'flags', 'publishNs', 'timestampUs']
    ])
    const value = this.near(ring.get('lastSequence'))
    ring.forge(position, { [field]: value })
  },

  forgeEvents(ring) {
    for (let some = this.below(5); some >= 0; some--) {
      ring.publish({ details: 'forged', tail: this.randomBytes(600) })
    }
  },

  forgeLeap(ring) {
    ring.publish({
      details: 'forged',
      sequence: BigInt.asUintN(64, this.near(ring.get('lastSequence')))
    })
  },

  cell(ring) {
    const offset =
      Number(ring.get('doorbellOffset')) +
      CELLS_OFFSET +
      this.below(CELLS) * CELL_BYTES
    const bytes = Buffer.alloc(12)
    const cursor = BigInt.asUintN(64, this.near(ring.get('head')))
    bytes.writeBigUInt64LE(cursor)
    bytes.writeUInt32LE(this.below(4), 8)
    this.overwrite(offset, bytes)
  },

  doorbell(ring) {
    const offset = Number(ring.get('doorbellOffset')) + this.below(256)
    this.overwrite(offset, this.randomBytes(4))
  },

  lane(ring) {
    const identity = ring.identity()
    const offset = Number(identity.readBigUInt64LE(LANE_OFFSET_AT))
    const slots = identity.readUInt32LE(PRIORITY_EVENTS_AT)
    if (offset === 0) return
    const at = this.below(slots * SLOT_BYTES)
    this.overwrite(offset + at, this.randomBytes(1))
  },

  identity() {
    this.overwrite(this.below(128), this.randomBytes(4))
  },

  truncate() {
    const { size } = fs.statSync(this.file)
    fs.truncateSync(this.file, this.below(size + 1))
    // Before anybody looks, or behind that.
    if (this.below(2) === 0) fs.truncateSync(this.file, size)
  },

  renameAway() {
    const away = `${this.file}-away`
    fs.renameSync(this.file, away)
    // Back over the one that has the name by now, or not at all.
    if (this.below(3) > 0) fs.renameSync(away, this.file)
  },

  copyOver() {
    if (fs.statSync(this.file).size > MOST_BYTES) return
    const copy = `${this.file}-copy`
    fs.copyFileSync(this.file, copy)
    fs.renameSync(copy, this.file)
  },

  unlink() {
    fs.unlinkSync(this.file)
  },

  unlinkOther() {
    fs.rmSync(this.other(), { recursive: true, force: true })
  },

  spoilOther() {
    const file = this.other()
    if (this.below(4) === 0) {
      fs.rmSync(file, { recursive: true, force: true })
      fs.mkdirSync(file)
    } else {
      fs.writeFileSync(file, this.randomBytes(this.below(16)), { mode: 0o600 })
    }
  },

  touchOther() {
    const fd = fs.openSync(this.other(), 'r')
    // Reading a wake file wakes all who listen.
    for (let i = 0; i < 100; i++) fs.readSync(fd, Buffer.alloc(1), 0, 1, 0)
    fs.closeSync(fd)
  }
}

// What makes another ring goes on too long to happen often: half a second
// without a ring each.
const RARE = new Set([
  ...['truncate', 'renameAway', 'copyOver', 'unlink', 'unlinkOther'],
  ...['spoilOther', 'identity']
])
const OFTEN = 20
const ACTS = Object.keys(acts).flatMap((name) =>
  Array(RARE.has(name) ? 1 : OFTEN).fill(name)
)

class Damage {
  /** @param {string} dir @param {number} seed */
  constructor(dir, seed) {
    this.dir = dir
    this.file = path.join(dir, RING)
    this.state = seed
    this.counts = {}
  }

  /** A whole number from 0 to below `limit`. */
  below(limit) {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.state / 2 ** 32) * limit)
  }

  pick(list) {
    return list[this.below(list.length)]
  }

  /** Near a number, far from it, or at a limit. */
  near(value) {
    const off = BigInt(this.below(200) - 100)
    return this.pick([
      ...[value + off, value + off, value + off * 1000n],
      ...[value + 2n ** 32n, value + 2n ** 60n, value - 2n ** 20n],
      ...[0n, 1n, MAX, MAX + 1n, 2n ** 64n - 1n]
    ])
  }

  /** Does one thing; that a file is not there, or no ring, is none. */
  act() {
    const name = this.pick(ACTS)
    try {
      if (acts[name].length === 0) {
        acts[name].call(this)
      } else {
        this.withRing((ring) => acts[name].call(this, ring))
      }
      this.counts[name] = (this.counts[name] ?? 0) + 1
    } catch (error) {
      if (error.syscall === undefined) throw error
    }
  }

  withRing(action) {
    const { size } = fs.statSync(this.file)
    if (size < LEAST_BYTES || size > MOST_BYTES) return
    const ring = new RingFile(this.file)
    try {
      // Where RingFile would write; a damaged header says anything.
      if (ring.capacity === BigInt(CAPACITY)) action(ring)
    } finally {
      ring.close()
    }
  }

  /** Some bytes of a file that is there. Not behind its end: what a damaged
   * header says may be far away, and a copy would then fill the memory. */
  overwrite(offset, bytes) {
    const fd = fs.openSync(this.file, 'r+')
    try {
      if (offset + bytes.length <= fs.fstatSync(fd).size) {
        fs.writeSync(fd, bytes, 0, bytes.length, offset)
      }
    } finally {
      fs.closeSync(fd)
    }
  }

  randomBytes(length) {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  /** One of the last positions. */
  position(ring) {
    return BigInt.asUintN(64, ring.get('head') - BigInt(this.below(CAPACITY)))
  }

  /** Removes the directories that stand where files belong: those that need the
   * files say so, and go on when somebody has. */
  tidy() {
    for (const entry of fs.readdirSync(this.dir, { withFileTypes: true })) {
      if (entry.isDirectory()) fs.rmdirSync(path.join(this.dir, entry.name))
    }
  }

  /** A file beside the ring, but not one by which the server is found. */
  other() {
    const names = fs
      .readdirSync(this.dir)
      .filter((name) => !/\.(shm|json|sock|tmp)$/.test(name))
    return path.join(this.dir, names.length > 0 ? this.pick(names) : 'none')
  }
}

module.exports = { CAPACITY, Damage, KINDS: Object.keys(acts) }
