'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { escapeText, safeJson } = require('./escape.js')
const { LOCATION, LOCATION_HELP, given } = require('./options.js')
const { print } = require('./output.js')
const {
  openReader,
  readOptions,
  TRANSPORT,
  TRANSPORT_HELP,
  whyNeither
} = require('./transport.js')

const HELP = `\
Usage: kindly-guard-ipc stats [options]

Shows a ring: where it is, its generation (a new one for every file), whether
its writer lives, its size, how many threats were published in it and which
one is the oldest that it still holds. Without a ring, or with --transport
websocket: where the Shield answers and how much it published. Changes nothing.

Options:
${LOCATION_HELP}
${TRANSPORT_HELP}
  --json              print one line of JSON
  -h, --help          show this
  --version           show the version

Exit code: 0, 1 when there was nothing to show, 2 for a wrong command line.
`

const OPTIONS = { ...LOCATION, ...TRANSPORT, json: { type: 'boolean' } }

const CONNECT_MS = 10

const RING = [
  'path',
  'generation',
  'writer',
  'capacity',
  'fileBytes',
  'checksums',
  'published'
]

/**
 * @param {object} options
 * @returns {Promise<object>}
 */
async function inspectRing(options) {
  const { ShmClient } = require('../index.js')
  const location = given(options, ['dir', 'name'])
  const client = new ShmClient({ ...location, from: 'oldest' })
  try {
    const [first] = client.poll(1)
    return { ...given(client.stats(), RING), oldest: first?.sequence ?? null }
  } finally {
    await client.close()
  }
}

/**
 * @param {object} options
 * @returns {Promise<object>}
 */
async function inspectServer(options) {
  const chosen = {
    transport: 'websocket',
    options: { ...options, preferShm: false }
  }
  const client = await openReader(chosen)
  try {
    while (client.stats().transport === 'connecting') {
      const reason = whyNeither(client, options)
      if (reason !== null) throw reason
      await sleep(CONNECT_MS)
    }
    return given(client.stats(), ['url', 'generation', 'writer', 'published'])
  } finally {
    await client.close()
  }
}

/**
 * @param {{ transport: string, options: object }} chosen
 * @returns {Promise<object>}
 */
async function inspect({ transport, options }) {
  if (transport === 'websocket') return inspectServer(options)
  try {
    return await inspectRing(options)
  } catch (error) {
    if (transport === 'shm' || options.websocket?.enabled === false) throw error
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
  const rows = {
    path: ['path', escapeText],
    url: ['url', escapeText],
    generation: ['generation', String],
    writer: ['writer', String],
    capacity: ['capacity', (slots) => `${slots} slots`],
    fileBytes: ['file', (bytes) => `${bytes} bytes`],
    checksums: ['checksums', (on) => (on ? 'on' : 'off')],
    published: ['published', String],
    oldest: ['oldest', (sequence) => sequence ?? 'none']
  }
  return Object.entries(found)
    .map(([key, value]) => {
      const [name, format] = rows[key]
      return `${name.padEnd(12)}${format(value)}\n`
    })
    .join('')
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

module.exports = { HELP, OPTIONS, run }
