// The same API for `import`. Each name is written out, because what an
// `import` of CommonJS finds by itself depends on how index.js is written.
import cjs from './index.js'

export const {
  SharedMemoryIpc,
  ShmClient,
  IpcFactory,
  PlatformShm,
  BenchmarkClient,
  ThreatType,
  Severity,
  IpcError,
  displayText,
  loadConfig
} = cjs

export default cjs
