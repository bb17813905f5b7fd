//! Where a ring is, and how it is written and read.

use std::ffi::CString;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::placement::{HugePages, NumaNode};
use crate::position::Position;
use crate::sys;
use crate::threat::Severity;

/// What happens when a reliable reader has not taken what would be overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The newest events are kept, and no writer waits.
    Overwrite,
    /// Writing fails with [`ErrorKind::RingFull`].
    Reject,
}

/// Where a reader starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Start {
    /// Behind the newest event.
    Latest,
    /// At the oldest one that still stands.
    Oldest,
    /// At this sequence, 1 or more: what of it is gone is lost, what is not there
    /// yet is waited for.
    Sequence(u64),
    /// Behind this place, also one in the ring before this one.
    After(Position),
}

/// The options of both ends.
#[derive(Clone, Debug, Default)]
struct Place {
    dir: Option<PathBuf>,
    name: Option<String>,
    huge_pages: HugePages,
}

/// How a ring is written. Each method returns the options, changed.
#[derive(Clone, Debug)]
#[must_use]
pub struct WriterOptions {
    place: Place,
    max_events: u32,
    max_bytes: u64,
    checksums: bool,
    priority_severity: Option<Severity>,
    priority_events: Option<u32>,
    overflow: Overflow,
    reader_timeout: Option<Duration>,
    numa_node: Option<NumaNode>,
    check_json: bool,
    pub(crate) deflates: bool,
    pub(crate) beats: bool,
}

impl Default for WriterOptions {
    fn default() -> Self {
        WriterOptions {
            place: Place::default(),
            max_events: 0,
            max_bytes: 0,
            checksums: true,
            priority_severity: None,
            priority_events: None,
            overflow: Overflow::Overwrite,
            reader_timeout: None,
            numa_node: None,
            check_json: true,
            deflates: true,
            beats: true,
        }
    }
}

impl WriterOptions {
    /// This system's default directory, the name `kindly-guard`, and 1,000 events.
    pub fn new() -> Self {
        WriterOptions::default()
    }

    /// The directory, which is made when it is missing.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.place.dir = Some(dir.into());
        self
    }

    /// The ring's name: letters, digits, `.`, `_` and `-`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.place.name = Some(name.into());
        self
    }

    /// At least so many slots. 0: as many as the ring that is there has, 1,000 in
    /// a new one.
    pub fn max_events(mut self, max_events: u32) -> Self {
        self.max_events = max_events;
        self
    }

    /// The file may not be larger; 0: no limit.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Whether slots have checksums, as they have unless told otherwise.
    pub fn checksums(mut self, checksums: bool) -> Self {
        self.checksums = checksums;
        self
    }

    /// Events of this severity or a higher one have priority: copies of the last
    /// ones of them are kept apart, where no flood of others overwrites them.
    /// Critical ones have it unless told otherwise.
    pub fn priority_severity(mut self, severity: Severity) -> Self {
        self.priority_severity = Some(severity);
        self
    }

    /// How many events are kept apart for their priority, 256 unless told
    /// otherwise; 0: none.
    pub fn priority_events(mut self, events: u32) -> Self {
        self.priority_events = Some(events);
        self
    }

    /// What happens when a reliable reader is in the way.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// How long a reliable reader may be in the way, five seconds unless told
    /// otherwise.
    pub fn reader_timeout(mut self, timeout: Duration) -> Self {
        self.reader_timeout = Some(timeout);
        self
    }

    /// Whether the ring is in huge pages: [`HugePages::Auto`] unless told otherwise.
    pub fn huge_pages(mut self, huge_pages: HugePages) -> Self {
        self.place.huge_pages = huge_pages;
        self
    }

    /// On which NUMA node the ring is; the system chooses unless told otherwise.
    /// [`ErrorKind::NumaNode`] on a machine that has one node, or not this one. Linux.
    pub fn numa_node(mut self, node: NumaNode) -> Self {
        self.numa_node = Some(node);
        self
    }

    /// Whether a context that is no JSON is refused, as it is unless told
    /// otherwise: [`ErrorKind::InvalidThreat`].
    pub fn check_json(mut self, check_json: bool) -> Self {
        self.check_json = check_json;
        self
    }

    /// Whether texts of 16 KiB and more are deflated where the C library has zlib,
    /// as they are unless told otherwise.
    pub fn deflates(mut self, deflates: bool) -> Self {
        self.deflates = deflates;
        self
    }

    /// Whether the writer has a thread that says "alive" twice a second and mends
    /// a ring that was removed, as it has unless told otherwise. Without it, call
    /// [`SharedMemoryIpc::beat`](crate::SharedMemoryIpc::beat) as often; waiting
    /// for space then ends at once when there is some, and not a millisecond later.
    pub fn beats(mut self, beats: bool) -> Self {
        self.beats = beats;
        self
    }

    pub(crate) fn as_c(&self) -> Result<COptions> {
        let mut options = COptions::new(&self.place)?;
        let raw = &mut options.raw;
        raw.max_events = self.max_events;
        raw.max_bytes = self.max_bytes;
        raw.no_checksums = !self.checksums;
        // 0 is no severity for C, but the default. Every event has priority from
        // 1 on; one of severity 0 is no named one.
        raw.priority_severity = self.priority_severity.map_or(0, |one| one.code().max(1).into());
        raw.priority_events = match self.priority_events {
            None => 0,
            Some(0) => sys::KG_PRIORITY_NONE,
            // That number is none for C.
            Some(events) => events.min(sys::KG_PRIORITY_NONE - 1),
        };
        raw.rejects = self.overflow == Overflow::Reject;
        raw.reader_timeout_ms = self.reader_timeout.map_or(0, |time| milliseconds(time).max(1));
        raw.numa_node = self.numa_node.map_or(0, NumaNode::as_c);
        raw.any_thread = self.beats;
        // The others that C checks are UTF-8, which text in Rust is.
        raw.checks = if self.check_json { sys::KG_CHECK_JSON } else { 0 };
        Ok(options)
    }
}

