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
  /** A name, or a number from 0 to 255 that is carried as it is. */
  severity: SeverityName | number
  /** Where it was found. Any length that the ring holds; 64 bytes are free. */
  source: string
  /** What was found. Any length that the ring holds; 256 bytes are free. */
  details: string
  /** Whether the Shield stopped it. Default `false`. */
  blocked?: boolean
  /** Microseconds since 1970. Default: now. */
  timestampUs?: number
  /** An id of your own. Default: `<generation>-<sequence>`. */
  id?: string
  /** Anything that JSON carries. */
  context?: unknown
}

/** A threat as the extension gets it: a plain object. */
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
  /** What the writer sent as `context`; absent when it sent none. */
  context?: unknown
  /** The number of a type without a name; absent otherwise. */
  threatTypeCode?: number
  /** The number of a severity without a name; absent otherwise. */
  severityCode?: number
}

/** Events that a reader did not get. */
export interface Loss {
  /** How many; `null` when nobody can know. */
  count: number | null
  /** The first and the last sequence of the gap; `null` with `count`. */
  from: number | null
  to: number | null
  /** 16 hex digits, the ring that the sequences belong to. */
  generation: string
  /** `before-join` is told for information and is outside the account. */
  reason: 'overwritten' | 'corrupt' | 'evicted' | 'replaced' | 'before-join'
}

/** `live`, `stalled` (holds its lock, gives no sign), or `gone`. */
export type WriterState = 'live' | 'stalled' | 'gone'

export interface LocationOptions {
  /** The ring's directory. Default: `PlatformShm.directory()`. */
  dir?: string
  /** The ring's name: letters, digits, `.`, `_`, `-`. Default `kindly-guard`. */
  name?: string
}

export interface WriterOptions extends LocationOptions {
  /**
   * At least so many slots, rounded up to a power of two. Default: those of
   * the ring that is there, 1000 for a new one.
   */
  maxEvents?: number
  /** The file may not be larger: bytes, or a string like `"1MB"` (2^20). */
  bufferSize?: number | string
  /** CRC32C of every slot. Default `true`. */
  enableChecksums?: boolean
}

export interface ReaderOptions extends LocationOptions {
  /** Where reading begins. A number delivers that sequence first. Default `latest`. */
  from?: 'latest' | 'oldest' | number
  /** How long to spin for the next event before sleeping, 0 to 1,000,000. */
  spinMicros?: number
  /** A preset of `spinMicros`: `idle` 0, `balanced` 50 (default), `low` 2000. */
  latency?: 'idle' | 'balanced' | 'low'
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
  /** Times that sleeping readers were woken. */
  bells: number
  /** Times that the ring had to be made anew under this object. */
  replaced: number
  /** Slots. */
  capacity: number
  fileBytes: number
  checksums: boolean
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
  generation: string
  /** Events delivered. */
  received: number
  /** Events lost; received + lost = published since joining. */
  lost: number
  /** Times that something in the ring did not validate. */
  corrupt: number
  /** Bytes of slots read. */
  bytes: number
  /** The last sequence in the ring. */
  published: number
  /** The last sequence delivered or lost; 0 for none. */
  sequence: number
  capacity: number
  fileBytes: number
  checksums: boolean
  latency: LatencyStats
  writer: WriterState
  /** The last failure, or null. */
  error: Error | null
}

/** The writer's side: one per ring. */
export class SharedMemoryIpc extends EventEmitter {
  constructor(options?: WriterOptions)
  /** Publishes one threat; returns its sequence. Throws, the ring untouched. */
  writeThreat(threat: ThreatInput): number
  /** Publishes all or none; returns the last sequence in the ring. */
  writeThreats(threats: Iterable<ThreatInput>): number
  stats(): WriterStats
  /** Open, and the ring still is the one in the directory. */
  isHealthy(): boolean
  /** Releases the lock at once. The ring stays for late readers. */
  close(): Promise<void>
  readonly closed: boolean;
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

export interface PollOptions {
  signal?: AbortSignal
}

/** What a reader emits, and what its listeners get. */
export interface ShmClientEvents {
  threat: [threat: Threat]
  lost: [loss: Loss]
  writer: [state: WriterState]
  error: [error: Error]
  close: []
}

/** A reader. Any number per ring, each with its own cursor. */
export class ShmClient extends EventEmitter<ShmClientEvents> {
  constructor(options?: ReaderOptions)
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
  stats(): ReaderStats
  /** Open, and somebody alive writes to the ring. */
  isHealthy(): boolean
  close(): Promise<void>
  readonly closed: boolean;
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

/** What this machine offers. */
export const PlatformShm: {
  /** Whether shared memory works here. */
  isAvailable(): boolean
  /** Why not; `null` when it is available. */
  unavailableReason(): string | null
  /** The default directory; made when missing. */
  directory(): string
  /** The ring file that these options mean. */
  path(options?: LocationOptions): string
  /** How checksums are computed: `sse4.2`, `armv8-crc` or `portable`. */
  checksumMethod(): string
}

/** Every error this package throws on its own account. */
export class IpcError extends Error {
  /** Stable: `ERR_NO_RING`, `ERR_RING_LOCKED`, ... */
  readonly code: string
}
