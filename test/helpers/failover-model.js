'use strict'
// One Shield at a time, its ring and its server, and sources that read them in
// the place of RingSource and WebSocketSource: no file, no socket, no thread.

const absent = Object.assign(new Error('nobody is there'), { isAbsent: true })

/** What the sources of one client see. */
class World {
  constructor() {
    this.logs = [] // { generation, count, isWritten }, rings among them
    this.file = null // the log whose ring has the name
    this.log = null // what the Shield writes, null without one
    this.hasRing = false
    this.hasServer = false
    this.session = 0 // of the server that is there, or was last
    this.sources = new Set() // those that are open
    this.servers = [] // all that were
    this.mistakes = [] // of the failover between the sources
    this.isJustLeft = false // a server that was there, since the last step
    this.beforeLook = null // happens once, while a ring is looked at
  }

  get isLive() {
    return this.log !== null
  }

  start({ hasRing, hasServer, isNew }) {
    this.hasRing = hasRing
    this.hasServer = hasServer
    if (hasRing && !isNew && this.file !== null) {
      this.log = this.file
      this.log.isWritten = true
    } else {
      this.makeLog()
    }
  }

  makeLog() {
    if (this.log !== null) this.log.isWritten = false
    const generation = String(this.logs.length + 1)
    this.log = { generation, count: 0, isWritten: true }
    this.logs.push(this.log)
    if (this.hasRing) this.file = this.log
    for (const source of this.sources) source.logChanged?.()
  }

  die() {
    if (this.log !== null) this.log.isWritten = false
    this.log = null
    this.endServer()
  }

  /** Its connections end, too. */
  endServer() {
    this.hasServer = false
    this.session++
  }

  publish(count) {
    if (this.log === null) return
    this.log.count += count
    for (const source of this.sources) source.published()
  }

  /** For FailoverSource. */
  findRing() {
    if (this.file === null) throw new Error('there is no ring')
    const { generation, isWritten } = this.file
    return { options: {}, generation, isWritten }
  }

  /** A ring of somebody else, in a place that nobody has. */
  makeForeignRing() {
    if (this.hasRing) return
    const generation = `${this.logs.length + 1}`
    this.file = { generation, count: 0, isWritten: true }
    this.logs.push(this.file)
  }

  /** Another source begins to be read. */
  check() {
    const read = [...this.sources].filter((source) => source.isRead)
    if (read.length > 1) this.mistakes.push('two are read at once')
  }
}

/** What both sources have in common. */
class FakeSource {
  constructor(world, host, progress) {
    this.world = world
    this.host = host
    this.progress = progress
    this.at = null // { generation, next }
    this.isRead = false
    this.isArmed = false
    this.taken = 0
    world.sources.add(this)
  }

  position() {
    return this.at
  }

  pass(generation, next) {
    this.at = { generation, next }
    this.progress.note(generation, next)
  }

  /** The first of a generation that was not taken. */
  firstOf({ generation }) {
    return this.progress.next(generation) ?? 1
  }

  wake() {
    if (this.isArmed) {
      this.isArmed = false
      this.host.wake()
    }
  }

  totals() {
    return { lost: 0, corrupt: 0, bytes: this.taken }
  }

  hold() {}

  async close() {
    this.isRead = false
    this.world.sources.delete(this)
  }
}

