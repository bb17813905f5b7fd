'use strict'
// Serves a ring over WebSocket that somebody else writes: the other half of a
// hybrid for a Shield in C, Rust or any language. A reader of that ring feeds the
// server that a Shield of this package has, with the same generations and
// sequences. What a client has missed it gets from the ring itself, by a cursor
// of its own, and so is told exactly what is gone, also when this reader was
// lapped.

const { EventEmitter } = require('node:events')
const { emitSafely } = require('../base/emit-safely.js')
const { invalid, IpcError } = require('../base/errors.js')
const { NO_LATENCY } = require('../base/latency.js')
const { checkIpc } = require('../options/ipc.js')
const { RingSource } = require('../shm/ring-source.js')
const { priorityAfter } = require('../threat/priority.js')
const { textOfThreat } = require('../websocket/messages.js')
const { Place } = require('./place.js')
const { RingHistory } = require('./ring-history.js')
const { WebSocketService } = require('./websocket-service.js')

// Reads of the ring in one turn of the event loop, of 256 slots each.
const READS_PER_TURN = 4

// How often the files by which clients find this are checked.
const CHECK_MILLISECONDS = 500

// How long a ring may be without a writer. A standby that waits for the lock of
// a writer that dies takes some 20 ms.
const GONE_MILLISECONDS = 200

// The same for one whose file was cut short, which says nothing of its writer: a
// Shield that lives makes it anew within a second.
const CUT_MILLISECONDS = 2000

const ABOUT_COMMANDS =
  'this is a bridge to a Shield in another program, which no command reaches'

/**
 * Where the stream stands, for the next bridge.
 * @typedef {{ generation: string, sequence: number, priority: number | null }}
 *   Stand
 */

/**
 * @param {import('../index').IpcOptions} options
 * @returns {object} as that of checkIpc()
 * @throws {TypeError | RangeError} ERR_INVALID_OPTION
 */
function checkBridge(options) {
  const checked = checkIpc(options)
  if (!checked.websocket.enabled) {
    const message = 'option websocket.enabled: a bridge serves nothing else'
    throw invalid(RangeError, 'ERR_INVALID_OPTION', message)
  }
  return checked
}

/**
 * Emits `writer` (a state) when that changes, `lost` (a loss) for what came past
 * this reader, `replaced` (a generation) when another ring took the ring's
 * place, `end` once the ring has no writer and everything in it was passed on,
 * and `error` when it cannot go on. It has to be closed in any case.
 */
class RingBridge extends EventEmitter {
  #maxEventBytes
  #source
  #history
  #place
  #service
  #writer
  #timers = []
  #ending = null // the timer of the look that may end it
  #turn = null // the immediate that goes on reading
  #hasLost = false // in this read
  #passed = 0
  #lost = 0
  #blocked = 0
  #isOver = false
  #closing = null

