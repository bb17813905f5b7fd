'use strict'
// Values and texts that are almost what they should be, for property tests:
// what is quite random is refused at the first look.

const fc = require('fast-check')
const { anyText } = require('./any-text.js')

const MAX = Number.MAX_SAFE_INTEGER

/** What stands where something else belongs. */
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    ...['', '0', '1', 'latest', '__proto__', '0123456789abcdef', '\ud800'],
    ...[0, -0, 1, -1, 1.5, MAX, MAX + 1, 2 ** 64, -(2 ** 53), 1e300],
    ...[null, true, false, [], {}, [[]], { length: 5 }, '127.0.0.1', '\0']
  )
)

/** A place in a value: at each level the key with this number. */
const place = fc.array(fc.nat(20), { minLength: 1, maxLength: 3 })

/** One change: how, where, and with what. */
const change = fc.record({
  how: fc.constantFrom('replace', 'replace', 'remove', 'add', 'swap'),
  where: place,
  key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'type', 'toString')),
  value: anything
})

const isContainer = (value) => typeof value === 'object' && value !== null

/** Puts an own property there, `__proto__`, too. */
const put = (target, key, value) =>
  Object.defineProperty(target, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true
  })

function apply(whole, { how, where, key, value }) {
  let holder = whole
  let name
  for (const step of where) {
    const names = Object.keys(holder)
    if (names.length === 0) return
    name = names[step % names.length]
    if (!isContainer(holder[name]) || step === where.at(-1)) break
    holder = holder[name]
  }
  // A copy: two changes may have the same list, and then it would hold itself.
  if (how === 'replace') put(holder, name ?? key, structuredClone(value))
  else if (how === 'remove') delete holder[name]
  else if (how === 'add') put(holder, key, structuredClone(value))
  else put(holder, Object.keys(holder)[0] ?? key, holder[name])
}

/**
 * Values as JSON has them, a few changes away from `valid`.
 * @param {object} valid
 */
const nearly = (valid) =>
  fc.array(change, { maxLength: 3 }).map((changes) => {
    const copy = structuredClone(valid)
    for (const one of changes) {
      if (isContainer(copy)) apply(copy, one)
    }
    return copy
  })

/**
 * Texts a few changes away from those that `texts` makes: cut, doubled, with
 * other characters.
 * @param {fc.Arbitrary<string>} texts
 */
const nearlyText = (texts) =>
  fc
    .tuple(
      texts,
      fc.array(
        fc.tuple(
          fc.constantFrom('cut', 'insert', 'remove', 'double'),
          fc.nat(),
          fc.oneof(
            anyText({ maxLength: 4 }),
            fc.constantFrom('"', '{', '}', '[', ']', '=', '\n', '\\', ',', '#')
          )
        ),
        { maxLength: 3 }
      )
    )
    .map(([text, changes]) =>
      changes.reduce((all, [how, nat, more]) => {
        const at = nat % (all.length + 1)
        if (how === 'cut') return all.slice(0, at)
        if (how === 'insert') return all.slice(0, at) + more + all.slice(at)
        if (how === 'remove') return all.slice(0, at) + all.slice(at + 1)
        return all.slice(0, at) + all.slice(0, at) + all.slice(at)
      }, text)
    )

/**
 * In a `describe` whose properties are cheap: so many runs of each, unless
 * `npm run fuzz` runs them for a time.
 * @param {number} numRuns
 */
function useRuns(numRuns) {
  let before

  beforeEach(() => {
    before = fc.readConfigureGlobal()
    fc.configureGlobal({ numRuns, ...before })
  })

  afterEach(() => fc.configureGlobal(before))
}

module.exports = { anything, nearly, nearlyText, useRuns }
