//! What a read has copied from the ring, and is not taken yet.

use std::os::raw::c_void;

use crate::error::{Error, ErrorKind, Result};
use crate::sys;
use crate::threat::Threat;

const WORDS_PER_SLOT: usize = sys::KG_SLOT_BYTES / std::mem::size_of::<u64>();
/// Where a lead slot has its flags, in the first half of a word.
const FLAGS_WORD: usize = 4;
/// At first: some dozen events, in 24 KiB.
const FIRST_SLOTS: u32 = 64;

/// The buffers of kg_reader_read and kg_event_decode.
pub(crate) struct Buffer {
    /// Aligned for slots, WORDS_PER_SLOT for each.
    words: Vec<u64>,
    scratch: Vec<u8>,
    /// Room without a length; none before something is inflated.
    inflated: Vec<u8>,
    max_event_bytes: u32,
    slots: u32,
    /// Events that are not taken yet, from this slot on, up to that one.
    events: u32,
    at: u32,
    end: u32,
}

impl Buffer {
    pub(crate) fn new(max_event_bytes: u32) -> Result<Self> {
        let mut buffer = Buffer {
            words: Vec::new(),
            scratch: Vec::new(),
            inflated: Vec::new(),
            max_event_bytes,
            slots: 0,
            events: 0,
            at: 0,
            end: 0,
        };
        buffer.grow(FIRST_SLOTS)?;
        Ok(buffer)
    }

    /// Makes it hold so many slots; what was in it is gone.
    pub(crate) fn grow(&mut self, slots: u32) -> Result<()> {
        let count = slots as usize;
        resize(&mut self.words, count * WORDS_PER_SLOT)?;
        resize(&mut self.scratch, count * sys::KG_EVENT_BYTES)?;
        self.slots = slots;
        self.clear();
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.events = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// How many slots a read may fill, and where.
    pub(crate) fn room(&mut self) -> (u32, *mut c_void) {
        (self.slots, self.words.as_mut_ptr().cast())
    }

    /// A read has filled it.
    pub(crate) fn filled(&mut self, batch: &sys::kg_batch) {
        self.events = batch.events;
        self.at = 0;
        self.end = batch.slots.min(self.slots);
    }

    /// The next event, of the ring of that generation.
    pub(crate) fn take(&mut self, generation: u64) -> Result<Option<Threat>> {
        if self.events == 0 {
            return Ok(None);
        }
        // The library has checked it; a slip there shall not reach behind the
        // buffer here.
        if self.at >= self.end {
            self.events = 0;
            return Err(Error::new(ErrorKind::RingCorrupt, "a read has fewer slots than events"));
        }
        self.events -= 1;
        let priority = self.priority_at(self.at);
        let mut threat = sys::kg_threat::zeroed();
        let result = if self.can_inflate(self.at) {
            // SAFETY: as below; `inflated` holds what `max_event_bytes` asks for,
            // and is not looked at where the event is not deflated.
            unsafe {
                // What does not inflate leaves the texts of the lead slot.
                sys::kg_event_decode_whole(
                    self.words.as_ptr().cast(),
                    &mut self.at,
                    self.scratch.as_mut_ptr().cast(),
                    self.inflated.as_mut_ptr().cast(),
                    self.max_event_bytes,
                    &mut threat,
                )
            }
        } else {
            // SAFETY: kg_reader_read has filled the slots from `at` on with whole
            // events, of which this is not the last one's end; `scratch` holds
            // KG_EVENT_BYTES for each slot of the buffer.
            unsafe {
                sys::kg_event_decode(
                    self.words.as_ptr().cast(),
                    &mut self.at,
                    self.scratch.as_mut_ptr().cast(),
                    &mut threat,
                )
            }
        };
        // What stands behind the lead slot is no run of fields: text is missing.
        threat.cut |= result < sys::KG_OK;
        // SAFETY: its texts point into the buffers above.
        Ok(Some(unsafe { Threat::from_c(&threat, generation, priority) }))
    }

    /// Whether the event of this lead slot needs no inflating, or there is what it
    /// takes.
    fn can_inflate(&mut self, slot: u32) -> bool {
        let lead = slot as usize * WORDS_PER_SLOT;
        let flags = self.words.get(lead + FLAGS_WORD).map_or(0, |&word| u64::from_le(word) as u32);
        if flags & sys::KG_EVENT_DEFLATED == 0 || self.inflated.capacity() > 0 {
            return true;
        }
        // SAFETY: it takes nothing.
        let has_zlib = unsafe { sys::kg_has_zlib() };
        // KG_CONTINUATION_BYTES(max_event_bytes)
        let length = self.max_event_bytes as usize + 4 * sys::KG_FIELD_HEADER_BYTES;
        // Room alone: C writes there before anything is read, and not all of it.
        has_zlib && self.inflated.try_reserve_exact(length).is_ok()
    }

    /// The count of priority events, in the second half of a lead slot's last word.
    fn priority_at(&self, slot: u32) -> u32 {
        let last = slot as usize * WORDS_PER_SLOT + WORDS_PER_SLOT - 1;
        self.words.get(last).map_or(0, |&word| (u64::from_le(word) >> 32) as u32)
    }
}

/// An error instead of an end of the program where there is no memory for it.
fn resize<T: Clone + Default>(vector: &mut Vec<T>, length: usize) -> Result<()> {
    let told = |_| Error::new(ErrorKind::NoMemory, format!("a buffer of {length} elements"));
    // Before it is emptied: without memory it stays what `slots` says of it.
    vector.try_reserve_exact(length.saturating_sub(vector.len())).map_err(told)?;
    vector.clear();
    vector.resize(length, T::default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_priority_events_is_where_the_layout_has_it() {
        let mut buffer = Buffer::new(1000).expect("a buffer");
        // SAFETY: a Vec<u64> is as many bytes.
        let (_, bytes, _) = unsafe { buffer.words.align_to_mut::<u8>() };
        let at = 2 * sys::KG_SLOT_BYTES + sys::KG_PRIORITY_COUNT_OFFSET;
        bytes[at..at + 4].copy_from_slice(&0x0102_0304_u32.to_le_bytes());
        assert_eq!(buffer.priority_at(2), 0x0102_0304);
        assert_eq!(buffer.priority_at(1), 0);
        assert_eq!(buffer.priority_at(u32::MAX), 0);
        assert_eq!(FLAGS_WORD * std::mem::size_of::<u64>(), sys::KG_FLAGS_OFFSET);
    }

    #[test]
    fn more_events_than_slots_are_an_error() {
        let mut buffer = Buffer::new(1000).expect("a buffer");
        let mut batch = sys::kg_batch::zeroed();
        batch.events = 3;
        batch.slots = 0;
        buffer.filled(&batch);
        let error = buffer.take(1).expect_err("no slot");
        assert_eq!(error.kind(), ErrorKind::RingCorrupt);
        assert_eq!(buffer.take(1), Ok(None));
    }
}
