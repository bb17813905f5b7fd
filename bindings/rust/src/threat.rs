//! A threat, and its way into C's struct and out of it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::position::Position;
use crate::sys;

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident($code:ty) { $($variant:ident = $number:literal $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = $text]
                $variant,
            )*
            /// A number without a name here, as another writer may give it.
            Other($code),
        }

        impl $name {
            /// Its number in the ring.
            pub fn code(self) -> $code {
                match self {
                    $($name::$variant => $number,)*
                    $name::Other(code) => code,
                }
            }

            /// Its name as in JavaScript; `"Unknown"` for numbers without one.
            pub fn name(self) -> &'static str {
                match $name::from(self.code()) {
                    $($name::$variant => stringify!($variant),)*
                    $name::Other(_) => "Unknown",
                }
            }
        }

        impl From<$code> for $name {
            fn from(code: $code) -> Self {
                match code {
                    $($number => $name::$variant,)*
                    other => $name::Other(other),
                }
            }
        }

        // By the number: Other of a number that has a name is the same.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.code() == other.code()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.code().hash(state);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

codes! {
    /// What a threat is.
    ThreatType(u32) {
        Unknown = 0 "None of the others.",
        UnicodeInvisible = 1 "Characters that nobody sees.",
        UnicodeBiDi = 2 "Characters that change the order of reading.",
        UnicodeHomoglyph = 3 "Characters that look like others.",
        InjectionAttempt = 4 "Text that is to be obeyed.",
        PathTraversal = 5 "A path that leaves its folder.",
        SuspiciousPattern = 6 "Anything else that looks wrong.",
        RateLimitViolation = 7 "Too many requests.",
    }
}

codes! {
    /// How severe a threat is. They are ordered by their numbers.
    Severity(u8) {
        Low = 1 "The least.",
        Medium = 2 "More than low.",
        High = 3 "More than medium.",
        Critical = 4 "The most: a priority event, unless the writer's options say otherwise.",
    }
}

impl PartialOrd for Severity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Severity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(&other.code())
    }
}

/// One threat, as it is written and as it is read.
///
/// ```
/// use kindly_guard_ipc::{Severity, Threat, ThreatType};
///
/// let threat = Threat::new(ThreatType::PathTraversal, Severity::High, "mcp", "../../etc/passwd")
///     .blocked(true)
///     .context(r#"{"rule":"paths"}"#);
/// assert_eq!(threat.severity.name(), "High");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Threat {
    /// What it is.
    pub threat_type: ThreatType,
    /// How severe it is.
    pub severity: Severity,
    /// Where it was found. Bytes that are no UTF-8 are read as U+FFFD.
    pub source: String,
    /// What was found; the same holds for its bytes.
    pub details: String,
    /// Whether it was stopped.
    pub blocked: bool,
    /// An id of its own; `id()` has one in any case.
    pub own_id: Option<String>,
    /// More about it, as JSON: see [`WriterOptions::check_json`](crate::WriterOptions::check_json).
    pub context: Option<String>,
    /// Microseconds since 1970. Writing: 0 is now.
    pub timestamp_us: u64,

    /// Set by reading, as what follows: its number in the ring, 1 or more.
    pub sequence: u64,
    /// The ring that it was read from.
    pub generation: u64,
    /// The priority events of that ring up to this one and with it, mod 2^32.
    pub priority: u32,
    /// The writer's monotonic clock when it published, in nanoseconds.
    pub publish_ns: u64,
    /// The texts are cut, and the own id and the context missing: the rest of
    /// them is compressed, was too large to be kept apart, or is damaged.
    pub cut: bool,
}

impl Threat {
    /// A threat that was found now, and not blocked.
    pub fn new(
        threat_type: ThreatType,
        severity: Severity,
        source: impl Into<String>,
        details: impl Into<String>,
    ) -> Self {
        Threat {
            threat_type,
            severity,
            source: source.into(),
            details: details.into(),
            blocked: false,
            own_id: None,
            context: None,
            timestamp_us: 0,
            sequence: 0,
            generation: 0,
            priority: 0,
            publish_ns: 0,
            cut: false,
        }
    }

    /// Says whether it was stopped.
    pub fn blocked(mut self, blocked: bool) -> Self {
        self.blocked = blocked;
        self
    }

