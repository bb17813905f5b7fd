'use strict'
// What keeps this process from ending: timers and requests, which Node counts,
// and the handles of the event loop, among them those of the addon, which only
// a diagnostic report lists.

const { commandOf } = require('./processes.js')

// The reports have these with more about each.
const IS_HANDLE = /Wrap$/
// A turn of the event loop ends them by itself.
const IMMEDIATE = 'Immediate'

// Node 18 has no address, and no more than its name.
const endpoint = ({ ip4, ip6, host, port }) => `${ip4 ?? ip6 ?? host}:${port}`

const describers = {
  process: ({ pid }) => `process ${pid}: ${commandOf(pid)}`,
  tcp: ({ localEndpoint: near, remoteEndpoint: far }) =>
    [
      `tcp ${near ? endpoint(near) : 'without an address'}`,
      far ? ` to ${endpoint(far)}` : ', listening'
    ].join(''),
  pipe: ({ localEndpoint, fd }) => `pipe ${localEndpoint || `at fd ${fd}`}`
}

// Under wine a report takes seconds; there Node's own count of handles is
// enough, which has their kinds alone.
const HAS_REPORTS = process.platform !== 'win32'

/** The handles that count, as a map of address to handle. */
function readHandles() {
  if (!HAS_REPORTS) return new Map()
  process.report.excludeNetwork = true // or it looks up the names of peers
  // Deno has no such list.
  const { libuv = [] } = process.report.getReport()
  const alive = libuv.filter(
    ({ type, is_active: isActive, is_referenced: isReferenced }) =>
      // A timer stands for all of Node's. An idle handle is an immediate.
      isActive && isReferenced && !['loop', 'timer', 'idle'].includes(type)
  )
  return new Map(alive.map((handle) => [handle.address, handle]))
}

function countResources() {
  const counts = new Map()
  for (const name of process.getActiveResourcesInfo()) {
    if ((HAS_REPORTS && IS_HANDLE.test(name)) || name === IMMEDIATE) continue
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** What is open now, for `openSince`. */
function snapshot() {
  return { handles: readHandles(), resources: countResources() }
}

/**
 * @param {ReturnType<typeof snapshot>} [before] by default, nothing was open
 * @returns {string[]} what was opened since and is still there, in words
 */
function openSince(before = { handles: new Map(), resources: new Map() }) {
  const now = snapshot()
  const open = []
  for (const [name, count] of now.resources) {
    const more = count - (before.resources.get(name) ?? 0)
    if (more > 0) open.push(`${name} × ${more}`)
  }
  for (const [address, handle] of now.handles) {
    if (before.handles.has(address)) continue
    open.push(describers[handle.type]?.(handle) ?? `${handle.type} handle`)
  }
  return open
}

module.exports = { openSince, snapshot }
