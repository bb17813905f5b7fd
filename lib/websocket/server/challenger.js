'use strict'
// The server's part of the proofs (auth.js): its challenges, and whether the
// answer to one is right.

const { lazy } = require('../../base/load.js')
const {
  CHALLENGE_BYTES,
  CLIENT_NONCE_BYTES,
  headerValues,
  keyOf,
  matches,
  matchSole,
  PROOF_BYTES,
  proofOf
} = require('../auth.js')

const crypto = lazy(() => require('node:crypto'))

// A challenge: when it expires, what makes it unique, and the server's MAC
// over both. The server recognises its own, so it remembers none.
const EXPIRY_BYTES = 6
const RANDOM_BYTES = 16
const MAC_BYTES = CHALLENGE_BYTES - EXPIRY_BYTES - RANDOM_BYTES
const SIGNED_BYTES = EXPIRY_BYTES + RANDOM_BYTES

const LIFETIME_MS = 10_000

const AUTHORIZATION = new RegExp(
  `^KindlyGuard nonce="([0-9a-f]{${2 * CLIENT_NONCE_BYTES}})", ` +
    `challenge="([0-9a-f]{${2 * CHALLENGE_BYTES}})", ` +
    `proof="([0-9a-f]{${2 * PROOF_BYTES}})"$`
)

/** One for each server and start. */
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

module.exports = { Challenger }
