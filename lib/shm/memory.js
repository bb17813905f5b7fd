'use strict'
// In which pages a ring is: what the options say, as the addon wants it, and
// what the kernel says.

const { HUGE_PAGES, NUMA_INTERLEAVE } = require('./native-constants.js')

// The kernel looks through all of the process' memory for it: milliseconds,
// which who asks for stats() again and again is not to wait for each time.
const FRESH_MS = 1000

/** What the kernel says, asked for once a second at most. */
class MemoryLook {
  #ring
  #asked = -Infinity
  #generation
  #memory = null

  /** @param {{ memory(): import('../index').RingMemory | null }} ring native */
  constructor(ring) {
    this.#ring = ring
  }

  /**
   * @param {string} generation of the ring, another of which is looked at anew
   * @returns {import('../index').RingMemory | null}
   */
  of(generation) {
    const now = performance.now()
    if (now >= this.#asked + FRESH_MS || generation !== this.#generation) {
      this.#memory = this.#ring.memory()
      this.#asked = now
      this.#generation = generation
    }
    // A copy, which the caller may change.
    return this.#memory && { ...this.#memory, nodes: [...this.#memory.nodes] }
  }
}

function nodeOf(numaNode) {
  if (numaNode === undefined) return 0
  // 0 is none, so the first node is 1.
  return numaNode === 'interleave' ? NUMA_INTERLEAVE : numaNode + 1
}

/**
 * @param {{ hugePages?: string, numaNode?: number | 'interleave' }} options
 * @returns {{ hugePages: number, numaNode: number }} C's numbers
 */
function placementOf({ hugePages = 'auto', numaNode }) {
  return {
    hugePages: HUGE_PAGES.indexOf(hugePages),
    numaNode: nodeOf(numaNode)
  }
}

module.exports = { MemoryLook, placementOf }
