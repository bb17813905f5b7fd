//! In which pages a ring is: what is wanted, and what the kernel says of it.

use crate::sys;

/// Whether a ring is to be in huge pages. On a hugetlbfs there are no others, and
/// `Off` is an error; elsewhere they are transparent ones, which the file system must
/// allow (a tmpfs that is mounted with huge=advise).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HugePages {
    /// Huge pages are advised for a ring of 8 MiB and more; where there are none, it
    /// is in small ones.
    #[default]
    Auto,
    /// [`ErrorKind::HugePages`](crate::ErrorKind::HugePages), which says what to set
    /// in the system, unless the kernel says that all of the ring is in huge pages. A
    /// writer makes the ring anew for it, of 6 MiB at least.
    Require,
    /// Small pages are advised.
    Off,
}

impl HugePages {
    pub(crate) fn as_c(self) -> u32 {
        match self {
            HugePages::Auto => sys::KG_HUGE_AUTO,
            HugePages::Require => sys::KG_HUGE_REQUIRE,
            HugePages::Off => sys::KG_HUGE_OFF,
        }
    }
}

/// On which NUMA node a ring's pages are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NumaNode {
    /// On this one, from 0 on, while it has memory left, and on others then.
    Number(u16),
    /// On all of them in turn.
    Interleave,
}

impl NumaNode {
    pub(crate) fn as_c(self) -> u32 {
        match self {
            NumaNode::Number(number) => u32::from(number) + 1,
            NumaNode::Interleave => sys::KG_NUMA_INTERLEAVE,
        }
    }
}

/// In which pages a ring is, by what the kernel says of the mapping of one handle: of
/// those that this process has touched so far.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingMemory {
    /// Of a page in the ring's file system.
    pub page_bytes: u64,
    /// What was touched.
    pub resident_bytes: u64,
    /// What of that is mapped by huge pages.
    pub huge_bytes: u64,
    /// How much of it is on which NUMA node, by its number; empty where the kernel
    /// knows none.
    pub nodes: Vec<u64>,
}

impl RingMemory {
    pub(crate) fn from_c(memory: &sys::kg_memory) -> Self {
        RingMemory {
            page_bytes: memory.page_bytes,
            resident_bytes: memory.resident,
            huge_bytes: memory.huge,
            nodes: memory.node.iter().take(memory.nodes as usize).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_node_is_the_systems_choice_or_all_of_them() {
        let named = [NumaNode::Number(0), NumaNode::Number(u16::MAX), NumaNode::Interleave];
        assert_eq!(named.map(NumaNode::as_c), [1, 65_536, u32::MAX]);
    }

    #[test]
    fn as_many_nodes_are_told_as_the_library_filled() {
        let mut raw = sys::kg_memory::zeroed();
        (raw.page_bytes, raw.resident, raw.huge, raw.nodes) = (4096, 6, 4, 2);
        raw.node[..3].copy_from_slice(&[1, 5, 9]);
        let memory = RingMemory::from_c(&raw);
        assert_eq!((memory.page_bytes, memory.resident_bytes, memory.huge_bytes), (4096, 6, 4));
        assert_eq!(memory.nodes, [1, 5]);
        raw.nodes = u32::MAX;
        assert_eq!(RingMemory::from_c(&raw).nodes.len(), sys::KG_MEMORY_NODES);
    }
}
