// The types for `import`: those of `require`, and a default export.
import cjs from './shield-entry.js'

export * from './shield-entry.js'
export default cjs
