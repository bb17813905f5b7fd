// The whole API as a CommonJS consumer sees it. Compiled by types.test.js,
// never run. consumer.mts is the same for `import`.
import kindly = require('kindly-guard-ipc')
import type { ExtensionContext } from 'vscode'
import type {
  AttachedReader,
  BenchmarkOptions,
  BenchmarkTransport,
  CompareOptions,
  LatencyBenchmarkOptions,
  ThroughputBenchmarkOptions,
  ClientStats,
  ClientTransport,
  DisplayPlace,
  ClientState,
  ThreatCounts,
  Watch,
  WatchEvents,
  WatchOptions,
  WatchSnapshot,
  IpcClient,
  IpcClientEvents,
  HugePages,
  IpcOptions,
  IpcTransport,
  IpcTransportEvents,
  LatencyBenchmark,
  ServerStats,
  ShieldTransport,
  ThreatReader,
  ThroughputBenchmark,
  TransportChange,
  TransportComparison,
  TransportStats,
  WebSocketOptions,
  LatencyStats,
  LocationOptions,
  Loss,
  PollOptions,
  Position,
  PositionFile,
  PrioritySeverity,
  ReaderOptions,
  ReaderStats,
  RingMemory,
  SeverityName,
  SharedMemoryIpcEvents,
  ShmClientEvents,
  Threat,
  ThreatInput,
  ThreatTypeName,
  WriterOptions,
  WriterState,
  WriterStats
} from 'kindly-guard-ipc'

const {
  displayText,
  IpcFactory,
  loadConfig,
  PlatformShm,
  Severity,
  ThreatType
} = kindly
// A class is a value and a type, so it is imported as both.
import BenchmarkClient = kindly.BenchmarkClient
import IpcError = kindly.IpcError
import SharedMemoryIpc = kindly.SharedMemoryIpc
import ShmClient = kindly.ShmClient

// --- The Shield's side ----------------------------------------------------

const typeName: ThreatTypeName = 'InjectionAttempt'
const severityName: SeverityName = 'High'
const prioritySeverity: PrioritySeverity = severityName
const noPriority: PrioritySeverity = 'none'
const lane: WriterOptions = { prioritySeverity, priorityEvents: 256 }
const typeNumber: 5 = ThreatType.PathTraversal
const severityNumber: 4 = Severity.Critical

const least: ThreatInput = {
  threatType: typeName,
  severity: severityName,
  source: 'editor',
  details: 'ignore all previous instructions'
}
const most: ThreatInput = {
  threatType: typeNumber,
  severity: severityNumber,
  source: 'editor',
  details: '../../etc/passwd',
  blocked: true,
  timestampUs: 1_700_000_000_000_000,
  id: 'own-1',
  context: { file: 'a.ts', line: 3, tags: ['x', null] }
}

export function write(): number {
  const location: LocationOptions = { dir: '/nowhere', name: 'kg' }
  const options: WriterOptions = {
    ...location,
    maxEvents: 1000,
    bufferSize: '1MB',
    enableChecksums: true,
    overflow: 'reject',
    readerTimeoutMs: 5000,
    maxEventBytes: '2MB',
    strictContext: true,
    hugePages: 'require',
    numaNode: 'interleave'
  }
  const shield = new SharedMemoryIpc(options)
  const sequence: number = shield.writeThreat(least)
  const last: number = shield.writeThreats(new Set([least, most]))
  const stats: WriterStats = shield.stats()
  const memory: RingMemory | null = stats.memory
  const pages: HugePages = memory?.hugeBytes === 0 ? 'off' : 'require'
  const nodes: number[] = memory?.nodes ?? []
  void [pages, nodes]
  const transport: 'shm' = stats.transport
  const failure: IpcError | null = stats.error
  const numbers: number[] = [
    stats.published,
    stats.sequence,
    stats.bytes,
    stats.bells,
    stats.replaced,
    stats.overwritten,
    stats.rejected,
    stats.evicted,
    stats.capacity,
    stats.fileBytes
  ]
  const texts: string[] = [stats.path, stats.generation, transport]
  const flags: boolean[] = [stats.checksums, shield.isHealthy(), shield.closed]
  const overflow: 'overwrite' | 'reject' = stats.overflow
  const readers: AttachedReader[] = stats.readers
  for (const { cell, cursor, lag, evicted, alive } of readers) {
    numbers.push(cell, cursor, lag)
    flags.push(evicted, alive)
  }
  const names: (keyof SharedMemoryIpcEvents)[] = ['drain', 'replaced']
  for (const name of names) shield.removeAllListeners(name)
  const writable: Promise<void> = shield.writable()
  shield.on('drain', () => void shield.writeThreat(most))
  shield.on('error', (error) => error.message)
  void [overflow, writable]
  const closed: Promise<void> = shield.close()
  shield[Symbol.dispose]()
  const disposed: Promise<void> = shield[Symbol.asyncDispose]()
  void [closed, disposed, failure, numbers, texts, flags]
  return sequence + last
}

