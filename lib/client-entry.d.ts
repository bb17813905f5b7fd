import { IpcFactory } from './index.js'

export type * from './index.js'
export {
  displayText,
  IpcError,
  PlatformShm,
  Severity,
  ShmClient,
  ThreatType
} from './index.js'

/** `IpcFactory.createClient` of the whole package. */
export const createClient: typeof IpcFactory.createClient
