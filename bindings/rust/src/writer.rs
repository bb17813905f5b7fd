//! The end that writes.

use std::fmt;
use std::os::raw::c_int;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::encode::Encoded;
use crate::error::{Error, ErrorKind, Result};
use crate::handle::{Gate, Handle, Interrupter};
use crate::info::RingInfo;
use crate::options::{milliseconds, WriterOptions};
use crate::placement::RingMemory;
use crate::sys;
use crate::threat::Threat;

/// As often as kg_ipc.h asks for.
const BEAT: Duration = Duration::from_millis(500);

/// Writes threats to a ring. There is one writer of a ring at a time.
///
/// It belongs to one thread at a time: it may be sent to another one, and threads
/// that share it take turns by a `Mutex`. Any of them may interrupt its waiting.
/// Dropping it closes it; the ring stays for readers that come late.
pub struct SharedMemoryIpc {
    writer: NonNull<sys::kg_writer>,
    gate: Arc<Gate>,
    heartbeat: Option<Heartbeat>,
    deflates: bool,
}

// SAFETY: a kg_writer belongs to one thread at a time, whichever that is. It is not
// Sync: of what stands here, other threads have the Gate, and the Heartbeat, with
// which the writer is opened with `any_thread`.
unsafe impl Send for SharedMemoryIpc {}

impl fmt::Debug for SharedMemoryIpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemoryIpc").field("path", &self.info().path).finish()
    }
}

/// What a writer did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterStats {
    /// Events by this writer.
    pub published: u64,
    /// Priority events of the ring so far, mod 2^32.
    pub priority: u32,
    /// Bytes of slots by this writer.
    pub bytes: u64,
    /// Times that sleeping readers were woken.
    pub bells: u64,
    /// The last event in the ring.
    pub sequence: u64,
    /// Rings that it had to make anew since it was opened.
    pub replaced: u64,
    /// Events of the ring that it no longer holds.
    pub overwritten: u64,
    /// Events that were refused because the ring was full.
    pub rejected: u64,
    /// Slots that the last refusal asked for; 0: none.
    pub wanted: u32,
    /// Reliable readers that were in the way for too long.
    pub evicted: u64,
    /// Why nothing can be written at present.
    pub refuses: Option<ErrorKind>,
}

/// A reliable reader, by its own word but for `alive`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachedReader {
    /// Its place among the ring's reliable readers.
    pub cell: u32,
    /// The position up to which it has taken everything.
    pub cursor: u64,
    /// Slots between that and the newest.
    pub lag: u64,
    /// Whether it was in the way for too long.
    pub evicted: bool,
    /// Whether it lives, by the kernel's word.
    pub alive: bool,
}

impl SharedMemoryIpc {
    /// Opens the ring in this system's default directory.
    pub fn new() -> Result<Self> {
        SharedMemoryIpc::open(&WriterOptions::new())
    }

    /// Opens a ring: goes on with the one that is there, or makes one. While
    /// another process writes it: [`ErrorKind::RingLocked`].
    pub fn open(options: &WriterOptions) -> Result<Self> {
        let c_options = options.as_c()?;
        let mut opened = std::ptr::null_mut();
        let mut failure = sys::kg_failure::zeroed();
        // SAFETY: all three point to what they must, for the length of the call.
        let result = unsafe { sys::kg_writer_open(c_options.as_ptr(), &mut opened, &mut failure) };
        let writer = match NonNull::new(opened) {
            Some(writer) if result == sys::KG_OK => writer,
            _ => return Err(Error::from_failure(result, &failure)),
        };
        let gate = Gate::new(Handle::Writer(writer));
        let deflates = options.deflates;
        let mut this = SharedMemoryIpc { writer, gate, heartbeat: None, deflates };
        if options.beats {
            this.heartbeat = Some(Heartbeat::start(writer)?);
        }
        Ok(this)
    }

    /// The writer, which is this thread's: the compiler sees to it, and a library
    /// that looks for itself is told.
    fn raw(&self) -> *mut sys::kg_writer {
        // SAFETY: the writer is open, and no other thread uses it but for beating.
        unsafe { sys::kg_writer_adopt(self.writer.as_ptr()) };
        self.writer.as_ptr()
    }

