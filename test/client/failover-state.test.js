'use strict'
// The states of a fail-over by themselves: which may follow which, and what the
// user is told of them.

const assert = require('node:assert/strict')
const { FailoverState, State } = require('../../lib/client/failover-state.js')
const { turn } = require('../helpers/wait.js')

const [CONNECTING, RING, STANDBY] = ['connecting', 'ring', 'ring with standby']
const [WEBSOCKET, RETURNING, CLOSED] = ['websocket', 'returning', 'closed']

// The drawing in failover-state.js, arrow by arrow. Each may be closed.
const ARROWS = [
  [CONNECTING, CONNECTING],
  [CONNECTING, RING],
  [CONNECTING, WEBSOCKET],
  [CONNECTING, RETURNING],
  [RING, STANDBY],
  [RING, CONNECTING],
  [STANDBY, RING],
  [STANDBY, WEBSOCKET],
  [STANDBY, CONNECTING],
  [WEBSOCKET, CONNECTING],
  [WEBSOCKET, RETURNING],
  [WEBSOCKET, RING],
  [RETURNING, RING],
  [RETURNING, CONNECTING]
]
const WAYS = {
  [CONNECTING]: [],
  [RING]: [RING],
  [STANDBY]: [RING, STANDBY],
  [WEBSOCKET]: [WEBSOCKET],
  [RETURNING]: [RETURNING],
  [CLOSED]: [CLOSED]
}
const ALL = Object.keys(WAYS)

describe('the state of a fail-over', () => {
  const changes = []
  const open = (name = CONNECTING) => {
    changes.length = 0
    const state = new FailoverState((change) => changes.push(change))
    for (const step of WAYS[name]) state.enter(step, 'on the way')
    return state
  }

  it('has the names of the drawing', () => {
    assert.deepEqual(Object.values(State), ALL)
    assert.equal(open().name, CONNECTING)
  })

  for (const from of ALL) {
    for (const to of ALL) {
      const isArrow = ARROWS.some(([a, b]) => a === from && b === to)
      const isFine = isArrow || to === CLOSED
      it(`${from} to ${to}: ${isFine ? 'may follow' : 'a mistake'}`, () => {
        const state = open(from)
        if (isFine) {
          state.enter(to, 'why')
          assert.equal(state.name, to)
        } else {
          assert.throws(() => state.enter(to, 'why'), {
            code: 'ERR_ASSERTION',
            message: `from ${from} to ${to}`
          })
          assert.equal(state.name, from)
        }
      })
    }
  }

  it('of users is not checked: a mistake of ours must not end them', () => {
    const { NODE_ENV } = process.env
    const state = open(RING)
    process.env.NODE_ENV = 'production'
    try {
      state.enter(WEBSOCKET, 'why')
    } finally {
      process.env.NODE_ENV = NODE_ENV
    }
    assert.equal(state.name, WEBSOCKET)
  })

  it('is a transport to the user', () => {
    const transports = ALL.map((name) => open(name).transport)
    assert.deepEqual(transports, [
      ...['connecting', 'shm', 'shm', 'websocket', 'websocket', 'connecting']
    ])
  })

  it('is told when the transport is another, from a turn of its own', async () => {
    const state = open()
    state.enter(RING, 'the first')
    assert.deepEqual(changes, [])
    await turn()
    state.enter(STANDBY)
    await turn()
    state.enter(WEBSOCKET, 'the second')
    await turn()
    state.enter(RETURNING, 'not told')
    state.enter(CONNECTING, 'the third')
    await turn()
    // The first attempt that fails is told, and the others are not.
    state.enter(CONNECTING, 'not told')
    await turn()
    assert.deepEqual(changes, [
      { from: null, to: 'shm', reason: 'the first' },
      { from: 'shm', to: 'websocket', reason: 'the second' },
      { from: 'websocket', to: 'connecting', reason: 'the third' }
    ])
  })

  it('that is connecting at first: told of the attempt that failed', async () => {
    const state = open()
    state.enter(CONNECTING, 'nobody is there')
    await turn()
    const reason = 'nobody is there'
    assert.deepEqual(changes, [{ from: null, to: 'connecting', reason }])
  })

  it('is told no more when it is closed meanwhile', async () => {
    const state = open()
    state.enter(RING, 'why')
    state.enter(CLOSED)
    await turn()
    assert.deepEqual(changes, [])
  })
})
