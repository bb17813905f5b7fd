//! What a ring is, and its default place.

use std::ffi::CStr;
use std::os::raw::c_char;
use std::path::PathBuf;

use crate::error::{c_bytes, Error, Result};
use crate::options::path_of;
use crate::position::Position;
use crate::sys;

/// What a ring is, as its header said when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingInfo {
    /// Random, one for each ring file.
    pub generation: u64,
    /// The last event of the ring before this one, if that is known.
    pub predecessor: Option<Position>,
    /// The size of the file.
    pub file_bytes: u64,
    /// Slots; an event takes one, and more when its texts are long.
    pub capacity: u32,
    /// Slots of the priority lane.
    pub priority_events: u32,
    /// Whether slots have checksums.
    pub checksums: bool,
    /// The file.
    pub path: PathBuf,
}

impl RingInfo {
    pub(crate) fn from_c(info: &sys::kg_ring_info) -> Self {
        let priority = Some(info.predecessor_priority);
        RingInfo {
            generation: info.generation,
            predecessor: (info.predecessor_generation != 0).then(|| Position {
                generation: info.predecessor_generation,
                sequence: info.predecessor_sequence,
                priority: priority
                    .filter(|&number| number != sys::KG_PRIORITY_UNKNOWN)
                    // It is a number mod 2^32.
                    .map(|number| number as u32),
            }),
            file_bytes: info.file_bytes,
            capacity: info.capacity,
            priority_events: info.priority_events,
            checksums: info.checksums,
            path: path_of(c_bytes(&info.path)),
        }
    }
}

/// As many bytes as kg_default_directory wants.
const DIRECTORY_BYTES: usize = 512;

/// The directory that a writer without `dir` would use now, which is made when it
/// is missing.
pub fn default_directory() -> Result<PathBuf> {
    let mut path = [0 as c_char; DIRECTORY_BYTES];
    let mut failure = sys::kg_failure::zeroed();
    // SAFETY: `path` holds 512 bytes, as it must.
    let result = unsafe { sys::kg_default_directory(path.as_mut_ptr(), &mut failure) };
    if result != sys::KG_OK {
        return Err(Error::from_failure(result, &failure));
    }
    Ok(path_of(c_bytes(&path)))
}

/// The version of the C library that runs.
pub fn version() -> &'static str {
    static_text(sys::kg_version)
}

/// How checksums are computed here: `"sse4.2"`, `"armv8-crc"` or `"portable"`.
pub fn checksum_method() -> &'static str {
    static_text(sys::kg_checksum_method)
}

fn static_text(function: unsafe extern "C" fn() -> *const c_char) -> &'static str {
    // SAFETY: these two return a text of static storage.
    unsafe { CStr::from_ptr(function()) }.to_str().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_of_this_crates_version() {
        assert_eq!(version(), env!("CARGO_PKG_VERSION"));
        assert!(["sse4.2", "armv8-crc", "portable"].contains(&checksum_method()));
    }
}
