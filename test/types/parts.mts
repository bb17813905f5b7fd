// The parts of the package as a consumer sees them who imports. Compiled by
// types.test.js, never run. parts.cts is the same for `require`.
import reading, {
  createClient,
  displayText,
  IpcError,
  PlatformShm,
  Severity,
  ShmClient,
  ThreatType
} from 'kindly-guard-ipc/client'
import writing, {
  createHybridTransport,
  createTransport,
  loadConfig,
  SharedMemoryIpc
} from 'kindly-guard-ipc/shield'
import type * as whole from 'kindly-guard-ipc'
import type {
  ClientStats,
  IpcClient,
  IpcOptions,
  Threat
} from 'kindly-guard-ipc/client'
import type { IpcTransport, ThreatInput } from 'kindly-guard-ipc/shield'

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
