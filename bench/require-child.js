'use strict'
// Loads one thing in a fresh process and says what that took. It requires nothing
// else: what a process has loaded before makes loading faster, or slower.

const client = () => require('kindly-guard-ipc/client')

/** A client that reads a ring, for which a Shield is there. */
async function readRing(dir) {
  const opened = await client().createClient({ dir })
  if (!opened.isShmActive()) throw new Error('it does not read the ring')
}

const PARTS = {
  bare: () => {},
  ws: () => require('ws'),
  client,
  'client, addon': () => client().PlatformShm.checksumMethod(),
  'client, reading a ring': readRing,
  shield: () => require('kindly-guard-ipc/shield'),
  whole: () => require('kindly-guard-ipc')
}

async function main(name, dir) {
  const load = PARTS[name] ?? (() => require(name))
  const begin = process.hrtime.bigint()
  const loaded = load(dir)
  if (loaded instanceof Promise) await loaded
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6
  const megabytes = process.memoryUsage.rss() / 2 ** 20
  const files = Object.keys(require.cache).length - 1
  process.stdout.write(JSON.stringify({ milliseconds, megabytes, files }))
  process.exit()
}

main(...process.argv.slice(2))
