'use strict'
// Runs mocha, and ends what does not end: the whole run at its limit, one
// process whose event loop is blocked, and a run that is over and stays. Each
// time it says which test runs where, and what is open there.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { ASK } = require('./hooks.js')
const { commandOf, descendants, isRunning } = require('./processes.js')

const TICK_MS = 250
// How long a process may take to say what it has open, or to end when told.
const ANSWER_MS = 2000
// How long a run that is over may take to end.
const ENDING_MS = 5000

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM']

/** What the processes that run tests told in `dir`, of those still there. */
function readStates(dir) {
  return fs
    .readdirSync(dir)
    .filter((name) => /^\d+$/.test(name) && isRunning(name))
    .map((name) => ({
      pid: Number(name),
      ...JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8'))
    }))
}

/** Ends a process and all that it started. */
function end(pid) {
  for (const each of [...descendants(pid), pid]) {
    try {
      process.kill(each, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
}

/** Says what a process that runs tests does, and lets it say what is open. */
async function describe({ pid, file, title }) {
  console.error(`test: process ${pid} runs ${file}: ${title}`)
  for (const child of descendants(pid)) {
    console.error(`test: it started ${child}: ${commandOf(child)}`)
  }
  try {
    process.kill(pid, ASK)
  } catch {
    // It ended by itself.
  }
  await sleep(ANSWER_MS)
}

/** Starts mocha; resolves with its exit code. */
function start(command, args, options) {
  const child = spawn(command, args, options)
  const exited = new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`test: ${command} did not run: ${error.message}.`)
      resolve(1)
    })
    child.on('exit', (code, signal) => {
      if (signal) console.error(`test: mocha was ended by ${signal}.`)
      resolve(code ?? 1)
    })
  })
  return { pid: child.pid, exited }
}

/** Watches a run until it is over. Ends what blocks, and in the end all. Tells
 * whether it had to. */
async function watch(pid, exited, { states, limit, isOver }) {
  const deadline = Date.now() + limit
  let ending = Infinity
  let isEnded = false
  let wasBroken = false
  exited.then(() => {
    isEnded = true
  })
  for (;;) {
    await Promise.race([exited, sleep(TICK_MS)])
    if (isEnded) return wasBroken
    const now = Date.now()
    if (isOver()) ending = Math.min(ending, now + ENDING_MS)
    const running = readStates(states)
    if (now > deadline || now > ending) {
      console.error(
        now > ending
          ? 'test: all tests have run, and mocha does not end.'
          : `test: not done after ${limit / 1000} s, so it is ended.`
      )
      for (const state of running) await describe(state)
      end(pid)
      return true
    }
    for (const state of running) {
      if (state.deadline === 0 || now < state.deadline) continue
      console.error('test: a test does not even end at its time limit.')
      await describe(state)
      end(state.pid)
      wasBroken = true
    }
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {object} options of spawn, and:
 * @param {string} options.states the directory in which the processes that run
 *   tests tell what they do, see hooks.js
 * @param {number} options.limit of the whole run, in milliseconds
 * @param {() => boolean} options.isOver whether all has run
 * @returns {Promise<number>} the exit code; 1 when something had to be ended
 */
async function supervise(command, args, { states, limit, isOver, ...rest }) {
  const { pid, exited } = start(command, args, {
    ...rest,
    env: { ...rest.env, KG_TEST_STATES: states },
    stdio: 'inherit'
  })
  const endAll = () => end(pid)
  for (const signal of SIGNALS) process.once(signal, endAll)
  try {
    const wasBroken = await watch(pid, exited, { states, limit, isOver })
    const code = await exited
    return wasBroken ? 1 : code
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, endAll)
  }
}

module.exports = { supervise }