export function writeWrongly(shield: SharedMemoryIpc): void {
  // @ts-expect-error No severity has this name.
  shield.writeThreat({ ...least, severity: 'Severe' })
  // @ts-expect-error No threat type has this name.
  shield.writeThreat({ ...least, threatType: 'Injection' })
  // @ts-expect-error The details are missing.
  shield.writeThreat({ threatType: 1, severity: 1, source: 'editor' })
  // @ts-expect-error A flag is a boolean.
  shield.writeThreat({ ...least, blocked: 'yes' })
  // @ts-expect-error One threat is not a list of them.
  shield.writeThreats(least)
  // @ts-expect-error There is no such option.
  void new SharedMemoryIpc({ maxEvent: 1000 })
  // @ts-expect-error A reader's option is none of the writer's.
  void new SharedMemoryIpc({ from: 'latest' })
  // @ts-expect-error Freezing is the reader's.
  void new SharedMemoryIpc({ freeze: true })
  // @ts-expect-error It is Unknown or one of the names.
  shield.writeThreat({ ...least, severity: 'unknown' })
  // @ts-expect-error A number of events is a number.
  void new SharedMemoryIpc({ maxEvents: '1000' })
  // @ts-expect-error There is no such policy.
  void new SharedMemoryIpc({ overflow: 'block' })
  // @ts-expect-error A node is a number.
  void new SharedMemoryIpc({ numaNode: 'first' })
  // @ts-expect-error There are no such pages.
  void new SharedMemoryIpc({ hugePages: true })
  // @ts-expect-error The pages are where the writer puts them.
  void new ShmClient({ numaNode: 0 })
  // @ts-expect-error A time is a number.
  void new SharedMemoryIpc({ readerTimeoutMs: '5s' })
  // @ts-expect-error A reader is reliable, a writer rejects.
  void new SharedMemoryIpc({ reliable: true })
  // @ts-expect-error There is no such event.
  shield.on('full', () => undefined)
  // @ts-expect-error Reading is the client's.
  shield.poll()
  // @ts-expect-error The enumerations do not change.
  ThreatType.Unknown = 1
}

// --- The extension's side -------------------------------------------------

function take(threat: Threat): string {
  const type: ThreatTypeName = threat.threatType
  const severity: SeverityName | 'Unknown' = threat.severity
  const texts: string[] = [
    threat.id,
    threat.source,
    threat.details,
    type,
    severity
  ]
  const numbers: number[] = [threat.sequence, threat.timestampUs]
  const blocked: boolean = threat.blocked
  const typeCode: number | undefined = threat.threatTypeCode
  const severityCode: number | undefined = threat.severityCode
  const context: unknown = threat.context
  const cut: true | undefined = threat.cut
  // What comes out can go in.
  const input: ThreatInput = threat
  void [cut, input.threatTypeCode, input.severityCode]
  return [...texts, numbers, blocked, typeCode, severityCode, context].join()
}

function tell(loss: Loss): string {
  // The account of a loss whose size nobody can know has no numbers at all.
  const count: number | null = loss.count
  const range: (number | null)[] = [loss.from, loss.to]
  switch (loss.reason) {
    case 'overwritten':
    case 'corrupt':
    case 'evicted':
    case 'replaced':
    case 'before-join':
      return `${loss.generation} ${count} ${range.join()}`
    default: {
      const none: never = loss.reason
      return none
    }
  }
}

const events: (keyof ShmClientEvents)[] = [
  'threat',
  'threats',
  'lost',
  'writer',
  'error',
  'close'
]

