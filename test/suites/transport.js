'use strict'
// What every transport must do, so that the same tests run over each.
//
// `makePair(writerOptions)` resolves with
//   shield            the writer
//   open(options)     resolves with a client
//   arrived(client)   resolves when all that was published can be polled, or
//                     as much of it as waits at a client
//   remote            { open, options }: `open(ipc, options)`, a function of
//                     its arguments alone, gives a client in another process
//   child(), program(main, argument)   other processes, ended by close()
//   close()

const { describeAccount } = require('./transport/account.js')
const { describeAfter } = require('./transport/after.js')
const { describeAtOnce } = require('./transport/at-once.js')
const { describeBatches } = require('./transport/batches.js')
const { describeCallbacks } = require('./transport/callbacks.js')
const { describeConsumers } = require('./transport/consumers.js')
const { describeExceptions } = require('./transport/exceptions.js')
const { describeFields } = require('./transport/fields.js')
const { describeFlood } = require('./transport/flood.js')
const { describeFrom } = require('./transport/from.js')
const { describeUntaken } = require('./transport/untaken.js')
const { describeInsideLost } = require('./transport/inside-lost.js')
const { describeLarge } = require('./transport/large.js')
const { describeScopes } = require('./transport/scopes.js')
const { describeShared } = require('./transport/shared.js')
const { describeTurns } = require('./transport/turns.js')
const { describeWatch } = require('./transport/watch.js')

/** @param {boolean} [atOnce] nothing is between writer and reader */
function describeTransport(name, makePair, atOnce = false) {
  describe(name, () => {
    const pairs = []

    async function pair(options) {
      const made = await makePair(options)
      pairs.push(made)
      return made
    }

    afterEach(async () => {
      await Promise.all(pairs.splice(0).map((made) => made.close()))
    })

    describeFields(pair)
    describeConsumers(pair)
    describeCallbacks(pair)
    describeExceptions(pair)
    describeUntaken(pair)
    describeInsideLost(pair)
    describeTurns(pair)
    describeScopes(pair)
    describeShared(pair)
    describeFrom(pair)
    describeAfter(pair)
    describeBatches(pair)
    describeLarge(pair)
    describeAccount(pair)
    describeFlood(pair)
    describeWatch(pair)
    if (atOnce) describeAtOnce(pair)
  })
}

module.exports = { describeTransport }