const fakeRing = (world) =>
  class FakeRing extends FakeSource {
    constructor({ from }, host, position, progress) {
      super(world, host, progress)
      this.log = world.file
      const { generation, count } = this.log
      const begin = from === 'latest' ? count + 1 : 1
      const isSame = position?.generation === generation
      const next = isSame ? position.next : this.firstOf(this.log)
      this.at = { generation, next: position === undefined ? begin : next }
      this.seen = null
      this.isBroken = false // it cannot be read
      this.isMute = false // it cannot be waited for
      this.isRead = true
      if (world.isJustLeft && this.log !== world.log) {
        world.mistakes.push("went to another Shield's ring")
      }
      world.check()
    }

    get generation() {
      return this.log.generation
    }

    get isUnread() {
      return this.at.next <= this.log.count
    }

    retain() {}

    start() {}

    published() {
      this.wake()
    }

    /** As the poll thread saw it last, or now. */
    checkFile(fresh) {
      if (fresh) {
        const happens = world.beforeLook
        world.beforeLook = null
        happens?.()
      }
      if (fresh || this.seen === null) {
        this.seen = {
          displaced: this.log !== world.file,
          writer: this.log.isWritten ? 'live' : 'gone'
        }
      }
      return this.seen
    }

    writerState(fresh) {
      return this.checkFile(fresh).writer
    }

    /** The poll thread looked. */
    look() {
      this.checkFile(true)
      this.host.checked()
    }

    take(max, threats) {
      if (this.isBroken) {
        this.host.failed(new Error('it is broken'))
        return false
      }
      const { generation } = this.log
      while (threats.length < Math.min(max, 2) && this.isUnread) {
        this.taken++
        threats.push({ generation, sequence: this.at.next })
        this.pass(generation, this.at.next + 1)
      }
      const { file } = world
      if (threats.length > 0 || file === null || file === this.log) {
        return this.isUnread
      }
      this.log = file
      this.pass(file.generation, this.firstOf(file))
      this.seen = null
      return true
    }

    arm() {
      if (this.isMute) {
        this.host.failed(new Error('it cannot be waited for'))
        return false
      }
      this.isArmed = true
      return this.isUnread
    }

    async close() {
      if (!this.isBroken && !this.isMute) {
        if (this.isUnread) world.mistakes.push('left before its end')
        if (world.log === this.log) world.mistakes.push('left while written')
      }
      await super.close()
    }
  }

const fakeServer = (world) =>
  class FakeServer extends FakeSource {
    constructor(_locate, host, { position, progress, from, standBy }) {
      super(world, host, progress)
      this.from = from
      this.at = position
      this.queue = []
      this.isRead = !standBy
      this.connected = false
      this.session = null
      this.isClosed = false
      world.servers.push(this)
      this.streamGeneration = null
      this.hasRing = true
      this.shieldGeneration = null
      world.check()
    }

    get waiting() {
      return this.queue.length
    }

    get isAttached() {
      return this.connected && this.session === world.session
    }

    /** An attempt to connect, or a look at the connection. */
    look() {
      if (this.isClosed) return
      if (!this.connected && world.hasServer) {
        this.connected = true
        this.session = world.session
        this.tellStatus()
        this.fetch()
      } else if (!this.isAttached) {
        if (this.from === 'latest' && this.at === null) this.from = 'start'
        this.connected = false
        this.host.disconnected(absent)
      }
    }

    tellStatus() {
      this.hasRing = world.hasRing
      this.shieldGeneration = world.log.generation
      if (this.isRead) this.streamGeneration = world.log.generation
      this.host.connected()
    }

    logChanged() {
      if (!this.isAttached) return
      this.tellStatus()
      this.fetch()
    }

    published() {
      this.fetch()
    }

    hurry() {}

    begin(position) {
      this.at = position
      if (position !== null) {
        this.progress.note(position.generation, position.next)
      }
      this.isRead = true
      world.check()
      if (this.isAttached) this.streamGeneration = world.log.generation
      this.fetch()
    }

    /** All that the server has comes at once. */
    fetch() {
      if (!this.isAttached || !this.isRead) return
      const { generation, count } = world.log
      const end = this.queue.at(-1) ?? null
      let next = this.firstOf(world.log)
      if (end?.generation === generation) next = end.sequence + 1
      else if (this.at?.generation === generation) next = this.at.next
      else if (this.at === null && this.from === 'latest') next = count + 1
      for (; next <= count; next++) {
        this.queue.push({ generation, sequence: next })
      }
      if (this.queue.length === 0) this.pass(generation, next)
      else this.wake()
    }

    take(max, threats) {
      while (threats.length < max && this.queue.length > 0) {
        const threat = this.queue.shift()
        this.taken++
        threats.push(threat)
        this.pass(threat.generation, threat.sequence + 1)
      }
      return this.queue.length > 0
    }

    arm() {
      this.isArmed = true
      return this.queue.length > 0
    }

    get isUnread() {
      return this.queue.length > 0
    }

    /** What came can still be taken. */
    async close() {
      if (this.isAttached && this.isRead) world.isJustLeft = true
      this.connected = false
      this.isClosed = true
      await super.close()
    }
  }

module.exports = { fakeRing, fakeServer, World }
