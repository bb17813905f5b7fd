'use strict'
// npm run stress:mutator -- [--seconds N] [--seed N]: damages the files of a
// live ring for that long (a minute by default), beside its Shield, clients by
// shared memory and by WebSocket, each a process of its own. Prints the three
// longest times for which each event loop was held up, and those of a control
// without this package. Once the damage ends, every client gets every event of
// a fresh stretch; ends with 1 when one does not, or a process ends by itself.

const path = require('node:path')
const { parseArgs } = require('node:util')
const { inCrowd } = require('../stress/processes.js')

const SECONDS = 60

// Fewer than the ring has slots, so nothing has to be lost.
const FRESH = 500

const CHILD = path.join(__dirname, 'child.js')

const WAYS = ['ring', 'ring', 'reliable', 'either', 'websocket', 'websocket']

const say = (text) => console.log(`mutator: ${text}`)

function parse(args) {
  const { values } = parseArgs({
    args,
    options: { seconds: { type: 'string' }, seed: { type: 'string' } }
  })
  const { seconds = String(SECONDS), seed = String(Date.now() % 2 ** 31) } =
    values
  for (const [name, text] of Object.entries({ seconds, seed })) {
    if (!/^[1-9]\d{0,9}$/.test(text)) {
      throw new Error(`--${name}: expected a whole number, got ${text}`)
    }
  }
  return { seconds: Number(seconds), seed: Number(seed) }
}

class Run {
  constructor(crowd, dir) {
    this._crowd = crowd
    this._dir = dir
    this._all = new Map() // what it is called -> process
  }

  async _start(name, order) {
    const one = this._crowd.start({ ...order, dir: this._dir })
    this._all.set(name, one)
    await this._crowd.within(one.told('ready'), `${name} that is ready`)
    return one
  }

  /** Asks all of `processes`, and waits for the answer of that name. */
  _ask(processes, question, name) {
    return Promise.all(
      processes.map(([what, one]) => {
        const answer = this._crowd.within(one.told(name), `${name}, ${what}`)
        one.send(question)
        return answer
      })
    )
  }

  async run({ seconds, seed }) {
    const shield = await this._start('shield', { role: 'shield' })
    for (const [i, way] of WAYS.entries()) {
      await this._start(`${way} ${i + 1}`, { role: 'client', way })
    }
    const clients = [...this._all].slice(1)
    await this._start('control', { role: 'control' })
    const measured = [...this._all]
    const mutator = await this._start('mutator', {
      role: 'mutator',
      seed,
      seconds
    })

    for (const [, one] of measured) one.send({ measure: true })
    const damaged = mutator.told('damaged')
    mutator.send({ go: true })
    this.counts = (await this._crowd.orFailed(damaged)).damaged
    const stalls = await this._ask(measured, { stalls: true }, 'stalls')
    this.stalls = measured.map(([name], i) => [name, stalls[i].stalls])

    // The first of these is seen when its client is back.
    const settled = clients.map(([what, one]) =>
      this._crowd.within(one.told('settled'), `${what} that gets events again`)
    )
    shield.send({ settle: true })
    await Promise.all(settled)
    const written = this._crowd.within(shield.told('written'), 'the stretch')
    shield.send({ fresh: FRESH })
    this.written = (await written).written
    const accounts = await this._ask(clients, { account: FRESH }, 'account')
    this.accounts = clients.map(([name], i) => [name, accounts[i].account])
    await this._crowd.end()
  }
}

/** What is wrong with the accounts of the fresh stretch. */
const mismatchesOf = (accounts) =>
  accounts.flatMap(([name, { received, lost, wrong }]) => [
    ...wrong.slice(0, 3).map((text) => `${name}: ${text}`),
    ...(received === FRESH && lost === 0
      ? []
      : [`${name}: ${received} received and ${lost} lost of ${FRESH}`])
  ])

function tell({ counts, stalls, written, accounts }) {
  const acts = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const kinds = Object.entries(counts).map(([name, n]) => `${name} ${n}`)
  say(`${acts} acts: ${kinds.join(', ')}`)
  say('the longest that a loop was held up, in ms:')
  for (const [name, longest] of stalls) {
    const times = longest.map((ms) => ms.toFixed(1).padStart(8))
    say(`  ${name.padEnd(12)}${times.join('')}`)
  }
  const third = (wanted) =>
    stalls
      .filter(([name]) => (name === 'control') === wanted)
      .map(([, longest]) => longest.at(-1))
  const above = Math.max(...third(false)) - Math.max(...third(true))
  say(`the third longest: ${above.toFixed(1)} ms above that of the control`)
  const refusals = Object.entries(written.refused).map((one) => one.join(' '))
  say(`the Shield was refused: ${refusals.join(', ') || 'nothing'}`)
  for (const [name, { received, lost, stats }] of accounts) {
    say(
      `  ${name.padEnd(12)} fresh: received ${received}, lost ${lost}; ` +
        `in all ${stats.received}, lost ${stats.lost}, corrupt ${stats.corrupt}`
    )
  }
  return mismatchesOf(accounts)
}

async function main(args) {
  const options = parse(args)
  say(`${options.seconds} s of damage, --seed ${options.seed}`)
  const wrong = await inCrowd(
    'mutator',
    async (crowd, dir) => {
      const run = new Run(crowd, dir)
      await run.run(options)
      return [...tell(run), ...crowd.failures]
    },
    CHILD
  )
  for (const text of wrong) say(`WRONG: ${text}`)
  say(wrong.length === 0 ? 'every account is exact again' : 'failed')
  return wrong.length === 0 ? 0 : 1
}

if (require.main === module) {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code
    },
    (error) => {
      console.error(`mutator: ${error.message}`)
      process.exitCode = 1
    }
  )
}

module.exports = { mismatchesOf }
