// The same for `import`, which loads all of it, since a name that is imported has
// its value at once.
import cjs from './shield-entry.js'

export const {
  createTransport,
  createHybridTransport,
  SharedMemoryIpc,
  PlatformShm,
  ThreatType,
  Severity,
  IpcError,
  loadConfig
} = cjs

export default cjs
