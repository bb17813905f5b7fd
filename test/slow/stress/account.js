'use strict'
// What every event of the stress runs holds follows from its sequence, so a
// reader knows by itself whether one is torn, and whether the account is right.

/** Letters that no two sequences near each other share. */
const letters = (sequence, length) =>
  String.fromCharCode(97 + (sequence % 26)).repeat(length)

/** The threat that is written as this sequence. Most take one slot. */
function threatOf(sequence) {
  const threat = {
    threatType: sequence % 8,
    severity: 1 + (sequence % 4),
    source: `stress ${sequence % 100}`,
    details: `${sequence} ${letters(sequence, sequence % 200)}`,
    blocked: sequence % 2 === 1,
    timestampUs: sequence
  }
  if (sequence % 50 === 0) {
    threat.context = letters(sequence, sequence % 3001)
  }
  return threat
}

/** Whether a threat that was read is that of its sequence. */
function isWhole({ sequence, details, source, blocked, timestampUs, context }) {
  const written = threatOf(sequence)
  return (
    timestampUs === sequence &&
    details === written.details &&
    source === written.source &&
    blocked === written.blocked &&
    context === written.context
  )
}

/** Everything that one reader got, checked as it comes. */
class Account {
  /** @param {number} next the first sequence that the reader is to get */
  constructor(next) {
    this.joined = next - 1
    this.next = next
    this.received = 0
    this.lost = 0
    this.torn = 0
    this.repeated = 0
    this.reordered = 0
    this.notes = [] // what was wrong, the first few
  }

  threat(threat) {
    const { sequence } = threat
    this.received++
    this._expect(sequence, 'event')
    if (!isWhole(threat)) {
      this.torn++
      this._note(`event ${sequence} is torn: ${JSON.stringify(threat)}`)
    }
    this.next = sequence + 1
  }

  loss({ count, from, to, reason }) {
    if (count === null || to - from + 1 !== count) {
      this.reordered++
      this._note(`a loss (${reason}) of ${count} from ${from} to ${to}`)
      return
    }
    this.lost += count
    this._expect(from, 'loss')
    this.next = to + 1
  }

  _expect(sequence, what) {
    if (sequence === this.next) {
      return
    }
    if (sequence < this.next) this.repeated++
    else this.reordered++
    this._note(`${what} ${sequence} came where ${this.next} belongs`)
  }

  _note(text) {
    if (this.notes.length < 5) this.notes.push(text)
  }

  /** What is wrong when everything up to `last` was published; empty: nothing. */
  mismatches(last) {
    const published = last - this.joined
    const notes = [...this.notes]
    if (this.received + this.lost !== published) {
      notes.push(
        `received ${this.received} + lost ${this.lost} is not ` +
          `the ${published} that were published`
      )
    }
    return notes
  }
}

module.exports = { Account, isWhole, threatOf }
