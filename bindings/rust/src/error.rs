//! What can be wrong: one code for each error of the C library.

use std::ffi::CStr;
use std::fmt;
use std::os::raw::{c_char, c_int};

use crate::sys;

/// What operations of this crate give.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! kinds {
    ($($name:ident = $number:literal $code:literal,)*) => {
        /// What kind of an error it is. docs/errors.md says what to do about each.
        /// Some kinds are of the JavaScript package alone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $(
                #[doc = concat!("`", $code, "`")]
                $name,
            )*
            /// The number of a library that is newer than this crate.
            Unknown(i32),
        }

        impl ErrorKind {
            /// All kinds that have a name.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$name,)*];

            fn from_number(number: c_int) -> Self {
                match number {
                    $($number => ErrorKind::$name,)*
                    other => ErrorKind::Unknown(other),
                }
            }

            fn number(self) -> c_int {
                match self {
                    $(ErrorKind::$name => $number,)*
                    ErrorKind::Unknown(number) => number,
                }
            }

            /// The stable code, such as `"ERR_NO_RING"`.
            pub fn code(self) -> &'static str {
                match self {
                    $(ErrorKind::$name => $code,)*
                    ErrorKind::Unknown(number) => text_of(number, sys::kg_error_code),
                }
            }
        }
    };
}

kinds! {
    NoRing = -1 "ERR_NO_RING",
    RingLocked = -2 "ERR_RING_LOCKED",
    RingInvalid = -3 "ERR_RING_INVALID",
    RingVersion = -4 "ERR_RING_VERSION",
    RingCorrupt = -5 "ERR_RING_CORRUPT",
    RingTruncated = -6 "ERR_RING_TRUNCATED",
    UnsafePath = -7 "ERR_UNSAFE_PATH",
    NoSpace = -8 "ERR_NO_SPACE",
    Access = -9 "ERR_ACCESS",
    ReadOnly = -10 "ERR_READ_ONLY",
    TooManyFiles = -11 "ERR_TOO_MANY_FILES",
    NoMemory = -12 "ERR_NO_MEMORY",
    System = -13 "ERR_SYSTEM",
    Forked = -14 "ERR_FORKED",
    Closed = -15 "ERR_CLOSED",
    EventTooLarge = -16 "ERR_EVENT_TOO_LARGE",
    BatchTooLarge = -17 "ERR_BATCH_TOO_LARGE",
    SequenceExhausted = -18 "ERR_SEQUENCE_EXHAUSTED",
    InvalidArgument = -19 "ERR_INVALID_ARGUMENT",
    InvalidOption = -20 "ERR_INVALID_OPTION",
    InvalidThreat = -21 "ERR_INVALID_THREAT",
    ShmUnavailable = -22 "ERR_SHM_UNAVAILABLE",
    WebsocketUnreachable = -23 "ERR_WEBSOCKET_UNREACHABLE",
    WebsocketRefused = -24 "ERR_WEBSOCKET_REFUSED",
    WebsocketClosed = -25 "ERR_WEBSOCKET_CLOSED",
    WebsocketPort = -26 "ERR_WEBSOCKET_PORT",
    DiscoveryInvalid = -27 "ERR_DISCOVERY_INVALID",
    ConfigInvalid = -28 "ERR_CONFIG_INVALID",
    RingFull = -29 "ERR_RING_FULL",
    TooManyReaders = -30 "ERR_TOO_MANY_READERS",
    BenchmarkFailed = -31 "ERR_BENCHMARK_FAILED",
    PositionInvalid = -32 "ERR_POSITION_INVALID",
    NoZlib = -33 "ERR_NO_ZLIB",
    WrongThread = -34 "ERR_WRONG_THREAD",
    HugePages = -35 "ERR_HUGE_PAGES",
    NumaNode = -36 "ERR_NUMA_NODE",
}

fn text_of(number: c_int, function: unsafe extern "C" fn(c_int) -> *const c_char) -> &'static str {
    // SAFETY: these three take any number and return a text of static storage.
    let text = unsafe { CStr::from_ptr(function(number)) };
    text.to_str().unwrap_or("")
}

