'use strict'
// The Authorization of a client that proves that it knows the token, and what
// can be wrong with one.

const { createToken } = require('../../lib/websocket/auth.js')

const TOKEN = createToken()

/** The header, as Node has headers. */
const authorization = (value) => ['Authorization', value]

/** The two nonces and the proof in an Authorization. */
function parts(value) {
  const [nonce, challenge, proof] = value.match(/[0-9a-f]{64,}/g)
  return { nonce, challenge, proof }
}

const join = ({ nonce, challenge, proof }) =>
  `KindlyGuard nonce="${nonce}", challenge="${challenge}", proof="${proof}"`

/** Another digit, at an index from the front or, if negative, the end. */
function altered(digits, index = 0) {
  const at = index < 0 ? digits.length + index : index
  const digit = digits[at] === '0' ? '1' : '0'
  return digits.slice(0, at) + digit + digits.slice(at + 1)
}

/** The same Authorization with one part changed. */
const change = (key, how) => (value) => {
  const all = parts(value)
  return join({ ...all, [key]: how(all[key]) })
}

/** Changes of a good Authorization that all make it a bad one. */
const SPOILED = {
  empty: () => '',
  'another scheme': (value) => value.replace('KindlyGuard', 'Bearer'),
  'the scheme in lower case': (value) => value.toLowerCase(),
  'a digit in upper case': change('nonce', (nonce) => nonce.replace(/./, 'A')),
  'truncated by a character': (value) => value.slice(0, -1),
  'half of it': (value) => value.slice(0, value.length / 2),
  'a truncated proof': change('proof', (proof) => proof.slice(2)),
  'no proof': (value) => value.replace(/, proof=.*/, ''),
  'an empty proof': change('proof', () => ''),
  'zeros as proof': change('proof', () => '0'.repeat(64)),
  'one more byte of proof': change('proof', (proof) => `${proof}00`),
  'another first digit of proof': change('proof', (proof) => altered(proof)),
  'another last digit of proof': change('proof', (proof) => altered(proof, -1)),
  'one more part': (value) => `${value}, more="1"`,
  'twice in one header': (value) => `${value}, ${value}`,
  'another order': (value) => value.replace(/(n.*?"), (c.*?"),/, '$2, $1,'),
  'no quotes': (value) => value.replaceAll('"', ''),
  'a tab': (value) => value.replace(', ', ',\t'),
  'the token itself': () => `Bearer ${TOKEN}`,
  'another client nonce': change('nonce', (nonce) => altered(nonce)),
  'a challenge that expires later': change('challenge', (nonce) =>
    altered(nonce, 2)
  ),
  'a challenge with another MAC': change('challenge', (nonce) =>
    altered(nonce, -1)
  )
}

module.exports = { altered, authorization, join, parts, SPOILED, TOKEN }
