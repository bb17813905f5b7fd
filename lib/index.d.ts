/// <reference types="node" />
import { EventEmitter } from 'node:events'

/** The eight threat types by name, and their numbers in the ring. */
export const ThreatType: {
  readonly Unknown: 0
  readonly UnicodeInvisible: 1
  readonly UnicodeBiDi: 2
  readonly UnicodeHomoglyph: 3
  readonly InjectionAttempt: 4
  readonly PathTraversal: 5
  readonly SuspiciousPattern: 6
  readonly RateLimitViolation: 7
}
export type ThreatTypeName = keyof typeof ThreatType

/** The four severities by name, and their numbers in the ring. */
export const Severity: {
  readonly Low: 1
  readonly Medium: 2
  readonly High: 3
  readonly Critical: 4
}
export type SeverityName = keyof typeof Severity

/** A threat as the Shield writes it. */
export interface ThreatInput {
  /** A name, or a number from 0 to 2^32-1 that is carried as it is. */
  threatType: ThreatTypeName | number
  /** A name, or a number from 0 to 255 that is carried as it is; `Unknown` with
   * `severityCode`. */
  severity: SeverityName | 'Unknown' | number
  /** Where it was found. Any length that the ring holds; the first slot has space
   * for 64 bytes of UTF-8. */
  source: string
  /** What was found. Any length that the ring holds; the first slot has space for
   * 256 bytes of UTF-8. */
  details: string
  /** Whether the Shield stopped it. Default `false`. */
  blocked?: boolean
  /** Microseconds since 1970. Default: now. */
  timestampUs?: number
  /** Your own id. Default: `<generation>-<sequence>`. */
  id?: string
  /** Anything that JSON can express; `strictContext` refuses what it would
   * change. */
  context?: unknown
  /** The number of a `threatType` that is `Unknown`, as a received threat has
   * it; counts for no other one. */
  threatTypeCode?: number
  /** The number of a `severity` that is `Unknown`, likewise. */
  severityCode?: number
}

/** A threat as the extension gets it: a plain object, and the same one for
 * everybody who consumes the client. It can be written to another ring. */
export interface Threat {
  /** From 1, without gaps, within one generation of the ring. */
  sequence: number
  /** The writer's own id, or `<generation>-<sequence>`. */
  id: string
  /** Microseconds since 1970. */
  timestampUs: number
  /** The type's name; `Unknown` for a number without a name. */
  threatType: ThreatTypeName
  /** The severity's name; `Unknown` for a number without a name. */
  severity: SeverityName | 'Unknown'
  source: string
  details: string
  blocked: boolean
  /** 16 hex digits: the ring that `sequence` belongs to. */
  generation: string
  /** The priority events up to this one, modulo 2^32; `null` when that is not
   * known. With `generation` and `sequence` it makes a `Position`. */
  priority: number | null
  /** What the writer sent as `context`; absent when it sent none. */
  context?: unknown
  /** The number of a type without a name; absent otherwise. */
  threatTypeCode?: number
  /** The number of a severity without a name; absent otherwise. */
  severityCode?: number
  /** `source` and `details` are cut, and `context` and the writer's own id are
   * missing: it has more text than this reader's `maxEventBytes`, its text is
   * damaged, or the ring had overwritten it and it was too large to be kept
   * whole. Absent otherwise. */
  cut?: true
}

/** Events that a reader did not get. */
export interface Loss {
  /** How many; `null` when that cannot be known. */
  count: number | null
  /** The first and the last sequence of the gap; `null` with `count`. */
  from: number | null
  to: number | null
  /** How many of them were priority events; `null` when that cannot be known. */
  priority: number | null
  /** 16 hex digits: the generation that the sequences belong to. */
  generation: string
  /** `before-join` was published before this reader came, and is not counted in
   * `stats().lost`. */
  reason: 'overwritten' | 'corrupt' | 'evicted' | 'replaced' | 'before-join'
}

/** `live`, `stalled` (holds its lock, but its heartbeat is late), or `gone`. */
export type WriterState = 'live' | 'stalled' | 'gone'

export interface LocationOptions {
  /** The ring's directory. Default: `PlatformShm.directory()`. */
  dir?: string
  /** The ring's name: letters, digits, `.`, `_`, `-`. Default `kindly-guard`. */
  name?: string
}

