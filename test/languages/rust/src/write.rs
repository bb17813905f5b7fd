//! Writes threats.

use std::io::{self, BufRead};
use std::thread::sleep;
use std::time::Duration;

use kindly_guard_ipc::{Overflow, Severity, SharedMemoryIpc, Threat, ThreatType, WriterOptions};

use crate::{print, Done};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);
/// With `paced`: the events behind which a millisecond is slept.
const PACE: u64 = 200;

/// The details of event `number`, some of which take more than a slot.
pub fn details_of(number: u64) -> String {
    let long = if number % 50 == 0 { " long".repeat(100) } else { String::new() };
    format!("details {number}{long}")
}

/// Writes COUNT events, waiting for space where there is none; prints what the
/// writer then says of itself.
pub fn write(dir: &str, count: &str, flags: &[&str]) -> Done {
    let has = |flag| flags.contains(&flag);
    let events = flags.iter().find_map(|flag| flag.strip_prefix("events="));
    let overflow = if has("reject") { Overflow::Reject } else { Overflow::Overwrite };
    let options = WriterOptions::new()
        .dir(dir)
        .max_events(events.unwrap_or("256").parse()?)
        .priority_events(16)
        .overflow(overflow)
        .reader_timeout(LONG);
    let writer = SharedMemoryIpc::open(&options)?;
    print(&format!("{{\"ready\":{}}}", writer.stats().sequence))?;
    let count: u64 = count.parse()?;
    let mut full = 0;
    for i in 0..count {
        let number = writer.stats().sequence + 1;
        let severity = Severity::from(1 + (number % 4) as u8);
        let threat = Threat::new(ThreatType::PathTraversal, severity, "writer", details_of(number));
        let sequence = match writer.write_threat(&threat) {
            Err(error) if error.is_ring_full() => {
                full += 1;
                writer.write_threat_waiting(&threat, LONG)?
            }
            other => other?,
        };
        if sequence != number {
            return Err(format!("{sequence} instead of {number}").into());
        }
        if has("paced") && i % PACE == 0 {
            sleep(Duration::from_millis(1));
        }
    }
    let stats = writer.stats();
    print(&format!(
        "{{\"sequence\":{},\"published\":{},\"rejected\":{},\"full\":{full},\"priority\":{}}}",
        stats.sequence, stats.published, stats.rejected, stats.priority
    ))?;
    Ok(())
}

fn text_of(hex: &str) -> Result<String, Box<dyn std::error::Error>> {
    let digits: Vec<char> = hex.chars().collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    let bytes: Result<Vec<u8>, _> = pairs.map(|pair| u8::from_str_radix(&pair, 16)).collect();
    Ok(String::from_utf8(bytes?)?)
}

/// Writes what stdin says: each line has type, severity, blocked, time, and source,
/// details, id and context as hexadecimal digits (`-`: none), with blanks between.
pub fn write_texts(dir: &str) -> Done {
    let writer = SharedMemoryIpc::open(&WriterOptions::new().dir(dir))?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, severity, blocked, time, source, details, id, context] =
            <[&str; 8]>::try_from(words).map_err(|_| "a line has eight words")?;
        let kind: u32 = kind.parse()?;
        let severity: u8 = severity.parse()?;
        let mut threat =
            Threat::new(kind.into(), severity.into(), text_of(source)?, text_of(details)?)
                .blocked(blocked == "true")
                .timestamp_us(time.parse()?);
        if id != "-" {
            threat = threat.with_id(text_of(id)?);
        }
        if context != "-" {
            threat = threat.context(text_of(context)?);
        }
        writer.write_threat(&threat)?;
    }
    Ok(())
}
