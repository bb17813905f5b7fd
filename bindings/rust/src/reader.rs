//! The end that reads.

use std::fmt;
use std::os::raw::{c_int, c_uint};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::buffer::Buffer;
use crate::error::{Error, ErrorKind, Result};
use crate::handle::{Gate, Handle, Interrupter};
use crate::info::RingInfo;
use crate::iterate::{Events, Threats};
use crate::options::{milliseconds, ReaderOptions, Start};
use crate::placement::RingMemory;
use crate::position::{LossReason, Losses, Lost, Position};
use crate::sys;
use crate::threat::Threat;

/// How long a wait lasts before the ring's file is looked at: a writer that ends
/// signals nothing.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What reading brings: each event comes once and in order, or is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A threat.
    Threat(Threat),
    /// Events that no reader will get any more.
    Lost(Lost),
}

/// How the writer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriterLife {
    /// It holds its lock.
    Live,
    /// It holds its lock, and gave no sign for three seconds.
    Stalled,
    /// Its lock is free.
    Gone,
}

/// What a reader got. It counts what was given to the program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderStats {
    /// Threats; with the total of `lost`, all that were published since joining.
    pub received: u64,
    /// Events, by reason.
    pub lost: Losses,
    /// Of those received: they were no more in the ring, and came from the
    /// priority lane. What was read in advance is counted.
    pub rescued: u64,
    /// Times that something in the ring did not validate.
    pub corrupt: u64,
    /// Bytes of slots, with what was read in advance.
    pub bytes: u64,
    /// The last event in the ring.
    pub published: u64,
    /// Since when the last writer has the ring, in microseconds since 1970.
    pub writer_start_us: u64,
    /// Whether the writer waits for this reader.
    pub reliable: bool,
}

type OnLost = Box<dyn FnMut(&Lost) + Send>;

/// Reads threats from a ring, and goes over to the ring that takes its place, for
/// which it waits when its own was removed or cut short.
///
/// It belongs to one thread at a time: it may be sent to another one. Any thread
/// may interrupt its waiting. Dropping it closes it.
pub struct ShmClient {
    reader: NonNull<sys::kg_reader>,
    gate: Arc<Gate>,
    buffer: Buffer,
    generation: u64,
    /// To be told before what is in the buffer.
    untold: Option<Lost>,
    /// Behind which event the program has come to.
    position: Position,
    received: u64,
    lost: Losses,
    on_lost: Option<OnLost>,
    looked: Instant,
}

// SAFETY: a kg_reader belongs to one thread at a time, whichever that is. It is not
// Sync: of what stands here, other threads have the Gate alone.
unsafe impl Send for ShmClient {}

impl fmt::Debug for ShmClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShmClient").field("path", &self.info().path).finish()
    }
}

impl ShmClient {
    /// Opens the ring in this system's default directory, behind its newest event.
    pub fn new() -> Result<Self> {
        ShmClient::open(&ReaderOptions::new())
    }

    /// Opens a ring. Creates nothing: [`ErrorKind::NoRing`] where there is none.
    pub fn open(options: &ReaderOptions) -> Result<Self> {
        let c_options = options.as_c()?;
        // Before the reader, which nothing would close yet.
        let buffer = Buffer::new(options.max_event_bytes)?;
        let mut opened = std::ptr::null_mut();
        let mut failure = sys::kg_failure::zeroed();
        // SAFETY: all three point to what they must, for the length of the call.
        let result = unsafe { sys::kg_reader_open(c_options.as_ptr(), &mut opened, &mut failure) };
        let reader = match NonNull::new(opened) {
            Some(reader) if result == sys::KG_OK => reader,
            _ => return Err(Error::from_failure(result, &failure)),
        };
        let mut client = ShmClient {
            reader,
            gate: Gate::new(Handle::Reader(reader)),
            buffer,
            generation: 0,
            untold: None,
            position: Position { generation: 0, sequence: 0, priority: None },
            received: 0,
            lost: Losses::default(),
            on_lost: None,
            looked: Instant::now(),
        };
        client.generation = client.info().generation;
        client.seek(options.start)?;
        Ok(client)
    }

    /// The reader, which is this thread's: the compiler sees to it, and a library
    /// that looks for itself is told.
    fn raw(&self) -> *mut sys::kg_reader {
        // SAFETY: the reader is open, and no other thread uses it.
        unsafe { sys::kg_reader_adopt(self.reader.as_ptr()) };
        self.reader.as_ptr()
    }

