'use strict'
// The other end of child.js: runs the functions that it is sent.

const { setTimeout: sleep } = require('node:timers/promises')
const ipc = require('../../lib/index.js')

const state = {
  ipc,
  sleep,
  require,
  tell: (told) => process.send({ told })
}

process.on('message', async ({ id, source, argument }) => {
  try {
    const action = new Function(`return (${source})`)()
    process.send({ id, value: await action(state, argument) })
  } catch (error) {
    const { name, message, code, stack } = error
    process.send({ id, error: { name, message, code, stack } })
  }
})
