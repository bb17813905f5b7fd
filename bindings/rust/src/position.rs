//! Places in the stream, and what was lost of it.

use crate::sys;

/// Behind which event somebody has come to. A reader that starts there gets each
/// later event once: see [`Start::After`](crate::Start::After).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The ring that the event was in.
    pub generation: u64,
    /// The last event that was read; 0: none.
    pub sequence: u64,
    /// The priority events up to it and with it, mod 2^32; `None`: not known.
    pub priority: Option<u32>,
}

/// Why events were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossReason {
    /// The reader was slower than a whole ring.
    Overwritten,
    /// Slots did not validate.
    Corrupt,
    /// They were gone before the reader asked for the oldest; outside its account.
    BeforeJoin,
    /// Overwritten after this reliable reader was in the way for too long.
    Evicted,
    /// They were in a ring that another one took the place of.
    Replaced,
}

impl LossReason {
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        match code {
            sys::KG_LOSS_OVERWRITTEN => Some(LossReason::Overwritten),
            sys::KG_LOSS_CORRUPT => Some(LossReason::Corrupt),
            sys::KG_LOSS_BEFORE_JOIN => Some(LossReason::BeforeJoin),
            sys::KG_LOSS_EVICTED => Some(LossReason::Evicted),
            sys::KG_LOSS_REPLACED => Some(LossReason::Replaced),
            _ => None,
        }
    }

    /// Its name as in JavaScript, such as `"before-join"`.
    pub fn name(self) -> &'static str {
        match self {
            LossReason::Overwritten => "overwritten",
            LossReason::Corrupt => "corrupt",
            LossReason::BeforeJoin => "before-join",
            LossReason::Evicted => "evicted",
            LossReason::Replaced => "replaced",
        }
    }
}

/// Which events were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Why.
    pub reason: LossReason,
    /// The ring that they were in.
    pub generation: u64,
    /// How many, and the sequences of the first and the last one; `None` when a
    /// ring was replaced by one that does not know it.
    pub range: Option<LostRange>,
}

/// A run of lost events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostRange {
    /// How many.
    pub count: u64,
    /// The first one.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// How many of them had priority; `None`: not known.
    pub priority: Option<u64>,
}

impl Lost {
    /// What a batch tells of events of `generation`.
    pub(crate) fn from_batch(batch: &sys::kg_batch, generation: u64) -> Option<Self> {
        let reason = LossReason::from_code(batch.loss_reason)?;
        let range = (batch.lost != sys::KG_LOST_UNKNOWN).then(|| LostRange {
            count: batch.lost,
            from: batch.lost_from,
            to: batch.lost_to,
            priority: Some(batch.lost_priority).filter(|&n| n != sys::KG_PRIORITY_UNKNOWN),
        });
        Some(Lost { reason, generation, range })
    }
}

/// How many events were lost, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Losses {
    /// See [`LossReason::Overwritten`]; so for the others.
    pub overwritten: u64,
    /// Events.
    pub corrupt: u64,
    /// Events; not in [`Losses::total`].
    pub before_join: u64,
    /// Events.
    pub evicted: u64,
    /// Events of which it is known how many.
    pub replaced: u64,
    /// Times that nobody could tell how many.
    pub untold: u64,
}

impl Losses {
    /// The lost events since the reader joined: with those that were received,
    /// all that were published.
    pub fn total(&self) -> u64 {
        let counts = [self.overwritten, self.corrupt, self.evicted, self.replaced];
        counts.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }

    pub(crate) fn add(&mut self, lost: &Lost) {
        let range = match lost.range {
            Some(range) => range,
            None => {
                self.untold = self.untold.saturating_add(1);
                return;
            }
        };
        let sum = match lost.reason {
            LossReason::Overwritten => &mut self.overwritten,
            LossReason::Corrupt => &mut self.corrupt,
            LossReason::BeforeJoin => &mut self.before_join,
            LossReason::Evicted => &mut self.evicted,
            LossReason::Replaced => &mut self.replaced,
        };
        *sum = sum.saturating_add(range.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(reason: u32, lost: u64) -> sys::kg_batch {
        let mut batch = sys::kg_batch::zeroed();
        batch.loss_reason = reason;
        batch.lost = lost;
        batch
    }

    #[test]
    fn losses_are_added_by_reason() {
        let mut losses = Losses::default();
        for reason in 1..=5 {
            let lost = Lost::from_batch(&batch(reason, u64::from(reason)), 1);
            losses.add(&lost.expect("a loss"));
        }
        losses.add(&Lost::from_batch(&batch(5, sys::KG_LOST_UNKNOWN), 1).expect("a loss"));
        let counts = [losses.overwritten, losses.corrupt, losses.before_join];
        assert_eq!(counts, [1, 2, 3]);
        assert_eq!([losses.evicted, losses.replaced, losses.untold], [4, 5, 1]);
        assert_eq!(losses.total(), 12);
    }

    #[test]
    fn no_loss_is_none() {
        assert_eq!(Lost::from_batch(&batch(sys::KG_LOSS_NONE, 0), 1), None);
        assert_eq!(Lost::from_batch(&batch(99, 1), 1), None);
    }
}
