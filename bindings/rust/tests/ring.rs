//! Both ends over real files.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::io::AsRawFd;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{threat, TestRing};
use kindly_guard_ipc::{
    Error, ErrorKind, Event, Interrupter, LossReason, Overflow, Position, Severity,
    SharedMemoryIpc, ShmClient, Start, Threat, ThreatType, WriterLife, WriterOptions,
};

const SLOTS_OFFSET: u64 = 131_072;
const SLOT_BYTES: u64 = 384;
const BODY_OFFSET: u64 = 40;

/// Longer than anything that a test waits for.
const LONG: Duration = Duration::from_secs(3600);

fn read_all(reader: &mut ShmClient) -> (Vec<Threat>, Vec<(LossReason, u64, u64)>) {
    let (mut threats, mut losses) = (Vec::new(), Vec::new());
    while let Some(event) = reader.try_next().expect("events") {
        match event {
            Event::Threat(threat) => threats.push(threat),
            Event::Lost(lost) => {
                let range = lost.range.expect("a range");
                assert_eq!(range.count, range.to - range.from + 1);
                losses.push((lost.reason, range.from, range.to));
            }
        }
    }
    (threats, losses)
}

fn sequences(threats: &[Threat]) -> Vec<u64> {
    threats.iter().map(|threat| threat.sequence).collect()
}

