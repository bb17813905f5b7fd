'use strict'
// What a callback may do: throw (listeners: exceptions.js), subscribe, close,
// exit.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const {
  collect,
  record,
  sleep,
  until,
  within
} = require('../../helpers/wait.js')
const { numbers, sequences } = require('../../helpers/sequences.js')

function describeCallbacks(pair) {
  describe('callbacks', () => {
    let made
    let shield
    let client

    beforeEach(async () => {
      made = await pair({ maxEvents: 4096 })
      shield = made.shield
      client = await made.open()
    })

    function write(count) {
      shield.writeThreats(
        Array.from({ length: count }, (_, i) => threat(`${i}`))
      )
    }

    for (const how of ['throws', 'rejects', 'gives a hostile thenable']) {
      it(`F47 one that ${how} rejects its poll, no more`, async () => {
        const wrong = new Error('the callback is wrong')
        const other = []
        const callback = () => {
          if (how === 'rejects') return Promise.reject(wrong)
          if (how === 'throws') throw wrong
          return {
            get then() {
              throw wrong
            }
          }
        }
        write(10)
        const beside = client.pollThreats(({ sequence }) => {
          other.push(sequence)
          return sequence < 10
        })
        await assert.rejects(
          within(client.pollThreats(callback), 'a rejection'),
          wrong
        )
        await within(beside, 'the end beside it')
        assert.deepEqual(other, numbers(1, 10))
        write(2)
        assert.deepEqual(sequences(await collect(client, 2)), [11, 12])
      })
    }

    it('F48 aborting inside one that never settles holds up nobody', async () => {
      const controller = new AbortController()
      const { signal } = controller
      write(10)
      const callback = () => {
        controller.abort()
        return new Promise(() => {})
      }
      await within(client.pollThreats(callback, { signal }), 'its end')
      const rest = await collect(client, 9)
      assert.deepEqual(sequences(rest), numbers(2, 10))
    })

    it('F48 subscribing inside one neither loses nor duplicates', async () => {
      const inner = []
      const outer = []
      write(300)
      client.on('threat', function first({ sequence }) {
        outer.push(sequence)
        if (sequence !== 5) return
        client.off('threat', first)
        client.on('threat', (one) => inner.push(one.sequence))
      })
      await until(() => inner.length === 295, 'the rest')
      assert.deepEqual([...outer, ...inner], numbers(1, 300))
    })

    it('F48 polling inside one begins with the next event', async () => {
      let inner
      write(300)
      await client.pollThreats(({ sequence }) => {
        if (sequence === 5) inner = collect(client, 295)
        return sequence < 5
      })
      assert.deepEqual(sequences(await inner), numbers(6, 300))
    })

    it('F48 iterating inside one begins with the next event', async () => {
      const inner = []
      write(300)
      await new Promise((resolve) => {
        client.once('threat', async () => {
          for await (const { sequence } of client) {
            inner.push(sequence)
            if (sequence === 300) break
          }
          resolve()
        })
      })
      assert.deepEqual(inner, numbers(2, 300))
    })

    it('F48 poll() inside one takes nothing from its order', async () => {
      const seen = []
      write(300)
      await client.pollThreats(({ sequence }) => {
        seen.push(...sequences(client.poll()), sequence)
        return sequence < 300
      })
      assert.deepEqual(seen, numbers(1, 300))
    })

    it('F48 writing inside one is read after what was there', async () => {
      const seen = []
      write(3)
      await within(
        client.pollThreats(({ sequence }) => {
          seen.push(sequence)
          if (sequence <= 3) write(1)
          return sequence < 6
        }),
        'six'
      )
      assert.deepEqual(seen, numbers(1, 6))
    })

    it('F48 closing inside one ends every consumer', async () => {
      const seen = []
      let closed
      write(300)
      const polled = client.pollThreats(() => true)
      client.on('threat', ({ sequence }) => {
        seen.push(sequence)
        if (sequence === 5) closed = client.close()
      })
      for await (const one of client) assert(one.sequence <= 5)
      await within(polled, 'the end of pollThreats')
      await within(closed, 'close')
      assert.deepEqual(seen, numbers(1, 5))
      assert.equal(client.closed, true)
    })

    for (const event of ['close', 'lost']) {
      it(`F48 closing and polling inside '${event}'`, async () => {
        for (let i = 0; i < 9; i++) write(1024)
        const late = await made.open({ from: 'oldest' })
        await made.arrived(late)
        const seen = []
        late.on(event, () => {
          if (event === 'lost') seen.push(...late.poll())
          late.close()
        })
        const polled = late.pollThreats(({ sequence }) => {
          if (event === 'close') late.close()
          seen.push(sequence)
        })
        await within(polled, 'the end')
        await within(late.close(), 'close')
        assert(seen.length > 0)
        assert.deepEqual(
          seen.filter((one) => one === undefined),
          []
        )
      })
    }

    for (const event of ['lost', 'threat']) {
      it(`F48 closing inside '${event}' while polling: no error`, async () => {
        for (let i = 0; i < (event === 'lost' ? 9 : 1); i++) write(1024)
        const late = await made.open({ from: 1 })
        await made.arrived(late)
        const errors = record(late, 'error')
        const seen = []
        const afterwards = []
        let count = 0
        late.on(event, () => {
          if (event === 'lost' || ++count === 5) late.close()
        })
        late.on('threat', ({ sequence }) => {
          ;(late.closed ? afterwards : seen).push(sequence)
        })
        const polled = sequences(late.poll(1000))
        await within(late.close(), 'close')
        assert.equal(late.closed, true)
        assert.deepEqual(errors, [])
        const stats = late.stats()
        assert.equal(stats.error, null)
        assert.equal(stats.received, polled.length)
        if (event === 'lost') {
          assert.deepEqual([...seen, ...afterwards], [])
        } else {
          // The fifth is both listeners'.
          assert.deepEqual(polled, numbers(1, 5))
          assert.deepEqual([seen, afterwards], [numbers(1, 4), [5]])
        }
        await sleep(20)
        assert.equal(seen.length + afterwards.length, count)
      })
    }

    const exits = {
      "on('threat')": (there) => there.on('threat', () => process.exit(7)),
      pollThreats: (there) => there.pollThreats(() => process.exit(7)),
      'for await': async (there) => {
        for await (const one of there) process.exit(one.sequence + 6)
      }
    }
    for (const [name, consume] of Object.entries(exits)) {
      it(`F46 process.exit(7) inside ${name} exits with 7`, async () => {
        const program = made.program(
          (ipc, { source, options, consumer }) => {
            const opened = new Function(`return (${source})`)()
            const consumes = new Function(`return (${consumer})`)()
            Promise.resolve(opened(ipc, options)).then((there) => {
              consumes(there)
              setInterval(() => {}, 1000)
              console.log('ready')
            })
          },
          {
            source: String(made.remote.open),
            options: made.remote.options,
            consumer: String(consume)
          }
        )
        await until(() => program.stdout.includes('ready'), 'the program')
        write(1)
        const { code, signal, stderr } = await within(program.exited, 'its end')
        assert.deepEqual(
          { code, signal, stderr },
          {
            code: 7,
            signal: null,
            stderr: ''
          }
        )
      })
    }

    it('a flood leaves the event loop its turns', async () => {
      const COUNT = 200
      let turns = 0
      let seen = 0
      const timer = setInterval(() => turns++, 1)
      write(COUNT)
      try {
        await within(
          client.pollThreats(() => {
            const end = performance.now() + 4
            while (performance.now() < end);
            return ++seen < COUNT
          }),
          'the flood'
        )
      } finally {
        clearInterval(timer)
      }
      // A drain is some milliseconds, never a whole batch of such calls.
      assert(turns >= COUNT / 20, `${turns} turns in ${COUNT} slow calls`)
    })

    it("polling inside 'lost' neither loses nor duplicates", async () => {
      for (let i = 0; i < 9; i++) write(1024)
      const late = await made.open({ from: 1 })
      await made.arrived(late)
      const seen = []
      late.on('lost', ({ from, to }) => {
        seen.push(...numbers(from, to), ...sequences(late.poll(10_000)))
      })
      seen.push(...sequences(late.poll()))
      write(10)
      await until(() => {
        seen.push(...sequences(late.poll(10_000)))
        return seen.length >= 9226
      }, 'all of them')
      assert.deepEqual(seen, numbers(1, 9226))
    })
  })
}

module.exports = { describeCallbacks }