    fn encode<'a>(&self, threat: &'a Threat) -> Encoded<'a> {
        Encoded::new(threat, self.deflates)
    }

    /// What a call that returned `number` has failed with.
    pub(crate) fn failed(&self, number: c_int) -> Error {
        let mut failure = sys::kg_failure::zeroed();
        // SAFETY: the writer is open, and `failure` is writable.
        unsafe { sys::kg_writer_error(self.raw(), &mut failure) };
        Error::from_failure(number, &failure)
    }

    /// A sequence, or what was wrong.
    pub(crate) fn sequence(&self, result: i64) -> Result<u64> {
        // Errors are small numbers.
        u64::try_from(result).map_err(|_| self.failed(result as c_int))
    }

    /// Publishes a threat and wakes the readers that sleep. Never waits.
    /// Returns its sequence, 1 or more.
    ///
    /// Where the ring's [`Overflow`](crate::Overflow) is `Reject`, an error of which
    /// [`Error::is_ring_full`] is true is to be expected.
    pub fn write_threat(&self, threat: &Threat) -> Result<u64> {
        let threat = self.encode(threat);
        // SAFETY: the writer is open and this thread's, and the texts of `threat`
        // outlive the call.
        self.sequence(unsafe { sys::kg_writer_write(self.raw(), threat.as_ptr()) })
    }

    /// Publishes a threat, and waits while the ring is full: `timeout` at the most,
    /// or until it is interrupted. [`Error::is_ring_full`] then.
    pub fn write_threat_waiting(&self, threat: &Threat, timeout: Duration) -> Result<u64> {
        let begin = Instant::now();
        loop {
            match self.write_threat(threat) {
                Err(error) if error.is_ring_full() => {}
                other => return other,
            }
            let left = timeout.saturating_sub(begin.elapsed());
            self.wait_for_space(self.span(threat)?, left)?;
        }
    }

    /// The slots that a threat takes, 1 or more.
    pub fn span(&self, threat: &Threat) -> Result<u32> {
        let threat = self.encode(threat);
        // SAFETY: the texts of `threat` outlive the call.
        let span = unsafe { sys::kg_threat_span(threat.as_ptr()) };
        u32::try_from(span).map_err(|_| Error::new(ErrorKind::EventTooLarge, ""))
    }

    /// Waits until so many slots can be written, 1 to a quarter of the ring:
    /// `timeout` at the most, or until it is interrupted.
    /// [`Error::is_ring_full`] then.
    pub fn wait_for_space(&self, slots: u32, timeout: Duration) -> Result<()> {
        // SAFETY: the writer is open and this thread's.
        let result =
            unsafe { sys::kg_writer_wait_for_space(self.raw(), slots, milliseconds(timeout)) };
        if result == sys::KG_OK {
            Ok(())
        } else {
            Err(self.failed(result))
        }
    }

    /// Begins a batch, whose threats are published at once, with one wake-up.
    pub fn batch(&mut self) -> Batch<'_> {
        Batch::new(self)
    }

    /// Publishes all of these threats at once, or none. Returns the sequence of the
    /// last one.
    pub fn write_threats<'a>(
        &mut self,
        threats: impl IntoIterator<Item = &'a Threat>,
    ) -> Result<u64> {
        let mut batch = self.batch();
        for threat in threats {
            batch.push(threat)?;
        }
        batch.commit()
    }

    pub(crate) fn stage(&self, threat: &Threat) -> Result<()> {
        let threat = self.encode(threat);
        // SAFETY: as in write_threat; staging copies what it is given.
        match unsafe { sys::kg_writer_stage(self.raw(), threat.as_ptr()) } {
            sys::KG_OK => Ok(()),
            result => Err(self.failed(result)),
        }
    }

    pub(crate) fn commit(&self) -> Result<u64> {
        // SAFETY: the writer is open and this thread's.
        self.sequence(unsafe { sys::kg_writer_commit(self.raw()) })
    }

    pub(crate) fn discard(&self) {
        // SAFETY: the writer is open and this thread's.
        unsafe { sys::kg_writer_discard(self.raw()) };
    }

    /// Says "alive", and mends a ring that was removed. Only to be called, about
    /// twice a second, of a writer without [`WriterOptions::beats`].
    pub fn beat(&self) -> Result<()> {
        let mut failure = sys::kg_failure::zeroed();
        // SAFETY: the writer is open and this thread's.
        match unsafe { sys::kg_writer_beat(self.raw(), &mut failure) } {
            sys::KG_OK => Ok(()),
            result => Err(Error::from_failure(result, &failure)),
        }
    }

    /// The reliable readers of the ring.
    pub fn readers(&self) -> Vec<AttachedReader> {
        let mut found = [sys::kg_attached_reader::zeroed(); sys::KG_READER_CELLS as usize];
        // SAFETY: `found` has as many of them as it says.
        let count =
            unsafe { sys::kg_writer_readers(self.raw(), found.as_mut_ptr(), sys::KG_READER_CELLS) };
        let readers = found.iter().take(count as usize);
        readers
            .map(|reader| AttachedReader {
                cell: reader.cell,
                cursor: reader.cursor,
                lag: reader.lag,
                evicted: reader.evicted,
                alive: reader.alive,
            })
            .collect()
    }

    /// What this writer did.
    pub fn stats(&self) -> WriterStats {
        let mut stats = sys::kg_writer_stats::zeroed();
        // SAFETY: the writer is open and this thread's, and `stats` writable.
        unsafe { sys::kg_writer_stats_get(self.raw(), &mut stats) };
        WriterStats {
            published: stats.published,
            priority: stats.priority,
            bytes: stats.bytes,
            bells: stats.bells,
            sequence: stats.sequence,
            replaced: stats.replaced,
            overwritten: stats.overwritten,
            rejected: stats.rejected,
            wanted: stats.wanted,
            evicted: stats.evicted,
            refuses: (stats.refuses != sys::KG_OK)
                .then(|| Error::from_failure(stats.refuses, &sys::kg_failure::zeroed()).kind()),
        }
    }

    /// What the ring is.
    pub fn info(&self) -> RingInfo {
        let mut info = sys::kg_ring_info::zeroed();
        // SAFETY: the writer is open and this thread's, and `info` writable.
        unsafe { sys::kg_writer_info(self.raw(), &mut info) };
        RingInfo::from_c(&info)
    }

    /// Where the ring's pages are. The kernel looks through all of the process' memory
    /// for it, which takes some milliseconds. [`ErrorKind::System`] where it tells
    /// nothing, as on macOS.
    pub fn memory(&self) -> Result<RingMemory> {
        let mut memory = sys::kg_memory::zeroed();
        let mut failure = sys::kg_failure::zeroed();
        // SAFETY: the writer is open and this thread's, and both others are writable.
        match unsafe { sys::kg_writer_memory(self.raw(), &mut memory, &mut failure) } {
            sys::KG_OK => Ok(RingMemory::from_c(&memory)),
            result => Err(Error::from_failure(result, &failure)),
        }
    }

    /// What ends this writer's waiting for space, from any thread, within 50 ms.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter::new(&self.gate)
    }

    /// For an event loop: a descriptor that `poll()` finds readable when there is
    /// space again behind a full ring. Then call this again, which empties it, and
    /// write. It stays the writer's. Look every 50 ms all the same.
    #[cfg(unix)]
    pub fn space_fd(&self) -> Result<std::os::unix::io::RawFd> {
        // SAFETY: the writer is open and this thread's.
        let result = unsafe { sys::kg_writer_space_fd(self.raw()) };
        if result < 0 {
            Err(self.failed(result))
        } else {
            Ok(result)
        }
    }
}