/** In which pages a ring is: see `hugePages` in docs/options.md. */
export type HugePages = 'auto' | 'require' | 'off'

/** A severity by name or number, or `none`. */
export type PrioritySeverity = SeverityName | number | 'none'

export interface WriterOptions extends LocationOptions {
  /**
   * At least so many slots, rounded up to a power of two. Default: as many as
   * the existing ring has, 1000 for a new one.
   */
  maxEvents?: number
  /** The file may not be larger: bytes, or a string like `"1MB"` (2^20). */
  bufferSize?: number | string
  /** CRC32C of every slot. Default `true`. */
  enableChecksums?: boolean
  /**
   * Threats of this severity or a higher number are priority events: the last
   * ones are kept apart, so that a flood of others does not hide them from a
   * reader that is slow. Default `Critical`; `none`: there are none.
   */
  prioritySeverity?: PrioritySeverity
  /**
   * How many priority events are kept apart, at least; rounded up to a power of
   * two, 65,536 at the most. Default: as many as the existing ring keeps, 256
   * for a new one. 0: none.
   */
  priorityEvents?: number
  /**
   * What happens when the ring is full of events that a reliable reader has not
   * taken. `overwrite` (default): the oldest are overwritten, as they are for
   * every other reader. `reject`: the write throws `ERR_RING_FULL`, the ring
   * stays as it was, and `drain` follows when there is space.
   */
  overflow?: 'overwrite' | 'reject'
  /**
   * How long a reliable reader may make a `reject` writer wait, without taking a
   * whole ring meanwhile, before it is evicted. In milliseconds, 10 to
   * 3,600,000. Default 5000.
   */
  readerTimeoutMs?: number
  /**
   * How much text a threat may have: source, details, id and the JSON of its
   * context, in bytes of UTF-8, before it is deflated. Bytes, or a string like
   * `"1MB"`; 4096 to 22,281,900. Default 1 MiB. More is `ERR_EVENT_TOO_LARGE`.
   */
  maxEventBytes?: number | string
  /**
   * Refuse a `context` that would not come out as it went in (a Map, NaN, a
   * Date, undefined, ...): `ERR_INVALID_THREAT` names its path. Default `false`:
   * what JSON makes of it is sent.
   */
  strictContext?: boolean
  /**
   * `auto` (default): huge pages are advised for a ring of 8 MiB or more, where
   * its file system gives them. `require`: `ERR_HUGE_PAGES`, which says what to
   * set, unless the kernel says that all of the ring is in huge pages; it takes
   * 6 MiB at least. `off`: small ones. A `dir` on a hugetlbfs has only huge ones.
   */
  hugePages?: HugePages
  /**
   * The NUMA node that the ring's pages are to be on, or `interleave`: on all of
   * them in turn. `ERR_NUMA_NODE` on a machine that has one node, or not this
   * one. Default: the system chooses. Linux.
   */
  numaNode?: number | 'interleave'
}

/** A position in the stream: the last event that was taken. Every `Threat` is
 * one. */
export interface Position {
  /** 16 hex digits, as `stats().generation` has it. */
  generation: string
  /** As `stats().sequence` has it; 0 before the first event. */
  sequence: number
  /** As `stats().priority` has it; without it, the loss that comes first has
   * `priority` null. */
  priority?: number | null
}

/** A position that savePosition() wrote. */
export interface PositionFile {
  file: string
  generation?: undefined
  sequence?: undefined
}

