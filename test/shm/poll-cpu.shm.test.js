'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { IpcFactory } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, until } = require('../helpers/wait.js')

/** What the kernel says of a thread; nothing of one that has just ended. */
function statusOf(task) {
  try {
    return fs.readFileSync(`/proc/self/task/${task}/status`, 'utf8')
  } catch (error) {
    assert.match(error.code, /^(ENOENT|ESRCH)$/)
    return null
  }
}

/** The CPUs on which each thread of this process may run. */
const cpusOfThreads = () =>
  fs
    .readdirSync('/proc/self/task')
    .map(statusOf)
    .filter((status) => status !== null)
    .map((status) => /Cpus_allowed_list:\s*(\S+)/.exec(status)[1])

describe('pollCpu', () => {
  const current = useRing()

  it('keeps the poll thread there, and no other one', async () => {
    const before = cpusOfThreads()
    const cpu = Number(/\d+/.exec(before[0])[0])
    const kept = () => cpusOfThreads().filter((cpus) => cpus === `${cpu}`)
    const writer = current().writer()
    const client = current().client({ pollCpu: cpu, latency: 'low' })
    const others = kept().length
    const got = collect(client, 1)
    writer.writeThreat(threat())
    await got
    // It may not have run yet: the loop heard of this event by itself.
    await until(() => kept().length === others + 1, 'a thread that is kept')
    await client.close()
    // The kernel lists a thread for a moment longer than it can be joined.
    await until(() => kept().length === others, 'the end of that thread')
  })

  it('a CPU that this process may not use is refused at once', async () => {
    current().writer()
    const refused = {
      name: 'RangeError',
      code: 'ERR_INVALID_OPTION',
      message: 'option pollCpu: this process may not use CPU 1023'
    }
    assert.throws(() => current().client({ pollCpu: 1023 }), refused)
    const { dir } = current()
    const options = { dir, pollCpu: 1023, websocket: { port: 0 } }
    await assert.rejects(async () => IpcFactory.createClient(options), refused)
  })
})
