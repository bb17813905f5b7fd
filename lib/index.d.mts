// The types for `import`: those of `require`, and a default export.
import cjs from './index.js'

export * from './index.js'
export default cjs