/// How a ring is read. Each method returns the options, changed.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReaderOptions {
    place: Place,
    reliable: bool,
    pub(crate) max_event_bytes: u32,
    pub(crate) start: Start,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        ReaderOptions {
            place: Place::default(),
            reliable: false,
            max_event_bytes: sys::KG_DEFAULT_EVENT_BYTES,
            start: Start::Latest,
        }
    }
}

impl ReaderOptions {
    /// This system's default directory, the name `kindly-guard`, from the latest
    /// event on.
    pub fn new() -> Self {
        ReaderOptions::default()
    }

    /// The directory.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.place.dir = Some(dir.into());
        self
    }

    /// The ring's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.place.name = Some(name.into());
        self
    }

    /// Where reading begins.
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// The most bytes that the texts of an event may have together, 1 MiB unless
    /// told otherwise: those of a larger one are cut. No more is ever inflated.
    pub fn max_event_bytes(mut self, max_event_bytes: u32) -> Self {
        self.max_event_bytes = max_event_bytes;
        self
    }

    /// Whether a writer that rejects waits for this reader.
    pub fn reliable(mut self, reliable: bool) -> Self {
        self.reliable = reliable;
        self
    }

    /// Whether the ring must be in huge pages, or is to be in small ones:
    /// [`HugePages::Auto`] unless told otherwise. Which it is, its writer has chosen.
    pub fn huge_pages(mut self, huge_pages: HugePages) -> Self {
        self.place.huge_pages = huge_pages;
        self
    }

    pub(crate) fn as_c(&self) -> Result<COptions> {
        let mut options = COptions::new(&self.place)?;
        options.raw.reliable = self.reliable;
        Ok(options)
    }
}

/// Whole milliseconds, no less than the time.
pub(crate) fn milliseconds(time: Duration) -> u32 {
    let whole = time.as_nanos().saturating_add(999_999) / 1_000_000;
    u32::try_from(whole).unwrap_or(u32::MAX)
}

/// What C is given, and the texts that it points to.
pub(crate) struct COptions {
    raw: sys::kg_ring_options,
    _dir: Option<CString>,
    _name: Option<CString>,
}

impl COptions {
    fn new(place: &Place) -> Result<Self> {
        let dir = match &place.dir {
            Some(dir) => Some(c_string("dir", path_bytes(dir)?)?),
            None => None,
        };
        let name = match &place.name {
            Some(name) => Some(c_string("name", name.clone().into_bytes())?),
            None => None,
        };
        let mut raw = sys::kg_ring_options::zeroed();
        raw.struct_size = std::mem::size_of::<sys::kg_ring_options>() as u32;
        // What a CString points to stays where it is when that is moved.
        raw.dir = dir.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        raw.name = name.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        raw.huge_pages = place.huge_pages.as_c();
        Ok(COptions { raw, _dir: dir, _name: name })
    }

