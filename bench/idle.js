'use strict'
// What a client costs that has nothing to do, beside a bare process.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { makeDirectory } = require('./pair.js')
const { makeStream, VARIETY } = require('./threats.js')

async function runChild(side, dir, seconds) {
  const child = fork(
    path.join(__dirname, 'idle-child.js'),
    [dir, String(seconds)],
    {
      env: { ...process.env, KG_BENCH_PACKAGE: side.dir },
      execArgv: ['--expose-gc']
    }
  )
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the idle process ended: ${code}`)
    })
  ])
  await once(child, 'exit')
  return message
}

/** Both at once: neither does anything that the other would notice. */
async function measureIdle(side, seconds) {
  const { SharedMemoryIpc } = require(side.dir)
  const dir = makeDirectory()
  const shield = new SharedMemoryIpc({ dir })
  const stream = makeStream()
  for (let i = 0; i < VARIETY; i++) shield.writeThreat(stream.at(i))
  const [bare, client] = await Promise.all([
    runChild(side, '', seconds),
    runChild(side, dir, seconds)
  ])
  await shield.close()
  fs.rmSync(dir, { recursive: true })
  if (client.received === 0) {
    throw new Error('the idle client received nothing')
  }
  return {
    figures: {
      percent: client.cpu * 100,
      extraPercent: (client.cpu - bare.cpu) * 100,
      megabytes: client.bytes / 2 ** 20
    }
  }
}

function idleScenario(quick) {
  const seconds = quick ? 3 : 10
  return {
    name: 'idle',
    title: `Idle for ${seconds} s`,
    kind: 'idle',
    cases: [
      {
        name: 'client',
        title: 'a client in pollThreats',
        every: false,
        isOurs: true,
        run: (side) => measureIdle(side, seconds)
      }
    ]
  }
}

module.exports = { idleScenario }
