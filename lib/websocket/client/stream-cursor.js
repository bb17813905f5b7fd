'use strict'
// Where a client stands in a Shield's stream over WebSocket: it is fed the
// server's messages, parsed, and says where to subscribe, what to deliver and
// what to refuse. It has no socket, timer or emitter, so that a test can feed
// it any order of events.

const { ThreatQueue } = require('./queue.js')
const { ProtocolError } = require('../protocol.js')
const { priorityAfter } = require('../../threat/priority.js')

// The server has to say by a status where its stream begins.
const NO_STREAM = 'no stream'
// It has said so to a client that stood nowhere, and nothing has come yet.
const JOINING = 'joining'
// Threats and losses come, each behind the one before.
const STREAMING = 'streaming'

class StreamCursor {
  /** What came and was not taken. */
  queue = new ThreatQueue()
  /** Behind what was taken last; null while that is not known. */
  position = null
  /** 16 hex digits: what the server sends at present, or null. */
  generation = null
  /** How many of the threats that were taken are all that a gap has left. */
  rescued = 0

  #progress
  #from
  #state = NO_STREAM
  #expected = 0 // the sequence that comes next; 0: any
  #priority = null // the priority events before that one, where it is known
  #taken = [] // those before what take() brought last, and up to each of it
  #joinBoundary = 0 // see #splitAtJoin; 0: something of a stream has come

  /**
   * @param {object} options
   * @param {'latest' | 'oldest' | number} [options.from] where to begin
   * @param {{ generation: string, next: number, priority?: number | null }
   *   | null} [options.position] goes on from there instead
   * @param {import('../../stream/positions.js').Progress} options.progress how
   *   far the client came in each generation, over any transport
   */
  constructor({ from = 'latest', position = null, progress }) {
    this.#from = from
    this.#progress = progress
    this.moveTo(position)
  }

  /** Goes on from where another transport has left off. */
  moveTo(position) {
    this.position = position
    if (position !== null) {
      this.#progress.note(position.generation, position.next)
    }
  }

  /** The last sequence that came, taken or not. */
  get arrived() {
    return Math.max(0, this.#expected - 1)
  }

  // --- The connection ------------------------------------------------------

  /** There was no Shield: all that the next one publishes is new. */
  noteAbsence() {
    if (this.#from === 'latest' && this.position === null) {
      this.#from = 'start'
    }
  }

  /**
   * @returns {{ from: string | number, generation?: string,
   *   priority?: number | null }} what to subscribe to: what comes behind all that
   *   was received. What an earlier connection began is over
   */
  subscribe() {
    const position = this.queue.end() ?? this.position
    this.#state = NO_STREAM
    this.generation = position?.generation ?? null
    this.#expected = position?.next ?? 0
    this.#priority = position?.priority ?? null
    return {
      from: position === null ? this.#from : position.next,
      generation: position?.generation,
      priority: this.#priority
    }
  }

  // --- What the server says ------------------------------------------------

  /**
   * @param {object} message as parseMessage gives it; types that do not belong
   *   to the stream change nothing
   * @param {number} [bytes] about its size
   * @returns {boolean} false: the server has to be asked again by subscribe(),
   *   over a new connection
   * @throws {ProtocolError} it does not go on where the stream stands; what
   *   stood in front of the mistake counts
   */
  accept(message, bytes = 0) {
    if (message.type === 'threat') {
      this.#acceptThreats(message, bytes)
    } else if (message.type === 'lost') {
      this.#acceptLoss(message)
    } else if (message.type === 'status' && message.next !== undefined) {
      return this.#acceptBeginning(message)
    }
    return true
  }

  /** The stream begins, or goes on in another generation. */
  #acceptBeginning({ generation, next, sequence, priority }) {
    let counted = priority
    if (this.#expected === 0) {
      this.#joinBoundary = this.#from === 'oldest' ? sequence : 0
    } else if (generation === this.generation) {
      this.#mustBeNext(generation, next)
      counted = this.#priority ?? priority
    } else {
      const reached = this.#reached(generation)
      if (reached !== undefined && reached !== next) {
        const place = { generation, next: reached, priority: null }
        this.#push({ loss: null, ...place })
        return false
      }
    }
    this.#state = this.#expected === 0 ? JOINING : STREAMING
    this.generation = generation
    this.#expected = next
    this.#priority = counted
    // In its turn, so that the position is right at any time.
    this.#push({ loss: null, generation, next, priority: counted })
    return true
  }