export interface ReaderOptions extends LocationOptions {
  /** Where reading begins. A number delivers that sequence first. Default `latest`. */
  from?: 'latest' | 'oldest' | number
  /**
   * Instead of `from`: delivers what comes behind this event. What was
   * overwritten comes as `lost`; its `count` is `null` when the ring was replaced
   * and the number is unknown. With a `file`, `from` may be given, too: it counts
   * when there is no such file, or when that cannot be used, which `error` and
   * `stats().error` tell then (`ERR_POSITION_INVALID`).
   */
  after?: Position | PositionFile
  /**
   * From when this reader is opened, a writer whose `overflow` is `reject`
   * overwrites nothing that it has not taken. The constructor throws
   * `ERR_TOO_MANY_READERS` when the ring has 128 such readers. Default `false`.
   */
  reliable?: boolean
  /**
   * How many microseconds the event loop spins for the next event before it
   * sleeps, 0 to 1,000,000. It spins only while events come closer to each other
   * than that.
   */
  spinMicros?: number
  /** A preset of `spinMicros`: `idle` 0, `balanced` 50 (default), `low` 2000. */
  latency?: 'idle' | 'balanced' | 'low'
  /**
   * How much text of a threat this reader makes objects of, counted as the
   * writer's option of this name counts it. Default 1 MiB. A threat with more
   * comes with `cut: true`.
   */
  maxEventBytes?: number | string
  /** The writer's option of this name, for what this reader maps; with `require`
   * a ring that is not in huge pages is `ERR_HUGE_PAGES`. */
  hugePages?: HugePages
  /** Freeze what is delivered, with all that is in it: those who consume this
   * client share it. Default `false`. */
  freeze?: boolean
}

/** The WebSocket beside the ring, or in its place. */
export interface WebSocketOptions {
  /** Default `true`. */
  enabled?: boolean
  /** Shield: the address to listen on, `127.x.y.z` or `::1`, no name. */
  host?: string
  /** Shield: the port, 0 for any, `false` for none. Default 9955; another when
   * that is in use. */
  port?: number | false
  /** Whether local clients use a Unix socket, `<name>.sock` beside the discovery
   * file, or on Windows a named pipe. Default `true`. A client may be given the
   * path of one instead, together with `tokenFile`. */
  socket?: boolean | string
  /** Default `token`. With `none`, every user of this machine can read the
   * threats; a warning of the process says so. */
  auth?: 'token' | 'none'
  /** Client: the Shield's URL, when its discovery file cannot be read. */
  url?: string
  /** Client: the Shield's discovery file, or a file with its token. */
  tokenFile?: string
  /** Shield: connections at a time. Default 64. */
  maxClients?: number
  /** Shield: how much may wait in memory for one client. Default 1 MiB. */
  maxBufferedBytes?: number | string
  /** Shield: how often it sends a heartbeat. Default 5000. */
  heartbeatMs?: number
  /** Shield: how long a client may take nothing. Default 10000. */
  stallTimeoutMs?: number
  /** How long a handshake may take. Default 5000. */
  handshakeTimeoutMs?: number
}

/** What IpcFactory takes: the options of both ends, so that one file can
 * configure a Shield and its clients. */
export interface IpcOptions extends WriterOptions, ReaderOptions {
  /** Use shared memory where it is available. Default `true`. */
  preferShm?: boolean
  websocket?: WebSocketOptions
}

/** What changed and why. `from` is null the first time. */
export interface TransportChange<Name extends string = string> {
  from: Name | null
  to: Name
  reason: string
}

export type ShieldTransport = 'shm' | 'websocket' | 'hybrid' | 'none'
export type ClientTransport = 'shm' | 'websocket' | 'connecting'

/** A reliable reader, as the writer sees it. */
export interface AttachedReader {
  /** Its index among the 128 places for such readers. */
  cell: number
  /** The position in the ring, in slots, up to which it has taken all. */
  cursor: number
  /** Slots between that and the newest. */
  lag: number
  /** It made the writer wait for too long; it is reliable again when it reads. */
  evicted: boolean
  /** Whether its process lives: the kernel says that it holds its lock. */
  alive: boolean
}

/** In which pages a ring is, by what the kernel says of what this process has
 * mapped of it, and touched so far. */
export interface RingMemory {
  /** Of a page in the file system. */
  pageBytes: number
  /** What was touched. */
  residentBytes: number
  /** What of that is mapped by huge pages. */
  hugeBytes: number
  /** How much of it is on which NUMA node, by its number; empty where the kernel
   * knows none. */
  nodes: number[]
}

