//! What a ring holds.

use kindly_guard_ipc::{Event, Position, ReaderOptions, ShmClient, Start};

use crate::{json, print, Done};

pub fn start_of(how: &[&str]) -> Result<Start, Box<dyn std::error::Error>> {
    match how {
        ["oldest"] => Ok(Start::Oldest),
        ["latest"] => Ok(Start::Latest),
        ["after", generation, sequence, priority] => Ok(Start::After(Position {
            generation: u64::from_str_radix(generation, 16)?,
            sequence: sequence.parse()?,
            priority: if *priority == "null" { None } else { Some(priority.parse()?) },
        })),
        _ => Err("no such start".into()),
    }
}

pub fn tail(dir: &str, how: &[&str]) -> Done {
    let options = ReaderOptions::new().dir(dir).start(start_of(how)?);
    let mut client = ShmClient::open(&options)?;
    while let Some(event) = client.try_next()? {
        match event {
            Event::Threat(threat) => print(&json::threat(&threat))?,
            Event::Lost(lost) => print(&json::lost(&lost))?,
        }
    }
    Ok(())
}
