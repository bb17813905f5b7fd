'use strict'
// Both ends of a WebSocket prove that they know the token, and neither sends it.
// What the server has alone is in server/challenger.js. Nothing here touches a
// socket.
//
//   client  upgrade                                          no proof yet
//   server  401  WWW-Authenticate: KindlyGuard nonce="<challenge>"
//   client  upgrade  Authorization: KindlyGuard nonce="<client>",
//                      challenge="<challenge>", proof="<proof of 'client'>"
//   server  101  KindlyGuard-Proof: <proof of 'server'>
//           or 503 with the same, when it has as many clients as it takes
//
// A proof is HMAC-SHA256(token) over its role, both nonces and where the server
// is: the port that the discovery file names, or the word `socket` over its Unix
// socket. The role prevents that a proof is sent back as the answer to itself,
// the place prevents that a stranger on another port passes it on to the real
// server, and the nonces prevent that it is used again.

const { invalid } = require('../base/errors.js')
const { lazy } = require('../base/load.js')

// A client that reads a ring has nothing to prove.
const crypto = lazy(() => require('node:crypto'))

const TOKEN_BYTES = 32
const CLIENT_NONCE_BYTES = 32
const PROOF_BYTES = 32

// Of a challenge, whose meaning is the server's own affair.
const CHALLENGE_BYTES = 54

const CONTEXT = 'kindly-guard-ipc websocket proof 1'

const TOKEN = new RegExp(`^[0-9a-f]{${2 * TOKEN_BYTES}}$`)
const PROOF = new RegExp(`^[0-9a-f]{${2 * PROOF_BYTES}}$`)
const CHALLENGE_HEADER = new RegExp(
  `^KindlyGuard nonce="([0-9a-f]{${2 * CHALLENGE_BYTES}})"$`
)

/** @returns {string} a fresh token: 64 lower-case hex digits */
function createToken() {
  return crypto().randomBytes(TOKEN_BYTES).toString('hex')
}

/**
 * @param {unknown} value
 * @returns {boolean} whether this is a token as createToken() makes it
 */
function isToken(value) {
  return typeof value === 'string' && TOKEN.test(value)
}

/**
 * Every value of a header, as it was sent. Node joins some duplicates and
 * drops others, which hides that there were two.
 * @param {string[]} rawHeaders of an http.IncomingMessage: name, value, ...
 * @param {string} name in lower case
 * @returns {string[]}
 */
function headerValues(rawHeaders, name) {
  return rawHeaders.filter(
    (_value, i) => i % 2 === 1 && rawHeaders[i - 1].toLowerCase() === name
  )
}

/** The match of a header, or null unless it is there exactly once and fits. */
function matchSole(rawHeaders, name, pattern) {
  const values = headerValues(rawHeaders, name)
  return values.length === 1 ? pattern.exec(values[0]) : null
}

/**
 * A token as a key, which inspect() does not show.
 * @param {unknown} token
 * @throws {TypeError} ERR_INVALID_OPTION unless it is a token
 */
function keyOf(token) {
  if (!isToken(token)) {
    // The value is not shown: it may be a token with a typing error.
    throw invalid(
      TypeError,
      'ERR_INVALID_OPTION',
      'option token: expected 64 lower-case hex digits'
    )
  }
  return crypto().createSecretKey(Buffer.from(token, 'hex'))
}

function proofOf(key, role, clientNonce, challenge, where) {
  // All parts but the last have a fixed length, so no two sets of parts make
  // the same text.
  const text = [CONTEXT, role, clientNonce, challenge, where].join('\n')
  return crypto().createHmac('sha256', key).update(text).digest()
}

/** Whether `digits`, already known to be hex and as many, are these bytes. */
const matches = (bytes, digits) =>
  crypto().timingSafeEqual(bytes, Buffer.from(digits, 'hex'))

/**
 * The challenge in the server's 401.
 * @param {string[]} rawHeaders of the response
 * @returns {string | null} null unless it is there exactly once and well formed
 */
function parseChallenge(rawHeaders) {
  return (
    matchSole(rawHeaders, 'www-authenticate', CHALLENGE_HEADER)?.[1] ?? null
  )
}

/**
 * The client's answer to a challenge.
 * @param {string} token 64 hex digits
 * @param {string} challenge from parseChallenge()
 * @param {number | 'socket'} where the port that the discovery file names, or
 *   the Unix socket
 * @returns {{ authorization: string,
 *   isProven: (rawHeaders: string[]) => boolean }} the value of Authorization,
 *   and whether the headers of a 101 prove that the server knows the token
 */
function answerChallenge(token, challenge, where) {
  const key = keyOf(token)
  const nonce = crypto().randomBytes(CLIENT_NONCE_BYTES).toString('hex')
  const proof = proofOf(key, 'client', nonce, challenge, where).toString('hex')
  const expected = proofOf(key, 'server', nonce, challenge, where)
  return {
    authorization:
      `KindlyGuard nonce="${nonce}", challenge="${challenge}", ` +
      `proof="${proof}"`,
    isProven(rawHeaders) {
      const found = matchSole(rawHeaders, 'kindlyguard-proof', PROOF)
      return found !== null && matches(expected, found[0])
    }
  }
}

module.exports = {
  answerChallenge,
  CHALLENGE_BYTES,
  CLIENT_NONCE_BYTES,
  createToken,
  headerValues,
  isToken,
  keyOf,
  matches,
  matchSole,
  parseChallenge,
  PROOF_BYTES,
  proofOf
}