impl Drop for SharedMemoryIpc {
    fn drop(&mut self) {
        if let Some(heartbeat) = self.heartbeat.take() {
            heartbeat.stop(self.gate.is_forked());
        }
        self.gate.close();
        // SAFETY: no other thread has the writer any more, and nobody has it
        // behind this.
        unsafe { sys::kg_writer_close(self.raw()) };
    }
}

/// A thread that beats for a writer.
struct Heartbeat {
    is_stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

struct Beaten(NonNull<sys::kg_writer>);

// SAFETY: of a writer that was opened with `any_thread`, any thread may call the
// functions until it is closed, and Heartbeat::stop comes before that.
unsafe impl Send for Beaten {}

impl Beaten {
    fn beat(&self) {
        // What is wrong is what the next write fails with.
        // SAFETY: see above; `failure` may be NULL.
        unsafe { sys::kg_writer_beat(self.0.as_ptr(), std::ptr::null_mut()) };
    }
}

impl Heartbeat {
    fn start(writer: NonNull<sys::kg_writer>) -> Result<Self> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&is_stopped);
        let beaten = Beaten(writer);
        let body = move || {
            loop {
                thread::park_timeout(BEAT);
                // Acquire: partner of the store in `stop`, though nothing stands
                // behind that but the end.
                if is_over.load(Ordering::Acquire) {
                    return;
                }
                beaten.beat();
            }
        };
        let builder = thread::Builder::new().name("kindly-guard".into());
        match builder.spawn(body) {
            Ok(thread) => Ok(Heartbeat { is_stopped, thread }),
            Err(error) => Err(Error::of_system("a thread", &error)),
        }
    }

    fn stop(self, is_forked: bool) {
        if is_forked {
            // The thread is not in this process: nobody can wait for it.
            std::mem::forget(self.thread);
            return;
        }
        self.is_stopped.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // It does not panic.
        let _ = self.thread.join();
    }
}