/// An error of the library: its kind, and what it said beyond that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    system_error: i32,
    detail: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Error { kind, system_error: 0, detail: detail.into() }
    }

    /// What the system says of something that this crate asked it for.
    pub(crate) fn of_system(what: &str, error: &std::io::Error) -> Self {
        let system_error = error.raw_os_error().unwrap_or(0);
        Error { kind: ErrorKind::System, system_error, detail: format!("{what}: {error}") }
    }

    /// Of a call that returned `number`, which had that to say.
    pub(crate) fn from_failure(number: c_int, failure: &sys::kg_failure) -> Self {
        let mut error = Error::new(ErrorKind::from_number(number), "");
        // Another thread's call may have failed since, by another error.
        if failure.error == number {
            error.system_error = failure.system_error;
            error.detail = String::from_utf8_lossy(&c_bytes(&failure.detail)).into_owned();
        }
        error
    }

    /// What kind of an error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code, such as `"ERR_NO_RING"`.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The system's error number (errno), when a system call failed.
    pub fn system_error(&self) -> Option<i32> {
        Some(self.system_error).filter(|&number| number != 0)
    }

    /// The path, the holder of a lock and the like; may be empty.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether a reliable reader has not taken what would have been overwritten:
    /// nothing was written, and the same may be written again later.
    pub fn is_ring_full(&self) -> bool {
        self.kind == ErrorKind::RingFull
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.kind.number();
        write!(f, "{}: {}", self.code(), text_of(number, sys::kg_error_what))?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        write!(f, " {}", text_of(number, sys::kg_error_advice))
    }
}

impl std::error::Error for Error {}

/// The bytes of a text in an array, up to its NUL.
pub(crate) fn c_bytes(array: &[c_char]) -> Vec<u8> {
    array.iter().take_while(|&&c| c != 0).map(|&c| c as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR_H: &str = include_str!("../../../native/include/kg_error.h");

    /// The names and numbers of the table in C.
    fn table() -> Vec<(String, c_int)> {
        let rows = ERROR_H.lines().filter_map(|line| line.trim().strip_prefix("X("));
        rows.map(|row| {
            let mut words = row.split(',');
            let name = words.next().expect("a name").to_string();
            (name, words.next().expect("a number").trim().parse().expect("a number"))
        })
        .collect()
    }

    #[test]
    fn there_is_a_kind_for_each_error_of_the_library() {
        let table = table();
        assert!(table.len() > 30);
        assert_eq!(table.len(), ErrorKind::ALL.len());
        for ((name, number), &kind) in table.iter().zip(ErrorKind::ALL) {
            assert_eq!(kind.code(), format!("ERR_{name}"));
            assert_eq!(kind.number(), *number);
            assert_eq!(ErrorKind::from_number(*number), kind);
            assert_eq!(text_of(*number, sys::kg_error_code), kind.code());
        }
    }

    #[test]
    fn a_number_without_a_kind_is_kept() {
        let kind = ErrorKind::from_number(-999);
        assert_eq!((kind, kind.code()), (ErrorKind::Unknown(-999), "ERR_UNKNOWN"));
    }

    #[test]
    fn it_says_what_happened_and_what_to_do() {
        let mut failure = sys::kg_failure::zeroed();
        failure.error = -1;
        failure.system_error = 2;
        for (to, from) in failure.detail.iter_mut().zip(b"/dir/\xff") {
            *to = *from as c_char;
        }
        let error = Error::from_failure(-1, &failure);
        assert_eq!(error.system_error(), Some(2));
        assert_eq!(error.detail(), "/dir/\u{fffd}");
        let text = error.to_string();
        assert!(
            text.starts_with("ERR_NO_RING: There is no ring here. (/dir/\u{fffd}) Start"),
            "{text}"
        );
        let other = Error::from_failure(-2, &failure);
        assert_eq!((other.code(), other.detail()), ("ERR_RING_LOCKED", ""));
    }

    #[test]
    fn a_detail_without_an_end_is_bounded() {
        let mut failure = sys::kg_failure::zeroed();
        failure.error = -1;
        failure.detail = [b'x' as c_char; 600];
        assert_eq!(Error::from_failure(-1, &failure).detail().len(), 600);
    }
}
