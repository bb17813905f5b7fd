// The same for `import`, which loads all of it, since a name that is imported has
// its value at once.
import cjs from './client-entry.js'

export const {
  createClient,
  ShmClient,
  PlatformShm,
  ThreatType,
  Severity,
  IpcError,
  displayText
} = cjs

export default cjs