    fn check(&self, result: c_int) -> Result<c_int> {
        if result >= sys::KG_OK {
            return Ok(result);
        }
        let mut failure = sys::kg_failure::zeroed();
        // SAFETY: the reader is open, and `failure` writable.
        unsafe { sys::kg_reader_error(self.raw(), &mut failure) };
        Err(Error::from_failure(result, &failure))
    }

    fn c_stats(&self) -> sys::kg_reader_stats {
        let mut stats = sys::kg_reader_stats::zeroed();
        // SAFETY: the reader is open and this thread's, and `stats` writable.
        unsafe { sys::kg_reader_stats_get(self.raw(), &mut stats) };
        stats
    }

    /// Moves to another place.
    pub fn seek(&mut self, start: Start) -> Result<()> {
        let (from, sequence) = match start {
            Start::Latest => (sys::KG_FROM_LATEST, 0),
            Start::Oldest => (sys::KG_FROM_OLDEST, 0),
            Start::Sequence(sequence) => (sys::KG_FROM_SEQUENCE, sequence),
            Start::After(position) => return self.seek_after(position),
        };
        // SAFETY: the reader is open and this thread's.
        self.check(unsafe { sys::kg_reader_seek(self.raw(), from, sequence) })?;
        let stats = self.c_stats();
        match (start, stats.expected) {
            (Start::Sequence(first), _) => self.stand_at(first.saturating_sub(1), None),
            // The last one, or the oldest one, does not validate.
            (Start::Latest, 0) => self.stand_at(stats.published, None),
            (_, 0) => self.stand_at(0, None),
            (_, next) => self.stand_at(next - 1, known(stats.priority)),
        }
        Ok(())
    }

    /// What was read in advance was of another place.
    fn stand_at(&mut self, sequence: u64, priority: Option<u32>) {
        self.buffer.clear();
        self.untold = None;
        let generation = self.generation;
        self.position = Position { generation, sequence, priority };
    }

    /// In another ring than that of the position: what of that nobody will read
    /// any more, then this ring from its first event on.
    fn seek_after(&mut self, position: Position) -> Result<()> {
        let behind = sys::kg_position {
            generation: position.generation,
            next: position.sequence.saturating_add(1),
            priority: position.priority.map_or(sys::KG_PRIORITY_UNKNOWN, u64::from),
        };
        let mut lost = sys::kg_batch::zeroed();
        // SAFETY: the reader is open and this thread's, and `lost` writable.
        let result = unsafe { sys::kg_reader_seek_position(self.raw(), &behind, &mut lost) };
        self.check(result)?;
        if position.generation == self.generation {
            self.stand_at(position.sequence, position.priority);
        } else {
            self.stand_at(0, Some(0));
            self.wait_to_tell(Lost::from_batch(&lost, position.generation), position);
        }
        Ok(())
    }

    /// Of a ring that is over. Until it is told, who saves the position goes on
    /// before it, and hears of it then: see give_lost.
    fn wait_to_tell(&mut self, lost: Option<Lost>, before: Position) {
        if lost.is_some() {
            self.position = before;
        }
        self.untold = lost;
    }

    /// The next event, if there is one now. Never waits.
    pub fn try_next(&mut self) -> Result<Option<Event>> {
        let event = self.take()?;
        if event.is_none() && self.looked.elapsed() >= LOOK_EVERY && self.follow()? {
            return self.take();
        }
        Ok(event)
    }

    /// The next event; waits for it, `timeout` at the most. `None` when the time is
    /// over, or when it was interrupted.
    pub fn next_event(&mut self, timeout: Duration) -> Result<Option<Event>> {
        // A time that no clock tells is for ever.
        self.next_until(Instant::now().checked_add(timeout))
    }

    /// As `next_event`; without an end, until it is interrupted.
    pub(crate) fn next_until(&mut self, until: Option<Instant>) -> Result<Option<Event>> {
        let mut has_waited = false;
        loop {
            // Before what is there, or a flood would be stronger.
            if self.gate.take_interrupt() {
                return Ok(None);
            }
            let found = if has_waited { self.take()? } else { self.try_next()? };
            if found.is_some() {
                return Ok(found);
            }
            // What ended the wait may be that the ring is over.
            if has_waited && self.follow()? {
                continue;
            }
            let left =
                until.map_or(LOOK_EVERY, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(None);
            }
            let wait_ms = milliseconds(left.min(LOOK_EVERY));
            // SAFETY: the reader is open and this thread's.
            unsafe { sys::kg_reader_wait(self.raw(), wait_ms) };
            has_waited = true;
        }
    }

