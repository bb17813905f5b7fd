'use strict'
// A ring in memory and its writer, made from docs/format.md alone, so that what
// stands there is proven by two writers: this one and native/ring.

const assert = require('node:assert/strict')
const { crc32c } = require('../helpers/crc32c.js')

const REGION = 65_536
const SLOTS = 131_072
const SLOT_BYTES = 384
const BODY = 40
const BODY_BYTES = 340

const CHECKSUMS = 1
const PREDECESSOR_COUNTED = 2

const DEFLATED = 1
const PRIORITY = 2
const CUT = 4

const CRITICAL = 4

const wholeRegions = (bytes) => Math.ceil(bytes / REGION) * REGION

/** The start of a text, between two characters. */
function fitting(bytes, limit) {
  let end = Math.min(bytes.length, limit)
  while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

/** One field of a continuation. */
function field(tag, text) {
  const header = Buffer.alloc(8)
  const bytes = Buffer.from(text)
  header[0] = tag
  header.writeUInt32LE(bytes.length, 4)
  return Buffer.concat([header, bytes])
}

function continuationOf({ source, details, id, context }) {
  const fields = []
  if (Buffer.byteLength(source) > 64) fields.push(field(1, source))
  if (Buffer.byteLength(details) > 256) fields.push(field(2, details))
  if (id !== undefined) fields.push(field(3, id))
  if (context !== undefined) fields.push(field(4, JSON.stringify(context)))
  return Buffer.concat(fields)
}

class Ring {
  #checksums
  #head = 0
  #claim = 0
  #priority = 0
  #laneHead = 0

  /**
   * @param {object} setup
   * @param {number} [setup.capacity] slots
   * @param {number} [setup.priorityEvents] slots of the lane
   * @param {boolean} [setup.checksums]
   * @param {bigint} setup.generation
   * @param {{ generation: bigint, sequence: number, priority?: number }}
   *   [setup.predecessor]
   */
  constructor({
    capacity = 16,
    priorityEvents = 0,
    checksums = true,
    generation,
    predecessor
  }) {
    const behindSlots = wholeRegions(SLOTS + capacity * SLOT_BYTES)
    const length = behindSlots + wholeRegions(priorityEvents * SLOT_BYTES)
    const bytes = Buffer.alloc(length)
    const isCounted = predecessor?.priority !== undefined
    this.bytes = bytes
    this.capacity = capacity
    this.priorityEvents = priorityEvents
    this.generation = generation
    this.sequence = 0
    this.lane = behindSlots
    this.#checksums = checksums
    bytes.writeUInt32LE(0x4b474d53, 0)
    bytes.writeUInt32LE(3, 4)
    bytes.writeUInt32LE(0x01020304, 8)
    bytes.writeUInt32LE(SLOT_BYTES, 16)
    bytes.writeUInt32LE(BODY_BYTES, 20)
    bytes.writeUInt32LE(capacity, 24)
    bytes.writeUInt32LE(
      (checksums ? CHECKSUMS : 0) | (isCounted ? PREDECESSOR_COUNTED : 0),
      28
    )
    bytes.writeBigUInt64LE(BigInt(length), 32)
    bytes.writeBigUInt64LE(BigInt(REGION), 40)
    bytes.writeBigUInt64LE(BigInt(SLOTS), 48)
    bytes.writeBigUInt64LE(generation, 56)
    bytes.writeBigUInt64LE(predecessor?.generation ?? 0n, 64)
    bytes.writeBigUInt64LE(BigInt(predecessor?.sequence ?? 0), 72)
    bytes.writeBigUInt64LE(1_700_000_000_000_000n, 80)
    if (priorityEvents > 0) {
      bytes.writeBigUInt64LE(BigInt(behindSlots), 88)
      bytes.writeUInt32LE(priorityEvents, 96)
    }
    bytes.writeUInt32LE(predecessor?.priority ?? 0, 100)
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 128)), 12)

    bytes.writeUInt32LE(1, 128) // state
    bytes.writeUInt32LE(4711, 132) // a writer's process
    bytes.writeBigUInt64LE(1_700_000_000_000_000n, 136)
    bytes.writeBigUInt64LE(1n, 144) // no machine's boot
    bytes.writeBigUInt64LE(1n, 152)
    bytes.writeBigUInt64LE(1_000_000_000n, 256) // heartbeat
  }

  /** Its writer's priority events so far. */
  get priority() {
    return this.#priority
  }

  get head() {
    return this.#head
  }

  /** Where the slot of a position stands. */
  at(position) {
    return SLOTS + (position % this.capacity) * SLOT_BYTES
  }

  /**
   * Publishes an event.
   * @param {object} event `type`, `severity`, `blocked`, `timestampUs`,
   *   `source`, `details`, `id`, `context`; or `continuation`, as it is, and
   *   whether it is `deflated`
   */
  publish(event) {
    const slots = this.stage(event)
    this.claim(slots)
    this.copy(slots)
    this.store()
    this.finish(slots)
  }

  // Its parts, for writers that die in between.

  stage({ continuation, deflated = false, ...event }) {
    const tail = continuation ?? continuationOf(event)
    const span = 1 + Math.ceil(tail.length / BODY_BYTES)
    assert(span <= this.capacity / 4)
    const isPriority = event.severity >= CRITICAL
    const source = fitting(Buffer.from(event.source), 64)
    const details = fitting(Buffer.from(event.details), 256)
    const slots = []
    this.sequence++
    this.#priority += isPriority ? 1 : 0
    for (let place = 0; place < span; place++) {
      const slot = Buffer.alloc(SLOT_BYTES)
      slot.writeBigUInt64LE(BigInt(this.#head + place), 0)
      slot.writeBigUInt64LE(BigInt(this.sequence), 8)
      slot.writeBigUInt64LE(BigInt(this.sequence) * 1_000_000n, 16)
      slot.writeUInt16LE(span, 24)
      slot.writeUInt16LE(place, 26)
      slot.writeUInt32LE(
        (deflated ? DEFLATED : 0) | (isPriority ? PRIORITY : 0),
        32
      )
      slot.writeUInt32LE(tail.length, 36)
      if (place === 0) {
        slot.writeUInt16LE(source.length, 28)
        slot.writeUInt16LE(details.length, 30)
        slot.writeBigUInt64LE(BigInt(event.timestampUs), BODY)
        slot.writeUInt32LE(event.type, BODY + 8)
        slot[BODY + 12] = event.severity
        slot[BODY + 13] = event.blocked ? 1 : 0
        source.copy(slot, BODY + 14)
        details.copy(slot, BODY + 78)
        slot.writeUInt32LE(this.#priority, 380)
      } else {
        tail.copy(slot, BODY, (place - 1) * BODY_BYTES, place * BODY_BYTES)
      }
      slots.push(this.seal(slot))
    }
    return slots
  }

  /** Puts its checksum into a slot. */
  seal(slot) {
    if (this.#checksums) {
      const at = slot.readUInt16LE(26) === 0 ? 374 : 380
      slot.writeUInt32LE(0, at)
      slot.writeUInt32LE(crc32c(slot), at)
    }
    return slot
  }

  claim(slots) {
    this.#claim = Math.max(this.#claim, this.#head + slots.length)
    this.bytes.writeBigUInt64LE(BigInt(this.#claim), 384)
  }

  copy(slots) {
    slots.forEach((slot, i) => slot.copy(this.bytes, this.at(this.#head + i)))
    this.#head += slots.length
  }

  storeSequence() {
    this.bytes.writeBigUInt64LE(BigInt(this.sequence), 520)
  }

  store() {
    this.storeSequence()
    this.bytes.writeBigUInt64LE(BigInt(this.#head), 512)
  }

  /** The lane. */
  finish([lead, ...others]) {
    if ((lead.readUInt32LE(32) & PRIORITY) === 0 || this.priorityEvents === 0) {
      return
    }
    let slots = [lead, ...others].map((slot) => Buffer.from(slot))
    if (slots.length > Math.max(1, this.priorityEvents / 4)) {
      slots = slots.slice(0, 1)
      slots[0].writeUInt16LE(1, 24)
      slots[0].writeUInt32LE((lead.readUInt32LE(32) & ~DEFLATED) | CUT, 32)
      slots[0].writeUInt32LE(0, 36)
    }
    const head = this.#laneHead + slots.length
    this.bytes.writeBigUInt64LE(BigInt(head), 640)
    slots.forEach((slot, i) => {
      const position = this.#laneHead + i
      slot.writeBigUInt64LE(BigInt(position), 0)
      const index = position % this.priorityEvents
      this.seal(slot).copy(this.bytes, this.lane + index * SLOT_BYTES)
    })
    this.#laneHead = head
    this.bytes.writeBigUInt64LE(BigInt(head), 768)
  }

  /** Another ring took its place. */
  retire() {
    this.bytes.writeUInt32LE(2, 128)
    this.bytes.writeUInt32LE(this.bytes.readUInt32LE(REGION) + 4, REGION)
  }

  flip(position, bit) {
    this.bytes[this.at(position) + (bit >> 3)] ^= 1 << (bit & 7)
  }
}

module.exports = { field, fitting, Ring, SLOT_BYTES }