export async function read(signal: AbortSignal): Promise<void> {
  const options: ReaderOptions = {
    dir: '/nowhere',
    name: 'kg',
    from: 'oldest',
    reliable: true,
    spinMicros: 0,
    latency: 'idle',
    maxEventBytes: 65536,
    freeze: true
  }
  const client = new ShmClient(options)
  const same: ShmClient = client
    .on('threat', (threat) => take(threat))
    .on('threats', (threats) => threats.map(take))
    .on('lost', (loss) => tell(loss))
    .on('writer', (state: WriterState) => state.toUpperCase())
    .on('error', (error) => error.message)
    .on('close', () => undefined)
  void same
  for (const name of events) client.removeAllListeners(name)
  client.once('threat', take).off('threat', take)

  const batch: Threat[] = client.poll().concat(client.poll(10))
  batch.forEach(take)
  const poll: PollOptions = { signal }
  await client.pollThreats((threat) => threat.blocked, poll)
  await client.pollThreats(async (threat) => take(threat) !== '')
  for await (const threat of client) take(threat)

  const stats: ReaderStats = client.stats()
  const latency: LatencyStats = stats.latency
  const times: (number | null)[] = [
    latency.count,
    latency.min,
    latency.mean,
    latency.p50,
    latency.p90,
    latency.p99,
    latency.max
  ]
  const numbers: number[] = [
    stats.received,
    stats.lost,
    stats.corrupt,
    stats.bytes,
    stats.published,
    stats.sequence,
    stats.capacity,
    stats.fileBytes
  ]
  const texts: string[] = [
    stats.transport,
    stats.path,
    stats.generation,
    stats.writer
  ]
  const failure: Error | null = stats.error
  const flags: boolean[] = [
    stats.checksums,
    stats.reliable,
    client.isHealthy(),
    client.closed
  ]
  const { generation, sequence } = stats
  const after: Position = { generation, sequence, priority: null }
  void new ShmClient({ after })
  const saved: PositionFile = { file: '/tmp/position.json' }
  void new ShmClient({ after: saved, from: 'oldest' })
  const isSaved: boolean = client.savePosition(saved.file)
  for (const threat of client.poll()) void new ShmClient({ after: threat })
  void [times, numbers, texts, failure, flags, isSaved]
  await client.close()
  client[Symbol.dispose]()
  await client[Symbol.asyncDispose]()
}

export function readWrongly(client: ShmClient): void {
  // @ts-expect-error A threat is not a string.
  client.on('threat', (threat: string) => threat.trim())
  // @ts-expect-error A loss is not a threat.
  client.on('lost', (threat: Threat) => take(threat))
  // @ts-expect-error The closing brings nothing.
  client.on('close', (reason: string) => reason.trim())
  // @ts-expect-error A batch is a list.
  client.on('threats', (threat: Threat) => take(threat))
  // @ts-expect-error A place has its generation.
  void new ShmClient({ after: { sequence: 7 } })
  // @ts-expect-error A file is all of a place.
  void new ShmClient({ after: { file: 'x', sequence: 7 } })
  // @ts-expect-error A position is saved somewhere.
  client.savePosition()
  // @ts-expect-error Rejecting is the writer's.
  void new ShmClient({ overflow: 'reject' })
  // @ts-expect-error There is no such place to begin.
  void new ShmClient({ from: 'newest' })
  // @ts-expect-error There is no such preset.
  void new ShmClient({ latency: 'high' })
  // @ts-expect-error A writer's option is none of the reader's.
  void new ShmClient({ maxEvents: 1000 })
  // @ts-expect-error A context is the writer's.
  void new ShmClient({ strictContext: true })
  // @ts-expect-error A number of threats is a number.
  client.poll('all')
  // @ts-expect-error The callback is missing.
  void client.pollThreats()
  // @ts-expect-error A controller is not its signal.
  void client.pollThreats(take, { signal: new AbortController() })
  // @ts-expect-error Writing is the Shield's.
  client.writeThreat(least)
  // @ts-expect-error It is closed by close().
  client.closed = true
}

// --- Both transports ------------------------------------------------------

export async function serve(): Promise<TransportStats> {
  const websocket: WebSocketOptions = {
    enabled: true,
    host: '127.0.0.1',
    port: 0,
    auth: 'token',
    maxClients: 10,
    maxBufferedBytes: '1MB',
    heartbeatMs: 1000,
    stallTimeoutMs: 1000,
    handshakeTimeoutMs: 1000
  }
  const options: IpcOptions = { maxEvents: 1000, preferShm: true, websocket }
  const shield: IpcTransport = IpcFactory.createHybridTransport(options)
  const same: IpcTransport = IpcFactory.createTransport()
  shield.on('transport', (change) => {
    const { from, to, reason }: TransportChange<ShieldTransport> = change
    void [from, to, reason.trim()]
  })
  shield.on('error', (error) => error.message)
  shield.on('drain', () => undefined)
  await shield.ready()
  await shield.writable()
  const sequences: number[] = [
    shield.writeThreat(least),
    shield.writeThreats([most])
  ]
  const flags: boolean[] = [
    shield.isShmActive(),
    shield.isHealthy(),
    shield.closed
  ]
  const stats: TransportStats = shield.stats()
  const server: ServerStats | null = stats.websocket
  const ring: WriterStats | null = stats.shm
  const events: (keyof IpcTransportEvents)[] = [
    'transport',
    'drain',
    'error',
    'close'
  ]
  void [sequences, flags, server?.refused['origin'], ring?.path, events]
  // @ts-expect-error There is no such host as a name.
  void ({ host: 1 } satisfies WebSocketOptions)
  // @ts-expect-error There is no such authentication.
  IpcFactory.createTransport({ websocket: { auth: 'password' } })
  // @ts-expect-error It is not made by hand.
  void new IpcTransport()
  shield[Symbol.dispose]()
  await shield[Symbol.asyncDispose]()
  await same.close()
  return stats
}

