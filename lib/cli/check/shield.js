'use strict'
// The Shield of a check, in a process of its own. It publishes numbered threats
// when it is told to, and answers with the last sequence of the stream.

const { setImmediate: turn } = require('node:timers/promises')
const { IpcFactory, SharedMemoryIpc } = require('../../index.js')

const BATCH = 64

const { ring, ...options } = JSON.parse(process.argv[2])

/** The threat with a number, which its details have. */
const threatOf = (number) => ({
  threatType: 'PathTraversal',
  severity: 'High',
  source: 'kindly-guard-ipc check',
  details: String(number)
})

const shield = ring
  ? new SharedMemoryIpc(options)
  : IpcFactory.createTransport(options)

let next = 1

function write(count) {
  const threats = Array.from({ length: count }, (_, i) => threatOf(next + i))
  next += count
  shield.writeThreats(threats)
}

const sequence = () => shield.stats().sequence

const COMMANDS = {
  /** Publishes so many, and a turn of the event loop after each batch. */
  async publish({ count }) {
    for (let left = count; left > 0; left -= BATCH) {
      write(Math.min(left, BATCH))
      await turn()
    }
    return { sequence: sequence() }
  },

  /** Leaves nothing behind, not even a socket elsewhere. */
  async close() {
    await shield.close()
    return {}
  },

  /** Publishes until this process is killed. */
  async flood() {
    const goOn = () => {
      write(BATCH)
      setImmediate(goOn)
    }
    goOn()
    return { sequence: sequence() }
  }
}

const answer = (call) =>
  call().then(
    (value) => process.send(value),
    ({ code, message }) => process.send({ error: { code, message } })
  )

process.on('message', (command) => {
  answer(() => COMMANDS[command.type](command))
})
process.on('disconnect', () => process.exit())

answer(async () => {
  if (!ring) await shield.ready()
  return { stats: { sequence: sequence() } }
})
