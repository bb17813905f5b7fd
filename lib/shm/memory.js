'use strict'
// In which pages a ring is: what the options say, as the addon wants it.

const { HUGE_PAGES, NUMA_INTERLEAVE } = require('./native-constants.js')

/**
 * @param {{ hugePages?: string, numaNode?: number | 'interleave' }} options
 * @returns {{ hugePages: number, numaNode: number }} C's numbers
 */
function placementOf({ hugePages = 'auto', numaNode }) {
  // 0 is none there, so the first node is 1.
  const node = numaNode === undefined ? 0 : numaNode + 1
  return {
    hugePages: HUGE_PAGES.indexOf(hugePages),
    numaNode: numaNode === 'interleave' ? NUMA_INTERLEAVE : node
  }
}

module.exports = { placementOf }
