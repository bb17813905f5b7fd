'use strict'
// Whether what was sampled stays flat: a straight line through it by least
// squares, and how sure its slope is.

// The first hours are not judged: V8 compiles, pools fill, and each way to go
// is gone for the first time.
const WARM_UP_HOURS = 8
const DAY_HOURS = 24
// A slope counts when it is above 0 by so many of its standard errors: of ten
// thousand samples of mere noise, some ten would be.
const SURE = 3

// Steps in which the resident set grew in the first days, twice, and then no
// more (168 hours in a minute; the heap behind a collection did not).
const STEP_MB = 16

/**
 * What may be sampled, and by how much it may grow in a day of the editor.
 * A thing that is kept for each visit, restart or flood grows by far more.
 */
const LIMITS = {
  rss: { unit: 'MB', most: 3 * STEP_MB },
  heap: { unit: 'MB', most: 1.5 },
  descriptors: { unit: '', most: 2 },
  shm: { unit: 'MB', most: 0.25 }
}

/**
 * @param {{ hour: number, value: number }[]} samples two or more
 * @returns {{ slope: number, error: number }} for an hour, with the slope's
 *   standard error (0 of fewer than three)
 */
function slopeOf(samples) {
  const { length } = samples
  const mean = (name) =>
    samples.reduce((sum, sample) => sum + sample[name], 0) / length
  const [hour, value] = [mean('hour'), mean('value')]
  let [xx, xy, yy] = [0, 0, 0]
  for (const sample of samples) {
    const [x, y] = [sample.hour - hour, sample.value - value]
    xx += x * x
    xy += x * y
    yy += y * y
  }
  const slope = xy / xx
  const left = Math.max(0, yy - slope * xy)
  const error = length < 3 ? 0 : Math.sqrt(left / (length - 2) / xx)
  return { slope, error }
}

/**
 * @param {string} kind of LIMITS
 * @param {{ hour: number, value: number }[]} samples of all hours
 * @returns {{ slope: number, error: number, isFlat: boolean }}
 */
function judge(kind, samples) {
  const judged = samples.filter(({ hour }) => hour >= WARM_UP_HOURS)
  const { slope, error } = slopeOf(judged)
  const surely = (slope - SURE * error) * DAY_HOURS
  return { slope, error, isFlat: surely <= LIMITS[kind].most }
}

module.exports = {
  DAY_HOURS,
  judge,
  LIMITS,
  slopeOf,
  STEP_MB,
  WARM_UP_HOURS
}
