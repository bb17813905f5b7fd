//! Whatever somebody writes into a ring's file, and however it is cut: nothing here
//! panics, crashes or hangs, and what has a checksum is what was written.
#![cfg(unix)]

mod common;

use std::fs::{remove_file, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use common::{threat, TestRing};
use kindly_guard_ipc::{Event, SharedMemoryIpc, ShmClient, Start, Threat};

const ROUNDS: u64 = 3000;
const ROUNDS_PER_RING: u64 = 50;
/// As many as a ring holds, with those that take more slots than one.
const FRESH: u64 = 10;
/// Longer than anything that is waited for.
const LONG: Duration = Duration::from_secs(3600);
/// More than a reader can get at once of a ring that holds 64.
const MOST_EVENTS: usize = 1000;

/// xorshift64: the same numbers in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn details_of(number: u64) -> String {
    format!("details {number}{}", " long".repeat(number as usize % 7 * 40))
}

struct Stage {
    ring: TestRing,
    random: Random,
    checksums: bool,
    written: u64,
    received: u64,
    refused: u64,
}

impl Stage {
    fn open_writer(&self) -> SharedMemoryIpc {
        let options = self.ring.options().max_events(64).priority_events(4);
        SharedMemoryIpc::open(&options.checksums(self.checksums)).expect("a writer")
    }

    /// Writes over some bytes, most of them where few are.
    fn damage(&mut self, file: &File) {
        let regions = [(0, 896), (65_536, 66_000), (131_072, 131_072 + 64 * 384), (0, 220_000)];
        let (from, to) = regions[self.random.below(4) as usize];
        for _ in 0..=self.random.below(4) {
            let at = from + self.random.below(to - from);
            let mut bytes = [0; 8];
            let count = 1 + self.random.below(8) as usize;
            if self.random.below(2) == 0 {
                bytes = self.random.next().to_le_bytes();
            } else if file.read_at(&mut bytes[..count], at).is_ok() {
                bytes[0] ^= 1 << self.random.below(8);
            }
            // A file that was cut short is not to grow again.
            if file.metadata().map_or(0, |about| about.len()) > at + 8 {
                let _ = file.write_at(&bytes[..count], at);
            }
        }
    }

    fn look_at(&mut self, threat: &Threat) {
        self.received += 1;
        if self.checksums {
            assert_eq!((threat.source.as_str(), threat.cut), ("test", false));
            let number = threat.context.as_deref().expect("a context");
            let number = number.parse().expect("a number");
            assert_eq!(threat.details, details_of(number));
        }
    }

    fn read(&mut self, reader: &mut ShmClient) {
        for _ in 0..MOST_EVENTS {
            match reader.next_event(Duration::ZERO) {
                Ok(Some(Event::Threat(threat))) => self.look_at(&threat),
                Ok(Some(Event::Lost(lost))) => assert!(lost.range.map_or(1, |one| one.count) > 0),
                Ok(None) => return,
                Err(error) => {
                    assert_ne!(error.code(), "ERR_UNKNOWN", "{error}");
                    self.refused += 1;
                    return;
                }
            }
        }
    }

    fn write(&mut self, writer: &SharedMemoryIpc) {
        for _ in 0..self.random.below(12) {
            self.written += 1;
            let number = self.written;
            match writer.write_threat(&threat(details_of(number)).context(number.to_string())) {
                Ok(sequence) => assert!(sequence > 0),
                Err(error) => {
                    assert_ne!(error.code(), "ERR_UNKNOWN", "{error}");
                    self.refused += 1;
                }
            }
        }
        let _ = writer.beat();
    }
}

/// A ring that nobody has damaged yet is read whole.
fn read_fresh(stage: &mut Stage, writer: &SharedMemoryIpc) {
    let mut reader = stage.ring.reader();
    let before = stage.received;
    for _ in 0..FRESH {
        stage.written += 1;
        let number = stage.written;
        let threat = threat(details_of(number)).context(number.to_string());
        writer.write_threat(&threat).expect("a sequence");
    }
    stage.read(&mut reader);
    assert_eq!(stage.received - before, FRESH);
}

fn run(checksums: bool) {
    let mut stage = Stage {
        ring: TestRing::new(),
        random: Random(0x9E37_79B9_7F4A_7C15),
        checksums,
        written: 0,
        received: 0,
        refused: 0,
    };
    let mut writer = stage.open_writer();
    let options = stage.ring.reader_options();
    // It lives through all of it.
    let mut reader = stage.ring.reader();
    for round in 0..ROUNDS {
        if round % ROUNDS_PER_RING == 0 {
            drop(writer);
            remove_file(stage.ring.file()).expect("it was there");
            writer = stage.open_writer();
            read_fresh(&mut stage, &writer);
        }
        if let Ok(file) = OpenOptions::new().read(true).write(true).open(stage.ring.file()) {
            stage.damage(&file);
            if round % ROUNDS_PER_RING == ROUNDS_PER_RING / 2 {
                let _ = file.set_len(stage.random.below(200_000));
            }
        }
        stage.write(&writer);
        stage.read(&mut reader);
        if round % 7 == 0 {
            if let Ok(mut other) = ShmClient::open(&options) {
                let start = stage.random.below(stage.written.max(1)) + 1;
                let _ = other.seek(Start::Sequence(start));
                stage.read(&mut other);
            }
        }
    }
    assert!(stage.refused > 0, "nothing was ever refused");

    // Once the damage is over, a ring is a ring again.
    drop(writer);
    remove_file(stage.ring.file()).expect("it was there");
    let writer = stage.open_writer();
    writer.write_threat(&threat("fresh")).expect("a sequence");
    loop {
        match reader.next_event(LONG) {
            Ok(Some(Event::Threat(threat))) if threat.details == "fresh" => break,
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => panic!("the fresh ring was not found"),
        }
    }
}

#[test]
fn a_hostile_ring_with_checksums() {
    run(true);
}

#[test]
fn a_hostile_ring_without_checksums() {
    run(false);
}
