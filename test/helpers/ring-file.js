'use strict'
// A ring file by its bytes, as native/include/kg_layout.h states them: reads and
// alters any field, makes slots and whole rings that no writer would make.

const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const { crc32c } = require('./crc32c.js')
const { IS_WINDOWS } = require('./system.js')

const SLOTS = 131072
const SLOT_BYTES = 384
const TAIL_BYTES = 340
const MAGIC = 0x4b474d53

/** Offset and width of every field. */
const HEADER = {
  magic: [0, 4],
  version: [4, 4],
  byteOrder: [8, 4],
  checksum: [12, 4],
  slotBytes: [16, 4],
  eventBytes: [20, 4],
  capacity: [24, 4],
  flags: [28, 4],
  fileBytes: [32, 8],
  doorbellOffset: [40, 8],
  slotsOffset: [48, 8],
  generation: [56, 8],
  predecessorGeneration: [64, 8],
  predecessorSequence: [72, 8],
  laneOffset: [88, 8],
  priorityEvents: [96, 4],
  state: [128, 4],
  writerPid: [132, 4],
  bootId: [144, 8],
  heartbeatNs: [256, 8],
  claim: [384, 8],
  head: [512, 8],
  lastSequence: [520, 8],
  laneClaim: [640, 8],
  laneHead: [768, 8],
  waiters: [65536, 4]
}
const SLOT = {
  position: [0, 8],
  sequence: [8, 8],
  publishNs: [16, 8],
  span: [24, 2],
  place: [26, 2],
  sourceUsed: [28, 2],
  detailsUsed: [30, 2],
  flags: [32, 4],
  tailBytes: [36, 4],
  timestampUs: [40, 8],
  threatType: [48, 4],
  severity: [52, 1],
  blocked: [53, 1]
}

function put(bytes, [offset, width], value) {
  let rest = BigInt.asUintN(64, BigInt(value))
  for (let i = 0; i < width; i++) {
    bytes[offset + i] = Number(rest & 0xffn)
    rest >>= 8n
  }
}

function get(bytes, [offset, width]) {
  let value = 0n
  for (let i = width - 1; i >= 0; i--) {
    value = (value << 8n) | BigInt(bytes[offset + i])
  }
  return value
}

/** Where a slot's own checksum stands. */
function checksumOffset(slot) {
  return get(slot, SLOT.place) === 0n ? 40 + 334 : 380
}

/** Puts the right checksum into a slot. */
function seal(slot) {
  const at = checksumOffset(slot)
  slot.writeUInt32LE(0, at)
  slot.writeUInt32LE(crc32c(slot), at)
  return slot
}

/** One field of a tail: tag, three zeros, length, bytes. */
function tailField(tag, content, length) {
  const bytes = Buffer.from(content)
  const header = Buffer.alloc(8)
  header[0] = tag
  header.writeUInt32LE(length ?? bytes.length, 4)
  return Buffer.concat([header, bytes])
}

/**
 * The slots of an event, with right checksums unless `sealed` is false.
 * @param {object} fields of SLOT, and source, details, tail
 * @returns {Buffer[]}
 */
function makeSlots({ source = '', details = '', tail, sealed, ...fields }) {
  const continuations =
    tail === undefined ? 0 : Math.ceil(tail.length / TAIL_BYTES)
  const slots = []
  for (let place = 0; place <= continuations; place++) {
    const slot = Buffer.alloc(SLOT_BYTES)
    const all = {
      sequence: 1,
      position: 0,
      span: continuations + 1,
      tailBytes: tail?.length ?? 0,
      ...fields,
      place
    }
    all.position = BigInt(all.position) + BigInt(place)
    if (place === 0) {
      all.sourceUsed ??= Buffer.byteLength(source)
      all.detailsUsed ??= Buffer.byteLength(details)
      all.timestampUs ??= 1_700_000_000_000_000n
      Buffer.from(source).copy(slot, 54, 0, 64)
      Buffer.from(details).copy(slot, 118, 0, 256)
    } else {
      tail.copy(slot, 40, (place - 1) * TAIL_BYTES, place * TAIL_BYTES)
      for (const lead of ['timestampUs', 'threatType', 'severity', 'blocked']) {
        delete all[lead]
      }
      delete all.sourceUsed
      delete all.detailsUsed
    }
    for (const [name, value] of Object.entries(all)) {
      put(slot, SLOT[name], value)
    }
    slots.push(sealed === false ? slot : seal(slot))
  }
  return slots
}

// On Windows the file with a ring's name says which file is the ring; see
// native/platform/win32_pointer.c.
const POINTER = 'kindly-guard ring '
const NAMED = new RegExp(`^${POINTER}(\\.[0-9a-f]{16}\\.ring) `)

/** @returns {string} the file that has a ring's bytes */
function ringFile(file) {
  if (!IS_WINDOWS) return file
  const [, behind = ''] = NAMED.exec(fs.readFileSync(file, 'latin1')) ?? []
  return file + behind
}