    /// Spins until something is there to read, `timeout` at the most; whether there
    /// is. For a thread that has a CPU to itself and is to wait for nothing.
    pub fn spin(&mut self, timeout: Duration) -> bool {
        let micros = u32::try_from(timeout.as_micros()).unwrap_or(u32::MAX);
        if !self.buffer.is_empty() || self.untold.is_some() {
            return true;
        }
        // SAFETY: the reader is open and this thread's.
        let is_there = unsafe { sys::kg_reader_spin(self.raw(), micros) };
        if !is_there {
            // What ended it does not end the next wait as well.
            self.gate.take_interrupt();
        }
        is_there
    }

    /// Gives each threat to `consume`, which returns whether to go on; waits for
    /// more. Ends when that returns `false`, or when it was interrupted. What is
    /// lost is given to `on_lost`, and counted in `stats()`.
    pub fn poll_threats(&mut self, mut consume: impl FnMut(Threat) -> bool) -> Result<()> {
        while let Some(threat) = self.next_threat()? {
            if !consume(threat) {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn next_threat(&mut self) -> Result<Option<Threat>> {
        loop {
            match self.next_until(None)? {
                None => return Ok(None),
                Some(Event::Threat(threat)) => return Ok(Some(threat)),
                Some(Event::Lost(lost)) => {
                    if let Some(on_lost) = &mut self.on_lost {
                        on_lost(&lost);
                    }
                }
            }
        }
    }

    /// Says who is told of losses where only threats are asked for.
    pub fn on_lost(&mut self, on_lost: impl FnMut(&Lost) + Send + 'static) {
        self.on_lost = Some(Box::new(on_lost));
    }

    /// All events, those that come as well: waits for them, ends when it is
    /// interrupted, or behind an error.
    pub fn events(&mut self) -> Events<'_> {
        Events::new(self)
    }

    /// All threats, as `events` without losses, which `on_lost` is told.
    pub fn threats(&mut self) -> Threats<'_> {
        Threats::new(self)
    }

    /// What is in the buffer, or can be read into it.
    fn take(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(lost) = self.untold.take() {
                return Ok(Some(self.give_lost(lost)));
            }
            if !self.buffer.is_empty() && self.gate.is_forked() {
                // What was read in advance is the parent's; reading says why.
                self.buffer.clear();
            }
            if let Some(threat) = self.buffer.take(self.generation)? {
                self.position = threat.position();
                self.received = self.received.saturating_add(1);
                return Ok(Some(Event::Threat(threat)));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn give_lost(&mut self, lost: Lost) -> Event {
        self.lost.add(&lost);
        if let Some(range) = lost.range.filter(|_| lost.generation == self.generation) {
            let before = match lost.reason {
                LossReason::BeforeJoin => Some(0),
                _ => self.position.priority,
            };
            // Numbers mod 2^32.
            let sum = |(before, more): (u32, u64)| before.wrapping_add(more as u32);
            self.position.sequence = range.to;
            self.position.priority = before.zip(range.priority).map(sum);
        } else if lost.generation != self.generation {
            // Of a ring that is over: this one begins behind it.
            let generation = self.generation;
            self.position = Position { generation, sequence: 0, priority: Some(0) };
        }
        Event::Lost(lost)
    }

    /// Reads; whether that brought something, or there is more.
    fn fill(&mut self) -> Result<bool> {
        let mut batch = sys::kg_batch::zeroed();
        let (slots, room) = self.buffer.room();
        // SAFETY: the reader is open and this thread's, the buffer has as many
        // slots and is aligned for them, and `batch` is writable.
        let result = unsafe { sys::kg_reader_read(self.raw(), room, slots, &mut batch) };
        match self.check(result) {
            Ok(_) => {}
            // The next look finds the ring that takes its place.
            Err(error) if error.kind() == ErrorKind::RingTruncated => return Ok(false),
            Err(error) => return Err(error),
        }
        self.untold = Lost::from_batch(&batch, self.generation);
        self.buffer.filled(&batch);
        if batch.slots_needed > slots {
            self.buffer.grow(batch.slots_needed)?;
            return Ok(true);
        }
        Ok(batch.more || batch.events > 0 || self.untold.is_some())
    }

    /// Looks whether the ring still is the one in its place, and goes over to the
    /// other one; whether it did.
    fn follow(&mut self) -> Result<bool> {
        self.looked = Instant::now();
        let mut life = sys::KG_WRITER_GONE;
        // SAFETY: the reader is open, and `life` writable.
        let state = unsafe { sys::kg_reader_check(self.raw(), &mut life) };
        if state == sys::KG_OK {
            return Ok(false);
        }
        let mut lost = sys::kg_batch::zeroed();
        let mut failure = sys::kg_failure::zeroed();
        // SAFETY: the reader is open, and no other thread calls anything of it but
        // kg_reader_interrupt, which is allowed.
        let result = unsafe { sys::kg_reader_reopen(self.raw(), &mut lost, &mut failure) };
        if result < sys::KG_OK {
            let error = Error::from_failure(result, &failure);
            // The file that was cut short is still there, or one that is no ring: a
            // writer will put another one in its place.
            return match error.kind() {
                ErrorKind::RingTruncated | ErrorKind::RingInvalid => Ok(false),
                _ => Err(error),
            };
        }
        if result == sys::KG_OK {
            return Ok(false);
        }
        let lost = Lost::from_batch(&lost, self.generation);
        let before = self.position;
        self.generation = self.info().generation;
        self.stand_at(0, Some(0));
        self.wait_to_tell(lost, before);
        Ok(true)
    }

    /// Behind which event the program has come to: another reader that starts
    /// there gets what comes behind it.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What this reader got.
    pub fn stats(&self) -> ReaderStats {
        let stats = self.c_stats();
        ReaderStats {
            received: self.received,
            lost: self.lost,
            rescued: stats.rescued,
            corrupt: stats.corrupt,
            bytes: stats.bytes,
            published: stats.published,
            writer_start_us: stats.writer_start_us,
            reliable: stats.reliable,
        }
    }

    /// How the ring's writer is, now.
    pub fn writer_life(&self) -> WriterLife {
        let mut life: c_uint = sys::KG_WRITER_GONE;
        // SAFETY: the reader is open, and `life` writable. What it returns is told
        // by reading.
        unsafe { sys::kg_reader_check(self.raw(), &mut life) };
        match life {
            sys::KG_WRITER_LIVE => WriterLife::Live,
            sys::KG_WRITER_STALLED => WriterLife::Stalled,
            _ => WriterLife::Gone,
        }
    }

    /// What the ring is that this reader has now.
    pub fn info(&self) -> RingInfo {
        let mut info = sys::kg_ring_info::zeroed();
        // SAFETY: the reader is open and this thread's, and `info` writable.
        unsafe { sys::kg_reader_info(self.raw(), &mut info) };
        RingInfo::from_c(&info)
    }

    /// Where the ring's pages are. The kernel looks through all of the process' memory
    /// for it, which takes some milliseconds. [`ErrorKind::System`] where it tells
    /// nothing, as on macOS.
    pub fn memory(&self) -> Result<RingMemory> {
        let mut memory = sys::kg_memory::zeroed();
        let mut failure = sys::kg_failure::zeroed();
        // SAFETY: the reader is open and this thread's, and both others are writable.
        match unsafe { sys::kg_reader_memory(self.raw(), &mut memory, &mut failure) } {
            sys::KG_OK => Ok(RingMemory::from_c(&memory)),
            result => Err(Error::from_failure(result, &failure)),
        }
    }

    /// What ends this reader's waiting, from any thread, at once.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter::new(&self.gate)
    }

    /// For an event loop: a descriptor that `poll()` finds readable when something
    /// may be there, once `arm` has said `true`. It stays the reader's, and may be
    /// another one behind each `arm`.
    #[cfg(unix)]
    pub fn fd(&self) -> Result<std::os::unix::io::RawFd> {
        // SAFETY: the reader is open and this thread's.
        self.check(unsafe { sys::kg_reader_fd(self.raw()) })
    }

    /// Before an event loop waits for `fd`: `false` when there is something to
    /// read now. Wait for a second at the most, then call `try_next`.
    pub fn arm(&mut self) -> Result<bool> {
        if !self.buffer.is_empty() || self.untold.is_some() {
            return Ok(false);
        }
        // SAFETY: the reader is open and this thread's.
        self.check(unsafe { sys::kg_reader_arm(self.raw()) }).map(|result| result == 1)
    }
}

/// A number of priority events mod 2^32, which a u32 holds.
fn known(priority: u64) -> Option<u32> {
    Some(priority as u32).filter(|_| priority != sys::KG_PRIORITY_UNKNOWN)
}

impl Drop for ShmClient {
    fn drop(&mut self) {
        self.gate.close();
        // SAFETY: no other thread has the reader any more, and nobody has it
        // behind this.
        unsafe { sys::kg_reader_close(self.raw()) };
    }
}
