'use strict'
// Everything of suites/transport.js over shared memory.

const { TestRing } = require('../helpers/ring.js')
const { describeTransport } = require('../suites/transport.js')

async function makePair(options) {
  const ring = new TestRing()
  try {
    return {
      shield: ring.writer(options),
      open: async (readerOptions) => ring.client(readerOptions),
      arrived: async () => {},
      remote: {
        open: (ipc, readerOptions) => new ipc.ShmClient(readerOptions),
        options: { dir: ring.dir }
      },
      child: () => ring.child(),
      program: (main, argument) => ring.program(main, argument),
      close: () => ring.remove()
    }
  } catch (error) {
    await ring.remove()
    throw error
  }
}

describeTransport('shared memory transport', makePair, true)
