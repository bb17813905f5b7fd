//! A reader: prints every threat that the ring holds and those that come, until its
//! writer is gone. Usage: `client [DIRECTORY]`

use std::time::Duration;

use kindly_guard_ipc::{Error, Event, ReaderOptions, ShmClient, Start, WriterLife};

fn main() -> Result<(), Error> {
    let mut options = ReaderOptions::new().start(Start::Oldest);
    if let Some(dir) = std::env::args_os().nth(1) {
        options = options.dir(dir);
    }
    let mut client = ShmClient::open(&options)?;
    loop {
        // Looked at before the last read, not behind it.
        let life = client.writer_life();
        match client.next_event(Duration::from_millis(200))? {
            // The texts are an attacker's: {:?} lets no terminal see them as they are.
            Some(Event::Threat(threat)) => println!(
                "{} {} {} blocked={} source={:?} details={:?} id={:?} context={:?}",
                threat.sequence,
                threat.threat_type,
                threat.severity,
                threat.blocked,
                threat.source,
                threat.details,
                threat.id(),
                threat.context
            ),
            Some(Event::Lost(lost)) => println!("lost {lost:?}"),
            None if life == WriterLife::Gone => return Ok(()),
            None => {}
        }
    }
}
