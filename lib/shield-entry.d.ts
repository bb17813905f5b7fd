import { IpcFactory } from './index.js'

export type * from './index.js'
export {
  IpcError,
  loadConfig,
  PlatformShm,
  Severity,
  SharedMemoryIpc,
  ThreatType
} from './index.js'

/** `IpcFactory.createTransport` of the whole package. */
export const createTransport: typeof IpcFactory.createTransport

/** `IpcFactory.createHybridTransport` of the whole package. */
export const createHybridTransport: typeof IpcFactory.createHybridTransport
