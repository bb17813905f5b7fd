'use strict'
// On Windows: what ends a command in order. Nobody can send these signals but
// the console, so they come as Node hands them on.

const assert = require('node:assert/strict')
const { catchSignals } = require('../../lib/cli/signals.js')

describe('on Windows, the end of a command', () => {
  const names = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK']
  const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143, SIGBREAK: 149 }

  for (const name of names) {
    it(`${name}: once, and the next one ends the process`, () => {
      const counts = () => names.map((each) => process.listenerCount(each))
      const before = counts()
      const caught = catchSignals()
      assert.equal(caught.signal.aborted, false)
      process.emit(name, name)
      assert.deepEqual(
        [caught.signal.aborted, caught.exitCode],
        [true, codes[name]]
      )
      assert.deepEqual(counts(), before)
    })
  }
})
