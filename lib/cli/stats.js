'use strict'

const { escapeText, safeJson } = require('./escape')
const { LOCATION, LOCATION_HELP, given } = require('./options')

const HELP = `\
Usage: kindly-guard-ipc stats [options]

Shows a ring: where it is, its generation (a new one for every file), whether
its writer lives, its size, how many threats were published in it and which
one is the oldest that it still holds. Changes nothing.

Options:
${LOCATION_HELP}
  --json              print one line of JSON
  -h, --help          show this
  --version           show the version

Exit code: 0, 1 when the ring could not be read, 2 for a wrong command line.
`

const OPTIONS = { ...LOCATION, json: { type: 'boolean' } }

/**
 * @param {import('../index').LocationOptions} location
 * @returns {Promise<object>}
 */
async function inspect(location) {
  const { ShmClient } = require('../index')
  const client = new ShmClient({ ...location, from: 'oldest' })
  try {
    const [first] = client.poll(1)
    const {
      path,
      generation,
      writer,
      capacity,
      fileBytes,
      checksums,
      published
    } = client.stats()
    const oldest = first?.sequence ?? null
    return {
      path,
      generation,
      writer,
      capacity,
      fileBytes,
      checksums,
      published,
      oldest
    }
  } finally {
    await client.close()
  }
}

/**
 * @param {object} ring what inspect() found
 * @returns {string}
 */
function formatRing(ring) {
  const rows = [
    ['path', escapeText(ring.path)],
    ['generation', ring.generation],
    ['writer', ring.writer],
    ['capacity', `${ring.capacity} slots`],
    ['file', `${ring.fileBytes} bytes`],
    ['checksums', ring.checksums ? 'on' : 'off'],
    ['published', String(ring.published)],
    ['oldest', ring.oldest === null ? 'none' : String(ring.oldest)]
  ]
  return rows.map(([name, value]) => `${name.padEnd(12)}${value}\n`).join('')
}

/**
 * @param {Record<string, string | boolean>} values
 * @returns {Promise<number>} the exit code
 */
async function run(values) {
  const ring = await inspect(given(values, ['dir', 'name']))
  process.stdout.write(values.json ? `${safeJson(ring)}\n` : formatRing(ring))
  return 0
}

module.exports = { HELP, OPTIONS, run }