  /**
   * Opens the ring, and reads what comes from now on.
   * @param {import('../index').IpcOptions} options those of a reader, and
   *   `websocket`
   * @param {Stand | null} [before] where the stream stood before its writer came:
   *   clients that waited for that get what is behind it. null: there was
   *   none. Without it, they get what comes from now on
   * @throws {IpcError} ERR_NO_RING, ERR_RING_INVALID, ERR_RING_VERSION,
   *   ERR_RING_TRUNCATED, ERR_UNSAFE_PATH, ERR_SHM_UNAVAILABLE
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   */
  constructor(options, before) {
    super()
    const { location, reader, websocket } = checkBridge(options)
    this.#maxEventBytes = reader.maxEventBytes
    this.#source = new RingSource(
      { ...location, ...reader, from: 'latest', after: undefined },
      {
        latency: NO_LATENCY,
        wake: () => this.#drain(),
        lost: (loss) => this.#lose(loss),
        failed: (error) => this.#fail(error),
        checked: () => this.#checkWriter(false),
        isConsumed: () => true
      }
    )
    const { next, priority } = this.#source.position()
    this.#history = this.#historyFrom(next - 1, priority)
    this.#beginBehind(before)
    this.#writer = this.#source.writerState(true)
    this.#place = new Place(location, websocket, (socket) =>
      this.#service.broadcaster.accept(socket)
    )
    this.#service = new WebSocketService(
      this.#history,
      location,
      websocket,
      this.#place,
      () => this.#blocked,
      { aboutCommands: ABOUT_COMMANDS, isBridge: true }
    )
  }

  /**
   * Takes the place of a Shield's server, and serves.
   * @returns {Promise<void>}
   * @throws {IpcError} ERR_RING_LOCKED when a Shield or a bridge has the place;
   *   what keeps a server from being made
   */
  async start() {
    // The ring has a lock, and it is the writer's.
    await this.#place.claim(() => false)
    await this.#service.start(this.#place.isHeld)
    this.#source.hold(true)
    this.#drain()
    const timer = setInterval(() => this.#checkPlace(), CHECK_MILLISECONDS)
    this.#timers.push(timer)
    this.#checkWriter(true)
  }

  /** Why the port is not that of the options, as an error, or null. */
  get moved() {
    return this.#service.moved
  }

  /** Where the stream stands. @returns {Stand} */
  get stand() {
    const { generation, sequence, priority } = this.#history
    return { generation, sequence, priority }
  }

  stats() {
    return {
      path: this.#source.ringStats().path,
      writer: this.#writer,
      ...this.stand,
      passed: this.#passed,
      lost: this.#lost,
      websocket: this.#service.stats()
    }
  }

  /**
   * Leaves the place, when clients have what was published or a second is over.
   * @returns {Promise<void>}
   */
  close() {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close() {
    this.#timers.forEach((timer) => clearInterval(timer))
    clearTimeout(this.#ending)
    clearImmediate(this.#turn)
    const served = this.#service.close(this.stand)
    this.#place.free()
    await this.#source.close()
    await served
  }

  get #isClosed() {
    return this.#closing !== null
  }

  // --- From the ring to the server -----------------------------------------

  /** The history of the ring that is read, up to a sequence. */
  #historyFrom(sequence, priority) {
    const ring = { ...this.#source.ringStats(), sequence, priority }
    const maxEventBytes = this.#maxEventBytes
    return new RingHistory({ ringStats: () => ring, maxEventBytes })
  }

  /** Says where the writer began, for clients that waited for it. */
  #beginBehind(before) {
    if (before === undefined) {
      return
    }
    const isSame = before?.generation === this.#history.generation
    this.#history.start = isSame ? before.sequence + 1 : 1
    this.#history.startPriority = isSame ? before.priority : 0
  }

  #drain() {
    for (let reads = 0; reads < READS_PER_TURN && !this.#isClosed; reads++) {
      const threats = []
      const more = this.#source.take(0, threats)
      if (this.#isClosed) {
        return
      }
      this.#pass(threats)
      if (!more && !this.#source.arm()) {
        return
      }
    }
    this.#turn ??= setImmediate(() => {
      this.#turn = null
      this.#drain()
    })
  }

  /** Passes on what one read has brought. */
  #pass(threats) {
    const { broadcaster } = this.#service
    const isOther = this.#source.generation !== this.#history.generation
    if (isOther && !this.#goOver(threats)) {
      return
    }
    if (threats.length > 0 && threats[0].sequence <= this.#history.sequence) {
      // What it said before was forged, and no message takes it back: clients
      // that believed it would wait for what never comes.
      const why = `the ring went back to sequence ${threats[0].sequence}`
      this.#fail(new IpcError('ERR_RING_CORRUPT', why))
      return
    }
    const hasLost = this.#hasLost
    this.#hasLost = false
    if (threats.length > 0) {
      this.#count(threats)
      const { sequence, priority } = threats.at(-1)
      this.#history.reach(sequence, priority)
    } else if (!hasLost) {
      return
    }
    if (hasLost || !broadcaster.isHeard) {
      // Behind a gap, each client reads for itself what is left of it.
      broadcaster.historyGrew()
    } else {
      this.#publish(threats)
    }
  }

  #publish(threats) {
    const [{ sequence: first }] = threats
    const times = this.#source.publishTimes(first)
    const texts = []
    const priorities = []
    for (const threat of threats) {
      const { priority } = threat
      texts.push(textOfThreat(threat, priority, times[texts.length]))
      priorities.push(priority)
    }
    // What one read has brought is about what one turn does.
    this.#service.broadcaster.publish(first, texts, priorities, true)
  }

  #count(threats) {
    this.#passed += threats.length
    for (const { blocked } of threats) {
      this.#blocked += blocked ? 1 : 0
    }
  }

  /**
   * Another ring has taken the ring's place, and the old one is read to its end.
   * The new one's header tells clients what that was.
   * @returns {boolean} false: what is missing of the old one is told first
   */
  #goOver([first]) {
    const { generation, next, priority } = this.#source.position()
    if (generation !== this.#source.generation) {
      return false
    }
    if (first === undefined) {
      this.#history = this.#historyFrom(next - 1, priority)
    } else {
      const { sequence } = first
      const { first: of, counts } = this.#source.priorities()
      this.#history = this.#historyFrom(sequence - 1, counts[sequence - of])
    }
    this.#service.setHistory(this.#history)
    emitSafely(this, 'replaced', generation)
    return true
  }

  #lose(loss) {
    const { generation, to, count, priority, reason } = loss
    this.#lost += count ?? 0
    if (reason !== 'replaced' && generation === this.#history.generation) {
      this.#hasLost = true
      const before = this.#history.priority
      this.#history.reach(to, priorityAfter(before, priority))
    }
    emitSafely(this, 'lost', loss)
  }

  // --- The writer ----------------------------------------------------------

  #checkWriter(fresh) {
    if (this.#isClosed) {
      return
    }
    const writer = this.#source.writerState(fresh)
    if (writer !== this.#writer) {
      this.#writer = writer
      emitSafely(this, 'writer', writer)
    }
    if (writer === 'gone' && this.#ending === null) {
      const look = () => this.#endIfOver()
      const isCut = this.#source.lastError?.code === 'ERR_RING_TRUNCATED'
      const patience = isCut ? CUT_MILLISECONDS : GONE_MILLISECONDS
      this.#ending = setTimeout(look, patience)
    }
  }

  /** Ends, unless there is another writer by now or something to read. */
  #endIfOver() {
    this.#ending = null
    if (this.#isClosed) {
      return
    }
    const { generation } = this.#source
    this.#drain()
    const isRead = this.#turn === null && !this.#source.isUnread
    this.#checkWriter(true)
    const isSame = this.#source.generation === generation
    if (isRead && isSame && this.#writer === 'gone' && !this.#isOver) {
      clearTimeout(this.#ending)
      this.#isOver = true
      emitSafely(this, 'end')
    }
  }

  #fail(error) {
    if (!this.#isClosed && !this.#isOver) {
      this.#isOver = true
      emitSafely(this, 'error', error)
    }
  }

  async #checkPlace() {
    try {
      await this.#place.check(false)
      await this.#service.checkPlace(this.#place.isHeld)
    } catch (error) {
      // What else is wrong with a file may be over at the next check.
      if (error.code === 'ERR_RING_LOCKED') {
        this.#fail(error)
      }
    }
  }
}

module.exports = { checkBridge, RingBridge }
