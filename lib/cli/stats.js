'use strict'
// `kindly-guard-ipc stats`: shows a ring, or where a Shield answers.

const { spellOutPaths } = require('../base/display-text.js')
const { safeJson } = require('./safe-json.js')
const { LOCATION_CHECKS, pick } = require('../options/check.js')
const { COMMON_HELP } = require('./options.js')
const { print } = require('./output.js')
const { openConnected, openRing, readOptions } = require('./transport.js')

const HELP = `\
Usage: kindly-guard-ipc stats [options]

Shows a ring: where it is, its generation (a new one for every file), whether
its writer lives, its size, how many threats were published in it and which
one is the oldest that it still holds. Without a ring, or with --transport
websocket: where the Shield answers and how much it published. Changes nothing.

Options:
  --json              print one line of JSON
${COMMON_HELP}

Exit code: 0, 1 when there was nothing to show, 2 for a wrong command line.
`

// What is shown of the stats, each with its name and how it looks to people.
const ROWS = {
  path: ['path', spellOutPaths],
  url: ['url', spellOutPaths],
  socket: ['socket', spellOutPaths],
  generation: ['generation', String],
  writer: ['writer', String],
  capacity: ['capacity', (slots) => `${slots} slots`],
  fileBytes: ['file', (bytes) => `${bytes} bytes`],
  checksums: ['checksums', (on) => (on ? 'on' : 'off')],
  published: ['published', String],
  oldest: ['oldest', (sequence) => sequence ?? 'none']
}

/**
 * @param {object} options
 * @returns {Promise<object>}
 */
async function inspectRing(options) {
  const location = pick(options, LOCATION_CHECKS)
  const client = openRing({ ...location, from: 'oldest' })
  try {
    const [first] = client.poll(1)
    const oldest = first?.sequence ?? null
    return { ...pick(client.stats(), ROWS), oldest }
  } finally {
    await client.close()
  }
}

/**
 * @param {object} options
 * @returns {Promise<object>}
 */
async function inspectServer(options) {
  const onNone = (reason) => {
    throw reason
  }
  const client = await openConnected({ ...options, preferShm: false }, onNone)
  try {
    const stats = client.stats()
    // Without the path, which is that of a ring; and the one way that is used.
    const { url, socket } = stats
    return pick(
      {
        ...stats,
        path: undefined,
        url: url ?? undefined,
        socket: socket ?? undefined
      },
      ROWS
    )
  } finally {
    await client.close()
  }
}

/**
 * @param {{ transport: string, options: object }} chosen
 * @returns {Promise<object>}
 */
async function inspect({ transport, options }) {
  if (transport === 'websocket') {
    return inspectServer(options)
  }
  try {
    return await inspectRing(options)
  } catch (error) {
    if (transport === 'shm' || options.websocket?.enabled === false) {
      throw error
    }
    return inspectServer(options).catch(() => {
      throw error
    })
  }
}

/**
 * @param {object} found what inspect() found
 * @returns {string}
 */
function formatRows(found) {
  const rows = Object.entries(found).map(([key, value]) => {
    const [name, format] = ROWS[key]
    return `${name.padEnd(12)}${format(value)}\n`
  })
  return rows.join('')
}

/**
 * @param {Record<string, string | boolean>} values
 * @returns {Promise<number>} the exit code
 */
async function run(values) {
  const found = await inspect(readOptions(values))
  await print(values.json ? `${safeJson(found)}\n` : formatRows(found))
  return 0
}

module.exports = { HELP, run }