export interface WriterStats {
  transport: 'shm'
  path: string
  generation: string
  /** Events written by this object. */
  published: number
  /** The last sequence in the ring. */
  sequence: number
  /** Bytes of slots written by this object. */
  bytes: number
  /** How often sleeping readers were woken. */
  bells: number
  /** How often this object had to make its ring anew. */
  replaced: number
  overflow: 'overwrite' | 'reject'
  /** Events of this ring that it no longer holds. */
  overwritten: number
  /** Events that were refused with `ERR_RING_FULL` by this object. */
  rejected: number
  /** Reliable readers that this object evicted. */
  evicted: number
  /** The reliable readers; empty once this is closed. */
  readers: AttachedReader[]
  /** Slots. */
  capacity: number
  /** Slots for the priority events that are kept apart. */
  priorityEvents: number
  fileBytes: number
  checksums: boolean
  /** `null` for a ring that is left to the system (less than 8 MiB, without
   * `hugePages` and `numaNode`, not on a hugetlbfs), where the kernel tells
   * nothing, and once this is closed. The kernel is asked once a second at
   * most, since that takes it some milliseconds. */
  memory: RingMemory | null
  /** The last failure of the heartbeat, or null. */
  error: IpcError | null
}

export interface LatencyStats {
  /** How many events were measured (a flood is sampled). */
  count: number
  /** Microseconds from the publish to the drain; `null` while count is 0. */
  min: number | null
  mean: number | null
  p50: number | null
  p90: number | null
  p99: number | null
  max: number | null
}

export interface ReaderStats {
  transport: 'shm'
  path: string
  /** What `sequence` belongs to. */
  generation: string
  /** Events delivered. */
  received: number
  /** Events lost; received + lost = published since joining. */
  lost: number
  /** Events received that the ring no longer held: they were kept apart. */
  rescued: number
  /** How often something in the ring did not validate. */
  corrupt: number
  /** Bytes of slots read. */
  bytes: number
  /** The last sequence in the ring. */
  published: number
  /** The last sequence delivered or lost; 0 for none. */
  sequence: number
  /** The priority events up to that one, modulo 2^32; `null` when that is not
   * known. */
  priority: number | null
  capacity: number
  /** Slots for the priority events that are kept apart. */
  priorityEvents: number
  fileBytes: number
  checksums: boolean
  /** `null` for a ring that is left to the system (less than 8 MiB, without
   * `hugePages` and `numaNode`, not on a hugetlbfs), where the kernel tells
   * nothing, and once this is closed. The kernel is asked once a second at
   * most, since that takes it some milliseconds. */
  memory: RingMemory | null
  /** Whether a writer that rejects waits for this reader. */
  reliable: boolean
  latency: LatencyStats
  writer: WriterState
  /** The last failure, or null. */
  error: Error | null
}

export interface ServerStats {
  /** Of the port. Null until it listens, and when there is no port. */
  url: string | null
  port: number | null
  /** The path of the Unix socket, on Windows the name of the pipe, or null when
   * there is none. */
  socket: string | null
  /** Why there is none although there should be: its path would be too long, or
   * the system refuses it. The port serves then. */
  socketError: Error | null
  discoveryFile: string | null
  auth: 'token' | 'none'
  /** Clients that proved that they know the token, and handshakes under way. */
  connections: number
  pending: number
  /** Since the start. `refused` is by reason. */
  admitted: number
  challenged: number
  refused: Record<string, number>
  evicted: number
  /** Clients, and how many of them are up to date. */
  clients: number
  live: number
}

export interface TransportStats {
  transport: ShieldTransport
  generation: string | null
  /** The last sequence. */
  sequence: number
  /** Events published by this object. */
  published: number
  shm: WriterStats | null
  websocket: ServerStats | null
  /** Why one of the two is not used, or WebSocket not on its port. */
  errors: { shm: Error | null; websocket: Error | null }
  /** Why nothing can be written any more, or null. */
  error: Error | null
}

export interface ClientStats {
  transport: ClientTransport
  /** The ring's file, while the ring is read. */
  path: string | null
  /** The server's URL, while WebSocket is used over a port. */
  url: string | null
  /** The path of the server's Unix socket, on Windows the name of its pipe, while
   * WebSocket is used over that. */
  socket: string | null
  /** What `sequence` belongs to. */
  generation: string | null
  /** Events delivered. */
  received: number
  /** Events lost; received + lost = published since joining. */
  lost: number
  /** Events received that the ring no longer held: they were kept apart. */
  rescued: number
  corrupt: number
  bytes: number
  /** The last sequence that is known to be published. */
  published: number
  /** The last sequence delivered or lost; 0 for none. */
  sequence: number
  /** The priority events up to that one, modulo 2^32; `null` when that is not
   * known. */
  priority: number | null
  /** Whether a writer that rejects waits for this reader; `false` over
   * WebSocket. */
  reliable: boolean
  latency: LatencyStats
  writer: WriterState
  /** Why each transport cannot be used at present, or null. */
  errors: { shm: Error | null; websocket: Error | null }
  /** The last failure, or null. */
  error: Error | null
}

