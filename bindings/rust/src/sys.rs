//! What `native/include/kg_ipc.h` and `kg_error.h` declare, by their names there.
//! Nothing else in this crate declares a C function or a C struct.

#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_int, c_uint, c_void};

/// The layouts that `kg_abi.json` tells of the library that is linked. Older
/// compilers see no use in what only another constant uses.
#[allow(dead_code)]
#[rustfmt::skip]
pub mod abi {
    include!(concat!(env!("OUT_DIR"), "/abi.rs"));
}

/// A struct's name and size, and of each field the name, the offset and the size.
#[cfg(test)]
pub type Layout = (&'static str, usize, &'static [(&'static str, usize, usize)]);

/// Structs whose sizes are the library's, or this does not compile. The places of
/// their fields are checked by `tests` below.
macro_rules! structs {
    ($($(#[$meta:meta])* $name:ident = $size:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            $(#[$meta])*
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct $name { $(pub $field: $type,)* }

            const _: () = assert!(
                std::mem::size_of::<$name>() == abi::$size,
                concat!("sys.rs has another ", stringify!($name), " than the C library")
            );

            impl $name {
                /// All its bytes zero, as `= {0}` in C. Not each of them needs it.
                #[allow(dead_code)]
                pub fn zeroed() -> Self {
                    // SAFETY: each field is a number, a bool, an array of numbers,
                    // or a raw pointer: zero is a value of all of them.
                    unsafe { std::mem::zeroed() }
                }
            }
        )*

        /// The layouts of these structs as Rust has them, in the order of above.
        #[cfg(test)]
        fn layouts() -> Vec<(&'static str, usize, Vec<(&'static str, usize, usize)>)> {
            vec![$({
                let value = $name::zeroed();
                let base = std::ptr::addr_of!(value) as usize;
                let fields = vec![$((
                    stringify!($field),
                    std::ptr::addr_of!(value.$field) as usize - base,
                    std::mem::size_of::<$type>(),
                )),*];
                (stringify!($name), std::mem::size_of::<$name>(), fields)
            }),*]
        }
    };
}

structs! {
    kg_text = KG_TEXT {
        bytes: *const c_char,
        length: usize,
    }

    kg_threat = KG_THREAT {
        timestamp_us: u64,
        threat_type: u32,
        severity: u8,
        blocked: bool,
        source: kg_text,
        details: kg_text,
        id: kg_text,
        context: kg_text,
        deflated: kg_text,
        sequence: u64,
        publish_ns: u64,
        cut: bool,
        missing: u8,
    }

    kg_failure = KG_FAILURE {
        error: c_int,
        system_error: c_int,
        detail: [c_char; 600],
    }

    kg_ring_options = KG_RING_OPTIONS {
        struct_size: u32,
        dir: *const c_char,
        name: *const c_char,
        max_events: u32,
        max_bytes: u64,
        no_checksums: bool,
        priority_severity: u32,
        priority_events: u32,
        predecessor_generation: u64,
        predecessor_sequence: u64,
        predecessor_priority: u64,
        rejects: bool,
        reader_timeout_ms: u32,
        reliable: bool,
        any_thread: bool,
        checks: u64,
        huge_pages: u32,
        numa_node: u32,
    }

    kg_memory = KG_MEMORY {
        page_bytes: u64,
        resident: u64,
        huge: u64,
        nodes: u32,
        node: [u64; KG_MEMORY_NODES],
    }

    kg_ring_info = KG_RING_INFO {
        generation: u64,
        predecessor_generation: u64,
        predecessor_sequence: u64,
        predecessor_priority: u64,
        file_bytes: u64,
        capacity: u32,
        priority_events: u32,
        checksums: bool,
        path: [c_char; 1024],
    }

    kg_writer_stats = KG_WRITER_STATS {
        published: u64,
        priority: u32,
        bytes: u64,
        bells: u64,
        sequence: u64,
        replaced: u64,
        overwritten: u64,
        rejected: u64,
        wanted: u32,
        evicted: u64,
        refuses: c_int,
    }

    kg_attached_reader = KG_ATTACHED_READER {
        cell: u32,
        cursor: u64,
        lag: u64,
        evicted: bool,
        alive: bool,
    }

    kg_position = KG_POSITION {
        generation: u64,
        next: u64,
        priority: u64,
    }

    kg_batch = KG_BATCH {
        loss_reason: u32,
        lost: u64,
        lost_from: u64,
        lost_to: u64,
        lost_priority: u64,
        slots: u32,
        events: u32,
        slots_needed: u32,
        more: bool,
    }

    kg_reader_stats = KG_READER_STATS {
        received: u64,
        lost: u64,
        rescued: u64,
        corrupt: u64,
        bytes: u64,
        sequence: u64,
        expected: u64,
        priority: u64,
        published: u64,
        writer_start_us: u64,
        reliable: bool,
    }
}

/// A writer, which only the library knows from inside.
#[repr(C)]
pub struct kg_writer {
    _private: [u8; 0],
}

/// A reader, which only the library knows from inside.
#[repr(C)]
pub struct kg_reader {
    _private: [u8; 0],
}

pub const KG_OK: c_int = 0;
pub const KG_PRIORITY_NONE: u32 = u32::MAX;
pub const KG_PRIORITY_UNKNOWN: u64 = u64::MAX;
pub const KG_LOST_UNKNOWN: u64 = u64::MAX;
pub const KG_DEFAULT_EVENT_BYTES: u32 = 1 << 20;
pub const KG_DEFLATE_FROM: usize = 16384;
pub const KG_CHECK_JSON: u64 = 2;
pub const KG_NUMA_INTERLEAVE: u32 = u32::MAX;
pub const KG_MEMORY_NODES: usize = 64;

// kg_layout.h
pub const KG_SLOT_BYTES: usize = 384;
pub const KG_EVENT_BYTES: usize = 340;
pub const KG_READER_CELLS: u32 = 128;
pub const KG_FIELD_HEADER_BYTES: usize = 8;
pub const KG_EVENT_DEFLATED: u32 = 1;
/// Where a lead slot has its flags, and its count of priority events.
#[cfg(test)]
pub const KG_FLAGS_OFFSET: usize = 32;
#[cfg(test)]
pub const KG_PRIORITY_COUNT_OFFSET: usize = 380;

// enum kg_huge_pages
pub const KG_HUGE_AUTO: u32 = 0;
pub const KG_HUGE_REQUIRE: u32 = 1;
pub const KG_HUGE_OFF: u32 = 2;

// enum kg_from
pub const KG_FROM_LATEST: c_uint = 0;
pub const KG_FROM_OLDEST: c_uint = 1;
pub const KG_FROM_SEQUENCE: c_uint = 2;

// enum kg_loss_reason
#[cfg(test)]
pub const KG_LOSS_NONE: u32 = 0;
pub const KG_LOSS_OVERWRITTEN: u32 = 1;
pub const KG_LOSS_CORRUPT: u32 = 2;
pub const KG_LOSS_BEFORE_JOIN: u32 = 3;
pub const KG_LOSS_EVICTED: u32 = 4;
pub const KG_LOSS_REPLACED: u32 = 5;

// enum kg_writer_life
pub const KG_WRITER_LIVE: c_uint = 0;
pub const KG_WRITER_STALLED: c_uint = 1;
pub const KG_WRITER_GONE: c_uint = 2;

extern "C" {
    pub fn kg_error_code(error: c_int) -> *const c_char;
    pub fn kg_error_what(error: c_int) -> *const c_char;
    pub fn kg_error_advice(error: c_int) -> *const c_char;

    pub fn kg_writer_open(
        options: *const kg_ring_options,
        writer: *mut *mut kg_writer,
        failure: *mut kg_failure,
    ) -> c_int;
    pub fn kg_writer_adopt(writer: *mut kg_writer);
    pub fn kg_has_zlib() -> bool;
    pub fn kg_continuation_encode(threat: *const kg_threat, bytes: *mut c_void, room: usize)
        -> i64;
    pub fn kg_continuation_deflate(
        threat: *const kg_threat,
        bytes: *mut c_void,
        room: usize,
    ) -> i64;
    pub fn kg_threat_span(threat: *const kg_threat) -> i64;
    pub fn kg_writer_write(writer: *mut kg_writer, threat: *const kg_threat) -> i64;
    pub fn kg_writer_stage(writer: *mut kg_writer, threat: *const kg_threat) -> c_int;
    pub fn kg_writer_commit(writer: *mut kg_writer) -> i64;
    pub fn kg_writer_discard(writer: *mut kg_writer);
    pub fn kg_writer_wait_for_space(writer: *mut kg_writer, slots: u32, timeout_ms: u32) -> c_int;
    pub fn kg_writer_interrupt(writer: *mut kg_writer);
    pub fn kg_writer_space_fd(writer: *mut kg_writer) -> c_int;
    pub fn kg_writer_readers(
        writer: *const kg_writer,
        readers: *mut kg_attached_reader,
        most: u32,
    ) -> u32;
    pub fn kg_writer_beat(writer: *mut kg_writer, failure: *mut kg_failure) -> c_int;
    pub fn kg_writer_error(writer: *const kg_writer, failure: *mut kg_failure);
    pub fn kg_writer_stats_get(writer: *const kg_writer, stats: *mut kg_writer_stats);
    pub fn kg_writer_info(writer: *const kg_writer, info: *mut kg_ring_info);
    pub fn kg_writer_memory(
        writer: *const kg_writer,
        memory: *mut kg_memory,
        failure: *mut kg_failure,
    ) -> c_int;
    pub fn kg_writer_close(writer: *mut kg_writer);

    pub fn kg_reader_open(
        options: *const kg_ring_options,
        reader: *mut *mut kg_reader,
        failure: *mut kg_failure,
    ) -> c_int;
    pub fn kg_reader_seek(reader: *mut kg_reader, from: c_uint, sequence: u64) -> c_int;
    pub fn kg_reader_seek_position(
        reader: *mut kg_reader,
        position: *const kg_position,
        lost: *mut kg_batch,
    ) -> c_int;
    pub fn kg_reader_read(
        reader: *mut kg_reader,
        buffer: *mut c_void,
        slots: u32,
        batch: *mut kg_batch,
    ) -> c_int;
    pub fn kg_event_decode(
        buffer: *const c_void,
        offset: *mut u32,
        scratch: *mut c_void,
        threat: *mut kg_threat,
    ) -> c_int;
    pub fn kg_event_decode_whole(
        buffer: *const c_void,
        offset: *mut u32,
        scratch: *mut c_void,
        inflated: *mut c_void,
        max_event_bytes: u32,
        threat: *mut kg_threat,
    ) -> c_int;
    pub fn kg_reader_adopt(reader: *mut kg_reader);
    pub fn kg_reader_wait(reader: *mut kg_reader, timeout_ms: u32);
    pub fn kg_reader_spin(reader: *mut kg_reader, micros: u32) -> bool;
    pub fn kg_reader_interrupt(reader: *mut kg_reader);
    pub fn kg_reader_fd(reader: *mut kg_reader) -> c_int;
    pub fn kg_reader_arm(reader: *mut kg_reader) -> c_int;
    pub fn kg_reader_check(reader: *mut kg_reader, life: *mut c_uint) -> c_int;
    pub fn kg_reader_reopen(
        reader: *mut kg_reader,
        lost: *mut kg_batch,
        failure: *mut kg_failure,
    ) -> c_int;
    pub fn kg_reader_error(reader: *const kg_reader, failure: *mut kg_failure);
    pub fn kg_reader_stats_get(reader: *const kg_reader, stats: *mut kg_reader_stats);
    pub fn kg_reader_info(reader: *const kg_reader, info: *mut kg_ring_info);
    pub fn kg_reader_memory(
        reader: *const kg_reader,
        memory: *mut kg_memory,
        failure: *mut kg_failure,
    ) -> c_int;
    pub fn kg_reader_close(reader: *mut kg_reader);

    pub fn kg_default_directory(path: *mut c_char, failure: *mut kg_failure) -> c_int;
    pub fn kg_version() -> *const c_char;
    pub fn kg_checksum_method() -> *const c_char;
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPC_H: &str = include_str!("../../../native/include/kg_ipc.h");
    const LAYOUT_H: &str = include_str!("../../../native/include/kg_layout.h");

    #[test]
    fn the_structs_are_those_of_the_library() {
        let ours = layouts();
        assert_eq!(ours.len(), abi::LAYOUTS.len());
        for (mine, theirs) in ours.iter().zip(abi::LAYOUTS) {
            assert_eq!((mine.0, mine.1), (theirs.0, theirs.1));
            assert_eq!(mine.2, theirs.2, "{}", mine.0);
        }
    }

    /// The word behind a name in C text, of which it is the first line.
    fn word_behind<'a>(text: &'a str, name: &str) -> &'a str {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix(name));
        let mut words = lines.filter_map(|rest| rest.strip_prefix(' '));
        words.next().expect(name).trim()
    }

    #[test]
    fn the_constants_are_those_of_the_headers() {
        let number = |name: &str| word_behind(LAYOUT_H, &format!("#define {name}")).to_string();
        assert_eq!(number("KG_SLOT_BYTES"), KG_SLOT_BYTES.to_string());
        assert_eq!(number("KG_EVENT_BYTES"), KG_EVENT_BYTES.to_string());
        assert_eq!(number("KG_READER_CELLS"), KG_READER_CELLS.to_string());
        assert_eq!(number("KG_FIELD_HEADER_BYTES"), KG_FIELD_HEADER_BYTES.to_string());
        let flag = number("KG_EVENT_DEFLATED");
        assert_eq!(flag, format!("UINT32_C({KG_EVENT_DEFLATED})"));
        let flags = format!("KG_ASSERT_OFFSET(kg_slot, flags, {KG_FLAGS_OFFSET})");
        assert!(LAYOUT_H.contains(&flags));
        let place =
            format!("KG_ASSERT_OFFSET(kg_slot, priority_count, {KG_PRIORITY_COUNT_OFFSET})");
        assert!(LAYOUT_H.contains(&place));
        for (name, value) in [
            ("KG_PRIORITY_NONE", "UINT32_MAX"),
            ("KG_PRIORITY_UNKNOWN", "UINT64_MAX"),
            ("KG_LOST_UNKNOWN", "UINT64_MAX"),
            ("KG_DEFAULT_EVENT_BYTES", "(UINT32_C(1) << 20)"),
            ("KG_DEFLATE_FROM", "16384"),
            ("KG_NUMA_NODE(number)", "((uint32_t)(number) + 1)"),
            ("KG_NUMA_INTERLEAVE", "UINT32_MAX"),
            ("KG_MEMORY_NODES", "64"),
        ] {
            assert_eq!(word_behind(IPC_H, &format!("#define {name}")), value);
        }
    }

    /// The names of a C enum that numbers them by itself, in their order.
    fn names_of(name: &str) -> Vec<&'static str> {
        let (_, body) = IPC_H.split_once(&format!("enum {name} {{")).expect(name);
        let (body, _) = body.split_once('}').expect(name);
        assert!(!body.contains('='), "{name} numbers itself");
        body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|word| word.starts_with("KG_"))
            .collect()
    }

    #[test]
    fn the_enums_are_those_of_the_header() {
        let from = names_of("kg_from");
        assert_eq!(from[KG_FROM_LATEST as usize], "KG_FROM_LATEST");
        assert_eq!(from[KG_FROM_OLDEST as usize], "KG_FROM_OLDEST");
        assert_eq!(from[KG_FROM_SEQUENCE as usize], "KG_FROM_SEQUENCE");
        let life = names_of("kg_writer_life");
        assert_eq!(life[KG_WRITER_LIVE as usize], "KG_WRITER_LIVE");
        assert_eq!(life[KG_WRITER_STALLED as usize], "KG_WRITER_STALLED");
        assert_eq!(life[KG_WRITER_GONE as usize], "KG_WRITER_GONE");
        assert!(IPC_H.contains(&format!("KG_CHECK_JSON = {KG_CHECK_JSON} ")));
        for (name, value) in
            [("AUTO", KG_HUGE_AUTO), ("REQUIRE", KG_HUGE_REQUIRE), ("OFF", KG_HUGE_OFF)]
        {
            assert!(IPC_H.lines().any(|line| {
                let line = line.trim().strip_prefix(&format!("KG_HUGE_{name} = {value}"));
                line.map_or(false, |rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
            }));
        }
        let reasons = [
            (KG_LOSS_NONE, "KG_LOSS_NONE"),
            (KG_LOSS_OVERWRITTEN, "KG_LOSS_OVERWRITTEN"),
            (KG_LOSS_CORRUPT, "KG_LOSS_CORRUPT"),
            (KG_LOSS_BEFORE_JOIN, "KG_LOSS_BEFORE_JOIN"),
            (KG_LOSS_EVICTED, "KG_LOSS_EVICTED"),
            (KG_LOSS_REPLACED, "KG_LOSS_REPLACED"),
        ];
        let named = names_of("kg_loss_reason");
        assert_eq!(named.len(), reasons.len());
        for (value, name) in reasons {
            assert_eq!(named[value as usize], name);
        }
    }
}