  /** How far everything comes that was received of a generation. */
  #reached(generation) {
    return this.queue.end(generation)?.next ?? this.#progress.next(generation)
  }

  #acceptThreats({ generation, threats, rescued }, bytes) {
    for (const threat of threats) {
      const { sequence, priority } = threat
      this.#mustBeNextInStream(generation, sequence)
      this.#state = STREAMING
      this.#joinBoundary = 0
      this.#expected++
      this.#priority = priority
      const item = { generation, threat, priority, rescued }
      this.#push(item, bytes / threats.length)
    }
  }

  #acceptLoss({ generation, from, to, priority, reason }) {
    if (reason === 'replaced') {
      // The rest of its generation. A status says where the next one begins.
      this.#mustBeNext(generation, from ?? this.#expected)
      this.#state = NO_STREAM
    } else {
      this.#mustBeNextInStream(generation, from)
      if (reason === 'before-join' && this.#state !== JOINING) {
        throw new ProtocolError('before-join comes first or not at all')
      }
      this.#state = STREAMING
    }
    if (to !== null) {
      this.#expected = to + 1
    }
    const before = this.#priority
    this.#priority = priorityAfter(before, priority)
    const loss = { from, to, priority, reason }
    for (const part of this.#splitAtJoin(loss)) {
      const count = part.to === null ? null : part.to - part.from + 1
      const next = part.to === null ? null : part.to + 1
      const behind =
        part.to === to ? this.#priority : priorityAfter(before, part.priority)
      const place = { generation, next, priority: behind }
      this.#push({ loss: { count, ...part, generation }, ...place })
    }
    this.#joinBoundary = 0
  }

  /**
   * A client that asked for the oldest and lost the connection before anything
   * came asks for a sequence the next time, and the server calls all that is
   * gone overwritten: what was published before it joined is before-join.
   */
  #splitAtJoin(loss) {
    const { from, to, priority, reason } = loss
    const last = reason === 'overwritten' ? Math.min(this.#joinBoundary, to) : 0
    if (from === null || from > last) {
      return [loss]
    }
    if (last === to) {
      return [{ ...loss, reason: 'before-join' }]
    }
    // Which of them had priority, nobody said, unless none had.
    const known = priority === 0 ? 0 : null
    return [
      { from, to: last, priority: known, reason: 'before-join' },
      { from: last + 1, to, priority: known, reason }
    ]
  }

  #mustBeNext(generation, sequence) {
    if (generation !== this.generation || sequence !== this.#expected) {
      throw new ProtocolError(
        `sequence ${sequence} of ${generation} came where ` +
          `${this.#expected} of ${this.generation} belongs`
      )
    }
  }

  #mustBeNextInStream(generation, sequence) {
    this.#mustBeNext(generation, sequence)
    if (this.#state === NO_STREAM) {
      throw new ProtocolError(`sequence ${sequence} came before a status`)
    }
  }

  // --- What is taken -------------------------------------------------------

  #push(item, bytes) {
    if (item.loss === null && this.queue.length === 0) {
      // A position change carries no event, so it waits for no consumer.
      const { generation, next, priority } = item
      this.moveTo({ generation, next, priority })
    } else {
      this.queue.push(item, bytes)
    }
  }

  /**
   * Takes what comes next: threats of one generation, or one loss.
   * @param {number} max threats
   * @param {import('../../../index').Threat[]} threats an empty list
   * @returns {import('../../../index').Loss | null} a loss; then there are no
   *   threats
   */
  take(max, threats) {
    const queue = this.queue
    const taken = []
    while (queue.length > 0 && threats.length < max) {
      const { threat, loss, generation, next, priority, rescued } = queue.peek()
      // What came before a loss or another generation stands before it.
      if (threat === undefined && threats.length > 0) {
        break
      }
      queue.shift()
      if (threat !== undefined) {
        if (threats.length === 0) {
          // Where a stream begins stands in front of it.
          taken.push(this.position.priority ?? null)
        }
        threats.push(threat)
        taken.push(priority)
        this.rescued += rescued ? 1 : 0
        this.moveTo({ generation, next: threat.sequence + 1, priority })
        continue
      }
      if (next !== null) {
        this.moveTo({ generation, next, priority })
      }
      if (loss !== null) {
        this.#taken = []
        return loss
      }
    }
    this.#taken = taken
    return null
  }

  /** @see RingSource.priorityBehind */
  priorityBehind({ generation, sequence }) {
    if (generation !== this.position?.generation) {
      return null
    }
    // What was taken last ends in front of the position.
    const first = this.position.next - this.#taken.length
    return this.#taken[sequence - first] ?? null
  }
}

module.exports = { StreamCursor }
