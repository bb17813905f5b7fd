'use strict'
// What a client's failover is doing, and what may follow.
//
//   CONNECTING         there is neither; both are looked for
//   RING               the ring is read, and its writer lives
//   RING_WITH_STANDBY  the ring is read, but has no writer or is out of its
//                      place; a server is looked for that could take over
//   WEBSOCKET          the server is read; a ring is looked for
//   RETURNING          a ring was found, and what the server has sent already
//                      is read before it
//   CLOSED             for good, from any of them
//
//              has no writer, or is out of its place
//        RING ---------------------------> RING_WITH_STANDBY
//        ^  | <---------------------------   |  |
//        |  |         all is well again      |  | the server answers,
//        |  |                                |  | the ring is not written
//   ring |  | cannot be read                 |  v
//  found |  v           cannot be read       |  WEBSOCKET ------> RING
//     CONNECTING <---------------------------+   |  ^  |  ring found
//       ^  |  ^ |         the server answers     |  |  |
//       |  |  | +--------------------------------|--+  |
//       |  |  +----------------------------------+     |
//       |  |              the server is gone           |
//       |  +----------------> RETURNING <--------------+
//       |   ring found, but     |    |   ring found, but some is left to read
//       |   some is left        |    +-----> RING
//       +-----------------------+            nothing is left
//         the ring is gone again

const State = {
  CONNECTING: 'connecting',
  RING: 'ring',
  RING_WITH_STANDBY: 'ring with standby',
  WEBSOCKET: 'websocket',
  RETURNING: 'returning',
  CLOSED: 'closed'
}
const { CONNECTING, RING, RING_WITH_STANDBY, WEBSOCKET, RETURNING, CLOSED } =
  State

// Beside CLOSED. CONNECTING follows itself when an attempt fails; the user is
// told of the first.
const NEXT = {
  [CONNECTING]: [CONNECTING, RING, WEBSOCKET, RETURNING],
  [RING]: [RING_WITH_STANDBY, CONNECTING],
  [RING_WITH_STANDBY]: [RING, WEBSOCKET, CONNECTING],
  [WEBSOCKET]: [CONNECTING, RETURNING, RING],
  [RETURNING]: [RING, CONNECTING],
  [CLOSED]: []
}

// 'connecting' in all others.
const TRANSPORT = {
  [RING]: 'shm',
  [RING_WITH_STANDBY]: 'shm',
  [WEBSOCKET]: 'websocket',
  [RETURNING]: 'websocket'
}

class FailoverState {
  #tell
  #told = null // the transport of the last event

  /** One of the above; enter() alone changes it. */
  name = CONNECTING

  /** Why the transport is what it is, for the user. */
  reason

  /** @param {(change: object) => void} tell `{ from, to, reason }`, whenever
   *   the transport is another */
  constructor(tell) {
    this.#tell = tell
  }

  /** @returns {import('../index').ClientTransport} */
  get transport() {
    return TRANSPORT[this.name] ?? 'connecting'
  }

  /**
   * @param {string} name
   * @param {string} [reason] for the user
   */
  enter(name, reason) {
    if (process.env.NODE_ENV === 'test') {
      const isFine = name === CLOSED || NEXT[this.name].includes(name)
      const assert = require('node:assert/strict')
      assert(isFine, `from ${this.name} to ${name}`)
    }
    this.name = name
    const [from, to] = [this.#told, this.transport]
    if (to !== from) {
      this.#told = to
      this.reason = reason
      // From a turn of its own: a listener may do anything to the source.
      setImmediate(() => {
        if (this.name !== CLOSED) {
          this.#tell({ from, to, reason })
        }
      })
    }
  }
}

module.exports = { FailoverState, State }