/** What a writer of a ring emits. */
export interface SharedMemoryIpcEvents {
  /** There is space again for what `ERR_RING_FULL` refused. Waiting for it does
   * not keep the process running; `writable()` does. */
  drain: []
  /** The ring had to be made anew. */
  replaced: []
  /** What `error` told is over, and the ring is the same. */
  restored: []
  error: [error: Error]
  close: []
}

/** The writer's side: one per ring. */
export class SharedMemoryIpc extends EventEmitter<SharedMemoryIpcEvents> {
  constructor(options?: WriterOptions)
  /** Publishes one threat; returns its sequence. When it throws, nothing was
   * published. */
  writeThreat(threat: ThreatInput): number
  /**
   * Publishes all or none, with one wake-up; returns the last sequence in the
   * ring. `ERR_BATCH_TOO_LARGE` above a quarter of the ring's slots.
   */
  writeThreats(threats: Iterable<ThreatInput>): number
  /**
   * Resolves when what was refused last with `ERR_RING_FULL` can be written, or
   * a threat of one slot when nothing was: at once, unless `overflow` is
   * `reject` and a reliable reader is far behind. Rejects with `ERR_CLOSED`.
   */
  writable(): Promise<void>
  stats(): WriterStats
  /** Open, and the ring still is the one in the directory. */
  isHealthy(): boolean
  /** Releases the lock at once. The ring stays for late readers. */
  close(): Promise<void>
  /** close(), behind which no listener is called, not even that of `close`. */
  dispose(): void
  readonly closed: boolean;
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** What a client uses and how its Shield is. */
export interface ClientState<
  Transport extends string = ClientTransport | 'closed'
> {
  /** `closed` after close(). */
  readonly transport: Transport
  readonly writer: WriterState
  /** Milliseconds since 1970, from when it has been so; `null` once it is
   * closed. */
  readonly since: number | null
  /** A sentence for people: why it is so, and what to do. */
  readonly reason: string
}

export interface WatchOptions {
  /** The least time between two updates: 10 to 60,000 milliseconds. Default 100. */
  everyMs?: number
  /** How many threats of each severity are kept, the newest; 0 to 10,000. Default
   * 200. */
  keep?: number
  /** The least severity of those that are kept; all are counted. Default: all. */
  minSeverity?: SeverityName | number
}

export interface ThreatCounts {
  total: number
  /** How many of them the Shield stopped. */
  blocked: number
  bySeverity: Record<SeverityName | 'Unknown', number>
  byType: Record<ThreatTypeName, number>
}

/** What a watch tells. */
export interface WatchSnapshot {
  /** The newest of each severity, in the order in which they came. Of one with
   * more than 8192 characters there is only the start, and it is `cut`. */
  threats: Threat[]
  /** So many of them came since the update before this, or since the last one;
   * they are the last ones. */
  added: number
  /** Since the watch began. */
  counts: ThreatCounts
  /** Since the watch began: how many were lost, how many of these were priority
   * threats, and how often a number was not known and is not in these two. */
  lost: { count: number; priority: number; unknown: number }
  state: ClientState
}

export interface WatchEvents {
  /** Something changed. The first one comes at once. */
  update: [snapshot: WatchSnapshot]
}

/** A client's threats for something that shows them. */
export interface Watch extends EventEmitter<WatchEvents> {
  snapshot(): WatchSnapshot
  /** The first snapshot, then one whenever there was an update since; holds the
   * process open while it waits. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WatchSnapshot>
  /** Behind this, no listener is called, and loops end. */
  dispose(): void
}

export interface PollOptions {
  /** Nothing else is an option here. */
  signal?: AbortSignal
}

/** What a reader emits, and what its listeners get. */
export interface ShmClientEvents {
  threat: [threat: Threat]
  /** Up to 256 threats that were read together, in order; never empty. */
  threats: [batch: Threat[]]
  lost: [loss: Loss]
  writer: [state: WriterState]
  /** `client.state` is another one. */
  state: [state: ClientState]
  error: [error: Error]
  close: []
}

/** What every reader has, over any transport. */
export interface ThreatReader<
  Events extends Record<keyof Events, any[]> = ShmClientEvents,
  Stats = unknown
> extends EventEmitter<Events> {
  /** Up to `max` (default 256) threats that are there now. Never waits. */
  poll(max?: number): Threat[]
  /**
   * Calls back for every threat until the callback returns (a promise of)
   * `false`, the signal aborts or the client is closed, then resolves. A
   * returned promise is awaited before the next call.
   */
  pollThreats(
    callback: (threat: Threat) => unknown,
    options?: PollOptions
  ): Promise<void>
  [Symbol.asyncIterator](): AsyncIterableIterator<Threat>
  /** A summary for something that shows it: the numbers, and the newest threats. */
  watch(options?: WatchOptions): Watch
  /** How things are now. Another object when that changes. */
  readonly state: ClientState
  stats(): Stats
  /**
   * Writes where this reader stands into a file, for `after: { file }` of the
   * next one: behind the last threat that was delivered, also inside of a
   * callback. Synchronous, so that it works while an editor ends a window; a
   * crash leaves the old file or the new one. The file has mode 0600; folders
   * that are missing are made. Works behind close(), too. `false`: there is no
   * position yet, and the file stays as it was. Throws an IpcError when the
   * file cannot be written.
   */
  savePosition(file: string): boolean
  /** Open, and there is a writer that lives. */
  isHealthy(): boolean
  close(): Promise<void>
  /** close(), behind which no listener is called, not even that of `close`. */
  dispose(): void
  readonly closed: boolean
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** A reader. Any number per ring, each with its own cursor. */
export class ShmClient extends EventEmitter<ShmClientEvents> {
  constructor(options?: ReaderOptions)
}
export interface ShmClient extends ThreatReader<ShmClientEvents, ReaderStats> {}

/** What a reader of IpcFactory emits besides. */
export interface IpcClientEvents extends ShmClientEvents {
  transport: [change: TransportChange<ClientTransport>]
}

/** A reader that uses the ring, or WebSocket while there is none, and keeps its
 * position when it changes between them. */
export interface IpcClient extends ThreatReader<IpcClientEvents, ClientStats> {
  /** Whether events come through shared memory at present. */
  isShmActive(): boolean
}

/** What the Shield's end emits. */
export interface IpcTransportEvents {
  transport: [change: TransportChange<ShieldTransport>]
  /** There is space again for what `ERR_RING_FULL` refused. Waiting for it does
   * not keep the process running; `writable()` does. */
  drain: []
  error: [error: Error]
  close: []
}

/** The Shield's end of shared memory, WebSocket or both. */
export interface IpcTransport extends EventEmitter<IpcTransportEvents> {
  /**
   * Resolves when every transport of the options has started, or has failed
   * while another one works; rejects when none does.
   */
  ready(): Promise<void>
  /** Publishes one threat; returns its sequence. When it throws, nothing was
   * published. */
  writeThreat(threat: ThreatInput): number
  /** Publishes all or none; returns the last sequence. */
  writeThreats(threats: Iterable<ThreatInput>): number
  /** As that of SharedMemoryIpc; resolves at once when there is no ring. */
  writable(): Promise<void>
  stats(): TransportStats
  /** Whether threats go through shared memory at present. */
  isShmActive(): boolean
  /** Open, and everything that is used works. */
  isHealthy(): boolean
  /** Releases the lock at once. The ring stays for late readers. */
  close(): Promise<void>
  /** close(), behind which no listener is called, not even that of `close`. */
  dispose(): void
  readonly closed: boolean
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** Chooses the transport. */
export const IpcFactory: {
  /** Shared memory where it is available and preferred, else WebSocket. */
  createTransport(options?: IpcOptions): IpcTransport
  /** Both. When one cannot start, `transport` and stats() say why, and the other
   * is used. */
  createHybridTransport(options?: IpcOptions): IpcTransport
  /** Shared memory while there is a ring, WebSocket while there is none. Resolves
   * at once, also without a Shield, and delivers when one comes. */
  createClient(options?: IpcOptions): Promise<IpcClient>
}

/** Options of the writer and the reader that BenchmarkClient measures. */
export type BenchmarkOptions = Pick<WriterOptions, 'enableChecksums'> &
  Pick<ReaderOptions, 'latency' | 'spinMicros'>

export type BenchmarkTransport = 'shm' | 'websocket'

export interface LatencyBenchmarkOptions {
  /** Default `shm`. */
  transport?: BenchmarkTransport
  /** How many are measured. Default 200. */
  events?: number
  /** Milliseconds between two events, about. Default 5. */
  pauseMs?: number
}

export interface ThroughputBenchmarkOptions {
  /** Default `shm`. */
  transport?: BenchmarkTransport
  /** How many are measured. Default 100,000. */
  events?: number
  /** Threats for one call of `writeThreats`, 1 to 1024; 1, the default, calls
   * `writeThreat`. */
  batch?: number
}

export interface CompareOptions {
  /** `events` of measureLatency. */
  latencyEvents?: number
  /** `events` of measureThroughput. */
  throughputEvents?: number
  pauseMs?: number
  batch?: number
}

/** Microseconds from before `writeThreat` to the callback. */
export interface LatencyBenchmark {
  transport: BenchmarkTransport
  events: number
  pauseMs: number
  min: number
  mean: number
  p50: number
  p90: number
  p99: number
  max: number
}

export interface ThroughputBenchmark {
  transport: BenchmarkTransport
  events: number
  batch: number
  seconds: number
  eventsPerSecond: number
}

export interface TransportComparison {
  shm: { latency: LatencyBenchmark; throughput: ThroughputBenchmark }
  websocket: { latency: LatencyBenchmark; throughput: ThroughputBenchmark }
  /** Shared memory's figures, divided by those of WebSocket. */
  ratios: { p50: number; p90: number; throughput: number }
}

/**
 * Measures the transports of this package on this machine. A Shield runs in a
 * process of its own, the client in this one, and every field of every event
 * is checked: `ERR_BENCHMARK_FAILED` when one is wrong, or lost.
 */
export class BenchmarkClient {
  constructor(options?: BenchmarkOptions)
  measureLatency(options?: LatencyBenchmarkOptions): Promise<LatencyBenchmark>
  measureThroughput(
    options?: ThroughputBenchmarkOptions
  ): Promise<ThroughputBenchmark>
  /** Both, over shared memory and over WebSocket. */
  compare(options?: CompareOptions): Promise<TransportComparison>
}

/**
 * The options in a TOML file, overridden by the environment
 * (`KINDLY_GUARD_IPC_...`). Without a file, the environment alone.
 */
export function loadConfig(
  file?: string,
  env?: Record<string, string | undefined>
): IpcOptions

/** A place where text is shown. `notification` is whatever takes `$(icon)`s or
 * links in brackets: a status bar, a label, a message. */
export type DisplayPlace = 'plain' | 'terminal' | 'markdown' | 'notification'

/**
 * Text of a threat, safe to show in one line: what is not plainly visible is
 * spelled out (`\u{202e}`, `\n`, and `\\`), and links, HTML and icons that the
 * place would take for its own are text, or broken by a space.
 */
export function displayText(
  text: string,
  options?: {
    /** Default `plain`. */
    for?: DisplayPlace
    /** The most characters, as people count; the last is an ellipsis when it was
     * cut. Default: no limit. */
    limit?: number
  }
): string

/** What this machine offers. */
export const PlatformShm: {
  /** Whether shared memory works here. */
  isAvailable(): boolean
  /** Why not; `null` when it is available. */
  unavailableReason(): string | null
  /** The default directory; made when missing. */
  directory(): string
  /** The path of the ring file with these options; it need not exist. */
  path(options?: LocationOptions): string
  /** How checksums are computed: `sse4.2`, `armv8-crc` or `portable`. */
  checksumMethod(): string
}

/**
 * Every error of this package that does not blame an argument. Decide by its
 * `code`: where this package is loaded twice, there are two such classes.
 */
export class IpcError extends Error {
  /** Stable: `ERR_NO_RING`, `ERR_RING_LOCKED`, ... */
  readonly code: string
  /** What JSON has of it. */
  toJSON(): { name: string; code: string; message: string }
}
