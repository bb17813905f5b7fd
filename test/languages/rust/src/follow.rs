//! Follows a ring until MOST events were received or lost, or, without `stays`,
//! until its writer is gone and everything was read; checks each event, and prints
//! the account. Prints {"ready": …} when it has joined.

use std::thread::sleep;
use std::time::Duration;

use kindly_guard_ipc::{Event, LossReason, Lost, ReaderOptions, ShmClient, Threat, WriterLife};

use crate::write::details_of;
use crate::{json, print, tail, Done};

const WAIT: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Account {
    generation: u64,
    expected: u64,
    received: u64,
    lost: u64,
    before: u64,
    priority: u64,
    unknown: u64,
    wrong: Vec<String>,
}

impl Account {
    fn begin(&mut self, generation: u64) {
        if generation != self.generation {
            self.generation = generation;
            self.expected = 1;
        }
    }

    fn add_lost(&mut self, lost: &Lost) {
        self.begin(lost.generation);
        let range = match lost.range {
            Some(range) => range,
            None => return self.wrong.push(format!("{lost:?}: nobody knows how many")),
        };
        if range.from != self.expected || range.count != range.to - range.from + 1 {
            self.wrong.push(format!("{lost:?} where {} was expected", self.expected));
        }
        self.expected = range.to + 1;
        if lost.reason == LossReason::BeforeJoin {
            self.before += range.count;
            return;
        }
        self.lost += range.count;
        match range.priority {
            Some(count) => self.priority += count,
            None => self.unknown += 1,
        }
    }

    fn add_threat(&mut self, threat: &Threat) {
        self.begin(threat.generation);
        let number = threat.sequence;
        let is_right = threat.source == "writer"
            && threat.details == details_of(number)
            && threat.threat_type.name() == "PathTraversal"
            && u64::from(threat.severity.code()) == 1 + number % 4;
        if number != self.expected || (!is_right && !threat.cut) {
            self.wrong.push(format!("{threat:?} where {} was expected", self.expected));
        }
        self.expected = number + 1;
        self.received += 1;
        self.priority += u64::from(threat.severity.code() == 4);
    }
}

pub fn follow(dir: &str, most: &str, join: &str, flags: &[&str]) -> Done {
    let has = |flag| flags.contains(&flag);
    let most: u64 = most.parse()?;
    let options = ReaderOptions::new().dir(dir).start(tail::start_of(&[join])?);
    let mut client = ShmClient::open(&options.reliable(has("reliable")))?;
    let joined = client.position();
    let mut account = Account { generation: joined.generation, ..Account::default() };
    account.expected = if join == "oldest" { 1 } else { joined.sequence + 1 };
    print(&format!("{{\"ready\":{}}}", account.expected))?;
    while account.received + account.lost < most && account.wrong.is_empty() {
        let life = client.writer_life();
        match client.next_event(WAIT)? {
            Some(Event::Threat(threat)) => account.add_threat(&threat),
            Some(Event::Lost(lost)) => account.add_lost(&lost),
            // What it published before it died was read by now.
            None if life == WriterLife::Gone && !has("stays") => break,
            None => {}
        }
        if has("slow") {
            sleep(Duration::from_micros(200));
        }
    }
    let stats = client.stats();
    let wrong: Vec<String> = account.wrong.iter().map(|one| json::text(one)).collect();
    let numbers = [
        ("received", account.received),
        ("lost", account.lost),
        ("before", account.before),
        ("priority", account.priority),
        ("unknown", account.unknown),
        ("next", account.expected),
        ("rescued", stats.rescued),
        ("corrupt", stats.corrupt),
    ];
    let numbers: Vec<String> =
        numbers.iter().map(|(name, number)| format!("\"{name}\":{number}")).collect();
    print(&format!(
        "{{{},\"totals\":[{},{},{}],\"wrong\":[{}]}}",
        numbers.join(","),
        stats.received,
        stats.lost.total(),
        stats.lost.before_join,
        wrong.join(",")
    ))?;
    Ok(())
}
