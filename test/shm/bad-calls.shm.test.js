'use strict'
// Options and arguments that are wrong, and calls after close.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { native } = require('../../lib/shm/addon.js')
const { STAGE } = require('../../lib/shm/native-constants.js')
const ipc = require('../../lib/index.js')
const table = require('../../lib/base/error-codes.json')
const { useNative } = require('../helpers/native.js')
const { threat, useRing } = require('../helpers/ring.js')
const { within } = require('../helpers/wait.js')

const { PlatformShm, SharedMemoryIpc, ShmClient } = ipc
const codes = new Set(table.map(([, code]) => code))

const thrower = () => {
  throw 'a string' // eslint-disable-line no-throw-literal
}

function hasCode(Type, code, message = /./) {
  return (error) => {
    assert(error instanceof Type, `${String(error)} is no ${Type.name}`)
    assert.equal(error.code, code)
    assert(codes.has(error.code))
    assert.match(error.message, message)
    return true
  }
}

describe('bad calls', () => {
  const made = useNative()
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  describe('options', () => {
    const both = { SharedMemoryIpc, ShmClient }
    const cases = {
      dir: [
        [TypeError, 1, null, true, {}, [], 1n, Symbol('s'), () => {}],
        [RangeError, '', 'a\0b', `/${'d'.repeat(600)}`]
      ],
      name: [
        [TypeError, 1, null, {}],
        [RangeError, '', '.', '..', '.x', 'a/b', '../x', 'a b', 'ü', 'a\0'],
        [RangeError, 'n'.repeat(65), '-/', 'a\n']
      ],
      maxEvents: [
        [TypeError, '16', null, 16n, {}, [16]],
        [RangeError, 0, -1, 0.5, NaN, Infinity, 2 ** 22 + 1, 2 ** 53]
      ],
      bufferSize: [
        [TypeError, null, {}, true, 1n],
        [RangeError, 0, -1, 1.5, NaN, 2 ** 53, '', 'x', '1.5MB', '-1MB', '0'],
        [
          RangeError,
          '1TB',
          'MB',
          '1 M B',
          '1e6',
          '0x10',
          '1MB ',
          '9'.repeat(30)
        ]
      ],
      enableChecksums: [[TypeError, 0, 1, 'true', null, {}]],
      from: [
        [TypeError, null, {}, true, 1n, []],
        [RangeError, 'newest', '', '1', 0, -1, 1.5, NaN, 2 ** 53]
      ],
      spinMicros: [
        [TypeError, '1', null, {}],
        [RangeError, -1, 0.5, 1_000_001, NaN]
      ],
      latency: [
        [TypeError, 1, null, {}],
        [RangeError, 'fast', '', 'toString', '__proto__']
      ]
    }
    const takers = {
      dir: ['SharedMemoryIpc', 'ShmClient'],
      name: ['SharedMemoryIpc', 'ShmClient'],
      maxEvents: ['SharedMemoryIpc'],
      bufferSize: ['SharedMemoryIpc'],
      enableChecksums: ['SharedMemoryIpc'],
      from: ['ShmClient'],
      spinMicros: ['ShmClient'],
      latency: ['ShmClient']
    }
    for (const [option, lists] of Object.entries(cases)) {
      it(`${option}: wrong type and range`, () => {
        ring.writer().close()
        const before = fs.readdirSync(ring.dir)
        for (const [Type, ...values] of lists) {
          for (const value of values) {
            for (const taker of takers[option]) {
              assert.throws(
                () => new both[taker]({ dir: ring.dir, [option]: value }),
                hasCode(Type, 'ERR_INVALID_OPTION', new RegExp(option))
              )
            }
          }
        }
        assert.deepEqual(fs.readdirSync(ring.dir), before)
      })
    }

    it('an unknown key says which ones exist', () => {
      for (const key of ['maxEvent', 'from', '__proto__x', 'toString', '']) {
        assert.throws(
          () => new SharedMemoryIpc({ dir: ring.dir, [key]: 1 }),
          hasCode(TypeError, 'ERR_INVALID_OPTION', /dir, name, maxEvents/)
        )
      }
      assert.throws(
        () => new ShmClient({ dir: ring.dir, maxEvents: 16 }),
        hasCode(TypeError, 'ERR_INVALID_OPTION', /'maxEvents'.*dir, name, from/)
      )
      assert.throws(
        () => PlatformShm.path({ maxEvents: 16 }),
        hasCode(TypeError, 'ERR_INVALID_OPTION')
      )
      assert.deepEqual(fs.readdirSync(ring.dir), [])
    })

    it('options that are none, or hostile', () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      const wrong = [
        null,
        1,
        'dir',
        true,
        1n,
        Symbol('s'),
        () => {},
        proxy,
        new Proxy({}, { ownKeys: thrower }),
        new Proxy({ dir: '' }, { get: thrower }),
        {
          get dir() {
            return thrower()
          }
        }
      ]
      for (const options of wrong) {
        for (const Type of Object.values(both)) {
          assert.throws(
            () => new Type(options),
            hasCode(TypeError, 'ERR_INVALID_OPTION', /^options?\b/)
          )
        }
      }
    })

    it('undefined is absent', () => {
      const writer = ring.writer({
        name: undefined,
        maxEvents: undefined,
        bufferSize: undefined,
        enableChecksums: undefined
      })
      const { capacity, checksums, path } = writer.stats()
      assert.deepEqual([capacity, checksums, path], [1024, true, ring.file])
      const client = ring.client({ from: undefined, latency: undefined })
      assert.equal(client.stats().capacity, 1024)
    })

    it('bufferSize is bytes, or a string of 2^10, 2^20, 2^30', () => {
      const MB = 2 ** 20
      const sizes = [MB, '1MB', '1mb', '1 MB', '1048576', '1048576B']
      for (const bufferSize of [...sizes, '1024kb', '1GB']) {
        const writer = ring.writer({ bufferSize })
        const { fileBytes, capacity } = writer.stats()
        assert.equal(capacity, 1024)
        assert.equal(fileBytes, 640 * 1024)
        assert.equal(fs.statSync(ring.ringFile).size, fileBytes)
        writer.close()
      }
    })

    it('a bufferSize that cannot hold maxEvents says what would do', () => {
      const need = 640 * 1024
      const wrong = ['64kb', 65536, need - 1]
      for (const bufferSize of wrong) {
        assert.throws(
          () => ring.writer({ bufferSize, maxEvents: 1000 }),
          hasCode(
            RangeError,
            'ERR_INVALID_OPTION',
            new RegExp(`bufferSize.*1000 events need ${need}`)
          )
        )
      }
      assert.deepEqual(fs.readdirSync(ring.dir), [])
      ring.writer({ bufferSize: need, maxEvents: 1000 })
    })

    it('maxEvents is rounded up to a power of two of 16 or more', () => {
      const expected = { 1: 16, 16: 16, 17: 32, 1000: 1024, 1025: 2048 }
      for (const [maxEvents, capacity] of Object.entries(expected)) {
        const writer = ring.writer({ maxEvents: Number(maxEvents) })
        assert.equal(writer.stats().capacity, capacity)
        writer.close()
      }
    })
  })

  describe('arguments', () => {
    it('poll: max', () => {
      ring.writer().writeThreat(threat())
      const client = ring.client({ from: 1 })
      for (const max of [null, '1', 1n, {}, Symbol('s')]) {
        assert.throws(
          () => client.poll(max),
          hasCode(TypeError, 'ERR_INVALID_ARGUMENT', /^max: /)
        )
      }
      for (const max of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
        assert.throws(
          () => client.poll(max),
          hasCode(RangeError, 'ERR_INVALID_ARGUMENT', /^max: /)
        )
      }
      assert.equal(client.stats().received, 0)
      assert.equal(client.poll(Number.MAX_SAFE_INTEGER).length, 1)
    })

    it('pollThreats: callback and signal', async () => {
      ring.writer().writeThreat(threat())
      const client = ring.client({ from: 1 })
      for (const callback of [undefined, null, 1, {}, 'f', Symbol('s')]) {
        await assert.rejects(
          client.pollThreats(callback),
          hasCode(TypeError, 'ERR_INVALID_ARGUMENT', /^callback: /)
        )
      }
      const options = [null, 1, 's', { signal: {} }, { signal: null }]
      options.push({ signal: new EventTarget() })
      options.push({
        get signal() {
          return thrower()
        }
      })
      options.push({ signal: Object.create(AbortSignal.prototype) })
      for (const wrong of options) {
        await assert.rejects(
          client.pollThreats(() => false, wrong),
          hasCode(TypeError, 'ERR_INVALID_ARGUMENT', /^signal: /)
        )
      }
      assert.equal(client.poll().length, 1)
    })
  })

  describe('F52 after close', () => {
    const closed = hasCode(ipc.IpcError, 'ERR_CLOSED')

    it('every method of a writer', async () => {
      const writer = ring.writer()
      writer.writeThreat(threat())
      const stats = writer.stats()
      const events = []
      writer.on('close', () => events.push('close'))
      const closing = writer.close()
      // The lock is free at once.
      const next = ring.writer()
      assert.equal(writer.close(), closing)
      assert.equal(await closing, undefined)
      const before = ring.fingerprint()
      assert.equal(writer.closed, true)
      assert.throws(() => writer.writeThreat(threat()), closed)
      assert.throws(() => writer.writeThreat(), closed)
      assert.throws(() => writer.writeThreats([threat()]), closed)
      assert.throws(() => writer.writeThreats(), closed)
      assert.deepEqual(writer.stats(), stats)
      assert.equal(writer.isHealthy(), false)
      assert.equal(await writer[Symbol.asyncDispose](), undefined)
      writer[Symbol.dispose]()
      assert.deepEqual(events, ['close'])
      assert.deepEqual(ring.fingerprint(), before)
      assert.equal(next.isHealthy(), true)
    })

    for (const started of [false, true]) {
      const kind = started ? 'that listened' : 'that never listened'
      it(`every method of a client ${kind}`, async () => {
        const writer = ring.writer()
        writer.writeThreat(threat())
        const client = ring.client({ from: 1 })
        if (started) {
          await within(
            client.pollThreats(() => false),
            'the event'
          )
        } else {
          client.poll()
        }
        const events = []
        client.on('close', () => events.push('close'))
        const closing = client.close()
        assert.equal(client.closed, true)
        assert.equal(client.close(), closing)
        for (let i = 0; i < 2; i++) {
          assert.throws(() => client.poll(), closed)
          await assert.rejects(
            client.pollThreats(() => true),
            closed
          )
          assert.throws(() => client[Symbol.asyncIterator](), closed)
          assert.equal(client.isHealthy(), false)
          const { received, sequence, published, writer: w } = client.stats()
          assert.deepEqual([received, sequence, published], [1, 1, 1])
          assert.equal(w, 'live')
          client.on('threat', assert.fail)
          client.on('lost', assert.fail)
          client.on('writer', assert.fail)
          client.once('threat', assert.fail)
          client.removeAllListeners('threat')
          await closing
        }
        writer.writeThreat(threat())
        await client[Symbol.asyncDispose]()
        client[Symbol.dispose]()
        assert.deepEqual(events, ['close'])
      })
    }

    it('closing ends those who wait', async () => {
      ring.writer()
      const client = ring.client()
      const polled = client.pollThreats(assert.fail)
      const iterator = client[Symbol.asyncIterator]()
      const next = iterator.next()
      await client.close()
      await within(polled, 'the end of pollThreats')
      assert.deepEqual(await within(next, 'the end of next()'), {
        value: undefined,
        done: true
      })
    })

    it('a native writer with arguments that lib/ does not give', () => {
      ring.writer().close()
      const writer = new native.Writer({ dir: ring.dir })
      const refused = hasCode(RangeError, 'ERR_INVALID_ARGUMENT')
      const text = 'text'
      const { write, stage, stageMany } = writer
      const calls = [
        () => write(text, text),
        () => stage(text, text),
        () => stageMany(text, 1),
        () => writer.setNumbers(new Float64Array(320))
      ]
      for (const call of calls) {
        assert.throws(call, refused)
      }
      const numbers = new Float64Array(321)
      writer.setNumbers(numbers)
      for (const count of [65, 1000, -1, '1', undefined]) {
        assert.throws(() => stageMany('', count), refused)
      }
      // How long the two texts are said to be, of 4 units.
      const lengths = [
        ...[0, 3, 5, 511, 512, -1, 0.5, NaN, Infinity, 2 ** 53].map(
          (source) => [source, 0, text]
        ),
        ...[
          [2, 3],
          [5, -1],
          [4, 0, 1],
          [4, 0, null]
        ]
      ]
      for (const [source, details, texts = text] of lengths) {
        numbers.set([source, details], 1 + STAGE.SOURCE)
        assert.throws(() => stageMany(texts, 1), refused, `${source}`)
      }
      numbers.fill(511)
      assert.throws(() => stageMany('x'.repeat(128 * 511), 64), refused)
      assert.throws(() => stageMany(), refused)
      assert.throws(
        () => write(text),
        hasCode(RangeError, 'ERR_INVALID_THREAT')
      )
      stageMany('', 0)
      assert.equal(writer.commit(), 0)
      writer.close()
    })

    it('methods on another receiver throw and do not crash', () => {
      ring.writer()
      ring.client()
      const natives = [made.writers[0], made.readers[0]]
      for (const one of natives) {
        const proto = Object.getPrototypeOf(one)
        for (const name of Object.getOwnPropertyNames(proto)) {
          if (name === 'constructor') continue
          for (const receiver of [{}, null, undefined, 1, natives[0]]) {
            if (receiver === one) continue
            if (receiver === natives[0] && one === natives[0]) continue
            assert.throws(() => proto[name].call(receiver), `${name}`)
          }
        }
      }
    })
  })
})