export function display(context: ExtensionContext, client: IpcClient): Watch {
  context.subscriptions.push(client)
  const options: WatchOptions = { everyMs: 50, keep: 10, minSeverity: 'High' }
  const watch: Watch = client.watch(options)
  context.subscriptions.push(watch)
  const events: (keyof WatchEvents)[] = ['update']
  watch.on('update', ({ threats, added, counts, lost, state }) => {
    const newest: Threat | undefined = threats.slice(-added)[0]
    const { total, bySeverity, byType }: ThreatCounts = counts
    const sums: number[] = [total, bySeverity.Critical, byType.Unknown]
    const losses: number[] = [lost.count, lost.priority, lost.unknown]
    const { transport, writer, since, reason }: ClientState = state
    void [newest, sums, losses, transport, writer, since?.toFixed(), reason]
  })
  const snapshot: WatchSnapshot = watch.snapshot()
  client.on('state', ({ reason }: ClientState) => void reason)
  // @ts-expect-error It is changed by the client alone.
  client.state.reason = ''
  void [events, snapshot, client.state.transport === 'closed']
  return watch
}

export async function follow(): Promise<ClientStats> {
  const place: DisplayPlace = 'markdown'
  const shown: string = displayText('x', { for: place, limit: 9 })
  void shown
  // @ts-expect-error no such place
  displayText('x', { for: 'browser' })
  const options: IpcOptions = loadConfig('/nowhere/kindly-guard.toml')
  const fromEnvironment: IpcOptions = loadConfig(undefined, { PATH: '' })
  const client: IpcClient = await IpcFactory.createClient(options)
  const reader: ThreatReader<IpcClientEvents, ClientStats> = client
  const events: (keyof IpcClientEvents)[] = ['threat', 'lost', 'transport']
  client.on('transport', ({ to }: TransportChange<ClientTransport>) => {
    const name: 'shm' | 'websocket' | 'connecting' = to
    void name
  })
  client.on('threat', take)
  await client.pollThreats(take)
  for await (const threat of client) take(threat)
  const active: boolean = client.isShmActive()
  const { path, url, socket, errors, reliable }: ClientStats = client.stats()
  client.on('threats', (threats) => threats.map(take))
  void [fromEnvironment, events, active, reliable]
  void [path, url, socket, errors.websocket?.message]
  // @ts-expect-error A client is a promise at first.
  IpcFactory.createClient().poll()
  // @ts-expect-error There is no such event.
  client.on('transports', () => undefined)
  // @ts-expect-error Writing is the Shield's.
  client.writeThreat(least)
  return reader.stats()
}

// --- Measuring --------------------------------------------------------------

export async function measure(): Promise<number> {
  const options: BenchmarkOptions = { enableChecksums: true, latency: 'low' }
  const client = new BenchmarkClient(options)
  void new BenchmarkClient()
  const transport: BenchmarkTransport = 'websocket'
  const single: LatencyBenchmarkOptions = { transport, events: 10, pauseMs: 1 }
  const many: ThroughputBenchmarkOptions = { events: 1000, batch: 64 }
  const few: CompareOptions = { pauseMs: 2, latencyEvents: 10 }
  const latency: LatencyBenchmark = await client.measureLatency(single)
  const { eventsPerSecond, batch }: ThroughputBenchmark =
    await client.measureThroughput(many)
  const both: TransportComparison = await client.compare(few)
  // @ts-expect-error There are two transports.
  void client.measureLatency({ transport: 'zeromq' })
  // @ts-expect-error It makes a ring of its own.
  void new BenchmarkClient({ dir: '/dev/shm' })
  const { ratios, shm, websocket } = both
  return (
    latency.p50 +
    eventsPerSecond +
    batch +
    ratios.throughput +
    shm.latency.p99 +
    websocket.throughput.seconds
  )
}

// --- The rest -------------------------------------------------------------

export function look(): string {
  const available: boolean = PlatformShm.isAvailable()
  const reason: string | null = PlatformShm.unavailableReason()
  const texts: string[] = [
    PlatformShm.directory(),
    PlatformShm.path(),
    PlatformShm.path({ name: 'kg' }),
    PlatformShm.checksumMethod()
  ]
  // @ts-expect-error It is no class.
  void new PlatformShm()
  return [available, reason, ...texts].join()
}

export function isMissing(error: unknown): boolean {
  if (!(error instanceof IpcError)) return false
  const asError: Error = error
  const { name, code, message } = error.toJSON()
  const texts: string[] = [name, code, message]
  void texts
  // @ts-expect-error A code is stable.
  error.code = 'ERR_OTHER'
  return error.code === 'ERR_NO_RING' && asError.message !== ''
}
