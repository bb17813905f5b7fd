//! In which pages a ring is, on a machine as it is: what is wanted is had, or refused
//! with what to do.
#![cfg(target_os = "linux")]

mod common;

use common::{threat, TestRing};
use kindly_guard_ipc::{ErrorKind, HugePages, NumaNode, SharedMemoryIpc, ShmClient};

/// No machine has so many.
const FAR: NumaNode = NumaNode::Number(1023);

#[test]
fn the_kernel_says_where_the_pages_of_both_mappings_are() {
    let ring = TestRing::new();
    let options = ring.options().huge_pages(HugePages::Off);
    let writer = SharedMemoryIpc::open(&options).expect("a writer");
    writer.write_threat(&threat("placed")).expect("a sequence");
    let memory = writer.memory().expect("the kernel's word");
    // What is placed has all of its pages from the beginning.
    assert_eq!((memory.resident_bytes, memory.huge_bytes), (writer.info().file_bytes, 0));
    assert_eq!(memory.page_bytes % 4096, 0);
    // A kernel without NUMA names no node.
    let on_nodes: u64 = memory.nodes.iter().sum();
    assert!(memory.nodes.is_empty() || on_nodes == memory.resident_bytes, "{memory:?}");

    let options = ring.reader_options().huge_pages(HugePages::Off);
    let mut reader = ShmClient::open(&options).expect("a reader");
    assert!(matches!(reader.try_next(), Ok(Some(_))));
    let read = reader.memory().expect("the kernel's word");
    assert_eq!((read.page_bytes, read.huge_bytes), (memory.page_bytes, 0));
    assert!(read.resident_bytes > 0 && read.resident_bytes <= memory.resident_bytes);
}

#[test]
fn required_huge_pages_are_had_or_refused() {
    let ring = TestRing::new();
    let options = ring.options().huge_pages(HugePages::Require);
    match SharedMemoryIpc::open(&options) {
        Ok(writer) => {
            let memory = writer.memory().expect("the kernel's word");
            assert_eq!(memory.huge_bytes, writer.info().file_bytes);
        }
        Err(error) => {
            assert_eq!((error.kind(), error.code()), (ErrorKind::HugePages, "ERR_HUGE_PAGES"));
            assert!(error.to_string().contains("hugetlbfs"), "{error}");
        }
    }
    let other = TestRing::new();
    let _writer = other.writer();
    let error = ShmClient::open(&other.reader_options().huge_pages(HugePages::Require))
        .expect_err("a ring of small pages");
    assert_eq!(error.kind(), ErrorKind::HugePages);
}

#[test]
fn a_node_that_is_not_there_is_refused() {
    let ring = TestRing::new();
    let error = SharedMemoryIpc::open(&ring.options().numa_node(FAR)).expect_err("no such node");
    assert_eq!((error.kind(), error.code()), (ErrorKind::NumaNode, "ERR_NUMA_NODE"));
    for node in [NumaNode::Number(0), NumaNode::Interleave] {
        match SharedMemoryIpc::open(&ring.options().numa_node(node)) {
            Ok(writer) => {
                let memory = writer.memory().expect("the kernel's word");
                let first = memory.nodes[0];
                assert_eq!(first == memory.resident_bytes, node != NumaNode::Interleave);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NumaNode);
                assert!(error.detail().contains("with memory"), "{error}");
            }
        }
    }
    // Nothing of it stays.
    ring.writer();
}