    pub(crate) fn as_ptr(&self) -> *const sys::kg_ring_options {
        &self.raw
    }
}

fn c_string(option: &str, bytes: Vec<u8>) -> Result<CString> {
    CString::new(bytes)
        .map_err(|_| Error::new(ErrorKind::InvalidOption, format!("{option} has a NUL in it")))
}

#[cfg(unix)]
fn path_bytes(path: &std::path::Path) -> Result<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt;
    Ok(path.as_os_str().as_bytes().to_vec())
}

#[cfg(not(unix))]
fn path_bytes(path: &std::path::Path) -> Result<Vec<u8>> {
    let text = path.to_str().map(|text| text.as_bytes().to_vec());
    text.ok_or_else(|| Error::new(ErrorKind::InvalidOption, "dir is no Unicode"))
}

#[cfg(unix)]
pub(crate) fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
pub(crate) fn path_of(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_the_struct_is_said() {
        let options = WriterOptions::new().as_c().expect("options");
        assert_eq!(options.raw.struct_size as usize, sys::abi::KG_RING_OPTIONS);
    }

    #[test]
    fn what_is_not_said_is_left_to_the_library() {
        let raw = WriterOptions::new().as_c().expect("options").raw;
        assert!(raw.dir.is_null() && raw.name.is_null());
        assert_eq!([raw.max_events, raw.priority_severity, raw.priority_events], [0; 3]);
        assert_eq!((raw.reader_timeout_ms, raw.rejects, raw.no_checksums), (0, false, false));
        assert_eq!((raw.huge_pages, raw.numa_node), (sys::KG_HUGE_AUTO, 0));
        assert_eq!(raw.checks, sys::KG_CHECK_JSON);
        assert_eq!(WriterOptions::new().check_json(false).as_c().expect("options").raw.checks, 0);
        assert!(raw.any_thread, "the heart beats in a thread of its own");
        assert!(!WriterOptions::new().beats(false).as_c().expect("options").raw.any_thread);
    }

    #[test]
    fn what_is_said_is_given_to_the_library() {
        let options = WriterOptions::new()
            .dir("/d")
            .name("n")
            .max_events(3)
            .max_bytes(4)
            .checksums(false)
            .priority_severity(Severity::High)
            .priority_events(0)
            .overflow(Overflow::Reject)
            .reader_timeout(Duration::from_micros(1))
            .huge_pages(HugePages::Require)
            .numa_node(NumaNode::Number(3));
        let options = options.as_c().expect("options");
        let raw = &options.raw;
        assert_eq!((raw.max_events, raw.max_bytes, raw.no_checksums), (3, 4, true));
        assert_eq!((raw.priority_severity, raw.priority_events), (3, u32::MAX));
        assert_eq!((raw.rejects, raw.reader_timeout_ms), (true, 1));
        assert_eq!((raw.huge_pages, raw.numa_node), (sys::KG_HUGE_REQUIRE, 4));
        // SAFETY: both point to texts that `options` keeps.
        let texts = unsafe { [raw.dir, raw.name].map(|text| std::ffi::CStr::from_ptr(text)) };
        assert_eq!(texts.map(|text| text.to_bytes()), [&b"/d"[..], b"n"]);
        let reader = ReaderOptions::new().reliable(true).huge_pages(HugePages::Off);
        let raw = reader.as_c().expect("options").raw;
        assert_eq!((raw.reliable, raw.huge_pages), (true, sys::KG_HUGE_OFF));
    }

    #[test]
    fn a_nul_is_refused() {
        let error = WriterOptions::new().dir("a\0b").as_c().err().expect("a NUL");
        assert_eq!((error.code(), error.detail()), ("ERR_INVALID_OPTION", "dir has a NUL in it"));
        let error = ReaderOptions::new().name("a\0b").as_c().err().expect("a NUL");
        assert_eq!(error.kind(), ErrorKind::InvalidOption);
    }

    #[test]
    fn times_are_rounded_up_and_bounded() {
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(7)), 7);
        assert_eq!(milliseconds(Duration::MAX), u32::MAX);
    }
}
