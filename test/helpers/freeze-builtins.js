'use strict'
// Required in front of a program: freezes what JavaScript itself has, as some
// hosts do.

const names = Object.getOwnPropertyNames(globalThis).filter((name) =>
  /^(?:[A-Z][A-Za-z0-9]*(?:Array|Error|Buffer|Map|Set|Ref)|Array|BigInt|Boolean|Date|Error|Function|Map|Number|Object|Promise|Proxy|Reflect|RegExp|Set|String|Symbol|JSON|Math)$/.test(
    name
  )
)
for (const name of names) {
  // Node's own Buffer keeps its pool there.
  if (name === 'Buffer') continue
  const value = globalThis[name]
  Object.freeze(value)
  if (value.prototype !== undefined) Object.freeze(value.prototype)
}
