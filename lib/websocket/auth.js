'use strict'
// Decides by headers alone which request may become a WebSocket; nothing here
// touches a socket. A web page's may not, whatever host name it used. Both ends
// prove that they know the token, and neither sends it:
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
const { isLoopback } = require('../base/loopback.js')

// A client that reads a ring has nothing to prove.
const crypto = lazy(() => require('node:crypto'))

const TOKEN_BYTES = 32
const CLIENT_NONCE_BYTES = 32

// A challenge: when it expires, what makes it unique, and the server's MAC
// over both. The server recognises its own, so it remembers none.
const EXPIRY_BYTES = 6
const RANDOM_BYTES = 16
const MAC_BYTES = 32
const SIGNED_BYTES = EXPIRY_BYTES + RANDOM_BYTES
const CHALLENGE_DIGITS = 2 * (SIGNED_BYTES + MAC_BYTES)

const LIFETIME_MS = 10_000
const CONTEXT = 'kindly-guard-ipc websocket proof 1'

const MAX_HEADERS = 64
const HOST = /^(?:\[(::1)\]|(127\.[0-9.]{5,11})|localhost)(?::([0-9]{1,5}))?$/i

const TOKEN = new RegExp(`^[0-9a-f]{${2 * TOKEN_BYTES}}$`)
const PROOF = new RegExp(`^[0-9a-f]{${2 * MAC_BYTES}}$`)
const CHALLENGE_HEADER = new RegExp(
  `^KindlyGuard nonce="([0-9a-f]{${CHALLENGE_DIGITS}})"$`
)
const AUTHORIZATION = new RegExp(
  `^KindlyGuard nonce="([0-9a-f]{${2 * CLIENT_NONCE_BYTES}})", ` +
    `challenge="([0-9a-f]{${CHALLENGE_DIGITS}})", ` +
    `proof="([0-9a-f]{${2 * MAC_BYTES}})"$`
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
 * What is wrong with an upgrade request, apart from its proof.
 * @param {{ rawHeaders: string[], method: string, url: string }} request
 * @returns {{ status: number, reason: string, headers?: string[] } | null}
 */
function judgeUpgrade({ rawHeaders, method, url }) {
  const values = (name) => headerValues(rawHeaders, name)
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    return { status: 431, reason: 'headers' }
  }
  // Browsers send it for every web page. The second is an old draft's name.
  if (values('origin').length + values('sec-websocket-origin').length > 0) {
    return { status: 403, reason: 'origin' }
  }
  // DNS rebinding: a page whose name resolves to this machine sends that name.
  const hosts = values('host')
  if (hosts.length !== 1 || !isLoopbackHost(hosts[0])) {
    return { status: 403, reason: 'host' }
  }
  if (method !== 'GET') {
    return { status: 405, reason: 'method', headers: ['Allow: GET'] }
  }
  if (url !== '/') {
    return { status: 404, reason: 'path' }
  }
  // An upgrade has no body, and parsers disagree on what its bytes would be.
  if (values('content-length').length + values('transfer-encoding').length) {
    return { status: 400, reason: 'malformed' }
  }
  return null
}

function isLoopbackHost(value) {
  const match = HOST.exec(value)
  if (match === null) {
    return false
  }
  const [, v6, v4, port = 0] = match
  const address = v6 ?? v4
  // No other machine's page can have the name localhost: browsers resolve it
  // themselves, and such a page has an Origin.
  return (address === undefined || isLoopback(address)) && Number(port) <= 65535
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

/** The server's part. One for each server and start. */
class Challenger {
  #key
  #secret
  #lifetimeMs
  #now
  #turnedAt
  // Challenges that admitted a client. When `used` is one lifetime old it
  // becomes `older`, which is dropped one lifetime later: all have expired.
  #used = new Set()
  #older = new Set()

  /**
   * @param {string} token 64 hex digits
   * @param {{ lifetimeMs?: number, now?: () => number }} [options] `now` is a
   *   clock in milliseconds that never goes back
   */
  constructor(token, options = {}) {
    const { lifetimeMs = LIFETIME_MS, now = () => performance.now() } = options
    this.#key = keyOf(token)
    this.#secret = crypto().createSecretKey(crypto().randomBytes(MAC_BYTES))
    this.#lifetimeMs = lifetimeMs
    this.#now = now
    this.#turnedAt = now()
  }

  /** @returns {string} the value of WWW-Authenticate, new each time */
  challenge() {
    this.#forget()
    const signed = Buffer.alloc(SIGNED_BYTES)
    const expiry = Math.ceil(this.#now() + this.#lifetimeMs)
    signed.writeUIntBE(expiry, 0, EXPIRY_BYTES)
    crypto().randomBytes(RANDOM_BYTES).copy(signed, EXPIRY_BYTES)
    const nonce = signed.toString('hex') + this.#mac(signed).toString('hex')
    return `KindlyGuard nonce="${nonce}"`
  }

  /**
   * Judges the Authorization of a client; a challenge admits at most once.
   * @param {string[]} rawHeaders of the request
   * @param {number | 'socket'} where the port that the discovery file names, or
   *   the Unix socket
   * @returns {{ proof: string | null, reason: string | null }} the value of
   *   KindlyGuard-Proof, or why not: 'missing', 'malformed', 'foreign' (not a
   *   challenge of this server), 'expired', 'wrong', 'replayed'
   */
  admit(rawHeaders, where) {
    this.#forget()
    if (headerValues(rawHeaders, 'authorization').length === 0) {
      return refusal('missing')
    }
    const match = matchSole(rawHeaders, 'authorization', AUTHORIZATION)
    if (match === null) {
      return refusal('malformed')
    }
    const [, clientNonce, challenge, proof] = match
    const bytes = Buffer.from(challenge, 'hex')
    const signed = bytes.subarray(0, SIGNED_BYTES)
    if (
      !crypto().timingSafeEqual(this.#mac(signed), bytes.subarray(SIGNED_BYTES))
    ) {
      return refusal('foreign')
    }
    if (signed.readUIntBE(0, EXPIRY_BYTES) < this.#now()) {
      return refusal('expired')
    }
    const expected = (role) =>
      proofOf(this.#key, role, clientNonce, challenge, where)
    if (!matches(expected('client'), proof)) {
      return refusal('wrong')
    }
    if (this.#used.has(challenge) || this.#older.has(challenge)) {
      return refusal('replayed')
    }
    this.#used.add(challenge)
    return { proof: expected('server').toString('hex'), reason: null }
  }

  /** @returns {number} how many used challenges are held */
  get remembered() {
    return this.#used.size + this.#older.size
  }

  #mac(signed) {
    return crypto().createHmac('sha256', this.#secret).update(signed).digest()
  }

  #forget() {
    const now = this.#now()
    const age = now - this.#turnedAt
    // Plus one, because a challenge is valid in its last millisecond, too.
    if (age > this.#lifetimeMs + 1) {
      const allExpired = age > 2 * (this.#lifetimeMs + 1)
      this.#older = allExpired ? new Set() : this.#used
      this.#used = new Set()
      this.#turnedAt = now
    }
  }
}

function refusal(reason) {
  return { proof: null, reason }
}

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
  Challenger,
  answerChallenge,
  createToken,
  headerValues,
  isToken,
  judgeUpgrade,
  parseChallenge
}
