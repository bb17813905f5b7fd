'use strict'
// What a listener throws is an uncaught exception, whatever stands between it
// and the event loop, and costs nobody an event.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { until, within } = require('../../helpers/wait.js')
const { numbers } = require('../../helpers/sequences.js')

function describeExceptions(pair) {
  describe('what listeners throw', () => {
    let made
    let shield

    beforeEach(async () => {
      made = await pair({ maxEvents: 4096 })
      shield = made.shield
    })

    function write(count) {
      shield.writeThreats(
        Array.from({ length: count }, (_, i) => threat(`${i}`))
      )
    }

    it('F47 a listener that throws is an uncaught exception', async () => {
      const child = made.child()
      await child.call(
        async (state, { source, options }) => {
          const opened = new Function(`return (${source})`)()
          const there = await opened(state.ipc, options)
          process.on('uncaughtException', ({ message }) => {
            state.tell({ uncaught: message })
          })
          there.on('threat', ({ sequence }) => {
            state.tell({ sequence })
            if (sequence % 2 === 1) throw new Error(`no ${sequence}`)
          })
          // Another consumer must not pay for it.
          there.pollThreats(({ sequence }) => state.tell({ polled: sequence }))
        },
        { source: String(made.remote.open), options: made.remote.options }
      )
      write(1)
      write(9)
      const of = (key) =>
        child.messages.map((told) => told[key]).filter((value) => value)
      await until(() => of('polled').length === 10, 'all by pollThreats')
      await until(() => of('uncaught').length === 5, 'five exceptions')
      assert.deepEqual(of('sequence'), numbers(1, 10))
      assert.deepEqual(of('polled'), numbers(1, 10))
      assert.deepEqual(
        of('uncaught'),
        [1, 3, 5, 7, 9].map((sequence) => `no ${sequence}`)
      )
    })

    it('F47 behind an awaited callback it is none of a promise', async () => {
      const child = made.child()
      await child.call(
        async (state, { source, options }) => {
          const opened = new Function(`return (${source})`)()
          const there = await opened(state.ipc, options)
          process.on('uncaughtException', ({ message }, origin) => {
            state.tell({ message, origin })
          })
          there.on('threat', ({ sequence }) => {
            throw new Error(`no ${sequence}`)
          })
          there.pollThreats(async ({ sequence }) => {
            await null
            state.tell({ polled: sequence })
          })
        },
        { source: String(made.remote.open), options: made.remote.options }
      )
      write(5)
      await until(() => child.messages.length >= 10, 'all of them')
      assert.deepEqual(
        child.messages.filter(({ polled }) => polled !== undefined),
        numbers(1, 5).map((polled) => ({ polled }))
      )
      assert.deepEqual(
        child.messages.filter(({ message }) => message !== undefined),
        numbers(1, 5).map((sequence) => ({
          message: `no ${sequence}`,
          origin: 'uncaughtException'
        }))
      )
    })

    it("F47 a 'close' listener that throws: the same", async () => {
      const child = made.child()
      const closed = await child.call(
        async (state, { source, options }) => {
          const opened = new Function(`return (${source})`)()
          const there = await opened(state.ipc, options)
          process.on('uncaughtException', ({ message }, origin) => {
            state.tell({ message, origin })
          })
          there.on('close', () => {
            throw new Error('no end')
          })
          await there.close()
          return there.closed
        },
        { source: String(made.remote.open), options: made.remote.options }
      )
      assert.equal(closed, true)
      await until(() => child.messages.length > 0, 'the exception')
      assert.deepEqual(child.messages, [
        { message: 'no end', origin: 'uncaughtException' }
      ])
    })

    it("F47 a 'lost' listener that throws costs nobody an event", async () => {
      const child = made.child()
      for (let i = 0; i < 9; i++) write(1024)
      await child.call(
        async (state, { source, options }) => {
          const opened = new Function(`return (${source})`)()
          const there = await opened(state.ipc, { ...options, from: 1 })
          process.on('uncaughtException', ({ message }) => {
            state.tell({ uncaught: message })
          })
          there.on('lost', ({ count }) => {
            throw new Error(`lost ${count}`)
          })
          state.there = there
        },
        { source: String(made.remote.open), options: made.remote.options }
      )
      const polled = await child.call(async ({ there, sleep }) => {
        let count = 0
        for (let i = 0; i < 1000 && count < 4096; i++) {
          count += there.poll(10_000).length
          await sleep(5)
        }
        return count
      })
      assert.equal(polled, 4096)
      await until(() => child.messages.length > 0, 'the exception')
      assert.deepEqual(child.messages, [
        { uncaught: `lost ${9 * 1024 - 4096}` }
      ])
    })

    it('F47 without a handler it ends its process as any other', async () => {
      const program = made.program(
        (ipc, { source, options }) => {
          const opened = new Function(`return (${source})`)()
          Promise.resolve(opened(ipc, options)).then((there) => {
            there.on('threat', () => {
              throw new Error('nobody catches this')
            })
            setInterval(() => {}, 1000)
            console.log('ready')
          })
        },
        { source: String(made.remote.open), options: made.remote.options }
      )
      await until(() => program.stdout.includes('ready'), 'the program')
      write(1)
      const { code, stderr } = await within(program.exited, 'its end')
      assert.equal(code, 1)
      assert.match(stderr, /nobody catches this/)
    })
  })
}

module.exports = { describeExceptions }
