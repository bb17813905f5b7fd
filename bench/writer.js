'use strict'
// What an event costs its writer: CPU time of the thread that calls
// writeThreat, with readers that are awake, asleep or spin, and beside
// processes that do a reader's work and read nothing.

const fs = require('node:fs')
const path = require('node:path')
const { Control } = require('./control.js')
const { makeDirectory, start } = require('./pair.js')

const CHILD = path.join(__dirname, 'writer-child.js')

/**
 * @param {import('./sides.js').Side} side
 * @param {{ way: string, strings?: string }} config what its processes do
 * @param {number} count of readers
 * @param {(ask: (message: object) => Promise<object>) => Promise<object>} measure
 */
async function withReaders(side, config, count, measure) {
  const dir = makeDirectory()
  const control = await Control.open(dir)
  const children = []
  const launch = async (name) => {
    const remote = control.remote(name)
    const args = [CHILD, name, JSON.stringify({ dir, ...config })]
    children.push(start(args, remote, side))
    await remote.hear('ready')
    return remote
  }
  try {
    const writer = await launch('writer')
    const ask = async (message) => {
      writer.say(message)
      return writer.hear('cost')
    }
    await ask({ type: 'flood', count: 50_000 }) // warms up, not counted
    const readers = []
    for (let i = 0; i < count; i++) readers.push(await launch(`reader ${i}`))
    const figures = await measure(ask)
    await Promise.all([...readers, writer].map((remote) => remote.leave()))
    await Promise.all(children.map(({ ended }) => ended))
    return { figures }
  } finally {
    for (const { child } of children) child.kill('SIGKILL')
    control.close()
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

const flood = (count) => async (ask) => {
  const { ns } = await ask({ type: 'flood', count })
  return { ns }
}

const singles = (count, pauseMs) => async (ask) => {
  const { ns, bells } = await ask({ type: 'singles', count, pauseMs })
  return { ns, bells }
}

const cases = (ways, measure, quick) =>
  ways.map(([name, title, way, count, strings]) => ({
    name,
    title,
    every: !quick,
    isOurs: !['bystander', 'making'].includes(way),
    run: (side) => withReaders(side, { way, strings }, count, measure)
  }))

function writerScenarios(quick) {
  return [
    {
      name: 'writer-flood',
      title: "Writer's CPU, without pauses",
      kind: 'cost',
      cases: cases(
        [
          ['none', 'no reader', 'awake', 0],
          ['awake-1', '1 reader awake', 'awake', 1],
          ['awake-8', '8 readers awake', 'awake', 8],
          ['beside-8', '8 that read nothing (floor)', 'bystander', 8],
          ['none-prepared', 'no reader, prepared strings', '-', 0, 'prepared'],
          ['making', 'threats made, not written (floor)', 'making', 0]
        ],
        flood(quick ? 500_000 : 2_000_000),
        quick
      )
    },
    {
      name: 'writer-singles',
      title: "Writer's CPU, 5 ms apart",
      kind: 'cost',
      cases: cases(
        [
          ['none', 'no reader', 'asleep', 0],
          ['asleep-1', '1 reader asleep', 'asleep', 1],
          ['asleep-8', '8 readers asleep', 'asleep', 8],
          ['spinning-1', '1 reader spinning', 'spinning', 1]
        ],
        singles(quick ? 60 : 300, 5),
        quick
      )
    }
  ]
}

module.exports = { writerScenarios }
