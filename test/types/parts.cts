// The parts of the package as a CommonJS consumer sees them. Compiled by
// types.test.js, never run. parts.mts is the same for `import`.
import reading = require('kindly-guard-ipc/client')
import writing = require('kindly-guard-ipc/shield')
import whole = require('kindly-guard-ipc')
import type {
  ClientStats,
  IpcClient,
  IpcOptions,
  Threat
} from 'kindly-guard-ipc/client'
import type { IpcTransport, ThreatInput } from 'kindly-guard-ipc/shield'

const { createClient, displayText, PlatformShm, Severity, ThreatType } = reading
const { createHybridTransport, createTransport, loadConfig } = writing
import IpcError = reading.IpcError
import SharedMemoryIpc = writing.SharedMemoryIpc
import ShmClient = reading.ShmClient

export async function read(options: IpcOptions): Promise<ClientStats> {
  const client: IpcClient = await createClient(options)
  client.on('threat', ({ details, severity }: Threat) => {
    displayText(`${details} ${Severity.Low} ${severity} ${ThreatType.Unknown}`)
  })
  const ring: whole.ShmClient = new ShmClient()
  await ring.close()
  if (!PlatformShm.isAvailable()) throw new IpcError()
  // @ts-expect-error Writing is the Shield's.
  void reading.createTransport
  // @ts-expect-error It is a type here, and not a value.
  void new reading.SharedMemoryIpc()
  return client.stats()
}

export function write(threat: ThreatInput): IpcTransport {
  const shield: whole.IpcTransport = createTransport(loadConfig())
  shield.writeThreat(threat)
  const ring: whole.SharedMemoryIpc = new SharedMemoryIpc()
  ring.writeThreat(threat)
  // @ts-expect-error Reading is the extension's.
  void writing.createClient
  // @ts-expect-error There is no such option.
  createHybridTransport({ wrong: true })
  return shield
}
