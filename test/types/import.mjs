// Run by types.test.js in a process of its own: imports everything by name,
// which fails before the first line runs if one of the names is not there.
import byDefault, {
  BenchmarkClient,
  IpcError,
  PlatformShm,
  Severity,
  SharedMemoryIpc,
  ShmClient,
  ThreatType
} from 'kindly-guard-ipc'
import * as everything from 'kindly-guard-ipc'
import { createRequire } from 'node:module'

const required = createRequire(import.meta.url)('kindly-guard-ipc')
const imported = {
  BenchmarkClient,
  IpcError,
  PlatformShm,
  Severity,
  SharedMemoryIpc,
  ShmClient,
  ThreatType
}

// Both ways must lead to the same objects: an error that one half throws has
// to be an `instanceof` what the other half holds.
const same = Object.keys(imported).every(
  (name) => imported[name] !== undefined && imported[name] === required[name]
)
process.stdout.write(
  JSON.stringify({
    names: Object.keys(everything).sort(),
    same: same && byDefault === required
  })
)
