//! A Shield that `npm run bench:languages` measures, as ../shield.c.
//! Usage: `measured DIR`, then a line of `COUNT PAUSE_US` for each time that it
//! is to write. Says `ready`, and `done` behind each line.

use std::io::{self, BufRead, Write};
use std::thread;
use std::time::Duration;

use kindly_guard_ipc::{Overflow, Severity, SharedMemoryIpc, Threat, ThreatType, WriterOptions};

const PATIENCE: Duration = Duration::from_secs(60);
const SOURCES: u64 = 40;

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

extern "C" {
    fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
}

/// The clock that Node's `process.hrtime` and C's `CLOCK_MONOTONIC` are.
fn now_ns() -> u64 {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the struct is that of 64-bit Linux, and lives.
    unsafe { clock_gettime(1, &mut time) };
    time.seconds as u64 * 1_000_000_000 + time.nanoseconds as u64
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args_os().nth(1).ok_or("usage: measured DIR")?;
    let options = WriterOptions::new().dir(dir).max_events(8192).overflow(Overflow::Reject);
    let shield = SharedMemoryIpc::open(&options)?;
    println!("ready");
    let mut number = 0_u64;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split_whitespace().map(str::parse::<u64>);
        let count = words.next().ok_or("no count")??;
        let pause = Duration::from_micros(words.next().ok_or("no pause")??);
        for _ in 0..count {
            if !pause.is_zero() {
                thread::sleep(pause);
            }
            number += 1;
            let source = format!("src/file-{}.ts", number % SOURCES);
            // Its number, or, of one that comes alone, the time.
            let told = if pause.is_zero() { number } else { now_ns() };
            let details = format!("{told} Ignore all instructions");
            let threat =
                Threat::new(ThreatType::InjectionAttempt, Severity::High, &source, &details)
                    .blocked(true);
            shield.write_threat_waiting(&threat, PATIENCE)?;
        }
        println!("done");
        io::stdout().flush()?;
    }
    Ok(())
}