/** Says which file is the ring. */
function pointTo(file, behind) {
  const text = Buffer.from(POINTER + behind)
  const sum = text.reduce(
    (hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n),
    0xcbf29ce484222325n
  )
  const digits = sum.toString(16).padStart(16, '0')
  fs.writeFileSync(file, `${text} ${digits}\n`, { mode: 0o600 })
}

/** Another one each time: a file that is mapped can be written by nobody. */
const anyName = () => `.${randomBytes(8).toString('hex')}.ring`

/** Puts these bytes in a ring's place. */
function writeRing(file, bytes) {
  const behind = IS_WINDOWS ? anyName() : ''
  fs.writeFileSync(file + behind, bytes, { mode: 0o600 })
  if (IS_WINDOWS) pointTo(file, behind)
}

/** Puts a ring in another one's place, in one step. */
function moveRing(from, to) {
  const behind = ringFile(from).slice(from.length)
  fs.renameSync(from + behind, to + behind)
  if (IS_WINDOWS) {
    pointTo(to, behind)
    fs.unlinkSync(from)
  }
}

/** Gives a ring's bytes a second name. */
function linkRing(from, to) {
  const behind = ringFile(from).slice(from.length)
  fs.linkSync(from + behind, to + behind)
  if (IS_WINDOWS) pointTo(to, behind)
}

/** An open ring file. Numbers come and go as BigInt. */
class RingFile {
  constructor(file) {
    this._file = fs.openSync(ringFile(file), 'r+')
    this.capacity = this.get('capacity')
  }

  /** Makes a ring, complete, that nobody writes to. */
  static create(file, { capacity = 16, ...more } = {}) {
    const bytes = Buffer.alloc(
      Math.ceil((SLOTS + capacity * SLOT_BYTES) / 65536) * 65536
    )
    const fields = {
      magic: MAGIC,
      version: 3,
      byteOrder: 0x01020304,
      slotBytes: SLOT_BYTES,
      eventBytes: TAIL_BYTES,
      capacity,
      flags: 1,
      fileBytes: bytes.length,
      doorbellOffset: 65536,
      slotsOffset: SLOTS,
      generation: 0x0123456789abcdefn,
      state: 1,
      ...more
    }
    for (const [name, value] of Object.entries(fields)) {
      put(bytes, HEADER[name], value)
    }
    if (more.checksum === undefined) {
      put(bytes, HEADER.checksum, crc32c(bytes.subarray(0, 128)))
    }
    writeRing(file, bytes)
    return new RingFile(file)
  }

  close() {
    fs.closeSync(this._file)
  }

  get(name) {
    const [offset, width] = HEADER[name]
    const bytes = Buffer.alloc(width)
    fs.readSync(this._file, bytes, 0, width, offset)
    return get(bytes, [0, width])
  }

  set(name, value) {
    const [offset, width] = HEADER[name]
    const bytes = Buffer.alloc(width)
    put(bytes, [0, width], value)
    fs.writeSync(this._file, bytes, 0, width, offset)
  }

  /** The bytes that the header's checksum is of. */
  identity() {
    const bytes = Buffer.alloc(128)
    fs.readSync(this._file, bytes, 0, bytes.length, 0)
    return bytes
  }

  _offset(position) {
    const index = BigInt(position) & (this.capacity - 1n)
    return SLOTS + Number(index) * SLOT_BYTES
  }

  /** A copy of the slot where `position` stands. */
  slot(position) {
    const bytes = Buffer.alloc(SLOT_BYTES)
    fs.readSync(this._file, bytes, 0, SLOT_BYTES, this._offset(position))
    return bytes
  }

  /** Puts a slot there, or its bytes from `from` to `to`. */
  putSlot(position, bytes, from = 0, to = SLOT_BYTES) {
    const offset = this._offset(position) + from
    fs.writeSync(this._file, bytes, from, to - from, offset)
  }

  /** Lets `change(slot)` alter the slot at `position`. */
  alter(position, change) {
    const slot = this.slot(position)
    change(slot)
    this.putSlot(position, slot)
  }

  /** Alters fields of a slot and puts the right checksum there. */
  forge(position, fields) {
    this.alter(position, (slot) => {
      for (const [name, value] of Object.entries(fields)) {
        put(slot, SLOT[name], value)
      }
      seal(slot)
    })
  }

  /**
   * Publishes an event as a writer would. Returns its first position.
   * @param {object} fields see makeSlots; its sequence is the next by default
   */
  publish(fields = {}) {
    const position = this.get('head')
    const sequence = BigInt(fields.sequence ?? this.get('lastSequence') + 1n)
    const slots = makeSlots({ position, ...fields, sequence })
    const head = position + BigInt(slots.length)
    this.set('claim', head)
    slots.forEach((slot, i) => this.putSlot(position + BigInt(i), slot))
    this.set('lastSequence', sequence)
    this.set('head', head)
    return position
  }
}

module.exports = {
  linkRing,
  makeSlots,
  moveRing,
  RingFile,
  ringFile,
  seal,
  SLOT_BYTES,
  tailField,
  writeRing
}
