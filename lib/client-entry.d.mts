// The types for `import`: those of `require`, and a default export.
import cjs from './client-entry.js'

export * from './client-entry.js'
export default cjs
