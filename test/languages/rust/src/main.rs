//! What tests start of Rust, beside Node. Prints lines of JSON.
//!
//!     peer tail DIRECTORY oldest|latest
//!     peer tail DIRECTORY after GENERATION SEQUENCE PRIORITY    (`null`: not known)
//!     peer follow DIRECTORY MOST oldest|latest [stays] [reliable] [slow]
//!     peer write DIRECTORY COUNT [events=N] [reject] [paced]
//!     peer texts DIRECTORY

mod follow;
mod json;
mod tail;
mod write;

use std::io::{self, Write};
use std::process::ExitCode;

pub type Done = Result<(), Box<dyn std::error::Error>>;

/// A line that the test sees at once.
pub fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["tail", dir, how @ ..] => tail::tail(dir, how),
        ["follow", dir, most, join, flags @ ..] => follow::follow(dir, most, join, flags),
        ["write", dir, count, flags @ ..] => write::write(dir, count, flags),
        ["texts", dir] => write::write_texts(dir),
        _ => Err("no such command".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