    /// Gives it an id of its own.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.own_id = Some(id.into());
        self
    }

    /// Gives it a context, which has to be JSON.
    pub fn context(mut self, json: impl Into<String>) -> Self {
        self.context = Some(json.into());
        self
    }

    /// Says when it was found, in microseconds since 1970; 0 is now.
    pub fn timestamp_us(mut self, timestamp_us: u64) -> Self {
        self.timestamp_us = timestamp_us;
        self
    }

    /// Its own id or, as in JavaScript, its place: the ring's generation as 16
    /// hexadecimal digits, and its sequence.
    pub fn id(&self) -> String {
        match &self.own_id {
            Some(id) => id.clone(),
            None => format!("{:016x}-{}", self.generation, self.sequence),
        }
    }

    /// Its place in the stream: another reader goes on behind it.
    pub fn position(&self) -> Position {
        Position {
            generation: self.generation,
            sequence: self.sequence,
            priority: Some(self.priority),
        }
    }

    /// What C is given. It points into this threat.
    pub(crate) fn as_c(&self) -> sys::kg_threat {
        let mut threat = sys::kg_threat::zeroed();
        threat.timestamp_us = self.timestamp_us;
        threat.threat_type = self.threat_type.code();
        threat.severity = self.severity.code();
        threat.blocked = self.blocked;
        threat.source = as_text(&self.source);
        threat.details = as_text(&self.details);
        threat.id = as_text(self.own_id.as_deref().unwrap_or(""));
        threat.context = as_text(self.context.as_deref().unwrap_or(""));
        threat
    }

    /// What C has decoded.
    ///
    /// # Safety
    ///
    /// The texts point to as many bytes as they say.
    pub(crate) unsafe fn from_c(threat: &sys::kg_threat, generation: u64, priority: u32) -> Self {
        // SAFETY: as this function's.
        let string = |text: &sys::kg_text| unsafe { string_of(text) };
        let optional = |text: &sys::kg_text| (text.length > 0).then(|| string(text));
        Threat {
            threat_type: threat.threat_type.into(),
            severity: threat.severity.into(),
            source: string(&threat.source),
            details: string(&threat.details),
            blocked: threat.blocked,
            own_id: optional(&threat.id),
            context: optional(&threat.context),
            timestamp_us: threat.timestamp_us,
            sequence: threat.sequence,
            generation,
            priority,
            publish_ns: threat.publish_ns,
            cut: threat.cut,
        }
    }
}

fn as_text(text: &str) -> sys::kg_text {
    sys::kg_text { bytes: text.as_ptr().cast(), length: text.len() }
}

/// # Safety
///
/// The text points to as many bytes as it says.
unsafe fn string_of(text: &sys::kg_text) -> String {
    if text.length == 0 || text.bytes.is_null() {
        return String::new();
    }
    // SAFETY: as this function's; it is not NULL.
    let bytes = unsafe { std::slice::from_raw_parts(text.bytes.cast::<u8>(), text.length) };
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPC_H: &str = include_str!("../../../native/include/kg_ipc.h");

    /// The names and numbers of an enum in C, whose names begin with `prefix`.
    fn named(prefix: &str) -> Vec<(String, u32)> {
        let lines = IPC_H.lines().filter_map(|line| line.trim().strip_prefix(prefix));
        let pairs = lines.filter_map(|line| line.split_once(" = "));
        pairs
            .map(|(name, number)| {
                let digits = number.trim_end_matches(',');
                (name.replace('_', ""), digits.parse().expect(number))
            })
            .collect()
    }

    #[test]
    fn types_and_severities_are_those_of_the_library() {
        let types = named("KG_THREAT_");
        assert_eq!(types.len(), 8);
        for (name, code) in types {
            let found = ThreatType::from(code);
            assert_eq!((found.name().to_uppercase(), found.code()), (name, code));
        }
        let severities = named("KG_SEVERITY_");
        assert_eq!(severities.len(), 4);
        for (name, code) in severities {
            let found = Severity::from(code as u8);
            assert_eq!((found.name().to_uppercase(), u32::from(found.code())), (name, code));
        }
    }

    #[test]
    fn numbers_without_a_name_are_kept() {
        assert_eq!((ThreatType::from(99).code(), ThreatType::from(99).name()), (99, "Unknown"));
        assert_eq!((Severity::from(0).code(), Severity::from(0).name()), (0, "Unknown"));
        assert_eq!(Severity::Other(3), Severity::High);
        assert_eq!(Severity::Other(3).name(), "High");
        assert!(Severity::Critical < Severity::Other(9) && Severity::Other(0) < Severity::Low);
    }

    #[test]
    fn it_goes_to_c_and_back() {
        let mut threat = Threat::new(ThreatType::Other(77), Severity::Critical, "ü\0", "")
            .blocked(true)
            .with_id("own")
            .context("{}")
            .timestamp_us(5);
        let c = threat.as_c();
        // SAFETY: the texts point into `threat`.
        let back = unsafe { Threat::from_c(&c, 7, 3) };
        threat.generation = 7;
        threat.priority = 3;
        assert_eq!(back, threat);
        assert_eq!(back.id(), "own");
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_replaced() {
        let bytes = b"a\xff\xc3";
        let mut c = sys::kg_threat::zeroed();
        c.source = sys::kg_text { bytes: bytes.as_ptr().cast(), length: bytes.len() };
        // SAFETY: `source` has as many bytes as it says, the others have none.
        let threat = unsafe { Threat::from_c(&c, 0xab, 0) };
        assert_eq!(threat.source, "a\u{fffd}\u{fffd}");
        assert_eq!((threat.own_id.clone(), threat.id()), (None, "00000000000000ab-0".to_string()));
    }
}