#[test]
fn what_is_written_is_read() {
    let ring = TestRing::new();
    let writer = ring.writer();
    let long = "é".repeat(400);
    let given = [
        Threat::new(ThreatType::UnicodeBiDi, Severity::Critical, "忽略\0", long).blocked(true),
        threat("").with_id("own ü").context(r#"{"a":[1,"…"]}"#).timestamp_us(1_700_000_000_000_001),
        Threat::new(ThreatType::Other(77), Severity::Other(9), "", "👩‍💻"),
    ];
    let written: Vec<u64> =
        given.iter().map(|threat| writer.write_threat(threat).expect("a sequence")).collect();
    assert_eq!(written, [1, 2, 3]);
    let mut reader = ring.reader();
    let generation = writer.info().generation;
    let (read, losses) = read_all(&mut reader);
    assert_eq!((sequences(&read), losses), (written, vec![]));
    for (one, other) in read.iter().zip(&given) {
        assert!(one.timestamp_us > 0 && one.publish_ns > 0 && !one.cut);
        assert_eq!(one.generation, generation);
        let mut same = one.clone();
        same.timestamp_us = other.timestamp_us;
        (same.sequence, same.generation, same.publish_ns, same.priority) = (0, 0, 0, 0);
        assert_eq!(&same, other);
    }
    assert_eq!(read[1].timestamp_us, 1_700_000_000_000_001);
    assert_eq!(read[1].id(), "own ü");
    assert_eq!(read[0].id(), format!("{generation:016x}-1"));
    // Critical, and a number beyond it.
    assert_eq!(read.iter().map(|one| one.priority).collect::<Vec<_>>(), [1, 1, 2]);
}

#[test]
fn the_account_is_exact_by_reason() {
    let ring = TestRing::new();
    let writer = ring.writer();
    for i in 0..40 {
        writer.write_threat(&threat(i.to_string())).expect("a sequence");
    }
    let mut reader = ring.reader();
    let (threats, losses) = read_all(&mut reader);
    assert_eq!(losses, [(LossReason::BeforeJoin, 1, 24)]);
    assert_eq!(sequences(&threats), (25..=40).collect::<Vec<_>>());
    for i in 40..60 {
        writer.write_threat(&threat(i.to_string())).expect("a sequence");
    }
    let (threats, losses) = read_all(&mut reader);
    assert_eq!(losses, [(LossReason::Overwritten, 41, 44)]);
    assert_eq!(threats.len(), 16);
    let stats = reader.stats();
    assert_eq!((stats.received, stats.lost.total()), (32, 4));
    assert_eq!((stats.lost.before_join, stats.lost.overwritten), (24, 4));
    assert_eq!((stats.published, stats.corrupt), (60, 0));
    assert_eq!(reader.position().sequence, 60);
    let stats = writer.stats();
    assert_eq!((stats.published, stats.sequence, stats.refuses), (60, 60, None));
}

#[test]
fn a_position_is_where_another_reader_goes_on() {
    let ring = TestRing::new();
    let writer = ring.writer();
    for i in 0..10 {
        writer.write_threat(&threat(i.to_string())).expect("a sequence");
    }
    let mut first = ring.reader();
    let third = first.threats().nth(2).expect("a threat").expect("no error");
    // What was read in advance is not behind it.
    assert_eq!((first.position(), first.stats().received), (third.position(), 3));
    let open = |start| ShmClient::open(&ring.reader_options().start(start)).expect("a reader");
    let (threats, _) = read_all(&mut open(Start::After(third.position())));
    assert_eq!(sequences(&threats), (4..=10).collect::<Vec<_>>());
    let (threats, _) = read_all(&mut open(Start::Sequence(9)));
    assert_eq!(sequences(&threats), [9, 10]);
    let mut latest = open(Start::Latest);
    assert_eq!(latest.position().sequence, 10);
    assert_eq!(latest.try_next(), Ok(None));
    let error = latest.seek(Start::Sequence(0)).expect_err("no sequence");
    assert_eq!(error.code(), "ERR_INVALID_ARGUMENT");
    // Of a ring that nobody knows it cannot be told how many.
    let error = latest
        .seek(Start::After(Position { generation: 0, sequence: 7, priority: None }))
        .expect_err("no ring has that");
    assert_eq!(error.code(), "ERR_POSITION_INVALID");
    let strange = Position { generation: 1, sequence: 7, priority: None };
    let mut other = open(Start::After(strange));
    match other.try_next() {
        Ok(Some(Event::Lost(lost))) => {
            assert_eq!((lost.reason, lost.generation), (LossReason::Replaced, 1));
            assert_eq!(lost.range, None);
        }
        event => panic!("{event:?}"),
    }
    assert_eq!(read_all(&mut other).0.len(), 10);
    assert_eq!((other.stats().lost.untold, other.stats().lost.total()), (1, 0));
}

#[test]
fn a_loss_that_is_not_told_yet_is_not_behind_a_position() {
    let ring = TestRing::new();
    let writer = ring.writer();
    writer.write_threat(&threat("")).expect("a sequence");
    let elsewhere = Position { generation: 5, sequence: 9, priority: None };
    let start = Start::After(elsewhere);
    let mut reader = ShmClient::open(&ring.reader_options().start(start)).expect("a reader");
    assert_eq!(reader.position(), elsewhere);
    let event = reader.try_next().expect("events");
    assert!(matches!(event, Some(Event::Lost(lost)) if lost.reason == LossReason::Replaced));
    let generation = writer.info().generation;
    assert_eq!(reader.position(), Position { generation, sequence: 0, priority: Some(0) });
}

#[test]
fn a_threat_whose_rest_is_damaged_is_cut() {
    let ring = TestRing::new();
    let writer = SharedMemoryIpc::open(&ring.options().checksums(false)).expect("a writer");
    let details = "d".repeat(400);
    let whole = threat(&details).with_id("own").context("{}");
    writer.write_threat(&whole).expect("a sequence");
    // The length of the first field, behind the lead slot (docs/format.md).
    let file = fs::OpenOptions::new().write(true).open(writer.info().path).expect("the ring");
    let at = SLOTS_OFFSET + SLOT_BYTES + BODY_OFFSET + 4;
    file.write_all_at(&[0xff, 0xff], at).expect("written");
    let (read, _) = read_all(&mut ring.reader());
    assert_eq!(read.len(), 1);
    assert!(read[0].cut);
    assert_eq!(read[0].details, details[..256]);
}

#[test]
fn a_batch_that_is_dropped_leaves_the_ring_to_be_mended() {
    let ring = TestRing::new();
    let mut writer = ring.writer();
    writer.batch().push(&threat("")).expect("staged");
    let path = writer.info().path;
    fs::remove_file(&path).expect("removed");
    writer.beat().expect("mended");
    assert!(path.exists());
}

#[test]
fn no_number_of_priority_events_means_none_but_0() {
    let ring = TestRing::new();
    let error = SharedMemoryIpc::open(&ring.options().priority_events(u32::MAX)).err();
    assert_eq!(error.map(|one| one.code()), Some("ERR_INVALID_OPTION"));
}

#[test]
fn a_batch_is_published_at_once_or_not_at_all() {
    let ring = TestRing::new();
    let mut writer = ring.writer();
    let mut reader = ring.reader();
    let threats: Vec<Threat> = (0..4).map(|i| threat(i.to_string())).collect();
    let mut batch = writer.batch();
    batch.push(&threats[0]).expect("space");
    batch.push(&threats[1]).expect("space");
    assert_eq!(reader.try_next(), Ok(None));
    assert_eq!(batch.commit(), Ok(2));
    assert_eq!(read_all(&mut reader).0.len(), 2);

    // Dropped.
    let mut batch = writer.batch();
    batch.push(&threats[0]).expect("space");
    drop(batch);
    assert_eq!(writer.write_threats([]), Ok(2));

    // Too many: none of them, and not those behind the error either.
    let mut batch = writer.batch();
    for threat in &threats {
        batch.push(threat).expect("space");
    }
    let error = batch.push(&threats[0]).expect_err("more than a quarter");
    assert_eq!(error.code(), "ERR_BATCH_TOO_LARGE");
    assert_eq!(batch.push(&threats[0]), Err(error.clone()));
    assert_eq!(batch.commit(), Err(error));
    assert_eq!(writer.write_threats(&threats), Ok(6));
    assert_eq!(read_all(&mut reader).0.len(), 4);
}

#[test]
fn a_full_ring_is_an_outcome_and_is_waited_for() {
    let ring = TestRing::new();
    let options = ring.options().overflow(Overflow::Reject).reader_timeout(LONG);
    let writer = SharedMemoryIpc::open(&options).expect("a writer");
    let mut reader =
        ShmClient::open(&ring.reader_options().reliable(true)).expect("a reliable reader");
    assert!(reader.stats().reliable);
    assert_eq!(writer.readers().iter().filter(|one| one.alive && !one.evicted).count(), 1);
    for i in 0..16 {
        assert_eq!(writer.write_threat(&threat("")), Ok(i + 1));
    }
    let error = writer.write_threat(&threat("")).expect_err("no space");
    assert!(error.is_ring_full());
    assert_eq!((error.kind(), error.code()), (ErrorKind::RingFull, "ERR_RING_FULL"));
    assert_eq!((writer.stats().rejected, writer.stats().wanted), (1, 1));
    let waited = writer.write_threat_waiting(&threat(""), Duration::from_millis(1));
    assert!(waited.expect_err("no space").is_ring_full());

    // From another thread, within a wait that would be long.
    let interrupter = writer.interrupter();
    let other = thread::spawn(move || interrupter.interrupt());
    assert!(writer.wait_for_space(1, LONG).expect_err("an interrupt").is_ring_full());
    other.join().expect("no panic");

    let reading = thread::spawn(move || {
        let (threats, losses) = read_all(&mut reader);
        (reader, threats.len(), losses)
    });
    assert_eq!(writer.write_threat_waiting(&threat(""), LONG), Ok(17));
    let (mut reader, count, losses) = reading.join().expect("no panic");
    assert_eq!((count + read_all(&mut reader).0.len(), losses), (17, vec![]));
    assert_eq!(writer.readers().len(), 1);
    drop(reader);
    assert_eq!(writer.readers(), []);
    assert!(writer.span(&threat("x".repeat(1000))).expect("a span") > 1);
    let error = writer.wait_for_space(99, LONG).expect_err("more than a quarter");
    assert_eq!(error.code(), "ERR_INVALID_ARGUMENT");
}

#[test]
fn waiting_ends_by_an_event_or_an_interrupt_of_another_thread() {
    let ring = TestRing::new();
    let writer = ring.writer();
    let mut reader = ring.reader();
    assert_eq!(reader.next_event(Duration::from_millis(1)), Ok(None));

    let interrupter = reader.interrupter();
    let (tell, told) = mpsc::channel();
    let reading = thread::spawn(move || {
        let mut threats = Vec::new();
        let ended = reader.poll_threats(|threat| {
            tell.send(threat.sequence).expect("somebody listens");
            threats.push(threat);
            true
        });
        (reader, ended, threats.len())
    });
    writer.write_threat(&threat("")).expect("a sequence");
    assert_eq!(told.recv(), Ok(1));
    writer.write_threat(&threat("")).expect("a sequence");
    assert_eq!(told.recv(), Ok(2));
    interrupter.interrupt();
    let (mut reader, ended, count) = reading.join().expect("no panic");
    assert_eq!((ended, count), (Ok(()), 2));

    // One that comes before the wait ends it as well, and not the next one.
    interrupter.interrupt();
    assert_eq!(reader.next_event(LONG), Ok(None));
    interrupter.interrupt();
    assert!(reader.events().next().is_none());
    writer.write_threat(&threat("")).expect("a sequence");
    assert!(reader.spin(LONG));
    let mut count = 0;
    reader
        .poll_threats(|_| {
            count += 1;
            false
        })
        .expect("a threat");
    assert_eq!(count, 1);
    drop(reader);
    // Nobody is there any more.
    interrupter.interrupt();
}

#[test]
fn losses_are_told_where_only_threats_are_asked_for() {
    let ring = TestRing::new();
    let writer = ring.writer();
    let mut reader = ring.reader();
    for i in 0..20 {
        writer.write_threat(&threat(i.to_string())).expect("a sequence");
    }
    let (tell, told) = mpsc::channel();
    reader.on_lost(move |lost| tell.send(*lost).expect("somebody listens"));
    let first = reader.threats().next().expect("a threat").expect("no error");
    assert_eq!(first.sequence, 5);
    assert_eq!(told.recv().expect("a loss").range.expect("a range").to, 4);
}

#[test]
fn dropping_closes() {
    let ring = TestRing::new();
    let writer = ring.writer();
    let error = SharedMemoryIpc::open(&ring.options()).expect_err("it is held");
    assert_eq!(error.code(), "ERR_RING_LOCKED");
    let reader = ring.reader();
    assert_eq!(reader.writer_life(), WriterLife::Live);
    // It does not keep it open.
    let interrupter = writer.interrupter();
    drop(writer);
    assert_eq!(reader.writer_life(), WriterLife::Gone);
    let beating = SharedMemoryIpc::open(&ring.options().beats(true)).expect("a writer");
    assert_eq!(beating.write_threat(&threat("")), Ok(1));
    drop(beating);
    interrupter.interrupt();
    assert_eq!(ring.writer().write_threat(&threat("")), Ok(2));
}

#[test]
fn a_ring_that_takes_the_place_is_followed() {
    let ring = TestRing::new();
    let writer = ring.writer();
    let mut reader = ring.reader();
    for _ in 0..3 {
        writer.write_threat(&threat("old")).expect("a sequence");
    }
    let before = writer.info();
    drop(writer);
    let open =
        |events| SharedMemoryIpc::open(&ring.options().max_events(events)).expect("a writer");
    let writer = open(32);
    let info = writer.info();
    assert_ne!(info.generation, before.generation);
    assert_eq!(
        info.predecessor.map(|one| (one.generation, one.sequence)),
        Some((before.generation, 3))
    );
    writer.write_threat(&threat("new")).expect("a sequence");
    let mut details = Vec::new();
    while details.len() < 4 {
        match reader.next_event(LONG) {
            Ok(Some(Event::Threat(threat))) => details.push((threat.generation, threat.details)),
            other => panic!("{other:?}"),
        }
    }
    let old = (before.generation, "old".to_string());
    let new = (info.generation, "new".to_string());
    assert_eq!(details, [old.clone(), old.clone(), old, new]);
    assert_eq!((reader.info().generation, reader.stats().received), (info.generation, 4));

    // Behind an event of the ring before: what nobody reads any more is told.
    let place = Position { generation: before.generation, sequence: 1, priority: Some(0) };
    let mut other =
        ShmClient::open(&ring.reader_options().start(Start::After(place))).expect("a reader");
    let (threats, losses) = read_all(&mut other);
    assert_eq!((sequences(&threats), losses), (vec![1], vec![(LossReason::Replaced, 2, 3)]));

    // Cut short: nothing of it can be read, and the next ring knows how far it was.
    writer.write_threat(&threat("gone")).expect("a sequence");
    fs::OpenOptions::new()
        .write(true)
        .open(ring.file())
        .and_then(|file| file.set_len(65_536))
        .expect("a cut");
    assert_eq!(reader.next_event(Duration::from_millis(1)), Ok(None));
    let error = writer.write_threat(&threat("refused")).expect_err("it is cut");
    assert_eq!((error.code(), writer.stats().refuses), ("ERR_RING_TRUNCATED", Some(error.kind())));
    writer.beat().expect("another ring");
    assert_eq!(writer.stats().replaced, 1);
    writer.write_threat(&threat("after")).expect("a sequence");
    let mut next = || match reader.next_event(LONG) {
        Ok(Some(event)) => event,
        other => panic!("{other:?}"),
    };
    let lost = next();
    assert!(
        matches!(&lost, Event::Lost(lost) if lost.reason == LossReason::Replaced
            && lost.range.map(|one| (one.from, one.to)) == Some((2, 2))),
        "{lost:?}"
    );
    assert!(matches!(next(), Event::Threat(threat) if threat.details == "after"));
}

#[test]
fn a_file_that_is_no_ring_is_waited_out() {
    let ring = TestRing::new();
    let writer = ring.writer();
    let mut reader = ring.reader();
    writer.write_threat(&threat("old")).expect("a sequence");
    assert_eq!(read_all(&mut reader).0.len(), 1);
    drop(writer);
    let other = ring.dir.join("other");
    fs::write(&other, vec![7; 200_000]).expect("a file");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).expect("its mode");
    fs::rename(&other, ring.file()).expect("in its place");
    assert_eq!(reader.next_event(Duration::from_millis(1)), Ok(None));
    ring.writer().write_threat(&threat("new")).expect("a sequence");
    let events: Vec<Event> = reader.events().take(2).collect::<Result<_, _>>().expect("events");
    match &events[..] {
        [Event::Lost(lost), Event::Threat(threat)] => {
            // Nobody knows what the old ring had.
            assert_eq!((lost.reason, lost.range), (LossReason::Replaced, None));
            assert_eq!(threat.details, "new");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_that_is_larger_than_the_buffer_is_read_whole() {
    let ring = TestRing::new();
    let options = ring.options().max_events(2048);
    let writer = SharedMemoryIpc::open(&options).expect("a writer");
    let large = "ü".repeat(60_000);
    writer.write_threat(&threat("before")).expect("a sequence");
    writer.write_threat(&threat(large.clone())).expect("a sequence");
    writer.write_threat(&threat("behind")).expect("a sequence");
    let (threats, _) = read_all(&mut ring.reader());
    let details: Vec<&str> = threats.iter().map(|threat| threat.details.as_str()).collect();
    assert_eq!(details, ["before", large.as_str(), "behind"]);
    let error = writer.write_threat(&threat("x".repeat(10_000_000))).expect_err("too large");
    assert_eq!(error.code(), "ERR_EVENT_TOO_LARGE");
    assert!(error.detail().contains("slots"), "{error}");
}

#[test]
fn a_larger_event_than_a_reader_takes_is_cut() {
    let ring = TestRing::new();
    let options = ring.options().max_events(2048);
    let writer = SharedMemoryIpc::open(&options).expect("a writer");
    writer.write_threat(&threat("x".repeat(1000)).with_id("own")).expect("a sequence");
    let read = |most| {
        let options = ring.reader_options().max_event_bytes(most);
        let mut reader = ShmClient::open(&options).expect("a reader");
        match reader.try_next() {
            Ok(Some(Event::Threat(threat))) => (threat.details.len(), threat.cut, threat.own_id),
            other => panic!("{other:?}"),
        }
    };
    // With the source.
    assert_eq!(read(1007), (1000, false, Some("own".to_string())));
    assert_eq!(read(1006), (256, true, None));
}

#[test]
fn a_context_that_is_no_json_is_refused() {
    let ring = TestRing::new();
    let writer = ring.writer();
    let wrong = threat("").context("{'a':1}");
    let error = writer.write_threat(&wrong).expect_err("no JSON");
    assert_eq!(error.code(), "ERR_INVALID_THREAT");
    assert!(error.detail().contains("context"), "{error}");
    drop(writer);
    let options = ring.options().check_json(false);
    let writer = SharedMemoryIpc::open(&options).expect("a writer");
    writer.write_threat(&wrong).expect("it was not looked at");
    assert_eq!(read_all(&mut ring.reader()).0[0].context.as_deref(), Some("{'a':1}"));
}

#[test]
fn large_texts_are_deflated_where_there_is_zlib() {
    let ring = TestRing::new();
    let options = ring.options().max_events(2048);
    let large = threat("large ü ".repeat(10_000));
    let plain = (large.details.len() + 8 + 339) / 340 + 1;
    let writer = SharedMemoryIpc::open(&options).expect("a writer");
    let span = writer.span(&large).expect("a span") as usize;
    if cfg!(feature = "zlib") {
        assert!(span < plain / 10, "{span} slots");
    } else {
        assert_eq!(span, plain);
    }
    assert_eq!(writer.write_threat(&large), Ok(1));
    drop(writer);
    let writer = SharedMemoryIpc::open(&options.deflates(false)).expect("a writer");
    assert_eq!(writer.span(&large).expect("a span") as usize, plain);
    assert_eq!(writer.write_threat(&large), Ok(2));
    let (threats, _) = read_all(&mut ring.reader());
    assert_eq!(sequences(&threats), [1, 2]);
    for threat in threats {
        assert!(threat.details == large.details && !threat.cut);
    }
}

#[test]
fn a_flood_leaves_what_has_priority() {
    let ring = TestRing::new();
    let options = ring.options().priority_severity(Severity::High).priority_events(4);
    let writer = SharedMemoryIpc::open(&options).expect("a writer");
    assert_eq!(writer.info().priority_events, 4);
    let mut reader = ring.reader();
    writer.write_threat(&threat("severe")).expect("a sequence");
    let low = Threat::new(ThreatType::RateLimitViolation, Severity::Low, "flood", "");
    for _ in 0..100 {
        writer.write_threat(&low).expect("a sequence");
    }
    let (threats, losses) = read_all(&mut reader);
    assert_eq!((threats[0].details.as_str(), threats[0].sequence), ("severe", 1));
    assert_eq!(losses, [(LossReason::Overwritten, 2, 85)]);
    assert_eq!((reader.stats().rescued, writer.stats().priority), (1, 1));

    // Who comes later knows how many had priority before.
    let mut late = ring.reader();
    assert!(matches!(late.try_next(), Ok(Some(Event::Lost(lost)))
        if lost.reason == LossReason::BeforeJoin));
    let position = late.position();
    assert_eq!((position.sequence, position.priority), (85, Some(1)));
}

#[test]
fn a_writer_beats_by_itself() {
    let ring = TestRing::new();
    let options = ring.options().beats(true);
    let writer = SharedMemoryIpc::open(&options).expect("a writer");
    fs::remove_file(ring.file()).expect("it was there");
    // Nothing here beats, and the ring comes again.
    while !ring.file().exists() {
        thread::sleep(Duration::from_millis(5));
    }
    while writer.stats().replaced == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    writer.write_threat(&threat("")).expect("a sequence");
    assert_eq!(read_all(&mut ring.reader()).0.len(), 1);
}

#[test]
fn an_event_loop_waits_for_a_descriptor() {
    let ring = TestRing::new();
    let writer = ring.writer();
    let mut reader = ring.reader();
    assert_eq!(reader.arm(), Ok(true));
    let descriptor = reader.fd().expect("a descriptor");
    assert!(descriptor > fs::File::open("/dev/null").map_or(0, |_| 2));
    writer.write_threat(&threat("")).expect("a sequence");
    assert_eq!(reader.arm(), Ok(false));
    assert_eq!(read_all(&mut reader).0.len(), 1);
    assert_eq!(reader.arm(), Ok(true));
    // What was read in advance is there to be taken.
    writer.write_threat(&threat("")).expect("a sequence");
    writer.write_threat(&threat("")).expect("a sequence");
    assert!(matches!(reader.try_next(), Ok(Some(_))));
    assert_eq!(reader.arm(), Ok(false));

    let options = WriterOptions::new().dir(&ring.dir).name("other").overflow(Overflow::Reject);
    let rejecting = SharedMemoryIpc::open(&options).expect("a writer");
    let space = rejecting.space_fd().expect("a descriptor");
    let file = fs::File::open("/dev/null").expect("a file");
    assert!(space != file.as_raw_fd() && space != descriptor);
}

#[test]
fn what_cannot_be_opened_says_why() {
    let ring = TestRing::new();
    let code = |result: Result<ShmClient, Error>| result.expect_err("an error").code();
    assert_eq!(code(ShmClient::open(&ring.reader_options())), "ERR_NO_RING");
    assert_eq!(code(ShmClient::open(&ring.reader_options().name("a/b"))), "ERR_INVALID_OPTION");
    drop(ring.writer());
    fs::write(ring.file(), vec![0; 200_000]).expect("a file");
    let error = ShmClient::open(&ring.reader_options()).expect_err("no ring");
    let path = ring.file().to_string_lossy().into_owned();
    assert!(error.to_string().contains(&path), "{error}");
    let late = threat("").timestamp_us(u64::MAX);
    let error = ring.writer().write_threat(&late).expect_err("a time that is none");
    assert_eq!(error.code(), "ERR_INVALID_THREAT");
}

/// Two candidates for a type that is `Sync`, so that this does not compile.
trait IsNotSync<T> {
    fn holds() -> bool {
        true
    }
}

impl<T: ?Sized> IsNotSync<()> for T {}

#[allow(dead_code)]
struct Sharable;

impl<T: ?Sized + Sync> IsNotSync<Sharable> for T {}

#[test]
fn a_handle_is_one_threads_at_a_time() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<SharedMemoryIpc>();
    is_send::<ShmClient>();
    is_send::<Interrupter>();
    is_sync::<Interrupter>();
    is_send::<Error>();
    is_sync::<Error>();
    is_sync::<std::sync::Mutex<SharedMemoryIpc>>();
    assert!(<SharedMemoryIpc as IsNotSync<_>>::holds());
    assert!(<ShmClient as IsNotSync<_>>::holds());
}
